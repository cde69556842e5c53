"""Which elements does a sample hold, for a seed?

Python's `random` seeded with `seed ^ partition` and advanced by ten draws, as Spark's workers do, so that the same seed
gives the same elements.
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Iterable, Iterator
from typing import Any

__all__ = ["RDDRangeSampler", "RDDSampler", "RDDSamplerBase", "RDDStratifiedSampler"]


class RDDSamplerBase:
    """The random numbers of one partition."""

    def __init__(self, withReplacement: bool, seed: int | None = None) -> None:
        self._seed = seed if seed is not None else random.randint(0, sys.maxsize)
        self._withReplacement = withReplacement
        self._random = random.Random()

    def initRandomGenerator(self, split: int) -> None:
        """Begins a partition."""
        self._random = random.Random(self._seed ^ split)
        for _ in range(10):  # neighbouring seeds begin alike
            self._random.randint(0, 1)

    def getUniformSample(self) -> float:
        """A number in [0, 1)."""
        return self._random.random()

    def getPoissonSample(self, mean: float) -> int:
        """How often an element is drawn, with replacement: Knuth's method, on a log scale for large means."""
        times = 0
        if mean < 20.0:
            limit, product = math.exp(-mean), self._random.random()
            while product > limit:
                times += 1
                product *= self._random.random()
        else:
            total = self._random.expovariate(mean)
            while total < 1.0:
                times += 1
                total += self._random.expovariate(mean)
        return times

    def func(self, split: int, iterator: Iterable[Any]) -> Iterator[Any]:
        """The sample of a partition."""
        raise NotImplementedError


class RDDSampler(RDDSamplerBase):
    """Every element with the same probability, or number of times."""

    def __init__(self, withReplacement: bool, fraction: float, seed: int | None = None) -> None:
        super().__init__(withReplacement, seed)
        self._fraction = fraction

    def func(self, split: int, iterator: Iterable[Any]) -> Iterator[Any]:
        """The sample of a partition."""
        self.initRandomGenerator(split)
        for element in iterator:
            if self._withReplacement:
                for _ in range(self.getPoissonSample(self._fraction)):
                    yield element
            elif self.getUniformSample() < self._fraction:
                yield element


class RDDRangeSampler(RDDSamplerBase):
    """Elements whose random number falls into a range; neighbouring ranges give disjoint samples."""

    def __init__(self, lowerBound: float, upperBound: float, seed: int | None = None) -> None:
        super().__init__(False, seed)
        self._lowerBound, self._upperBound = lowerBound, upperBound

    def func(self, split: int, iterator: Iterable[Any]) -> Iterator[Any]:
        """The sample of a partition."""
        self.initRandomGenerator(split)
        return (e for e in iterator if self._lowerBound <= self.getUniformSample() < self._upperBound)


class RDDStratifiedSampler(RDDSamplerBase):
    """Pairs with a probability, or number of times, per key."""

    def __init__(self, withReplacement: bool, fractions: dict[Any, float], seed: int | None = None) -> None:
        super().__init__(withReplacement, seed)
        self._fractions = fractions

    def func(self, split: int, iterator: Iterable[Any]) -> Iterator[Any]:
        """The sample of a partition."""
        self.initRandomGenerator(split)
        for key, value in iterator:
            if self._withReplacement:
                for _ in range(self.getPoissonSample(self._fractions[key])):
                    yield key, value
            elif self.getUniformSample() < self._fractions[key]:
                yield key, value
