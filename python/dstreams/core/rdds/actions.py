"""Actions: what comes back to the driver."""

from __future__ import annotations

import bisect
import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator
from functools import partial, reduce
from math import isinf, isnan
from operator import add
from typing import TYPE_CHECKING, Any, TypeVar

from dstreams.core.engine.arguments import java_bool, java_double, java_long
from dstreams.core.engine.prefetch import ahead
from dstreams.core.rdds import hyperloglog, tasks
from dstreams.core.rdds.approximate import BoundedFloat
from dstreams.core.rdds.narrow import NarrowOps
from dstreams.core.rdds.taking import taken
from dstreams.core.statcounter import StatCounter

if TYPE_CHECKING:
    pass

T = TypeVar("T")
U = TypeVar("U")
K = TypeVar("K")


class Actions(NarrowOps[T]):
    """Run a job now."""

    def collect(self) -> list[T]:
        """All elements."""
        return self._collect_node(self)

    def collectWithJobGroup(self, groupId: str, description: str, interruptOnCancel: bool = False) -> list[T]:
        """All elements, in a job of the group."""
        self.ctx.setJobGroup(groupId, description, interruptOnCancel)
        return self.collect()

    def count(self) -> int:
        """Number of elements."""
        return sum(self._collect_node(self._step("count")))

    def foreach(self, f: Callable[[T], None]) -> None:
        """Calls `f(element)` in the tasks."""
        self._collect_node(self.mapPartitions(partial(tasks.visit_each, f)))

    def foreachPartition(self, f: Callable[[Iterable[T]], None]) -> None:
        """Calls `f(iterator)` in the tasks."""
        self._collect_node(self.mapPartitions(partial(tasks.visit_partition, f)))

    def reduce(self, f: Callable[[T, T], T]) -> T:
        """All elements reduced from the left. Raises ValueError for an empty RDD."""
        values = self.mapPartitions(partial(tasks.reduce_partition, f)).collect()
        if not values:
            raise ValueError("Can not reduce() empty RDD")
        return reduce(partial(tasks.no_stop, f), values)

    def fold(self, zeroValue: T, op: Callable[[T, T], T]) -> T:
        """Each partition folded from the zero, then the results folded from the zero."""
        values = self.mapPartitions(partial(tasks.fold_partition, zeroValue, op)).collect()
        return reduce(partial(tasks.no_stop, op), values, zeroValue)

    def aggregate(self, zeroValue: U, seqOp: Callable[[U, T], U], combOp: Callable[[U, U], U]) -> U:
        """Each partition folded from the zero with `seqOp`, then the results with `combOp`."""
        values = self.mapPartitions(partial(tasks.fold_partition, zeroValue, seqOp)).collect()
        return reduce(partial(tasks.no_stop, combOp), values, zeroValue)

    def sum(self) -> Any:
        """The sum, from 0."""
        return self.mapPartitions(tasks.sum_partition).fold(0, add)

    def max(self, key: Callable[[T], Any] | None = None) -> T:
        """The largest element; of equal ones, the first. Raises ValueError for an empty RDD."""
        return self.reduce(max if key is None else partial(tasks.larger, key))  # type: ignore[arg-type]

    def min(self, key: Callable[[T], Any] | None = None) -> T:
        """The smallest element; of equal ones, the first. Raises ValueError for an empty RDD."""
        return self.reduce(min if key is None else partial(tasks.smaller, key))  # type: ignore[arg-type]

    def countByValue(self) -> dict[Any, int]:
        """How often each value occurs, in the order of appearance."""
        return self.mapPartitions(tasks.count_values).reduce(_add_counts)

    def top(self, num: int, key: Callable[[T], Any] | None = None) -> list[T]:
        """The `num` largest elements, the largest first."""
        return self.mapPartitions(partial(tasks.largest, num, key)).reduce(
            lambda a, b: heapq.nlargest(num, a + b, key=key)
        )

    def takeOrdered(self, num: int, key: Callable[[T], Any] | None = None) -> list[T]:
        """The `num` smallest elements, the smallest first."""
        if num < 0:
            raise ValueError("top N cannot be negative.")
        if num == 0 or self.getNumPartitions() == 0:
            return []
        return self.mapPartitions(partial(tasks.smallest, num, key)).reduce(
            lambda a, b: heapq.nsmallest(num, a + b, key=key)
        )

    def take(self, num: int) -> list[T]:
        """The first `num` elements; tries one partition, then as many as the yield so far suggests."""
        return taken(self, num, self._collect_node)

    def first(self) -> T:
        """The first element. Raises ValueError for an empty RDD."""
        found = self.take(1)
        if not found:
            raise ValueError("RDD is empty")
        return found[0]

    def isEmpty(self) -> bool:
        """Whether there is no element."""
        return self.getNumPartitions() == 0 or not self.take(1)

    def toLocalIterator(self, prefetchPartitions: bool = False) -> Iterator[T]:
        """The elements, fetched partition by partition: a job each, when its first element is asked for.

        With `prefetchPartitions` the job of the next partition runs while this one's elements are used.
        """
        self.ctx._running  # noqa: B018 - a stopped context must say so
        java_bool("prefetchPartitions", prefetchPartitions)
        node = self._node  # now: a function that cannot travel must say so here, not at the first element
        self._show()
        jobs = [partial(self.ctx._collect_some, node, partition) for partition in range(self.getNumPartitions())]
        return _each_of(ahead(jobs) if prefetchPartitions else (job() for job in jobs))

    def stats(self) -> StatCounter:
        """Count, mean, variance, minimum and maximum in one pass."""
        return self.mapPartitions(tasks.count_stats).reduce(_merge_stats)

    def mean(self) -> float:
        """The mean."""
        return self.stats().mean()

    def variance(self) -> float:
        """The variance of the population."""
        return self.stats().variance()

    def stdev(self) -> float:
        """The standard deviation of the population."""
        return self.stats().stdev()

    def sampleStdev(self) -> float:
        """The standard deviation estimated from a sample."""
        return self.stats().sampleStdev()

    def sampleVariance(self) -> float:
        """The variance estimated from a sample."""
        return self.stats().sampleVariance()

    def countApprox(self, timeout: int, confidence: float = 0.95) -> int:
        """The count. Exact: a job here does not stop half way; `timeout` and `confidence` are not needed."""
        _check_approximate(timeout, confidence)
        self._of_java()
        return self.count()

    def sumApprox(self, timeout: int, confidence: float = 0.95) -> BoundedFloat:
        """The sum. Exact: a job here does not stop half way; `timeout` and `confidence` are not needed."""
        _check_approximate(timeout, confidence)
        self._of_java()
        total = float(self.map(tasks.to_float).sum())
        return BoundedFloat(total, 1.0, total, total)

    def meanApprox(self, timeout: int, confidence: float = 0.95) -> BoundedFloat:
        """The mean. Exact: a job here does not stop half way; `timeout` and `confidence` are not needed."""
        _check_approximate(timeout, confidence)
        self._of_java()
        # Without a partition there is nothing to wait for, nor to divide by.
        mean = float(self.map(tasks.to_float).mean()) if self.getNumPartitions() else 0.0
        return BoundedFloat(mean, 1.0, mean, mean)

    def _of_java(self) -> None:
        """Takes the numbers of the two RDDs of Java objects that Spark counts approximately."""
        for _ in range(2):
            self.ctx._next_rdd()

    def countApproxDistinct(self, relativeSD: float = 0.05) -> int:
        """About how many distinct elements there are, with a relative standard deviation of `relativeSD`.

        The estimate is Spark's. Raises: ValueError when `relativeSD` is below 0.000017.
        """
        precision = hyperloglog.precision_for(relativeSD)
        java_double("relativeSD", relativeSD)
        found = self.mapPartitions(partial(hyperloglog.registers_of, precision))
        self.ctx._next_rdd()  # the RDD of Java objects that Spark counts
        return hyperloglog.estimate(precision, found.fold({}, hyperloglog.merge_registers))

    def histogram(self, buckets: Any) -> tuple[Any, list[int]]:
        """How many elements fall into each bucket: a number of even buckets, or their sorted borders.

        Raises: ValueError or TypeError when `buckets` is neither, or the RDD is empty or not of numbers.
        """
        if isinstance(buckets, int):
            if buckets < 1:
                raise ValueError("number of buckets must be >= 1")
            wanted = self.filter(tasks.is_comparable)
            borders: Any = wanted._even_borders(buckets)
            if len(borders) == 2:
                return borders, [wanted.count()]
            even = True
        elif isinstance(buckets, (list, tuple)):
            borders, even = buckets, _check_borders(buckets)
        else:
            raise TypeError("buckets should be a list or tuple or number(int or long)")
        # Here, where Spark divides, too: what cannot be divided fails before a task begins.
        width = (borders[-1] - borders[0]) / (len(borders) - 1) if even else None
        counted = self.mapPartitions(partial(_count_buckets, borders, width))
        return borders, counted.reduce(_add_lists)

    def _even_borders(self, buckets: int) -> list[Any]:
        low, high = self.map(_twice).reduce(_min_max)
        if low == high or buckets == 1:
            return [low, high]
        try:
            width = (high - low) / buckets
        except TypeError as error:
            raise TypeError("Can not generate buckets with non-number in RDD") from error
        if isinf(width):
            raise ValueError("Can not generate buckets with infinite value")
        # Whole numbers where they fit, so that the borders of ints are ints.
        step = int(width) if int(width) * buckets == high - low else (high - low) * 1.0 / buckets
        return [i * step + low for i in range(buckets)] + [high]


