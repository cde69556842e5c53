"""Count, mean, variance, minimum and maximum of numbers, gathered in one pass and mergeable.

Follows Welford and Chan, in the order of operations that gives Spark's last digits. With numpy at hand the extremes and
deviations are numpy numbers, as in Spark.
"""

from __future__ import annotations

import copy
import functools
import math
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["StatCounter"]


@functools.lru_cache(maxsize=1)
def _functions() -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
    try:
        from numpy import maximum, minimum, sqrt
    except ImportError:
        return max, min, math.sqrt
    return maximum, minimum, sqrt


class StatCounter:
    """Running statistics of numbers."""

    def __init__(self, values: Iterable[float] | None = None) -> None:
        self.n = 0
        self.mu = 0.0
        self.m2 = 0.0  # sum of the squared distances from the mean
        self.maxValue: Any = float("-inf")
        self.minValue: Any = float("inf")
        for value in values or ():
            self.merge(value)

    @classmethod
    def of_moments(cls, count: int, mean: float, squares: float, largest: Any, smallest: Any) -> StatCounter:
        """The counter of `count` numbers, one at least, with this mean and sum of squared distances from it."""
        maximum, minimum, _ = _functions()
        made = cls()
        made.n, made.mu, made.m2 = count, mean, squares
        made.maxValue = maximum(made.maxValue, largest)
        made.minValue = minimum(made.minValue, smallest)
        return made

    def merge(self, value: float) -> StatCounter:
        """Adds a number."""
        maximum, minimum, _ = _functions()
        delta = value - self.mu
        self.n += 1
        self.mu += delta / self.n
        self.m2 += delta * (value - self.mu)
        self.maxValue = maximum(self.maxValue, value)
        self.minValue = minimum(self.minValue, value)
        return self

    def mergeStats(self, other: StatCounter) -> StatCounter:
        """Adds all numbers of another counter."""
        if not isinstance(other, StatCounter):
            raise TypeError(f"Can only merge StatCounter but got {type(other)}")
        if other is self:
            return self.mergeStats(other.copy())
        if self.n == 0:
            self.__dict__.update(other.__dict__)
        elif other.n:
            self._merge_filled(other)
        return self

    def _merge_filled(self, other: StatCounter) -> None:
        maximum, minimum, _ = _functions()
        delta, total = other.mu - self.mu, self.n + other.n
        # A small side moves the mean a little: adding the move loses fewer digits than averaging.
        if other.n * 10 < self.n:
            self.mu = self.mu + (delta * other.n) / total
        elif self.n * 10 < other.n:
            self.mu = other.mu - (delta * self.n) / total
        else:
            self.mu = (self.mu * self.n + other.mu * other.n) / total
        self.maxValue = maximum(self.maxValue, other.maxValue)
        self.minValue = minimum(self.minValue, other.minValue)
        self.m2 += other.m2 + (delta * delta * self.n * other.n) / total
        self.n = total

    def copy(self) -> StatCounter:
        """An independent copy."""
        return copy.deepcopy(self)

    def count(self) -> int:
        """How many numbers."""
        return int(self.n)

    def mean(self) -> float:
        """The mean."""
        return self.mu

    def sum(self) -> float:
        """The sum."""
        return self.n * self.mu

    def min(self) -> float:
        """The smallest; inf for no numbers."""
        return self.minValue

    def max(self) -> float:
        """The largest; -inf for no numbers."""
        return self.maxValue

    def variance(self) -> float:
        """The variance of the population; NaN for no numbers."""
        return self.m2 / self.n if self.n else float("nan")

    def sampleVariance(self) -> float:
        """The variance estimated from a sample; NaN below two numbers."""
        return self.m2 / (self.n - 1) if self.n > 1 else float("nan")

    def stdev(self) -> float:
        """The standard deviation of the population."""
        return _functions()[2](self.variance())

    def sampleStdev(self) -> float:
        """The standard deviation estimated from a sample."""
        return _functions()[2](self.sampleVariance())

    def asDict(self, sample: bool = False) -> dict[str, float]:
        """All figures by name. As in Spark, `sample=True` gives the population's deviation, False the sample's."""
        return {
            "count": self.count(),
            "mean": self.mean(),
            "sum": self.sum(),
            "min": self.min(),
            "max": self.max(),
            "stdev": self.stdev() if sample else self.sampleStdev(),
            "variance": self.variance() if sample else self.sampleVariance(),
        }

    def __repr__(self) -> str:
        return (
            f"(count: {self.count()}, mean: {self.mean()}, stdev: {self.stdev()}, max: {self.max()}, min: {self.min()})"
        )
