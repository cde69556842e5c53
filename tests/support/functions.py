"""Functions as programs give them to RDDs, for random pipelines: plain ones, and ones that no engine can see into.

Each raises for some elements. The lists at the end are there to draw from, by what the functions are used for.
"""

from __future__ import annotations

import operator
import re
from collections import namedtuple
from collections.abc import Callable
from typing import Any

from model_rdd import PerTask

Reading = namedtuple("Reading", ["sensor", "celsius", "ok"])
UNITS = {"a": 1, "b": 2, 0: "zero"}
LIMIT = 30
NAME = re.compile(r"^\s*([a-zA-Zé]+)")


class Odd:
    """A class of the program: hashable, equal by its value, and mutable."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Odd) and self.value == other.value

    def __hash__(self) -> int:
        return hash(self.value)

    def __repr__(self) -> str:
        return f"Odd({self.value!r})"


# -- with names --------------------------------------------------------------------------------------
def parse_csv(line: str) -> tuple[str, float]:
    fields = line.split(",")
    return fields[0], float(fields[1])


def bucket(x: float) -> str:
    if x < 10:
        return "low"
    elif x < 100:
        return "mid"
    else:
        return "high"


def celsius(f: float) -> float:
    c = (f - 32) * 5 / 9
    return round(c, 1)


def in_base_three(x: int) -> list[int]:
    digits = []
    while x > 0:
        digits.append(x % 3)
        x //= 3
    return digits


# -- nobody can see into these -------------------------------------------------------------------------
def name_of(line: str) -> str | None:
    found = NAME.match(line)
    return found.group(1) if found else None


def numbered() -> Callable[[Any], Any]:
    """Pairs each element with how many came before it in the task."""
    seen: list[int] = []

    def number(x: Any) -> tuple[Any, int]:
        seen.append(0)
        return x, len(seen)

    return number


def new_ones() -> Callable[[Any], bool]:
    """Whether no element with the same text came before in the task."""
    seen: set[str] = set()

    def is_new(x: Any) -> bool:
        known = repr(x) in seen
        seen.add(repr(x))
        return not known

    return is_new


def every_third() -> Callable[[Any], list[Any]]:
    """Two copies of the first element of each three."""
    count = {"all": 0}

    def copies(x: Any) -> list[Any]:
        count["all"] += 1
        return [x, x] if count["all"] % 3 == 1 else []

    return copies


def spoil(x: Any) -> None:
    """Changes whatever can be changed in an element: no other job may see it."""
    if isinstance(x, list):
        for item in x:
            spoil(item)
        x.append("spoiled")
    elif isinstance(x, tuple):
        for item in x:
            spoil(item)
    elif isinstance(x, Odd):
        x.value = "spoiled"


def join_lists(a: list[Any], b: list[Any]) -> list[Any]:
    """Changes its first argument, which a combining function may do."""
    a.extend(b)
    return a


SomeFunctions = list[Any]

MAPS: SomeFunctions = [
    *(lambda x: (x, 1), lambda x: (x, x), lambda x: (x % 3, x), lambda x: (len(x), x), lambda x: (x.lower(), 1)),
    *(lambda x: x + 1, lambda x: x * 2, lambda x: x * x, lambda x: x - 0.5, lambda x: x // 3, lambda x: x / 4),
    *(lambda x: x % 10, lambda x: x % -3, lambda x: x**2, lambda x: -x if x < 0 else x, lambda x: 10 // x, abs),
    *(lambda x: x & 7, lambda x: x << 3, lambda x: ~x, lambda x: int(x), lambda x: float(x), lambda x: round(x)),
    *(str, len, bool, repr, lambda x: x.upper(), lambda x: x.strip(), lambda x: x.replace("a", "bb"), str.title),
    *(lambda x: x.split(","), lambda x: x.split(",")[0], lambda x: int(x.split(",")[0]), lambda x: x.split()),
    *(lambda x: x[:2], lambda x: x[0], lambda x: x[-1], lambda x: x[::-1], lambda x: x[1:3], lambda x: x.encode()),
    *(lambda x: f"{x}!", lambda x: f"{x:>5}|{x!r}", lambda x: "%s:%s" % (x, 1), lambda x: "%d" % x, lambda x: "é" + x),  # noqa: UP031
    *(lambda x: "a" in x, lambda x: x == 1, lambda x: x is None, lambda x: not x, lambda x: x or "none"),
    *(lambda x: x and x[0], lambda x: 5 < x < LIMIT, lambda x: x in (0, "a", None), lambda x: UNITS.get(x, 0)),
    *(lambda x: UNITS[x], lambda x: [x, 1], lambda x: [x], lambda x: None, lambda x: x.startswith("a")),
    *(lambda kv: (kv[1], kv[0]), lambda kv: kv[0], lambda kv: kv[1], lambda kv: kv[0] + kv[1], lambda kv: (kv, kv[0])),
    *(lambda kv: (kv[0], kv[1] * 2.5), lambda kv: (kv[0], (kv[1], 1)), lambda kv: kv[0] == kv[1], sum, max, sorted),
    *(list, tuple, lambda xs: [x for x in xs if x], lambda xs: sum(x for x in xs), lambda x: max(x, 3)),
    *(lambda x: min(x, 2.0), lambda x: "neg" if x < 0 else x, lambda x: x if x else 0.5, lambda r: r.celsius),
    *(lambda r: (r.sensor, r.celsius), lambda r: r._replace(ok=False), lambda o: o.value, Odd, bucket, celsius),
    *(parse_csv, in_base_three, name_of, lambda x: ord(x[0]), lambda x: "ab".join(x), lambda x: x.count("a")),
    *(PerTask(numbered), lambda x: x),
]
FILTERS: SomeFunctions = [
    *(lambda x: x % 2 == 0, lambda x: x > 0, lambda x: 5 < x < LIMIT, lambda x: x, lambda x: not x, bool),
    *(lambda x: len(x) > 1, lambda x: x.startswith("a"), lambda x: "a" in x, lambda x: x and not x.isdigit()),
    *(lambda x: x is not None, lambda x: x != 1, lambda kv: kv[0] != kv[1], lambda kv: kv[1], lambda kv: kv[1] > 0),
    *(lambda r: r.ok and r.celsius > 0, lambda x: len(repr(x)) % 4, name_of, PerTask(new_ones)),
]
FLAT_MAPS: SomeFunctions = [
    *(lambda x: x.split(" "), lambda x: x.split(), lambda x: x.lower().split(","), lambda x: x, lambda x: [x, x]),
    *(lambda x: (x, 1), lambda x: [x] * (len(repr(x)) % 3), lambda x: x[:2], lambda x: range(x % 3), list, reversed),
    *(lambda x: [] if x is None else [x], lambda x: (y for y in (x, 2)), lambda xs: [(x, 1) for x in xs]),
    *(lambda x: [w for w in x.split(" ") if w], PerTask(every_third)),
]
REDUCERS: SomeFunctions = [
    *(
        lambda a, b: a + b,
        operator.add,
        lambda a, b: (a + 0) * (b + 0),
        lambda a, b: a - b,
        max,
        min,
        lambda a, b: max(a, b),
    ),
    *(lambda a, b: a if a > b else b, lambda a, b: a if a < b else b, lambda a, b: a, lambda a, b: b),
    *(lambda a, b: (a[0] + b[0], a[1] + b[1]), lambda a, b: f"({a} {b})", lambda a, b: (a, b), lambda a, b: a or b),
    *(lambda a, b: [a, b], lambda a, b: 1 // (len(repr(a)) % 5)),
]
# What tells a key's partition. Module level, since partitioners are the same if their functions are.
PLACES: SomeFunctions = [
    *(lambda key: 7, lambda key: -len(repr(key)), lambda key: key % 3 if type(key) is int else 0, lambda key: len(key)),
]
SORTERS: SomeFunctions = [
    *(lambda x: x, repr, lambda x: -x, lambda x: len(x), lambda kv: kv[0], lambda kv: kv[1], lambda x: 0),
    *(lambda x: (len(repr(x)), repr(x)), lambda x: x.lower(), lambda x: x % 3),
]
