"""Are the instructions of a CPython that is not at hand read as those of this one?

`recorded/` holds what other CPythons make of the functions in `recorded/functions.py`. Each is given to the reader
in the place of what this Python makes of it: the same tree must come out, or none for a reason of the same kind.
"""

from __future__ import annotations

import ast
import functools
import json
import sys
import types
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import record_code

from dstreams import SparkContext
from dstreams.udf import Opaque, Program, decode, explain_function, program_of, read
from dstreams.udf.opcodes import RULES

RECORDS = sorted(record_code.FOLDER.glob("*.json"))


def value_of(text: str, codes: list[types.CodeType]) -> Any:
    """What `record_code.written` wrote."""
    kind, _, rest = text.partition(" ")
    if kind == "code":
        return codes[int(rest)]
    if kind == "slice":
        return slice(*ast.literal_eval(rest))
    if kind == "frozenset":
        return frozenset(ast.literal_eval(rest))
    return ast.literal_eval(text) if text else None


def stand_in(recorded: dict[str, Any]) -> types.CodeType:
    """A code object of this Python with the recorded names and numbers, and nothing to run."""
    parts = {part: recorded[part] for part in record_code.PARTS}
    parts = {part: tuple(value) if isinstance(value, list) else value for part, value in parts.items()}
    return compile("None", str(record_code.SOURCE), "eval").replace(co_nlocals=len(parts["co_varnames"]), **parts)


class Recorded:
    """What another CPython makes of the functions."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.minor = data["python"][1]
        self.source = data["source"]
        self.functions = data["functions"]
        self.codes = [stand_in(code) for code in data["codes"]]
        self.listings = {id(code): self._listing(one) for code, one in zip(self.codes, data["codes"], strict=True)}
        self.known = set(data["known"])
        self.names = {item[2] for one in data["codes"] for item in one["instructions"]}

    def _listing(self, recorded: dict[str, Any]) -> decode.Listing:
        items = recorded["instructions"]
        instructions = [
            SimpleNamespace(offset=offset, opname=name, arg=number, argval=value_of(argument, self.codes))
            for offset, _, name, number, argument in items
        ]
        lines = {offset: line for offset, line, *_ in items}
        entries = [decode.Entry(*entry) for entry in recorded["entries"]]
        return decode.Listing(instructions, entries, lines)  # type: ignore[arg-type]

    def install(self, names: dict[str, Any]) -> None:
        """Gives the functions of a module the recorded code; they cannot be called any more."""
        functions = record_code.functions_of(names)
        assert len(functions) == self.functions
        for function, code in zip(functions, self.codes, strict=False):
            assert function.__code__.co_name == code.co_name
            function.__code__ = code


@pytest.fixture(scope="module", params=RECORDS, ids=lambda path: path.stem)
def recorded(request: Any) -> Recorded:
    return Recorded(json.loads(request.param.read_text(encoding="utf-8")))


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Callable[[Recorded], None]:
    """Makes the reader see recorded code as its own."""

    def run(recorded: Recorded) -> None:
        monkeypatch.setattr(decode, "listing_of", lambda code: recorded.listings[id(code)])
        monkeypatch.setattr(decode, "check_python", lambda: RULES[recorded.minor])

    return run


def kind_of(reason: str) -> str:
    """A reason without what differs between versions: which of a function's instructions comes first."""
    for kind in ("exception", "loop", "builds a dict", "builds a set", "generator", "asynchronous"):
        if kind in reason:
            return kind
    return reason


def summary(answer: Program | Opaque) -> Any:
    """What has to be the same. As text: in Python 1 equals True."""
    if isinstance(answer, Opaque):
        kind = kind_of(answer.reason)
        # Which line of a loop goes back differs, too.
        return "opaque", kind, None if kind == "loop" else answer.line
    return "program", answer.arity, repr(answer.tree)


def test_the_records_are_of_these_functions(recorded: Recorded) -> None:
    assert recorded.source == record_code.source_hash(), (
        f"recorded/functions.py has changed since it was recorded: run tests/support/record_code.py with CPython "
        f"3.{recorded.minor}"
    )


def test_recorded_code_gives_the_same_trees(recorded: Recorded, pretend: Any) -> None:
    live = record_code.load()
    answers = [read(function, arity) for arity, function in live["FUNCTIONS"]]
    assert sum(isinstance(answer, Program) for answer in answers) > 70
    theirs = record_code.load()
    recorded.install(theirs)
    pretend(recorded)
    for mine, (arity, function), (_, known) in zip(answers, theirs["FUNCTIONS"], live["FUNCTIONS"], strict=True):
        code = getattr(known, "func", known).__code__
        assert summary(read(function, arity)) == summary(mine), f"line {code.co_firstlineno} of {record_code.SOURCE}"


def test_the_records_have_every_instruction_that_is_understood(recorded: Recorded) -> None:
    refused = functools.partial(decode_refuses, compile("None", "", "eval"))
    understood = {name for name, rule in RULES[recorded.minor].items() if not refused(rule)}
    assert understood & recorded.known - recorded.names == set()


def decode_refuses(code: types.CodeType, rule: Any) -> bool:
    """Whether an instruction makes every function opaque."""
    try:
        return [name for name, _ in rule(SimpleNamespace(arg=0, argval=("", "")), code)] == ["refuse"]
    except (KeyError, IndexError):
        return False  # it depends on the argument


# -- newer than what is known ------------------------------------------------------------------------
@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes this a CPython newer than those known."""
    version = (3, max(RULES) + 1)
    monkeypatch.setattr(decode, "sys", SimpleNamespace(version_info=version, implementation=sys.implementation))


@pytest.mark.usefixtures("newer")
def test_on_a_newer_python_every_function_stays_python() -> None:
    functions = [*record_code.load()["FUNCTIONS"], (1, len), (1, str.lower), (2, max), (1, functools.partial(max, 3))]
    for arity, function in functions:
        answer = read(function, arity)
        assert isinstance(answer, Opaque)
        assert answer.reason.startswith("runs on CPython 3.15, a Python that is not known here"), answer
    explained = explain_function(lambda x: x + 1, [(1,)])
    assert not explained.native
    assert "3.10 to 3.14" in explained.reason


@pytest.mark.usefixtures("newer")
def test_on_a_newer_python_jobs_give_the_same() -> None:
    with SparkContext("local[2]") as sc:
        words = sc.parallelize(["a b", "b c", ""], 2).flatMap(lambda line: line.split())
        counted = words.map(lambda word: (word, 1)).reduceByKey(lambda a, b: a + b)
        assert sorted(counted.collect()) == [("a", 1), ("b", 2), ("c", 1)]
        assert isinstance(program_of(lambda word: (word, 1), 1), Opaque)
