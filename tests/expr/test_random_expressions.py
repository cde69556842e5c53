"""Does a native program give what CPython gives, for random expressions over awkward values?"""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EDGE_INTS = [
    0,
    1,
    -1,
    2,
    3,
    7,
    10,
    -10,
    63,
    64,
    2**31,
    2**32 - 1,
    2**32,
    2**53,
    2**53 + 1,
    -(2**53) - 1,
    2**62,
    2**63 - 1,
    -(2**63),
]
EDGE_FLOATS = [
    0.0,
    -0.0,
    0.5,
    1.5,
    2.5,
    -2.5,
    1.0,
    0.1,
    1e16,
    1e-5,
    1e22,
    2.675,
    0.125,
    123456.789,
    1e300,
    5e-324,
    1.7976931348623157e308,
    float(2**53),
    float(2**63),
    -float(2**63),
    float("inf"),
    float("-inf"),
    float("nan"),
    9007199254740993.0,
]
EDGE_TEXT = [
    "",
    " ",
    "a",
    "A b",
    "abc",
    "a,b,,c",
    " x  y ",
    "12",
    " -7 ",
    "1_000",
    "1e5",
    "inf",
    "nan",
    "é",
    "ß",
    "☕",
    "日本 語",
    "a\x1cb",
    "\x85",
    "\xa0x",
    "tab\tline\nend\r\n",
    "a text beyond twelve bytes",
    "prefix of a long text, and more of it",
    "Title Case",
    "#tag",
    "x=1&y=2",
    "'q'",
    '"',
    "\\",
    "\x00",
    "😀 two 😀",
]

ints = st.one_of(st.sampled_from(EDGE_INTS), st.integers(-20, 20), st.integers(-(2**63), 2**63 - 1))
floats = st.one_of(st.sampled_from(EDGE_FLOATS), st.floats(), st.integers(-50, 50).map(lambda n: n / 4))
texts = st.one_of(
    st.sampled_from(EDGE_TEXT),
    st.text(alphabet="ab ,.-é1", max_size=16),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "int": ints,
    "float": floats,
    "bool": st.booleans(),
    "text": texts,
    "ints": st.lists(ints, max_size=5),
    "floats": st.lists(floats, max_size=4),
    "texts": st.lists(texts, max_size=4),
    "pair": st.tuples(texts, ints),
    "nested": st.tuples(st.tuples(ints, floats), st.lists(texts, max_size=3)),
}
NAMES = ("x", "y", "z")


def in_braces(source: str, spec: str) -> str:
    """A formatted text; up to 3.11 there can be no quotes and backslashes within its braces."""
    return f"'<{{:{spec}}}>'.format({source})" if set(source) & set("'\"\\") else f"f'<{{{source}:{spec}}}>'"


