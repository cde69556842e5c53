"""What do functions of a partition get of an RDD of numbers? The range itself, as in Spark, not an iterator.

So they can go through it twice, and ask for its length. After any other step, from a persisted RDD, or where partitions
were merged, they get an iterator, as everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

from dstreams.core.rdds.stepwise import Step


class Numbers(NamedTuple):
    """A range that is cut into partitions, by rounding down at each border, as Spark cuts ranges."""

    first: int
    step: int
    size: int
    slices: int

    @classmethod
    def of(cls, numbers: range, slices: int) -> Numbers:
        """A range that is not empty."""
        return cls(numbers[0], numbers[1] - numbers[0] if len(numbers) > 1 else 1, len(numbers), slices)

    def _start(self, part: int) -> int:
        return self.first + int(part * self.size / self.slices) * self.step

    def part(self, index: int) -> range:
        """The numbers of a partition."""
        return range(self._start(index), self._start(index + 1), self.step)


def on_range(numbers: Numbers, step: Step) -> Step:
    """A step over `numbers` whose function gets the range of its partition; any other step as it is."""
    name, number, functions = step
    if name not in ("partitions", "indexedPartitions"):
        return step
    return "indexedPartitions", number, (partial(_over_range, numbers, functions[0], name == "indexedPartitions"),)


def without_range(name: str, functions: list[Any]) -> tuple[str, list[Any]]:
    """A step as it was before `on_range`, by its name and functions."""
    only = functions[0] if len(functions) == 1 else None
    if type(only) is partial and only.func is _over_range:
        _, function, indexed = only.args
        return ("indexedPartitions" if indexed else "partitions"), [function]
    return name, functions


def _over_range(
    numbers: Numbers, f: Callable[..., Iterable[Any]], indexed: bool, index: int, _: Iterable[Any]
) -> Iterable[Any]:
    part = numbers.part(index)
    return f(index, part) if indexed else f(part)
