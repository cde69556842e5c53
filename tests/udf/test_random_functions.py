"""Is the tree right for functions that nobody thought of? Sources from a grammar, compiled and compared."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dstreams.udf import Opaque, read

GLOBALS = {"LIMIT": 3, "TABLE": {1: "one", "a": 2}, "PAIR": (1, "a")}

CONSTANTS = ["None", "True", "False", "0", "1", "2", "-1", "2.5", "''", "'a'", "'a,b'", "()", "(1, 'a')", "b'x'"]
OPERATORS = ["+", "-", "/", "//", "%", "&", "|", "==", "!=", "<", "<=", ">", ">=", "in", "not in"]
METHODS = ["lower()", "split()", "split(',')", "strip()", "count('a')", "startswith('a')", "upper()", "split(sep=',')"]
BUILTINS = ["len", "int", "float", "str", "bool", "abs", "sum", "min", "max", "sorted", "list", "tuple", "repr", "any"]
CONVERSIONS = ["", "!r", "!s", ":>5"]


@st.composite
def expressions(draw: Any, names: list[str], depth: int = 3) -> str:
    """An expression over the names; `depth` bounds how far it nests."""

    def part() -> str:
        return draw(expressions(names, depth - 1))

    if depth == 0:
        return draw(st.sampled_from([*names, *names, *CONSTANTS, "LIMIT", "PAIR"]))
    kind = draw(st.sampled_from(range(20)))
    if kind <= 3:
        return draw(expressions(names, 0))
    if kind <= 5:
        return f"({part()} {draw(st.sampled_from(OPERATORS))} {part()})"
    return [
        lambda: f"({part()} if {part()} else {part()})",
        lambda: f"({part()} and {part()})",
        lambda: f"({part()} or {part()})",
        lambda: f"(not {part()})",
        lambda: f"({part()} is {draw(st.sampled_from(['None', 'not None', 'True']))})",
        lambda: f"({part()} < {part()} <= {part()})",
        lambda: f"{draw(st.sampled_from(BUILTINS))}({part()})",
        lambda: f"({part()}).{draw(st.sampled_from(METHODS))}",
        lambda: f"({part()})[{draw(st.sampled_from(['0', '1', '-1', '1:', ':1', '::2']))}]",
        lambda: f"({part()}, {part()})",
        lambda: f"[{part()}, {part()}]",
        lambda: f"TABLE.get({part()}, {part()})",
        lambda: (
            f'f"<{{{draw(st.sampled_from(names))}{draw(st.sampled_from(CONVERSIONS))}}}|{{{draw(st.sampled_from(names))}}}"'
        ),
        lambda: f"[e for e in {part()} if {draw(expressions(['e', *names], depth - 1))}]",
    ][kind - 6]()


KINDS = ["assign", "assign", "unpack", "augment", "if", "if", "if-else", "return"]
CLASSES = ["ValueError", "IndexError", "KeyError", "ZeroDivisionError", "(ValueError, TypeError)", "Exception"]
# What raises for some values.
RISKY = ["int(a)", "float(b)", "a[1]", "TABLE[a]", "7 // a", "int(a[0])", "TABLE[b] + a"]


@st.composite
def bodies(
    draw: Any, names: list[str], depth: int, indent: str, kinds: list[str] = KINDS
) -> tuple[list[str], list[str]]:
    """Lines of a block, and the names that have a value after it."""
    lines: list[str] = []
    names = list(names)
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(kinds))
        value = draw(expressions(names))
        if kind == "assign":
            name = draw(st.sampled_from("abxyz"))
            lines.append(f"{indent}{name} = {value}")
            names = sorted({*names, name})
        elif kind == "unpack":
            lines.append(f"{indent}x, y = {value}")
            names = sorted({*names, "x", "y"})
        elif kind == "augment":
            lines.append(f"{indent}{draw(st.sampled_from(names))} {draw(st.sampled_from(['+=', '-=', '*=']))} {value}")
        elif kind == "return":
            lines.append(f"{indent}return {value}")
            if depth:
                break
        elif kind == "try":
            block, names = draw(attempts(names, depth + 1, indent))
            lines += block
        elif depth < 3:
            block, of_then = draw(bodies(names, depth + 1, indent + "    ", kinds))
            lines += [f"{indent}if {value}:", *block]
            if kind == "if-else":
                block, of_else = draw(bodies(names, depth + 1, indent + "    ", kinds))
                lines += [f"{indent}else:", *block]
                names = [name for name in of_then if name in of_else or name in names]
    return lines or [f"{indent}pass"], names


@st.composite
def attempts(draw: Any, names: list[str], depth: int, indent: str) -> tuple[list[str], list[str]]:
    """Lines of a `try`, and the names that have a value after it."""
    inner = indent + "    "
    block, of_block = draw(bodies(names, depth, inner))
    if draw(st.booleans()):
        block.insert(draw(st.sampled_from([0, len(block)])), f"{inner}x = {draw(st.sampled_from(RISKY))}")
    after = [names]
    lines = [f"{indent}try:", *block]
    for caught in draw(st.lists(st.sampled_from(CLASSES), min_size=1, max_size=2)):
        handler, of_handler = draw(bodies(names, depth, inner))
        lines += [f"{indent}except {caught}{draw(st.sampled_from(['', ' as e']))}:", *handler]
        after.append(of_handler)
    if draw(st.booleans()):
        block, of_block = draw(bodies(names, depth, inner))
        lines += [f"{indent}else:", *block]
    return lines, [name for name in of_block if all(name in others for others in after)]


@st.composite
def functions(draw: Any, kinds: list[str] = KINDS) -> str:
    """The source of a function `f(a, b)`."""
    lines, names = draw(bodies(["a", "b"], 0, "    ", kinds))
    # A name may have a value on some ways only; using it then is an error of its own that the reader refuses.
    result = draw(expressions(["a", "b", *(name for name in names if name in "xyz")]))
    return "\n".join(["def f(a, b):", *lines, f"    return {result}"])


def compiled(source: str) -> Any:
    """The function `f` of a source."""
    names: dict[str, Any] = dict(GLOBALS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # "a" is None, 1(...) and the like
        exec(compile(source, "<generated>", "exec"), names)
    return names["f"]


VALUES = [
    None,
    True,
    0,
    1,
    -2,
    7,
    2.5,
    "",
    "a",
    "a,b",
    "12",
    b"x",
    (),
    (1, "a"),
    (2, 3),
    [],
    [1, 2],
    ["a", ""],
    [(1, 2)],
]


@pytest.mark.timeout(600)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(source=functions())
def test_the_tree_of_any_function_does_what_the_function_does(compare_if_readable: Any, source: str) -> None:
    samples = [(a, b) for a in VALUES for b in (VALUES[3], VALUES[9], a)]
    opaque = compare_if_readable(compiled(source), *samples)
    if opaque is not None:
        assert not opaque.reason.startswith("cannot be read"), source


TRYING = ["assign", "if-else", "return", "try", "try", "try"]


@pytest.mark.timeout(600)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(source=functions(TRYING))
def test_what_the_tree_of_a_try_gives_the_function_gives(both_outcomes: Any, source: str) -> None:
    """Where the tree raises or has no answer, the engine calls the function."""
    function = compiled(source)
    program = read(function, 2)
    if isinstance(program, Opaque):
        assert not program.reason.startswith("cannot be read"), source
        return
    for a in VALUES:
        for b in (VALUES[3], VALUES[9], a):
            native, python = both_outcomes(program, function, a, b)
            if native != "bail" and native[0] != "raises":
                assert native == python, (a, b, program.tree)


def test_most_of_them_are_readable(compare_if_readable: Any) -> None:
    """Else the test above would compare nothing."""
    opaque: list[str] = []
    count = 0

    @settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(source=functions())
    def read_one(source: str) -> None:
        nonlocal count
        answer = compare_if_readable(compiled(source), (1, 2))
        count += 1
        if answer is not None:
            opaque.append(answer.reason)

    read_one()
    assert len(opaque) < count / 2, opaque