class Writer:
    """Writes random expressions that mostly make sense for the types of their arguments."""

    def __init__(self, draw: Any, kinds: list[str]) -> None:
        self.draw = draw
        self.kinds = kinds

    def pick(self, *choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    def names(self, kind: str) -> list[str]:
        return [name for name, k in zip(NAMES, self.kinds, strict=False) if k == kind]

    def any(self, depth: int) -> str:
        return getattr(self, self.pick("int", "float", "bool", "text", "list", "tuple"))(depth)

    def int(self, depth: int, element: bool = False) -> str:
        leaves = (
            self.names("int") * 3 + self.names("bool") + [f"({self.draw(ints)})", str(self.draw(st.integers(0, 12)))]
        )
        leaves += [f"{name}[1]" for name in self.names("pair")] + (["it"] * 4 if element else [])
        if depth == 0:
            return self.pick(*leaves)
        a, b = self.int(depth - 1, element), self.int(depth - 1, element)
        shape = self.pick("binary", "binary", "call", "if", "text", "list", "leaf", "logic")
        if shape == "binary":
            return f"({a} {self.pick('+', '-', '*', '//', '%', '&', '|', '^', '>>')} {b})"
        if shape == "call":
            return self.pick(
                f"abs({a})",
                f"-({a})",
                f"~({a})",
                f"max({a}, {b})",
                f"min({a}, {b}, 3)",
                f"({a}) ** 2",
                f"({a} << 3)",
                f"int({self.float(depth - 1)})",
                f"round({self.float(depth - 1)})",
                f"sum(({a}, {b}))",
                f"divmod({a}, {b})[1]",
            )
        if shape == "if":
            return f"({a} if {self.bool(depth - 1)} else {b})"
        if shape == "logic":
            return f"({a} {self.pick('and', 'or')} {b})"
        if shape == "text" and not element:
            t = self.text(depth - 1)
            return self.pick(
                f"len({t})",
                f"({t}).find({self.small_text()})",
                f"({t}).count({self.small_text()})",
                f"int({t})",
                f"ord({t})",
                f"len(({t}).split())",
                f"({t}).rfind('a')",
            )
        if shape == "list" and not element:
            xs = self.int_list(depth - 1)
            return self.pick(
                f"len({xs})",
                f"sum({xs})",
                f"max({xs})",
                f"min({xs})",
                f"({xs})[0]",
                f"({xs})[{self.draw(st.integers(-3, 3))}]",
                f"({xs}).count(1)",
                f"({xs}).index(1)",
            )
        return self.pick(*leaves)

    def float(self, depth: int) -> str:
        literal = repr(self.draw(st.sampled_from([x for x in EDGE_FLOATS if abs(x) < 1e308])))
        leaves = self.names("float") * 3 + [f"({literal})", "0.5"]
        if depth == 0:
            return self.pick(*leaves)
        a, b, n = self.float(depth - 1), self.pick(self.float(depth - 1), self.int(depth - 1)), self.int(depth - 1)
        return self.pick(
            f"({a} {self.pick('+', '-', '*', '/', '//', '%')} {b})",
            f"({n} / {self.int(depth - 1)})",
            f"-({a})",
            f"abs({a})",
            f"float({n})",
            f"float({self.text(depth - 1)})",
            f"({a} ** {self.pick('2', '0.5', '-1')})",
            f"round({a}, {self.pick('0', '1', '2', '3', '10')})",
            f"max({a}, {self.float(depth - 1)})",
            f"sum([{a}, 0.1, 0.2])",
            f"({a} if {self.bool(depth - 1)} else {self.float(depth - 1)})",
            *leaves,
        )

    def bool(self, depth: int, element: bool = False) -> str:
        leaves = [*self.names("bool") * 2, "True"]
        if depth == 0:
            return self.pick(*leaves)
        compare = self.pick("==", "!=", "<", "<=", ">", ">=")
        n, m = self.int(depth - 1, element), self.int(depth - 1, element)
        shape = self.pick("int", "mixed", "text", "logic", "test", "in", "any")
        if shape == "int" or element:
            return self.pick(f"({n} {compare} {m})", f"(0 <= {n} < 10)", f"({n} in (1, 2, {m}))", f"bool({n})")
        if shape == "mixed":
            return f"({n} {compare} {self.float(depth - 1)})"
        t, u = self.text(depth - 1), self.text(depth - 1)
        if shape == "text":
            return f"({t} {compare} {u})"
        if shape == "logic":
            return self.pick(
                f"({self.bool(depth - 1)} {self.pick('and', 'or')} {self.bool(depth - 1)})",
                f"(not {self.any(depth - 1)})",
            )
        if shape == "test":
            return self.pick(
                f"({t}).startswith({self.small_text()})",
                f"({t}).endswith(('a', ' '))",
                *(
                    f"({t}).is{k}()"
                    for k in (
                        "digit",
                        "alpha",
                        "alnum",
                        "space",
                        "upper",
                        "lower",
                        "title",
                        "decimal",
                        "numeric",
                        "ascii",
                    )
                ),
            )
        if shape == "in":
            return self.pick(
                f"({self.small_text()} in {t})",
                f"({n} in {self.int_list(depth - 1)})",
                f"({t} not in ('a', '', {u}))",
                f"({n} in {{1: 2, 3: 4}})",
                f"({self.any(depth - 1)} is None)",
            )
        return self.pick(
            f"({self.any(depth - 1)} {self.pick('==', '!=')} {self.any(depth - 1)})",
            f"({self.list(depth - 1)} {compare} {self.list(depth - 1)})",
            f"({self.tuple(depth - 1)} {compare} {self.tuple(depth - 1)})",
            f"any({self.int_list(depth - 1)})",
        )

    def small_text(self) -> str:
        return repr(self.pick(" ", "a", "b", ",", "é", "ab", " a", "1", "\t", "of"))

    def text(self, depth: int) -> str:
        leaves = (
            self.names("text") * 4
            + [repr(self.draw(st.sampled_from(EDGE_TEXT)))]
            + [f"{name}[0]" for name in self.names("pair")]
        )
        if depth == 0:
            return self.pick(*leaves)
        t, s, n = (
            self.text(depth - 1),
            self.small_text(),
            self.pick(str(self.draw(st.integers(-4, 6))), self.int(depth - 1)),
        )
        percent = self.pick("d", "5d", "-5d", "05d", "+d", "x", ".2f", "8.3f", "e", "g", "s", "-6s", ".1f")
        value = self.pick(self.int(depth - 1), self.float(depth - 1))
        bound = [self.pick("", str(self.draw(st.integers(-6, 8)))) for _ in range(3)]
        spec = self.pick("", ">8", "<9", "^7", "*^9", "5", ".2", "010")
        number = self.pick(
            "",
            "5",
            "05",
            "+",
            ",",
            ">7",
            "<6",
            "^8",
            "x",
            "#x",
            "b",
            "e",
            ".2f",
            ".0f",
            "g",
            ".3g",
            "%",
            ",.1f",
            "_",
            "+08.2f",
            " ",
        )
        return self.pick(
            f"({t}).{self.pick('lower', 'upper', 'title', 'capitalize', 'swapcase', 'strip', 'lstrip', 'rstrip')}()",
            f"({t}).{self.pick('strip', 'lstrip', 'rstrip', 'removeprefix', 'removesuffix')}({s})",
            f"({t})[{n}]",
            f"({t})[{bound[0]}:{bound[1]}]",
            f"({t})[{bound[0]}:{bound[1]}:{bound[2]}]",
            f"({t} + {self.text(depth - 1)})",
            f"({t} * {self.pick(0, 1, 2, -1)})",
            f"({t}).replace({s}, {self.small_text()})",
            f"({t}).replace({s}, '', {self.draw(st.integers(-1, 2))})",
            f"({t}).replace('', '-')",
            f"({t}).partition({s})[{self.pick(0, 1, 2)}]",
            f"({t}).rpartition({s})[{self.pick(0, 1, 2)}]",
            f"str({self.any(depth - 1)})",
            f"repr({self.any(depth - 1)})",
            in_braces(t, spec),
            in_braces(self.int(depth - 1), number),
            f"format({t})",
            f"({s}).join({self.text_list(depth - 1)})",
            f"({t}).{self.pick('ljust', 'rjust', 'center')}({self.draw(st.integers(-1, 12))}, '*')",
            f"({t}).zfill(6)",
            f"'%s|%r' % ({t}, {self.int(depth - 1)})",
            f"'%{percent}' % {value}",
            f"'{{:{number}}}'.format({value})",
            f"({t} if {self.bool(depth - 1)} else {self.text(depth - 1)})",
            f"({t} or {s})",
            f"max({t}, {s})",
            f"{{'a': 'one', 'b': 'two'}}.get({t}, {s})",
            f"chr({self.int(depth - 1)})",
            *leaves,
        )

    def text_list(self, depth: int) -> str:
        t, s = self.text(depth), self.small_text()
        limit = self.draw(st.integers(-1, 3))
        split = self.pick("split", "rsplit")
        return self.pick(
            f"({t}).{split}({s})",
            f"({t}).{split}()",
            f"({t}).{split}({s}, {limit})",
            f"({t}).{split}(None, {limit})",
            f"({t}).splitlines()",
            f"({t}).splitlines(True)",
            f"list({t})",
            f"[{t}, {s}]",
            f"sorted(({t}).split())",
            f"[it for it in ({t}).split({s}) if it]",
            f"[it.strip() for it in ({t}).split({s})]",
            f"[it + {s} for it in {t}]",
            *self.names("texts") * 3,
        )

    def int_list(self, depth: int) -> str:
        leaves = self.names("ints") * 3 + ["[1, 2]", f"[{self.int(0)}]"]
        if depth == 0:
            return self.pick(*leaves)
        xs = self.int_list(depth - 1)
        return self.pick(
            f"[{self.int(depth - 1, element=True)} for it in {xs}]",
            f"[it for it in {xs} if {self.bool(depth, element=True)}]",
            f"sorted({xs})",
            f"list(reversed({xs}))",
            f"({xs} + {self.int_list(depth - 1)})",
            f"({xs})[{self.draw(st.integers(-2, 2))}:]",
            f"({xs})[::-1]",
            f"list({xs})",
            *leaves,
        )

    def list(self, depth: int) -> str:
        return self.pick(*self.names("floats"), self.text_list(max(depth - 1, 0)), self.int_list(max(depth - 1, 0)))

    def tuple(self, depth: int) -> str:
        leaves = self.names("pair") + self.names("nested") + ["(1, 'a')"]
        if depth == 0:
            return self.pick(*leaves)
        return self.pick(
            f"({self.any(depth - 1)}, {self.any(depth - 1)})",
            f"({self.any(depth - 1)},)",
            f"({self.tuple(depth - 1)} + {self.tuple(depth - 1)})",
            f"({self.tuple(depth - 1)})[1:]",
            f"({self.tuple(depth - 1)} if {self.bool(depth - 1)} else {self.tuple(depth - 1)})",
            f"divmod({self.int(depth - 1)}, {self.int(depth - 1)})",
            *leaves,
        )


@st.composite
def programs(draw: Any) -> tuple[str, list[list[Any]]]:
    kinds = draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=3))
    rows = draw(st.integers(1, 5))
    columns = []
    for kind in kinds:
        value = st.one_of(st.none(), VALUES[kind]) if draw(st.integers(0, 6)) == 0 else VALUES[kind]
        columns.append(draw(st.lists(value, min_size=rows, max_size=rows)))
    return Writer(draw, kinds).any(draw(st.integers(1, 3))), columns


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)
@given(programs())
def test_a_random_expression_gives_what_python_gives(check: Any, program: tuple[str, list[list[Any]]]) -> None:
    source, columns = program
    with warnings.catch_warnings():
        # Some are odd, such as `1 is None`.
        warnings.simplefilter("ignore")
        check(source, *columns)


@pytest.mark.parametrize(
    "operator", ["+", "-", "*", "/", "//", "%", "**", "<<", ">>", "&", "|", "^", "==", "<", "<=", ">"]
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_operators_on_edges(check: Any, operator: str, data: st.DataObject) -> None:
    number = st.one_of(ints, floats, st.booleans())
    a, b = data.draw(number), data.draw(number)
    if operator in ("**", "<<") and isinstance(b, int):
        b = max(min(b, 200), -200)
    check(f"x {operator} y", [a], [b])


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(floats, min_size=1, max_size=20))
def test_floats_are_shown_rounded_and_formatted_as_python_does(check: Any, values: list[float]) -> None:
    for source in [
        "str(x)",
        "f'{x:.3f}'",
        "f'{x:.2e}'",
        "f'{x:g}'",
        "f'{x:+012.1f}'",
        "'%.2f' % x",
        "round(x, 2)",
        "round(x, 1)",
        "f'{x:,.2f}'",
    ]:
        check(source, values, must_be_native=True)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet="0123456789+-._eE xnaifty\t", max_size=10))
def test_numbers_are_read_as_python_reads_them(check: Any, text: str) -> None:
    check("int(x)", [text])
    check("float(x)", [text])
    check("int(x, 16)", [text])
