"""Is the exception that comes first the one that counts, and does a handler see what was done before it?"""

# The functions are as programs write them, also where there is a nicer way.
# ruff: noqa: E722, F841, UP031

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from dstreams.udf import WITH_STATE, Opaque, Program, read

UNITS = {"c": 1, "f": 2.5, "7": None}


def any_of_them(x):
    try:
        return any(int(p) > 3 for p in x.split(","))
    except ValueError:
        return -1


def zipped(x):
    try:
        return list(zip(["a"], map(int, x.split(",")), strict=False))
    except ValueError:
        return -1


def summed_up(x):
    try:
        return sum(UNITS[p] for p in x.split(","))
    except KeyError:
        return -1


def divided_by_each(x):
    try:
        return [10 // int(p) for p in x.split(",")]
    except ValueError:
        return -1


def looked_up_or_read(x):
    try:
        return [int(p) if p != "0" else UNITS[p] for p in x.split(",")]
    except ValueError:
        return 0


def past_the_end(x):
    try:
        if x != "q":
            return int(x)
    except ValueError:
        return -1
    return int(x)


def past_a_chain(x):
    try:
        if x == "a":
            y = 1
        elif x != "q":
            return UNITS[x]
    except KeyError:
        return -1
    y = 2
    return UNITS[x]


def mapped_before(x):
    a = list(map(int, x.split(",")))
    try:
        return sum(a)
    except ValueError:
        return -1


def bare_after_another(x):
    try:
        v = 1 // len(x)
        w = int(x)
    except ZeroDivisionError:
        return -1
    except:
        return -2
    return v + w


def dropped_variable(x):
    try:
        v = int(x)
        y = 1
        w = int(x + "z")
    except ValueError:
        y  # noqa: B018
        return 0
    return 2


def deleted_variable(x):
    if x:
        y = 1
    del y
    return x


def deleted_match(x):
    if x:
        m = re.match("a", x)
    del m
    return x


def tries_again(x):
    try:
        if x[0] == "q":
            return "q"
        a = int(x)
    except (ValueError, IndexError):
        a = 0
    try:
        b = 10 // a
    except ZeroDivisionError:
        b = int(x[1])
    return a, b


def deleted_in_a_handler(x):
    try:
        v = int(x)
        y = 1
        w = int(x + "z")
    except ValueError:
        del y
    return 2


def method_read_before(x):
    try:
        f = x.upper
        n = int("x")
        return f()
    except ValueError:
        return 0


def set_between_methods(x):
    b = 0
    try:
        f = x.upper
        g = x.lower
        b = 1
        c = int(f())
        d = g()
    except ValueError:
        return b
    return 5


def used_twice(x):
    def twice(numbers):
        return sum(numbers) + sum(numbers)

    return twice(map(int, x.split(",")))


def another_one_first(x):
    try:
        a = len(x)
        b = "%d" % x[:a]
        return int(x)
    except ValueError:
        return 0


def nothing_to_guard(x):
    try:
        pass
    except ValueError:
        return 1
    return 0 if x else 2


# With values for which the order, or what was set before, is not what it seems.
FUNCTIONS: list[tuple[Callable[..., Any], list[Any]]] = [
    (any_of_them, ["5,x", "1,x", "x"]),
    (zipped, ["5,x", "x"]),
    (summed_up, ["c,7,z", "c,z", "c"]),
    (divided_by_each, ["0,x", "x,0", "1,2"]),
    (looked_up_or_read, ["0,x", "x,0", "1,2"]),
    (past_the_end, ["q", "x", "7"]),
    (past_a_chain, ["q", "a", "c", "x"]),
    (mapped_before, ["x", "1,2"]),
    (bare_after_another, ["", "x", "7"]),
    (dropped_variable, ["x", "7"]),
    (deleted_variable, ["", "x"]),
    (deleted_match, ["", "a"]),
    (tries_again, ["q", "7", "0", "x", "x5", "xx", ""]),
    (deleted_in_a_handler, ["x", "7"]),
    (method_read_before, [5, "x"]),
    (set_between_methods, ["x", "7"]),
    (used_twice, ["1,2"]),
    (another_one_first, ["x", "7", (1,)]),
    (nothing_to_guard, ["", "x"]),
]


@pytest.mark.parametrize(("function", "values"), FUNCTIONS, ids=[function.__name__ for function, _ in FUNCTIONS])
def test_it_gives_what_the_function_gives_or_leaves_it_to_python(
    both_outcomes: Callable[..., Any], function: Callable[..., Any], values: list[Any]
) -> None:
    program = read(function, 1)
    if isinstance(program, Opaque):
        assert not program.reason.startswith("cannot be read"), program
        return
    for value in values:
        native, python = both_outcomes(program, function, value)
        assert native[0] == "raises" or native == "bail" or native == python, (value, program.tree)


def updates(key, value, state):
    try:
        state.update(1)
        return key, int(value), state.getOption()
    except ValueError:
        return key, -1, state.getOption()


def gets(key, value, state):
    try:
        return key, state.get()
    except ZeroDivisionError:
        return key, 0


def test_a_state_is_not_changed_within_a_try() -> None:
    answer = read(updates, WITH_STATE)
    assert isinstance(answer, Opaque)
    assert answer.reason == "changes its state inside of a try"


def test_a_state_that_is_not_there_is_no_division_by_zero() -> None:
    answer = read(gets, WITH_STATE)
    assert isinstance(answer, Program)
    assert "can_divide" not in repr(answer.tree)
