"""Which functions have no tree, what is said of them, and is reading harmless whatever it meets?"""

from __future__ import annotations

import functools
import importlib
import inspect
import math
import operator
import random
import textwrap
import time
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dstreams.udf import Explanation, Opaque, Program, explain_function, read

COUNT = 0
LIST = [1, 2]
OBJECT = object()


def loops(xs):
    total = 0
    for x in xs:
        total += x
    return total


def waits(x):
    while x > 0:
        x -= 1
    return x


def opens(x):
    with x as y:
        return y


def tries_in_a_try(x):
    try:
        try:
            return int(x)
        except KeyError:
            return 1
    except ValueError:
        return 0


def tries_in_a_loop(xs):
    for x in xs:
        try:
            yield int(x)
        except ValueError:
            pass


def generates(x):
    yield x


async def awaits(x):
    return x


def counts(x):
    global COUNT
    COUNT = x
    return x


def imports(x):
    import json

    return json


def raises(x):
    if x:
        raise ValueError
    return x


# As text, since pytest rewrites what asserts in a test.
asserts: Any = {}
exec("def asserts(x):\n    assert x\n    return x", asserts)


def appends(x):
    x.append(1)
    return x


def sets_item(x):
    x[0] = 1
    return x


def sets_attribute(x):
    x.y = 1
    return x


def factorial(x):
    return 1 if x < 2 else x * factorial(x - 1)


def may_be_unbound(x):
    if x:
        y = 1
    return y


def unbound_after_all(x):
    y = 1
    del y
    return y  # noqa: F821


def calls_what_loops(x):
    return loops(x)


def defines(x):
    class Inner:
        pass

    return Inner


def walrus_in_comprehension(xs):
    ys = [(last := x) for x in xs]
    return ys, last


def late_generator(xs):
    k = 1
    g = (x + k for x in xs)
    k = 2
    return sum(g)


def outer():
    seen = 0

    def f(x):
        nonlocal seen
        seen += x
        return seen

    return f


class Thing:
    def method(self, x):
        return x

    def __call__(self, x):
        return x


@functools.lru_cache
def cached(x):
    return x


REASONS: list[tuple[Callable[..., Any], str]] = [
    (loops, "uses a loop"),
    (waits, "uses a loop"),
    (opens, "enters a context (with)"),
    (tries_in_a_try, "handles exceptions in a way that is too complicated"),
    (tries_in_a_loop, "is a generator"),
    (generates, "is a generator"),
    (awaits, "is asynchronous"),
    (counts, "sets a global variable"),
    (imports, "imports a module"),
    (raises, "raises an exception"),
    (asserts["asserts"], "raises an exception"),
    (appends, "calls .append(), which may change something"),
    (sets_item, "changes an item of a container"),
    (sets_attribute, "sets an attribute"),
    (factorial, "calls itself"),
    (may_be_unbound, "reads the variable y, which may have no value"),
    (unbound_after_all, "reads the variable y, which may have no value"),
    (calls_what_loops, "calls loops, which uses a loop"),
    (defines, "defines a class"),
    (walrus_in_comprehension, ""),
    (late_generator, "keeps a generator"),
    (outer(), "sets seen, a variable of an enclosing function"),
    (Thing().method, "is a method of an object"),
    (Thing(), "is a Thing object and no plain function"),
    (Thing, "calls the class Thing"),
    (cached, "is a _lru_cache_wrapper object"),
    (print, "calls print, which has side effects"),
    (hash, "calls hash, which is Spark's own"),
    (math.sin, "calls sin, which the engine does not know"),
    (type, "calls the class type"),
    (functools.partial(int, base=3), "is a partial with keywords"),
    (lambda x: print(x), "calls print, which has side effects"),
    (lambda x: hash(x), "calls hash, which is Spark's own"),
    (lambda x: open(x), "calls open, which has side effects"),  # noqa: SIM115
    (lambda x: random.random(), "calls random.random, "),
    (lambda x: time.time(), "calls time.time, which the engine does not know"),
    (lambda x: x + LIST[0], "reads the list `LIST`, which may change"),
    (lambda x: OBJECT, "uses `OBJECT` (an object), which only Python understands"),
    (lambda x: Thing(), "calls the class Thing"),
    (lambda x: absent(x), "uses absent, which has no value"),  # noqa: F821
    (lambda x: x.foo(), "calls .foo(), which the engine does not know"),
    (lambda x: x.__class__, "reads the attribute __class__"),
    (lambda x: x.lower, ""),
    (lambda x: x(1), "calls a value that it is given"),
    (lambda *x: x, "takes any number of arguments"),
    (lambda x, y: x, "takes 2 arguments and gets 1"),
    (lambda: 1, "takes 0 arguments and gets 1"),
    (lambda x: {x: 1}, "builds a dict"),
    (lambda x: {x, 1}, "builds a set"),
    (lambda x: [*x, 1], "builds a list with a star"),
    (lambda x: max(*x), "star"),
    (lambda x: x is LIST, "reads the list `LIST`"),
    (lambda x: x is x, "asks whether two values are the same object"),
    (lambda x: f"{x:{x}}", "formats with a width or precision that is computed"),
    (lambda x: x.format(1), "calls format of a text that is not known"),
    (lambda x: (y for y in x), "keeps a generator"),
    (lambda x: [[z + 1 for z in y] for y in x], "uses a comprehension inside of another one"),
    (lambda x: [y + z for y in x for z in x], "uses a loop"),
    (lambda x: {y for y in x}, "a set"),  # noqa: C416
    (lambda x: {y: 1 for y in x}, "a dict"),  # noqa: C420
    (lambda x: max(x, x, default=0), "calls max with the keyword default"),
    (lambda x: x @ x, "multiplies matrices"),
    (lambda x: len, "uses len as a value"),
    (lambda x: 2j, "uses a complex"),
    (lambda x: (yield), "is a generator"),
]


