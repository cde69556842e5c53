"""Unpacking and augmented assignment, as the reader gives them: what is native, and what is left to Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dstreams import _native, udf


def fields(line: str) -> Any:
    sensor, count, unit = line.split(",")
    number = int(count)
    number += 2
    return sensor, number, unit


def swapped(pair: Any) -> Any:
    key, value = pair
    value *= 3
    return value, key


def extended(items: Any) -> Any:
    items += [1]
    return len(items)


def program(function: Callable[..., Any]) -> _native.Program:
    read = udf.program_of(function, 1)
    assert isinstance(read, udf.Program), read
    return _native.Program(read.tree, 1)


@pytest.mark.parametrize(
    ("function", "rows"),
    [
        (fields, ["a,1,c", "b,-7,", "é, 12 ,x"]),
        (swapped, [("a", 1), ("b", -2)]),
        (swapped, [("a", "x"), ("b", "")]),
        (swapped, [(1.5, 0.5), (-0.0, float("inf"))]),
    ],
)
def test_native_answers_are_those_of_python(function: Callable[..., Any], rows: list[Any]) -> None:
    assert program(function).run([rows]) == [function(row) for row in rows]


@pytest.mark.parametrize(
    ("function", "rows"),
    [
        (fields, ["a,1,c", "a,1"]),
        (fields, ["a,1,c,d"]),
        (swapped, [(1, 2, 3)]),
        (swapped, [None, (1, 2)]),
        (swapped, ["ab", "cd"]),
        (swapped, [(1, [2])]),
        (extended, [[1], [2, 3]]),
    ],
)
def test_what_raises_or_changes_a_list_is_left_to_python(function: Callable[..., Any], rows: list[Any]) -> None:
    with pytest.raises(_native.Bail):
        program(function).run([rows])
