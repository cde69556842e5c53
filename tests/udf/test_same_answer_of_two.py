"""The same for functions of two arguments, among them those that update states, and for comprehensions."""

# The functions are as programs write them, also where there is a nicer way.
# ruff: noqa: C400, C416, RUF015, RUF021

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable
from typing import Any

import pytest

VOWELS = ["a", "e", "i"]


def with_default(x, y=3, *, z="z"):
    return x, y, z


COMPREHENSIONS: list[Callable[[Any], Any]] = [
    lambda xs: [x for x in xs],
    lambda xs: [x * 2 for x in xs],
    lambda xs: [x for x in xs if x],
    lambda xs: [x[0] for x in xs if x if x != "a"],
    lambda xs: [x for x in xs if not (x == 1 or x == 2)],
    lambda xs: [1 if x else 2 for x in xs],
    lambda xs: [(x, len(xs)) for x in xs],
    lambda xs: [a + b for a, b in xs],
    lambda xs: sum(x * 2 for x in xs),
    lambda xs: sum([len(x) for x in xs]),
    lambda xs: max(x for x in xs),
    lambda xs: sorted(str(x) for x in xs),
    lambda xs: any(x == 2 for x in xs),
    lambda xs: all(x for x in xs if x != 1),
    lambda xs: ",".join(str(x) for x in xs),
    lambda xs: tuple(x for x in xs),
    lambda xs: list(x + 1 for x in xs),
    lambda xs: [w.lower() for w in xs.split() if len(w) > 1],
    lambda xs: len([x for x in xs if x in VOWELS]),
    lambda xs: [f"{x}!" for x in xs][0] if xs else None,
    lambda xs: ([x for x in xs], [x for x in xs if x]),
    lambda xs: [y for y in [x + 1 for x in xs] if y > 2],
    lambda xs: (lambda k: [x + k for x in xs])(3),
]

TWO: list[Callable[[Any, Any], Any]] = [
    *(operator.add, operator.sub, operator.truediv, operator.eq, operator.lt, operator.contains, operator.iadd),
    *(max, min, divmod, str.split, str.startswith),
    with_default,
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a if a > b else b,
    lambda a, b: max(a, b),
    lambda a, b: (a[0] + b[0], a[1] + b[1]),
    lambda a, b: (b or 0) + len(a),
    lambda a, b: sum(a) + (b or 0),
    lambda a, b: a[-1] if a else b,
    lambda a, b: a,
    lambda a, b: b in a,
    lambda a, b: a[b],
    lambda a, b: a[b:],
    lambda a, b: a == b,
    lambda a, b: (a, b) if a < b else (b, a),
    lambda a, b: (a, b) == (b, a),
    lambda a, b: a and b or (a, b),
    lambda a, b: f"{a}{b!r}",
    lambda a, b: a % b,
]


def add_or_start(new, old):
    if old is None:
        old = 0
    return sum(new, old)


def drop_when_idle(new, old):
    if not new:
        return None
    return (old or 0) + len(new)


def mean_so_far(new, old):
    if old is None:
        total, count = 0, 0
    else:
        total, count = old
    return total + sum(new), count + len(new)


def in_place(a, b):
    a += b
    return a


def in_place_of_sum(new, old):
    total = sum(new)
    total += old or 0
    return total


def fails_in_order(a, b):
    x = a[0]
    y = b[0]
    return y, x


def fails_under_condition(a, b):
    x = int(a)
    if b:
        y = x + b
        return y
    return None


TWO += [add_or_start, drop_when_idle, mean_so_far, in_place, in_place_of_sum, fails_in_order, fails_under_condition]


def name_of(function: Any) -> str:
    code = getattr(function, "__code__", None)
    return f"{getattr(function, '__name__', repr(function))}{f'-{code.co_firstlineno}' if code else ''}"


@pytest.mark.parametrize("function", COMPREHENSIONS, ids=name_of)
def test_comprehensions(compare: Any, values: list[Any], function: Callable[[Any], Any]) -> None:
    compare(function, *((value,) for value in values))


@pytest.mark.parametrize("function", TWO, ids=name_of)
def test_of_two_arguments(compare: Any, values: list[Any], function: Callable[[Any, Any], Any]) -> None:
    compare(function, *itertools.product(values, values))