def name_of(value: Any) -> str | None:
    return value.replace(" ", "-") if isinstance(value, str) else ""


@pytest.mark.parametrize(("function", "reason"), REASONS, ids=name_of)
def test_the_reason_is_said(function: Callable[..., Any], reason: str) -> None:
    answer = read(function, 1)
    if not reason:  # said differently by different versions, or read as an attribute
        assert isinstance(answer, Opaque) or answer.tree[0] == "attr"
        return
    assert isinstance(answer, Opaque), answer
    assert reason in answer.reason


def test_the_line_is_that_of_the_instruction() -> None:
    answer = read(sets_item, 1)
    assert isinstance(answer, Opaque)
    assert answer.line == sets_item.__code__.co_firstlineno + 1
    first = read(calls_what_loops, 1)
    assert isinstance(first, Opaque)
    assert first.line == calls_what_loops.__code__.co_firstlineno + 1


def test_the_reason_has_a_line_for_each_call() -> None:
    answer = read(calls_what_loops, 1)
    assert isinstance(answer, Opaque)
    here = calls_what_loops.__code__.co_firstlineno
    loop = loops.__code__.co_firstlineno + 2
    assert [(link.what, link.line) for link in answer.links] == [("calls loops", here + 1), ("uses a loop", loop)]
    reason = explain_function(calls_what_loops).reason
    assert reason == f"calls loops (line {here + 1}), which uses a loop (line {loop})"


def test_a_reason_in_another_file_names_the_file() -> None:
    names: dict[str, Any] = {}
    exec(compile("def helper(x):\n    return {*x}", "/somewhere/helpers.py", "exec"), names)
    helper = names["helper"]
    reason = explain_function(lambda line: helper(line)).reason
    assert reason.startswith("calls helper (line ")
    assert reason.endswith("), which builds a set (line 2 of helpers.py)")


def test_what_installed_packages_do_is_not_told() -> None:
    f = lambda line: textwrap.dedent(line)  # noqa: E731
    line = f.__code__.co_firstlineno
    assert explain_function(f).reason == f"calls textwrap.dedent, which the engine does not know (line {line})"


def test_the_line_of_with_is_its_own() -> None:
    answer = read(opens, 1)
    assert isinstance(answer, Opaque)
    assert answer.line == opens.__code__.co_firstlineno + 1


def test_a_shadowed_builtin_is_not_the_builtin() -> None:
    names: dict[str, Any] = {}
    exec("len = lambda x: 7\nf = lambda x: len(x)", names)
    answer = read(names["f"], 1)
    assert isinstance(answer, Program)
    assert answer.tree == ("const", 7)


def test_a_builtin_that_was_rebound_is_not_the_builtin() -> None:
    builtins = dict(vars(importlib.import_module("builtins")))
    builtins["len"] = builtins["max"]
    names: dict[str, Any] = {"__builtins__": builtins}
    exec("f = lambda x: len(x)", names)
    answer = read(names["f"], 1)
    assert isinstance(answer, Program)
    assert answer.tree == ("op", "max", (("arg", 0),))


class Explosive(type):
    """A class that fails whatever is done with it or its objects."""

    def __getattribute__(cls, name: str) -> Any:
        raise RuntimeError(name)

    def __call__(cls, *_: Any) -> Any:
        raise RuntimeError("call")

    def __eq__(cls, _: object) -> bool:
        raise RuntimeError("eq")

    def __hash__(cls) -> int:
        raise RuntimeError("hash")

    def __repr__(cls) -> str:
        raise RuntimeError("repr")


