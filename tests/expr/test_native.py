"""Which plain Python functions have a native form? These must not bail, and must give what Python gives."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import pytest

from dstreams._native import Bail, Program

INTS = [3, -7, 0, 12, 2**31, -(2**40)]
SMALL = [3, -7, 1, 12, 5, -4]
FLOATS = [1.5, -0.0, 2.5, -3.25, 1e300, 7.0]
BOOLS = [True, False, True, True, False, False]
WORDS = ["apple pie", "", " the  quick brown fox ", "a,b,,c", "naïve café ☕ and more text", "#tag"]
ASCII = ["apple pie", "", " The  quick Brown FOX ", "a,b,,c", "42", "#Tag a"]
NUMBERS = [" 12 ", "-3", "+7", "1_000", "007", "0"]
LISTS = [[1, 2, 3], [5], [2, 2], [-1, 0], [9, 8, 7, 6], [4]]
TEXT_LISTS = [["b", "a"], ["x"], ["c", "a", "b"], ["longer than twelve bytes", "z"], ["q", ""], ["é", "e"]]
PAIRS = [("a", 1), ("b", 2), ("a long key of text", 3), ("", 4), ("é", 5), ("a", 6)]
MAYBE = [1, None, 3, None, 0, -5]
MAYBE_TEXT = ["a", None, "", None, "longer than twelve bytes", "é"]

NATIVE: dict[tuple[str, ...], list[list[Any]]] = {
    (
        "x",
        "x + 1",
        "1 + x",
        "x - 10",
        "x * 3",
        "x // 4",
        "x // -4",
        "x % 10",
        "x % -7",
        "-x",
        "+x",
        "abs(x)",
        "~x",
        "x & 255",
        "x | 1",
        "x ^ 3",
        "x >> 2",
        "x << 3",
        "x / 4",
        "x + 0.5",
        "x * 1.5",
        "x // 2.5",
        "x % 2.5",
        "x == 3",
        "x != 3",
        "x < 3",
        "x <= 3",
        "x > 3",
        "x >= 3",
        "x == 3.0",
        "x < 2.5",
        "0 < x < 100",
        "x if x > 0 else -x",
        "1 if x % 2 == 0 else 0",
        "x and 1",
        "x or 5",
        "not x",
        "bool(x)",
        "str(x)",
        "format(x)",
        "format(x, '>+6d')",
        "float(x)",
        "int(x)",
        "repr(x)",
        "(x, 1)",
        "(x % 3, (x, 'a'))",
        "[x, x + 1]",
        "x in (1, 2, 3)",
        "x not in (3, 12)",
        "x ** 2 if x < 100 and x > -100 else 0",
        "f'{x}'",
        "f'{x:5d}|{x:,}'",
        "'%d items' % x",
        "'%s' % x",
        "max(x, 0)",
        "min(x, 5, 7)",
        "divmod(x, 7)",
        "round(x)",
        "'small' if x < 10 else 'big'",
        "10 / x if x else 0.0",
        "None if x < 0 else x",
        "x is None",
        "{3: 'three'}.get(x, 'other')",
        "{3: 'three'}.get(x)",
        "x.bit_length()",
        "'{} and {}'.format(x, 1)",
        "x == 'a'",
        "x in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)",
        "(x > 0) + (x > 5)",
        "True & (x > 3)",
        "sum((x, 1))",
        "x == None",
    ): [INTS],
    (
        "x + y",
        "x - y",
        "x * y",
        "x // y",
        "x % y",
        "x / y",
        "x < y",
        "x == y",
        "max(x, y)",
        "min(x, y)",
        "x if x > y else y",
        "(x, y)",
        "(x + y) * (x - y)",
        "x and y",
        "x or y",
        "(x, 1) < (y, 2)",
    ): [SMALL, [2, 3, -4, 5, -6, 7]],
    ("x + y", "x * y", "x - y", "x < y", "x == y"): [SMALL, FLOATS],
    (
        "x + 1",
        "x * 2.0",
        "x - x",
        "x / 2",
        "x // 2",
        "x % 3",
        "-x",
        "abs(x)",
        "x > 1",
        "x == 7",
        "str(x)",
        "int(x) if x < 1e9 else 0",
        "round(x, 1)",
        "round(x) if x < 1e9 else 0",
        "f'{x:.2f}'",
        "'%.3f' % x",
        "f'{x:>12}'",
        "f'{x:e}'",
        "f'{x:g}'",
        "f'{x:.1%}'",
        "x.is_integer()",
        "max(x, 0.0)",
        "x ** 2 if x < 10 else x",
        "float(x)",
    ): [FLOATS],
    (
        "x + 1",
        "x and not x",
        "not x",
        "str(x)",
        "int(x)",
        "x is True",
        "x is not False",
        "x == 1",
        "f'{x}'",
        "f'{x:d}'",
        "x | True",
        "sum([x, x])",
        "(x, x)",
    ): [BOOLS],
    (
        "x.split(' ')",
        "x.split()",
        "x.split(',')",
        "x.split(' ', 1)",
        "x.split(None, 1)",
        "x.rsplit(' ', 1)",
        "x.rsplit(None, 1)",
        "x.split(', ')",
        "x.splitlines()",
        "x.partition(' ')",
        "x.rpartition(',')",
        "len(x)",
        "len(x.split(' '))",
        "x.strip()",
        "x.lstrip()",
        "x.rstrip()",
        "x.strip('a ')",
        "x.startswith('a')",
        "x.startswith(('a', '#'))",
        "x.endswith('x ')",
        "x.replace('a', 'bc')",
        "x.replace(' ', '')",
        "x.replace('a', 'b', 1)",
        "'a' in x",
        "'q' not in x",
        "x[:3]",
        "x[-3:]",
        "x[1:-1]",
        "x[::-1]",
        "x[::2]",
        "x[0] if x else ''",
        "x[-1] if x else None",
        "x + '!'",
        "'<' + x + '>'",
        "x * 2",
        "x == 'a,b,,c'",
        "x < 'b'",
        "x.find('p')",
        "x.rfind('e')",
        "x.count('a')",
        "x.count('')",
        "(x, 1)",
        "(x, len(x))",
        "[x, 'a']",
        "f'{x}!'",
        "f'{x:>30}'",
        "f'{x:.3}'",
        "'%s=%s' % (x, 1)",
        "'%-8s|' % x",
        "x.zfill(12)",
        "x.ljust(12)",
        "x.rjust(30, '*')",
        "x.center(13)",
        "x.removeprefix('#')",
        "x.removesuffix('c')",
        "'-'.join(x.split(' '))",
        "bool(x)",
        "x or 'empty'",
        "x and x[0]",
        "x.isascii()",
        "[it for it in x.split(' ') if it]",
        "[(it, 1) for it in x.split(' ')]",
        "sorted(x.split(' '))",
        "list(x)",
        "len([it for it in x.split() if len(it) > 3])",
        "x.split(' ')[0]",
        "x.split(' ')[-1]",
        "(x.split(' ')[0], x)",
        "str(x)",
        "x.index('') + 1",
        "max(x.split(' '))",
        "list(reversed(x.split(' ')))",
        "any([it == 'and' for it in x.split(' ')])",
        "x in ('', '#tag')",
        "str.strip(x)",
        "'e' in x and len(x) > 3",
    ): [WORDS],
    (
        "x.lower()",
        "x.upper()",
        "x.title()",
        "x.capitalize()",
        "x.swapcase()",
        "x.isdigit()",
        "x.isalpha()",
        "x.isalnum()",
        "x.isspace()",
        "x.isupper()",
        "x.islower()",
        "x.isnumeric()",
        "x.lower().split()",
        "x.istitle()",
        "repr(x)",
        "f'{x!r}'",
        "x.strip().lower()",
        "x.casefold()",
    ): [ASCII],
    ("int(x)", "float(x)", "int(x) + 1", "int(x, 10)"): [NUMBERS],
    (
        "[it + 1 for it in x]",
        "sum(x)",
        "sum(x, 10)",
        "len(x)",
        "max(x)",
        "min(x)",
        "sorted(x)",
        "x[0]",
        "x[-1]",
        "x[:2]",
        "x + [1]",
        "[it for it in x if it > 2]",
        "2 in x",
        "any(x)",
        "all(x)",
        "list(x)",
        "x.count(2)",
        "[it * len(x) for it in x]",
        "x == [5]",
        "sum([it * it for it in x])",
        "list(reversed(x))",
        "str(x)",
        "x[::2]",
        "bool(x)",
        "sum(x) / len(x)",
    ): [LISTS],
    ("','.join(x)", "sorted(x)", "x[0]", "len(x)", "[it.strip() for it in x]", "max(x)", "'a' in x"): [TEXT_LISTS],
    (
        "x[0]",
        "x[1]",
        "(x[1], x[0])",
        "x[1] + 1",
        "(x[0], x[1] * 2)",
        "x[1] > 2",
        "len(x)",
        "x + (1,)",
        "x == ('b', 2)",
        "x[-1]",
        "x[:1]",
        "x < ('b', 1)",
        "(x[0].split(' ')[0], x[1])",
        "'%s: %d' % x",
    ): [PAIRS],
    (
        "x is None",
        "x is not None",
        "0 if x is None else x + 1",
        "x or 7",
        "x and x + 1",
        "not x",
        "(x, 1)",
        "x == 1",
        "x != None",
        "str(x)",
        "f'{x}'",
        "x in (1, None)",
        "bool(x)",
    ): [MAYBE],
    ("x or 'none'", "len(x) if x else 0", "x == 'a'", "(x, x is None)"): [MAYBE_TEXT],
}
CASES = [(source, columns) for sources, columns in NATIVE.items() for source in sources]


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 250


@pytest.mark.parametrize(("source", "columns"), CASES, ids=[f"{s}-{n}" for n, (s, _) in enumerate(CASES)])
def test_native_and_equal(check: Any, source: str, columns: list[list[Any]]) -> None:
    check(source, *columns, must_be_native=True)


@pytest.mark.parametrize(("source", "columns"), CASES, ids=[f"{s}-{n}" for n, (s, _) in enumerate(CASES)])
def test_each_row_alone_gives_the_same(check: Any, source: str, columns: list[list[Any]]) -> None:
    for row in range(len(columns[0])):
        check(source, *([column[row]] for column in columns))


RAISES: dict[str, list[Any]] = {
    "x // 0": [1],
    "x % 0": [1],
    "x / 0": [1.0],
    "1 // x": [1, 0],
    "x[5]": ["abc"],
    "x[2]": [[1, 2, 3], [1]],
    "int(x)": ["1", "x"],
    "float(x)": ["1", "x"],
    "x + 'a'": [1],
    "x + 1": ["a"],
    "x + 1 ": [1, None],
    "len(x)": [1],
    "x.lower()": [1],
    "x.index('q')": ["a"],
    "x.split('')": ["a b"],
    "max(x)": [[1], []],
    "x << -1": [1],
    "x ** -1": [0],
    "ord(x)": ["ab"],
    "chr(x)": [-1],
    "{1: 2}[x]": [1, 3],
    "x < 'a'": [1],
    "x < None": [1],
    "sorted(x)": [[1], [None, 1]],
    "x[1.0]": ["abc"],
    "'%d' % x": ["a"],
    "'%d %d' % x": [1],
    "f'{x:d}'": ["a"],
    "','.join(x)": [[1]],
    "sum(x)": [["a"]],
    "x.startswith(1)": ["a"],
    "str.lower(x)": [1],
    "round(x)": [float("nan")],
    "int(x) ": [float("inf")],
    "x.a": [1],
    "x % 5.0 // 0.0": [1.0],
    "x[::0]": ["a"],
    "(x if x > 1 else [])[0]": [[1], []],
}


@pytest.mark.parametrize("source", RAISES)
def test_what_raises_in_python_bails(check: Any, source: str) -> None:
    check(source, RAISES[source])
    assert check.bails


BEYOND: dict[str, list[Any]] = {
    "x + 1": [2**63 - 1],
    "x - 1": [-(2**63)],
    "x * x": [2**32],
    "-x": [-(2**63)],
    "abs(x)": [-(2**63)],
    "x // -1": [-(2**63)],
    "x ** 40": [10],
    "x << 62": [2],
    "x / 3": [2**53 + 1],
    "x.lower()": ["É"],
    "x.isalpha()": ["é"],
    "(x, 'a')[x]": [0, 1],
    "(x, x)": [[1, 2]],
    "[x, x]": [[1]],
    "x in (float('nan'), 1.0)": [float("nan")],
    "1 if x > 0 else 'a'": [1, -1],
    "x.title()": ["é"],
    "x.encode()": ["a"],
    "x is 5": [5],
    "{1: 'a', 2: 2}[x]": [1, 2],
    "~x": [True],
    "repr(x)": ["é"],
}


@pytest.mark.parametrize("source", BEYOND)
@pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::DeprecationWarning")
def test_what_has_no_exact_native_form_bails(check: Any, source: str) -> None:
    check(source, BEYOND[source])
    assert check.bails


def test_rows_that_python_does_not_evaluate_do_not_bail(check: Any) -> None:
    numbers = [0, 2, 0, 5]
    check("10 // x if x else -1", numbers, must_be_native=True)
    check("x and 10 // x", numbers, must_be_native=True)
    check("x == 0 or 10 // x > 2", numbers, must_be_native=True)
    check("int(x) if x.isdigit() else 0", ["12", "x", "", "7"], must_be_native=True)
    check("x[1] if len(x) > 1 else x[0]", [[1], [2, 3], [4]], must_be_native=True)
    check("[it // y for it in x] if y else []", [[1, 2], [3], []], [0, 2, 3], must_be_native=True)
    check("[10 // it if it else 0 for it in x]", [[1, 0], [0], []], must_be_native=True)


Point = namedtuple("Point", ["left", "top"])


def test_fields_of_namedtuples_are_read() -> None:
    program = Program(("op", "add", (("attr", ("arg", 0), "left"), ("attr", ("arg", 0), "top"))), 1)
    assert program.run([[Point(1, 2), Point(3, 4)]]) == [3, 7]
    with pytest.raises(Bail):
        Program(("attr", ("arg", 0), "count"), 1).run([[Point(1, 2)]])
    with pytest.raises(Bail):
        Program(("attr", ("arg", 0), "left"), 1).run([[(1, 2)]])


def test_namedtuples_pass_through_and_slices_of_them_are_tuples(check: Any) -> None:
    points = [Point(1, "a"), Point(2, "b")]
    check("x", points, must_be_native=True)
    check("x[:1]", points, must_be_native=True)
    check("(x, x[0])", points, must_be_native=True)


def test_a_sequence_computes_and_drops() -> None:
    program = Program(("seq", (("op", "floordiv", (("const", 1), ("arg", 0))),), ("const", "done")), 1)
    assert program.run([[1, 2]]) == ["done", "done"]
    with pytest.raises(Bail):
        program.run([[1, 0]])


def test_without_rows_and_without_arguments() -> None:
    assert Program(("op", "add", (("arg", 0), ("const", 1))), 1).run([[]]) == []
    assert Program(("const", ("a", 1)), 0).run([]) == [("a", 1)]
    assert Program(("op", "str.split", (("arg", 0),)), 1).flatten([[]]) == ([], [])


def test_shared_subtrees_are_computed_once_and_a_doubling_tree_ends() -> None:
    tree: tuple[Any, ...] = ("arg", 0)
    for _ in range(100):
        tree = ("op", "bitand", (tree, tree))
    assert Program(tree, 1).run([[5, 6]]) == [5, 6]
    assert len(repr(Program(tree, 1))) < 10_000


def test_trees_that_are_too_deep_or_wrong_are_refused() -> None:
    tree: tuple[Any, ...] = ("arg", 0)
    for _ in range(200_000):
        tree = ("not", tree)
    with pytest.raises(Bail, match="too large"):
        Program(tree, 1)
    while tree[0] == "not":  # or taking it apart overflows the interpreter's own stack
        tree = tree[1]
    for wrong in [(), ("arg",), ("nonsense", 1), ("arg", 1), ("const", 1, 2), ("op", "add", 5), ("if", ("arg", 0))]:
        with pytest.raises((ValueError, TypeError, IndexError)):
            Program(wrong, 1)
    with pytest.raises(Bail):
        Program(("const", [1]), 0)
    with pytest.raises(Bail):
        Program(("op", "nonsense", (("arg", 0),)), 1).run([[1]])


def test_programs_are_shown_and_pickled() -> None:
    import pickle

    tree = ("op", "method.split", (("arg", 0), ("const", " ")))
    program = Program(tree, 1)
    assert repr(program) == "Program(lambda x0: x0.split(' '))"
    assert pickle.loads(pickle.dumps(program)).run([["a b"]]) == [["a", "b"]]


A, B = ("arg", 0), ("arg", 1)


def item(of: tuple[Any, ...], at: int) -> tuple[Any, ...]:
    return ("op", "getitem", (of, ("const", at)))


@pytest.mark.parametrize(
    ("tree", "fold"),
    [
        (("op", "add", (A, B)), "Sum"),
        (("op", "mul", (A, B)), "Product"),
        (A, "First"),
        (B, "Last"),
        (("op", "max", (A, B)), "Max(Keep { tie: First, nan: First })"),
        (("op", "min", (B, A)), "Min(Keep { tie: Second, nan: Second })"),
        (("if", ("op", "gt", (A, B)), A, B), "Max(Keep { tie: Second, nan: Second })"),
        (("if", ("op", "ge", (A, B)), A, B), "Max(Keep { tie: First, nan: Second })"),
        (("if", ("op", "lt", (A, B)), A, B), "Min(Keep { tie: Second, nan: Second })"),
        (("if", ("op", "lt", (A, B)), B, A), "Max(Keep { tie: First, nan: First })"),
        (("tuple", (("op", "add", (item(A, 0), item(B, 0))), item(B, 1))), "Tuple([Sum, Last])"),
        (("op", "add", (B, A)), None),
        (("op", "sub", (A, B)), None),
        (("tuple", (item(A, 1), item(B, 0))), None),
        (("op", "add", (A, A)), None),
    ],
)
def test_folds_are_recognised(tree: tuple[Any, ...], fold: str | None) -> None:
    assert Program(tree, 2).fold() == fold
