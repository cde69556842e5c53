"""Samples and splits: Spark's elements for the same seed."""

from __future__ import annotations

import itertools
import random
import sys
from collections.abc import Sequence
from math import log, sqrt
from typing import TYPE_CHECKING, Any, TypeVar

from dstreams.core.engine.stopped import check_alive
from dstreams.core.rdds.actions import Actions
from dstreams.core.rddsampler import RDDRangeSampler, RDDSampler, RDDStratifiedSampler

if TYPE_CHECKING:
    from dstreams.core.rdd import RDD

T = TypeVar("T")


class Sampling(Actions[T]):
    """Random choices of elements."""

    def sample(self, withReplacement: bool, fraction: float, seed: int | None = None) -> RDD[T]:
        """Elements drawn with probability `fraction`, or on average `fraction` times each."""
        if not fraction >= 0:
            raise ValueError("Fraction must be nonnegative.")
        return self.mapPartitionsWithIndex(RDDSampler(withReplacement, fraction, seed).func, True)

    def randomSplit(self, weights: Sequence[float], seed: int | None = None) -> list[RDD[T]]:
        """Disjoint RDDs of about these relative sizes."""
        if not all(w >= 0 for w in weights):
            raise ValueError("Weights must be nonnegative")
        check_alive(self.ctx)
        total = float(sum(weights))
        if not total > 0:
            raise ValueError("Sum of weights must be positive")
        borders = [0.0]
        for weight in weights:
            borders.append(borders[-1] + weight / total)
        if seed is None:
            seed = random.randint(0, 2**32 - 1)
        return [
            self.mapPartitionsWithIndex(RDDRangeSampler(low, high, seed).func, True)
            for low, high in itertools.pairwise(borders)
        ]

    def sampleByKey(self, withReplacement: bool, fractions: dict[Any, float], seed: int | None = None) -> RDD[T]:
        """Pairs drawn with a probability per key."""
        for fraction in fractions.values():
            assert fraction >= 0.0, f"Negative fraction value: {fraction}"
        return self.mapPartitionsWithIndex(RDDStratifiedSampler(withReplacement, fractions, seed).func, True)

    def takeSample(self, withReplacement: bool, num: int, seed: int | None = None) -> list[T]:
        """Exactly `num` elements drawn at random, or all of them shuffled when there are no more."""
        most = sys.maxsize - int(10.0 * sqrt(sys.maxsize))
        if num < 0:
            raise ValueError("Sample size cannot be negative.")
        if num > most:
            raise ValueError(f"Sample size cannot be greater than {most}.")
        if num == 0 or self.getNumPartitions() == 0:
            return []
        count = self.count()
        if count == 0:
            return []
        rand = random.Random(seed)
        if not withReplacement and num >= count:
            everything = self.collect()
            rand.shuffle(everything)
            return everything
        fraction = _fraction_for(num, count, withReplacement)
        drawn = self.sample(withReplacement, fraction, seed).collect()
        while len(drawn) < num:  # unlikely, by the choice of the fraction
            drawn = self.sample(withReplacement, fraction, rand.randint(0, sys.maxsize)).collect()
        rand.shuffle(drawn)
        return drawn[:num]


def _fraction_for(num: int, total: int, with_replacement: bool) -> float:
    """A fraction with which a sample is almost surely at least `num` long."""
    fraction = float(num) / total
    if with_replacement:
        deviations = 9 if num < 12 else 5
        return fraction + deviations * sqrt(fraction / total)
    gamma = -log(0.00005) / total
    return min(1, fraction + gamma + sqrt(gamma * gamma + 2 * gamma * fraction))
