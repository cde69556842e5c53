"""Does the tree of a function do what the function does, for values of all kinds? A table of functions and values."""

# The functions are as programs write them, also where there is a nicer way.
# ruff: noqa: C408, F841, RUF021, RUF059, SIM208, UP018, UP031, UP032

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

LIMIT = 30
BOUNDS = (0, 10.5)
UNITS = {"c": 1, "f": 2.5, None: "nothing", 7: (1, 2)}
STOP = {"the", "a", 7}
VOWELS = ["a", "e", "i"]


def parse(line):
    fields = line.split(",")
    return fields[0], float(fields[2])


def in_another_order(line):
    last = line[-1]
    first = line[0]
    return first, last


def computed_and_dropped(x):
    int(x)
    return x


def dropped_in_one_way(x):
    if x:
        x[0]
    return x


def dropped_in_one_way_with_a_value(x):
    if x:
        y = x[0]
        z = x[1]
    else:
        y = z = None
    return z


def computed_before_a_branch(x):
    y = x[0]
    if x == "a":
        return 1
    return y


def returns_early(x):
    if x is None:
        return "none"
    if x == 0:
        return "zero"
    if x == "a":
        return "a"
    return len(x)


def nested(x):
    if x:
        if x == 7:
            return 1
        elif x == "a":
            x = 3
    else:
        x = "empty"
    return x


def merges(x):
    if x is None:
        kind, size = "none", 0
    elif x == 7:
        kind, size = "seven", 1
    else:
        kind, size = "else", len(x)
    return kind, size


def merges_one(x):
    y = 0 if x is None else x[0]
    return (y, x)


def truth_of_many(x):
    if x and x != 7 or x == 0:
        return "yes"
    return "no"


def bucket(x):
    if x < 10:
        return "low"
    elif x < 100:
        return "mid"
    else:
        return "high"


def augmented(x):
    total = 1
    total += x
    total *= 2
    total -= 3
    return total


def augmented_argument(x):
    x += x
    return x


def augmented_alias(x):
    y = x
    y += [1]
    return x


def augmented_tuple(x):
    y = (1,)
    y += x
    return y


def swap(pair):
    a, b = pair
    a, b = b, a
    return a, b


def swap_three(x):
    a, b, c = x
    c, a, b = a, b, c
    return [a, b, c]


def unpack_nested(x):
    (a, b), (c, d) = x
    return a, d


def unpack_and_drop(x):
    _, _ = x
    return 1


def with_default(x, y=3, *, z="z"):
    return x, y, z


def inner(x):
    def double(y):
        return y * 2

    return double(x)


def inner_with_closure(x):
    k = 2

    def add(y, z=1):
        return y + k + z

    return add(x), add(x, z=3)


def helper(x):
    if x is None:
        return 0
    return len(x)


def calls_helper(x):
    return helper(x) + helper(x) * 2


def calls_by_keyword(x):
    return with_default(y=x, x=1)


def through_function(f, x):
    return f(x), f(str(x))


def gives_function(x):
    return through_function(len, x)


def maker(n, unit):
    return lambda x: (x, n, unit)


def shared(x):
    parts = x.split()
    return parts[0], len(parts), parts


def walrus(x):
    return (n := len(x)), n + 1


def conditions_in_calls(x):
    return max(0 if x is None else 1, 2 if x else 3)


def ten_choices(x):
    a = x or 1
    b = x and 2
    c = 3 if x else 4
    d = a or b
    e = c and d
    f = e if a else b
    g = f or x
    h = g and a
    i = h or b
    j = i if c else d
    return a, b, c, d, e, f, g, h, i, j


def forgets(x):
    y = x
    del y
    return x


def annotated(x: int) -> int:
    y: int = x
    return y


def documented(x):
    """Text."""
    return x


def after_return(x):
    return x
    return 1


def nothing(x):
    pass


def while_false(x):
    while False:
        x = 1
    return x


def with_constant_condition(x):
    if LIMIT > 3 and not UNITS.get("absent"):
        return x
    return None