def _fail(*_: Any) -> Any:
    raise SystemExit("code of the program was run")


def _explosive() -> Any:
    special = ["__getattribute__", "__eq__", "__hash__", "__repr__", "__call__", "__bool__", "__len__", "__iter__"]
    return type.__call__(Explosive, "Bomb", (), {**dict.fromkeys(special, _fail)})


def test_no_code_of_the_program_runs() -> None:
    kind = _explosive()
    bomb = object.__new__(kind)
    table = {"a": bomb}
    functions = [
        bomb,
        kind,
        lambda x: bomb,
        lambda x: bomb(x),
        lambda x: bomb + x,
        lambda x: bomb.attribute,
        lambda x: x if bomb else 1,
        lambda x: kind(x),
        lambda x: kind.name,
        lambda x: table[x],
        lambda x, d=bomb: d,
        lambda x: x in (1, bomb),
        functools.partial(max, bomb),
        functools.partial(bomb, 1),
        functools.partial(lambda a, b: a, bomb),
        types.MethodType(bomb, bomb),
    ]
    for function in functions:
        answer = read(function, 1)
        assert not isinstance(answer, Opaque) or "a fault in the reader" not in answer.reason, answer


@pytest.mark.parametrize(
    "source",
    [
        "f = lambda x: " + "+".join(["x"] * 800),
        "f = lambda x: " + "[" * 80 + "x" + "]" * 80,
        "def f(x):\n" + "".join(f"    if x == {i}: x = x + {i}\n" for i in range(300)) + "    return x",
        "def f(x):\n" + "    x = x + x\n" * 100 + "    return x",
        "def f(x):\n" + "".join(f"    if x == {i}: return {i}\n" for i in range(500)),
        "f = lambda x: " + " or ".join(f"x == {i}" for i in range(500)),
        "def f(x):\n" + "    x = x + 1 if x else x - 1\n" * 60 + "    return x",
        "def f(x):\n" + "    if x[0]:\n        if x[1]:\n            return 1\n" * 40 + "    return x",
        "f = lambda x: " + "(lambda x: " * 20 + "x" + ")(x)" * 20,
    ],
)
def test_functions_that_are_too_large_are_opaque_soon(source: str) -> None:
    names: dict[str, Any] = {}
    exec(source, names)
    answer = read(names["f"], 1)
    if isinstance(answer, Opaque):
        assert "a fault in the reader" not in answer.reason


def _functions_of(module: Any) -> Iterator[Callable[..., Any]]:
    for holder in [module, *(value for value in vars(module).values() if isinstance(value, type))]:
        for value in vars(holder).values():
            value = getattr(value, "__func__", value)
            if isinstance(value, types.FunctionType):
                yield value
                yield functools.partial(value, 1)
            elif callable(value) or isinstance(value, property):
                yield value  # type: ignore[misc]


_NAMES = """
    argparse ast base64 bisect calendar collections colorsys configparser contextlib copy csv datetime decimal
    difflib enum fractions functools glob heapq html inspect ipaddress itertools json json.decoder json.encoder
    keyword linecache locale logging math ntpath numbers operator os pathlib posixpath pprint random re shlex
    shutil statistics string textwrap tokenize traceback types typing urllib.parse uuid warnings
"""
MODULES = _NAMES.split()


@pytest.mark.parametrize("module", MODULES)
def test_reading_a_function_of_the_standard_library_never_fails(module: str) -> None:
    found = 0
    for function in _functions_of(importlib.import_module(module)):
        count = len(inspect.signature(function).parameters) if isinstance(function, types.FunctionType) else 1
        for arity in {1, 2, count}:
            answer = read(function, arity)
            found += 1
            if isinstance(answer, Opaque):
                assert "a fault in the reader" not in answer.reason, (function, answer)
                assert "not known here" not in answer.reason, (function, answer)
    assert found


def test_on_an_unknown_python_everything_is_opaque_for_one_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    from dstreams.udf import decode

    monkeypatch.setattr(decode, "RULES", {})
    reasons = {
        answer.reason for function in (len, lambda x: x, print) if isinstance(answer := read(function, 1), Opaque)
    }
    assert len(reasons) == 1
    assert "a Python that is not known here" in reasons.pop()


@pytest.mark.parametrize(
    "function", [lambda x: f"{x:\ud800}", operator.attrgetter("\ud800")], ids=["spec", "attribute"]
)
def test_surrogates_in_other_places_than_constants_leave_it_to_python(function: Any) -> None:
    assert explain_function(function, [(1,)]) == Explanation(False, "text with surrogates")
