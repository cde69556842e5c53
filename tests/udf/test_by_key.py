"""Sorting and choosing by a key, map, filter and range, and stars in tuples: read as what Python computes."""

# The functions are as programs write them, also where there is a nicer way.
# ruff: noqa: C416, C417

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import pytest

from dstreams.udf import Opaque, Program, program_of, read

LISTS: list[tuple[Any]] = [
    ([],),
    ([3, 1, 2, 1],),
    (["b", "", "aaa", "cc"],),
    ([(1, "b"), (0, "c"), (1, "a")],),
    ([0.0, -0.0, 1.5],),
    ([True, 0, 2],),
    ((2, 1),),
    ("cab",),
    (None,),
    (7,),
    ([1, "a"],),
]


def last(x: Any) -> Any:
    return x[-1]


def has_a_key_that_fails(x: Any) -> Any:
    first = sorted(x, key=lambda item: 1 // item)
    return first[0] if x else None


KEYED: list[Callable[[Any], Any]] = [
    *(lambda x: sorted(x, reverse=True), lambda x: sorted(x, reverse=False), lambda x: sorted(x, key=None)),
    *(lambda x: sorted(x, key=len), lambda x: sorted(x, key=lambda item: -item), lambda x: sorted(x, key=last)),
    *(lambda x: sorted(x, key=operator.itemgetter(1), reverse=True), lambda x: sorted(x, reverse=True, key=str)),
    *(lambda x: max(x, key=len), lambda x: min(x, key=lambda item: item % 3), lambda x: max(x, key=last)),
    *(lambda x: max(x, key=None), lambda x: sorted((y for y in x if y), key=len), has_a_key_that_fails),
    *(lambda x: operator.itemgetter(0, 1)(x), lambda x: max(x, key=operator.methodcaller("count", 1))),
    *(lambda x: max(x, 2, key=abs), lambda x: min(x, [1], key=len), lambda x: sorted(x, key=lambda y: (y, 1))[:2]),
]
ITERATORS: list[Callable[[Any], Any]] = [
    *(lambda x: list(map(str, x)), lambda x: sum(map(len, x)), lambda x: ",".join(map(str, x))),
    *(lambda x: list(map(lambda y: y * 2, x)), lambda x: list(map(last, x)), lambda x: sorted(map(abs, x))),
    *(lambda x: list(filter(None, x)), lambda x: tuple(filter(lambda y: y > 1, x)), lambda x: any(filter(len, x))),
    *(lambda x: list(map(str, filter(None, x))), lambda x: [y + "!" for y in map(str, x)], lambda x: max(map(len, x))),
]
RANGES: list[Callable[[Any], Any]] = [
    *(
        lambda x: list(range(x)),
        lambda x: sum(range(2, x)),
        lambda x: [i * x for i in range(3)],
        lambda x: tuple(range(3)),
    ),
    *(
        lambda x: [i for i in range(x, 0, -2)],
        lambda x: list(range(0, 9, x)),
        lambda x: all(x % d for d in range(2, 4)),
    ),
    *(lambda x: math.sqrt(x), lambda x: math.floor(x), lambda x: math.ceil(x), lambda x: [x] * 3),
]
NUMBERS: list[tuple[Any]] = [
    (0,),
    (5,),
    (-3,),
    (2.5,),
    (-0.5,),
    (True,),
    (float("nan"),),
    (float("inf"),),
    ("a",),
    (None,),
]
STARS: list[Callable[[Any], Any]] = [
    *(lambda x: (*x, 1), lambda x: (0, *x), lambda x: (*x, *x), lambda x: (0, *x, 1, 2, *x), lambda x: (*(1, 2), x)),
    lambda x: (*x[1:], x),
]


@pytest.mark.parametrize("function", [*KEYED, *ITERATORS, *STARS])
def test_functions_of_sequences(compare: Callable[..., None], function: Callable[[Any], Any]) -> None:
    compare(function, *LISTS)


@pytest.mark.parametrize("function", RANGES)
def test_functions_of_numbers(compare: Callable[..., None], function: Callable[[Any], Any]) -> None:
    compare(function, *NUMBERS)


def test_an_iterator_counts_only_where_it_is_used_up_at_once() -> None:
    for function in (lambda x: (y for y in x), lambda x: map(str, x), lambda x: filter(None, x), lambda x: range(x)):
        kept = read(function, 1)
        assert isinstance(kept, Opaque) and kept.reason.startswith("keeps ")
        used = read(function, 1, iterated=True)
        assert isinstance(used, Program)
        assert isinstance(program_of(function, 1), Opaque)
        assert program_of(function, 1, True) is program_of(function, 1, True)
        assert isinstance(program_of(function, 1), Opaque)


def test_a_list_with_a_star_is_said_to_be_none() -> None:
    answer = read(lambda x: [*x, 1], 1)
    assert isinstance(answer, Opaque) and answer.reason == "builds a list with a star"


def test_a_name_that_becomes_another_function_is_noticed() -> None:
    scope: dict[str, Any] = {"map": map}
    exec("def f(x): return list(map(str, x))", scope)  # a program that shadows a builtin
    assert isinstance(program_of(scope["f"], 1), Program)
    scope["map"] = zip
    assert isinstance(program_of(scope["f"], 1), Opaque)