def _check_approximate(timeout: object, confidence: object) -> None:
    java_long("timeout", timeout)
    java_double("confidence", confidence)


def _each_of(found: Iterable[tuple[list[T], BaseException | None]]) -> Iterator[T]:
    for elements, misfit in found:
        yield from elements
        if misfit is not None:
            raise misfit


def _add_counts(into: dict[Any, int], counts: dict[Any, int]) -> dict[Any, int]:
    for value, count in counts.items():
        into[value] += count
    return into


def _merge_stats(left: StatCounter, right: StatCounter) -> StatCounter:
    return left.mergeStats(right)


def _twice(x: Any) -> tuple[Any, Any]:
    return x, x


def _min_max(a: tuple[Any, Any], b: tuple[Any, Any]) -> tuple[Any, Any]:
    return min(a[0], b[0]), max(a[1], b[1])


def _add_lists(a: list[int], b: list[int]) -> list[int]:
    return [x + y for x, y in zip(a, b, strict=True)]


def _check_borders(borders: Any) -> bool:
    """Whether the borders are evenly spaced numbers; raises when they are no borders."""
    if len(borders) < 2:
        raise ValueError("buckets should have more than one value")
    if any(b is None or (isinstance(b, float) and isnan(b)) for b in borders):
        raise ValueError("can not have None or NaN in buckets")
    if sorted(borders) != list(borders):
        raise ValueError("buckets should be sorted")
    if len(set(borders)) != len(borders):
        raise ValueError("buckets should not contain duplicated values")
    try:
        steps = [b - a for a, b in itertools.pairwise(borders)]
    except TypeError:  # text, say: searched, not computed
        return False
    return bool(max(steps) - min(steps) < 1e-10)


def _count_buckets(borders: Any, width: float | None, elements: Iterable[Any]) -> list[list[int]]:
    low, high = borders[0], borders[-1]
    counts = [0] * len(borders)
    for x in elements:
        if not tasks.is_comparable(x) or x > high or x < low:
            continue
        counts[int((x - low) / width) if width is not None else bisect.bisect_right(borders, x) - 1] += 1
    last = counts.pop()  # exactly the highest border: belongs to the last bucket
    counts[-1] += last
    return [counts]