def old_style(x):
    return "%s and %r" % (x, x)


def slices(x):
    return x[1:], x[:-1], x[::2], x[:], x[1:2]


def chain(x):
    return 0 <= x < 10 < LIMIT


def chain_in_if(x):
    if "a" <= x[0] <= "z":
        return 1
    else:
        return 2


def first_or_fail(x):
    if x:
        return x[0]
    return 1


def calls_and_drops(x):
    first_or_fail(x)
    return 1


def equal_but_of_another_type(x):
    if x == "a":
        return 0.0
    if x == 7:
        return False
    if x is None:
        return -0.0
    return 0


ONE: list[Callable[[Any], Any]] = [
    *(parse, in_another_order, computed_and_dropped, dropped_in_one_way, dropped_in_one_way_with_a_value),
    *(computed_before_a_branch, returns_early, nested, merges, merges_one, truth_of_many, bucket, augmented),
    *(augmented_argument, augmented_alias, augmented_tuple, swap, swap_three, unpack_nested, unpack_and_drop),
    *(with_default, inner, inner_with_closure, calls_helper, calls_by_keyword, gives_function),
    *(
        maker(3, "m"),
        maker((1, "x"), None),
        maker(-0.0, b"b"),
        shared,
        walrus,
        conditions_in_calls,
        ten_choices,
        forgets,
    ),
    *(annotated, documented, after_return, nothing, while_false, with_constant_condition, old_style, slices, chain),
    *(chain_in_if, calls_and_drops, equal_but_of_another_type),
    *(len, int, float, str, bool, abs, round, min, max, sum, sorted, any, all, ord, repr, tuple, list),
    *(str.lower, str.split, str.strip, str.isdigit, str.title, operator.neg, operator.not_, operator.truth),
    *(
        operator.itemgetter(1),
        operator.itemgetter(0, -1),
        operator.attrgetter("celsius"),
        operator.methodcaller("upper"),
    ),
    operator.methodcaller("split", ","),
    *(partial(operator.add, 1), partial(max, 3), partial(bucket), partial(partial(divmod), 100)),
    *(partial(with_default, 1), partial(through_function, len)),
    lambda x: None,
    lambda x: x,
    lambda x: (),
    lambda x: [],
    lambda x: [1, 2, 3],
    lambda x: [x, (x, 1)],
    lambda x: (x, [x, x], 2.5, "s", b"b", None, True),
    lambda x: x[0],
    lambda x: x[-1],
    lambda x: x[1][0],
    lambda x: (x[1], x[0]),
    lambda x: (x, 1)[0],
    lambda x: x.split(","),
    lambda x: x.split(sep=",", maxsplit=1),
    lambda x: x.split(maxsplit=1),
    lambda x: x.lower().split(" "),
    lambda x: x.replace("a", "b").strip(),
    lambda x: x.decode(),
    lambda x: x.encode("utf-8"),
    lambda x: x.encode(errors="replace"),
    lambda x: x.count("a"),
    lambda x: x.index(1),
    lambda x: x.find("a", 0),
    lambda x: x.startswith(("a", "T")),
    lambda x: x.partition(","),
    lambda x: x.copy(),
    lambda x: x.is_integer(),
    lambda x: x.bit_length(),
    lambda x: ",".join(x),
    lambda x: "{}-{}".format(x, 1),
    lambda x: "-".join(["a", str(x)]),
    lambda x: x.title().zfill(8),
    lambda x: str.upper(x),
    lambda x: str.join(",", x),
    lambda x: x + 1,
    lambda x: x - 1.5,
    lambda x: x * 2,
    lambda x: x * x,
    lambda x: x / 4,
    lambda x: 1 / x,
    lambda x: x // 3,
    lambda x: x % 10,
    lambda x: x**2,
    lambda x: x << 3,
    lambda x: x >> 1,
    lambda x: x & 6,
    lambda x: x | 1,
    lambda x: x ^ 5,
    lambda x: -x,
    lambda x: +x,
    lambda x: ~x,
    lambda x: not x,
    lambda x: not not x,
    lambda x: bool(x),
    lambda x: abs(x) + round(x, 1),
    lambda x: round(x, ndigits=1),
    lambda x: divmod(x, 7),
    lambda x: pow(x, 2),
    lambda x: int(x, 16),
    lambda x: int(x, base=8),
    lambda x: int() + float() + len(str()) + len(tuple()) + len(list()) + bool(),
    lambda x: sum(x, 10),
    lambda x: sum(x, start=0.5),
    lambda x: min(x, 3),
    lambda x: max(1, x, 2),
    lambda x: list(reversed(x)),
    lambda x: sum(reversed(x)),
    lambda x: chr(x),
    lambda x: x == 7,
    lambda x: x != "a",
    lambda x: x < 10,
    lambda x: x >= 2.5,
    lambda x: x is None,
    lambda x: x is not None,
    lambda x: x is True,
    lambda x: x == x,
    lambda x: 5 < x < LIMIT,
    lambda x: BOUNDS[0] <= x <= BOUNDS[1],
    lambda x: 1 < len(x) < 5 and x[0] != "a",
    lambda x: "a" in x,
    lambda x: x in "abc",
    lambda x: x not in (1, "a", None),
    lambda x: x in {1, 7, "a"},
    lambda x: x in [1, 2.5, "a"],
    lambda x: x in STOP,
    lambda x: x not in VOWELS,
    lambda x: x in UNITS,
    lambda x: UNITS[x],
    lambda x: UNITS.get(x),
    lambda x: UNITS.get(x, x),
    lambda x: {"a": 1, 7: 2}.get(x, 0),
    lambda x: {"a": 1, "b": "two"}[x],
    lambda x: x and x[0],
    lambda x: x or "empty",
    lambda x: (x or 0) + 1,
    lambda x: x and len(x) > 1 and x[1],
    lambda x: x == 1 or x == "a" or x is None,
    lambda x: (x == 1 or x == "a") and "yes",
    lambda x: (x and 1) or (not x and 2),
    lambda x: 1 if x else 2,
    lambda x: 1 if x else True,
    lambda x: (1, 2) if x else (1.0, 2),
    lambda x: -x if x < 0 else x,
    lambda x: "a" if x == 1 else "b" if x == 7 else x,
    lambda x: (x if x else 1) if x != 7 else None,
    lambda x: (1 if x else 2, 3 if not x else 4),
    lambda x: (0 if x is None else x) + 1,
    lambda x: len(x) if x is not None and x != 7 else -1,
    lambda x: f"{x}",
    lambda x: f"{x}:{x!r}:{x!s:>8}:{x!a}",
    lambda x: f"{x:>10}|{x:.2f}",
    lambda x: f"{x:,}",
    lambda x: f"{len(x)}{'a'}{3}",
    lambda x: "%d items" % x,
    lambda x: "%5.1f|%s" % (x, x),
    lambda x: x % (1, 2),
    lambda x: x.celsius,
    lambda x: x.celsius + 1 if x.ok else x.sensor.upper(),
    lambda x: (lambda y: y + 1)(x),
    lambda x: (lambda y, z=2: (y, z, x))(x),
    lambda x: math.pi * x,
    lambda x: operator.add(x, 1),
    lambda x: operator.contains(x, 1),
    lambda x: operator.getitem(x, 0),
]


def name_of(function: Any) -> str:
    code = getattr(function, "__code__", None)
    return f"{getattr(function, '__name__', repr(function))}{f'-{code.co_firstlineno}' if code else ''}"


@pytest.mark.parametrize("function", ONE, ids=name_of)
def test_of_one_argument(compare: Any, values: list[Any], function: Callable[[Any], Any]) -> None:
    compare(function, *((value,) for value in values))


def test_without_arguments(compare: Any) -> None:
    compare(lambda: (LIMIT, "a"), ())
