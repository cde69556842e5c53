"""Do regular expressions give natively what `re` gives, and is the rest left to it?"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from dstreams import _native
from dstreams.udf import Opaque, Program, explain_function, program_of, read
from dstreams.udf.patterns import translated
from dstreams.udf.results import Unreadable

LOG = re.compile(r'^(\S+) (\S+) (\S+) \[([\w:/]+\s[+\-]\d{4})\] "(\S+) (\S+)\s*(\S*)" (\d{3}) (\S+)')
ACCESS = re.compile(r'(?P<host>\S+) - - \[(?P<time>[^\]]+)\] "(?P<request>[^"]*)" (?P<status>\d+) (?P<size>\d+|-)')
SEARCH = re.compile("a+").search
NAMES_OF_FLAGS = re.I | re.M

LINE = '10.0.1.2 - - [07/Mar/2004:16:05:49 -0800] "GET /p/3 HTTP/1.1" 200 55'
OTHER = 'host - - [07/Mar/2004:16:05:49 -0800] "-" 404 -'
LINES = [LINE, "", "no line of a log", OTHER, LINE.replace("55", "99999999999"), LINE + "\n"]


def native(function: Callable[..., Any], rows: list[Any], tested: bool = False) -> list[Any] | None:
    """What the engine makes of the rows; None if it leaves them to Python."""
    program = read(function, 1, tested=tested)
    assert isinstance(program, Program), program.reason
    made = _native.Program(program.tree, program.arity)
    try:
        return made.test([rows]) if tested else made.run([rows])
    except _native.Bail:
        return None


def check(function: Callable[..., Any], rows: list[Any]) -> None:
    """All rows at once and each for itself: the same values of the same types, and none where Python raises."""
    expected, failed = [], False
    for row in rows:
        try:
            expected.append(function(copy.copy(row)))
            one: list[Any] | None = [expected[-1]]
        except Exception:
            one, failed = None, True
        assert repr(native(function, [row])) == repr(one), row
    assert repr(native(function, rows)) == repr(None if failed else expected)


# Any pattern ----------------------------------------------------------------------------------------------------------

ATOMS = [
    r"a",
    r"b",
    r"c",
    r"A",
    r"1",
    r"\d",
    r"\w",
    r"\s",
    r"\S",
    r"\W",
    r"\D",
    r"[ab]",
    r"[^a]",
    r"[a-c1]",
    r"[\w.]",
    r".",
    r"\.",
    r"_",
    r"\n",
    r"\t",
    r"[^\s_]",
    r"^",
    r"$",
    r"\b",
    r"\A",
    r"\Z",
    r"é",
]
QUANTIFIERS = ["*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,2}?", "{2,}", "{,3}"]
FLAGS = [0, 0, re.I, re.M, re.S, re.A, re.X, re.I | re.M]


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map("|".join).map("(?:{})".format),
        inner.map("({})".format),
        st.tuples(inner, st.sampled_from(QUANTIFIERS)).map(lambda two: f"(?:{two[0]}){two[1]}"),
        st.tuples(inner, st.sampled_from(QUANTIFIERS)).map(lambda two: f"({two[0]}){two[1]}"),
        inner.map("(?i:{})".format),
    )


patterns = st.recursive(st.sampled_from(ATOMS), _larger, max_leaves=12)
texts = st.text('aabbcAB1 _.\n"\x1c', max_size=10)


def functions_of(pattern: re.Pattern[str]) -> dict[str, Callable[[str], Any]]:
    """What a program may do with a pattern."""
    last = pattern.groups

    def whole(text: str) -> Any:
        m = pattern.match(text)
        return (m.group(), m.groups("-")) if m else None

    def found(text: str) -> Any:
        m = pattern.search(text)
        if m is None:
            return None
        return m[0], m.groups()

    def all_of_it(text: str) -> Any:
        return (m := pattern.fullmatch(text)) and m.group(last)

    return {
        "match": whole if pattern.groups else lambda text: pattern.match(text) is not None,
        "search": found if pattern.groups else lambda text: not pattern.search(text),
        "fullmatch": all_of_it,
        "findall": lambda text: pattern.findall(text),
        "split": lambda text: pattern.split(text),
        "split once": lambda text: pattern.split(text, maxsplit=1),
        "sub": lambda text: pattern.sub("<>", text),
        "sub twice": lambda text: pattern.sub(r"[\g<0>]", text, count=2),
    }


def compiled(source: str, flags: int) -> re.Pattern[str]:
    try:
        return re.compile(source, flags)
    except re.error:
        assume(False)
        raise


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(patterns, min_size=1, max_size=3).map("".join), st.sampled_from(FLAGS), st.lists(texts, min_size=1))
def test_any_pattern_gives_what_re_gives(source: str, flags: int, rows: list[str]) -> None:
    pattern = compiled(source, flags)
    for name, function in functions_of(pattern).items():
        program = read(function, 1)
        if isinstance(program, Opaque):
            assert "regular expression" in program.reason, program.reason
            continue
        made = native(function, rows)
        expected = [function(row) for row in rows]
        assert made is not None and repr(made) == repr(expected), (name, source, flags, rows)


def test_most_patterns_are_understood() -> None:
    """Else the test above would compare nothing."""
    refused: list[str] = []
    count = 0

    @settings(max_examples=200, deadline=None, database=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(patterns)
    def read_one(source: str) -> None:
        nonlocal count
        pattern = compiled(source, 0)
        count += 1
        answer = read(lambda text: bool(pattern.search(text)), 1)
        if isinstance(answer, Opaque):
            refused.append(answer.reason)

    read_one()
    assert len(refused) < count / 4, refused


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(patterns, st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), min_size=1, max_size=4))
def test_other_text_than_ascii_gives_the_same_or_is_left_to_python(source: str, rows: list[str]) -> None:
    pattern = compiled(source, re.I)
    function = functions_of(pattern)["search"]
    if isinstance(read(function, 1), Program):
        made = native(function, rows)
        assert made is None or repr(made) == repr([function(row) for row in rows])


# Functions of programs ------------------------------------------------------------------------------------------------


def parse(line: str) -> Any:
    m = LOG.match(line)
    return (m.group(1), int(m.group(9))) if m else None


def parse_by_name(line: str) -> Any:
    m = re.search(ACCESS, line)
    if m is None:
        return ("", "", 0)
    size = 0 if m["size"] == "-" else int(m.group("size"))
    return m.group("host"), m["status"], size


def host_of(line: str) -> Any:
    return re.match(r"(\S+) ", line).group(1)  # type: ignore[union-attr]


def unpacked(line: str) -> Any:
    host, status, _ = LOG.match(line).group(1, 8, 9)  # type: ignore[union-attr]
    return host, status


def status_of(line: str) -> Any:
    pattern = re.compile(r'" (?P<status>\d{3}) ', re.DOTALL)
    found = pattern.search(line)
    if not found:
        return -1
    return int(found.group("status"))


def with_helper(line: str) -> Any:
    m = _log(line)
    return None if m is None else m.group(5)


def _log(line: str) -> Any:
    return LOG.match(line)


def one_or_the_other(line: str) -> Any:
    m = re.match(r"(?P<a>host) (-)", line)
    if not m:
        m = re.search(r"(?P<a>\d+)(\.)", line)
    return m and (m["a"], m.group(2))


def only_of_text(line: str) -> Any:
    m = re.match(r"(\w+)", line) if line else None
    return None if m is None else m[1]


def first_of_two(line: str) -> Any:
    m = re.match("host", line) or re.search("no", line)
    return m.group() if m else ""


PROGRAMS = [
    parse,
    one_or_the_other,
    only_of_text,
    first_of_two,
    parse_by_name,
    host_of,
    unpacked,
    status_of,
    with_helper,
    lambda line: re.findall(r"\d+", line),
    lambda line: [int(word) for word in re.findall(r"\b\d{1,3}\b", line)],
    lambda line: re.findall(r"(\w+)/(\d+)", line),
    lambda line: re.split(r"\W+", line.lower()),
    lambda line: re.sub(r"[^a-z\s]", "", line.lower()),
    lambda line: re.sub(r"(\d+)\.(?P<second>\d+)", r"<\g<second>|\1>", string=line, flags=re.I | re.M),
    lambda line: re.search("HTTP", line, flags=NAMES_OF_FLAGS) is not None,
    lambda line: bool(SEARCH(line)),
    lambda line: (m := re.match(r"(?:(\d+)|(\w+))", line)) and (m[1], m[2]),
    lambda line: LOG.match(line).groups() if LOG.match(line) else None,
    lambda line: re.match(r"(\w+).*?(\d*)$", line).groups() if line else None,
    lambda line: line if re.match(r"\w", line) and not re.search("^no", line, re.I) else line.upper(),
]


@pytest.mark.parametrize("function", PROGRAMS)
def test_functions_of_programs(function: Callable[..., Any]) -> None:
    check(function, LINES)
    check(function, LINES[2:])
    check(function, [LINE, None])
    check(function, [LINE, b"bytes"])
    found = native(function, [LINE, LINE])
    assert found is not None and found == [function(LINE)] * 2


def test_a_match_that_is_not_there_is_pythons_error() -> None:
    assert native(host_of, [LINE, OTHER]) == ["10.0.1.2", "host"]
    assert native(host_of, [LINE, "nothing"]) is None


def test_methods_of_patterns_are_functions_too() -> None:
    words = re.compile(r"\w+")
    assert native(words.findall, ["a b", ""]) == [["a", "b"], []]
    assert native(re.compile("b").search, ["a b", ""], tested=True) == [True, False]
    assert native(lambda line: LOG.match(line), LINES, tested=True) == [bool(LOG.match(line)) for line in LINES]
    assert explain_function(words.findall, [("a b",)], "flatMap").native
    assert explain_function(lambda line: re.search("b", line), [("a b",)], "filter").native


def test_patterns_that_take_too_long_are_left_to_python() -> None:
    """Native code cannot be interrupted."""
    long = ["a" * 26]
    assert native(lambda text: bool(re.match(r"(?:a+)+b", text)), long) is None
    assert native(lambda text: bool(re.match(r"(?:a+)+b", text)), ["aab"]) == [True]


# What has no form -----------------------------------------------------------------------------------------------------


def different(line: str) -> Any:
    m = LOG.match(line)
    if not m:
        m = ACCESS.match(line)
    return m.group(1) if m else None


REFUSED: list[tuple[Callable[..., Any], str]] = [
    (lambda x: re.search(r"a(?=b)", x) is None, "uses a regular expression that looks ahead or back"),
    (lambda x: re.search(r"(?<!a)b", x) is None, "uses a regular expression that looks ahead or back"),
    (lambda x: re.search(r"(a)\1", x) is None, "uses a regular expression with a reference to a group"),
    (lambda x: re.search(r"(a)?(?(1)b|c)", x) is None, "uses a regular expression with a condition"),
    (lambda x: re.search(r"(?:a*)*", x) is None, "uses a regular expression that repeats what may match nothing"),
    (lambda x: re.search(r"\B", x) is None, "uses a regular expression with a place that only Python understands"),
    (lambda x: re.search(r"(?i)é", x) is None, "ignores the case of more than ASCII characters"),
    (lambda x: re.search(r"[[a]", x) is None, "uses a regular expression of which Python may warn"),
    (lambda x: re.search(r"(a", x) is None, "uses a regular expression that Python refuses"),
    (lambda x: re.search(rb"a", x) is None, "uses a regular expression of bytes"),
    (lambda x: re.search(x, x) is None, "that is not known before it runs"),
    (lambda x: re.search("a{3000}b{3000}(?:ab){3000}", x) is None, "that is too large"),
    (lambda x: re.match("(a|b)+", x).group(1), "asks for a group of a regular expression that is inside of a repeat"),  # type: ignore[union-attr]
    (lambda x: re.findall("(a|b)+", x), "asks for a group of a regular expression that is inside of a repeat"),
    (lambda x: re.match("a", x).group(1), "asks for the group 1, which the regular expression does not have"),  # type: ignore[union-attr]
    (lambda x: re.match("a", x).group("b"), "asks for the group 'b', which the regular expression does not have"),  # type: ignore[union-attr]
    (lambda x: re.match("a", x).start(), "calls .start() of a match"),  # type: ignore[union-attr]
    (lambda x: re.match("(?P<b>a)", x).groupdict(), "calls .groupdict() of a match"),  # type: ignore[union-attr]
    (lambda x: re.match("a", x), "uses a match of a regular expression as a value"),
    (lambda x: (x, re.match("a", x)), "uses a match of a regular expression as a value"),
    (different, "chooses between matches of different regular expressions"),
    (lambda x: LOG, "uses a regular expression as a value"),
    (lambda x: LOG.match(x, 3) is None, "calls .match() with 2 arguments"),
    (lambda x: [m.group() for m in LOG.finditer(x)], "calls .finditer() of a regular expression"),
    (lambda x: re.sub("a", lambda m: m.group(), x), "uses a function made inside of it as a value"),
    (lambda x: re.sub("a", r"\n", x), "replaces matches of a regular expression with text that has escapes in it"),
]


@pytest.mark.parametrize(("function", "reason"), REFUSED, ids=[reason for _, reason in REFUSED])
def test_what_has_no_form_says_why(function: Callable[..., Any], reason: str) -> None:
    answer = read(function, 1)
    assert isinstance(answer, Opaque)
    assert reason in answer.reason
    assert answer.line is not None


@pytest.mark.parametrize("source", [r"(?>a+)b", "a++b"])
def test_what_only_newer_versions_have(source: str) -> None:
    with pytest.raises(Unreadable):
        translated(source, 0)


def test_a_captured_pattern_is_named() -> None:
    ahead = re.compile("a(?=b)")
    answer = read(lambda x: ahead.match(x) is None, 1)
    assert isinstance(answer, Opaque)
    assert answer.reason == "uses a regular expression that looks ahead or back (`ahead`)"


def test_reading_again_sees_another_pattern() -> None:
    def of(pattern: re.Pattern[str]) -> Callable[[str], bool]:
        return lambda text: pattern.match(text) is not None

    first, second, third = (program_of(of(re.compile(source)), 1) for source in ("a", "b", "a"))
    assert isinstance(first, Program) and isinstance(second, Program)
    assert first is third and first is not second
    ignoring = program_of(of(re.compile("a", re.I)), 1)
    assert ignoring is not first


def test_a_pattern_with_half_of_a_pair_is_pythons() -> None:
    function = lambda text: re.sub("\ud800", "x", text)  # noqa: E731
    program = read(function, 1)
    assert isinstance(program, Program)
    with pytest.raises(_native.Bail, match="surrogates"):
        _native.Program(program.tree, 1)
    assert not explain_function(function, [("a",)]).native
