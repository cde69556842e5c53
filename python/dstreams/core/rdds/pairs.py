"""Transformations by key: shuffles, joins, sorts.

All are composed as Spark composes them, because the order of elements follows from the composition.
"""

from __future__ import annotations

import bisect
import copy
from collections.abc import Callable, Iterable
from functools import partial, reduce
from math import ceil
from typing import TYPE_CHECKING, Any, TypeGuard, TypeVar

from dstreams.core.closures.closure import freeze
from dstreams.core.engine.arguments import java_int, partition_count
from dstreams.core.engine.stopped import check_alive
from dstreams.core.rdds import lineage, tasks
from dstreams.core.rdds.native import program_of, ranges_form
from dstreams.core.rdds.partitioner import Partitioner, portable_hash
from dstreams.core.rdds.sampling import Sampling
from dstreams.core.rdds.sorting import sort_pairs
from dstreams.core.resultiterable import ResultIterable
from dstreams.udf import is_constant

if TYPE_CHECKING:
    from dstreams.core.rdd import RDD

T = TypeVar("T")
U = TypeVar("U")
K = TypeVar("K")
V = TypeVar("V")
PartitionFunc = Callable[[Any], int]


class PairOps(Sampling[T]):
    """What RDDs of (key, value) pairs can do."""

    def keys(self) -> RDD[Any]:
        """The keys."""
        return self._step("keys")

    def values(self) -> RDD[Any]:
        """The values."""
        return self._step("values")

    def mapValues(self, f: Callable[[Any], U]) -> RDD[Any]:
        """`f(value)` for each pair; keys stay where they are."""
        return self._step("mapValues", f, preserves=True)

    def flatMapValues(self, f: Callable[[Any], Iterable[U]]) -> RDD[Any]:
        """A pair for each element of `f(value)`; keys stay where they are."""
        return self._step("flatMapValues", f, preserves=True)

    def partitionBy(self, numPartitions: int | None, partitionFunc: PartitionFunc = portable_hash) -> RDD[T]:
        """The pairs in partition `partitionFunc(key) % numPartitions`; with 0 partitions or fewer, there are none."""
        from dstreams.core.rdd import RDD

        self.ctx._running  # noqa: B018 - a stopped context must say so
        count = self._defaultReducePartitions() if numPartitions is None else numPartitions
        count = partition_count("numPartitions", count)
        partitioner = Partitioner(count, partitionFunc)
        if self.partitioner == partitioner:
            return self._self
        source = self._in_batches()
        if partitionFunc is portable_hash:
            node = source.shuffle(count)
        else:
            form = ranges_form(*partitionFunc.args) if _is_range(partitionFunc) else program_of(partitionFunc, 1)
            node = source.shuffle(count, freeze([partitionFunc]), id(partitionFunc), form)
        placed: RDD[T] = RDD(node, self.ctx)
        placed.partitioner = partitioner
        shown = lineage.placed(self.ctx, self._show_parent(), self._count, node)
        return placed._shown_as(shown, lineage.UNLIMITED)

    def combineByKey(
        self,
        createCombiner: Callable[[Any], U],
        mergeValue: Callable[[U, Any], U],
        mergeCombiners: Callable[[U, U], U],
        numPartitions: int | None = None,
        partitionFunc: PartitionFunc = portable_hash,
    ) -> RDD[Any]:
        """One combined value per key: combined in each partition first, then across partitions."""
        alike = mergeCombiners is mergeValue
        local = self._step("combine", createCombiner, mergeValue, number=int(alike), preserves=True)
        placed = local.partitionBy(
            self._defaultReducePartitions() if numPartitions is None else numPartitions, partitionFunc
        )
        return placed._step("mergeCombiners", mergeCombiners, preserves=True)

    def reduceByKey(
        self,
        func: Callable[[Any, Any], Any],
        numPartitions: int | None = None,
        partitionFunc: PartitionFunc = portable_hash,
    ) -> RDD[Any]:
        """The values of each key reduced."""
        return self.combineByKey(tasks.identity, func, func, numPartitions, partitionFunc)

    def aggregateByKey(
        self,
        zeroValue: Any,
        seqFunc: Callable[[Any, Any], Any],
        combFunc: Callable[[Any, Any], Any],
        numPartitions: int | None = None,
        partitionFunc: PartitionFunc = portable_hash,
    ) -> RDD[Any]:
        """The values of each key folded from a copy of the zero in each partition, then combined."""
        first: Callable[[Any], Any]
        if is_constant(zeroValue) and callable(seqFunc):
            first = partial(seqFunc, zeroValue)  # a copy would be the very value
        else:
            first = partial(tasks.seeded, partial(copy.deepcopy, zeroValue), seqFunc)
        return self.combineByKey(first, seqFunc, combFunc, numPartitions, partitionFunc)

    def foldByKey(
        self,
        zeroValue: Any,
        func: Callable[[Any, Any], Any],
        numPartitions: int | None = None,
        partitionFunc: PartitionFunc = portable_hash,
    ) -> RDD[Any]:
        """The values of each key folded from a copy of the zero in each partition."""
        return self.aggregateByKey(zeroValue, func, func, numPartitions, partitionFunc)

    def groupByKey(
        self, numPartitions: int | None = None, partitionFunc: PartitionFunc = portable_hash
    ) -> RDD[tuple[Any, ResultIterable[Any]]]:
        """The values of each key, in the order of arrival."""
        local = self._step("group", preserves=True)
        placed = local.partitionBy(
            self._defaultReducePartitions() if numPartitions is None else numPartitions, partitionFunc
        )
        return placed._step("mergeGroups", preserves=True)

    def groupBy(
        self,
        f: Callable[[T], K],
        numPartitions: int | None = None,
        partitionFunc: PartitionFunc = portable_hash,
    ) -> RDD[tuple[K, ResultIterable[T]]]:
        """The elements by `f(element)`."""
        return self.keyBy(f).groupByKey(numPartitions, partitionFunc)

    def distinct(self, numPartitions: int | None = None) -> RDD[T]:
        """Each element once."""
        return self.map(tasks.with_none).reduceByKey(tasks.keep_first, numPartitions)._step("keys")

    def reduceByKeyLocally(self, func: Callable[[Any, Any], Any]) -> dict[Any, Any]:
        """The values of each key reduced, as a dict in the driver."""
        found = self.mapPartitions(partial(tasks.reduce_pairs, func)).collect()
        if not found:
            raise ValueError("Can not reduce() empty RDD")
        merged: dict[Any, Any] = found[0]
        for more in found[1:]:
            for key, value in more.items():
                merged[key] = func(merged[key], value) if key in merged else value
        return merged

    def countByKey(self) -> dict[Any, int]:
        """How many pairs each key has."""
        return self.keys().countByValue()

    def collectAsMap(self) -> dict[Any, Any]:
        """The pairs as a dict; the last value of a key wins."""
        return dict(self.collect())  # type: ignore[arg-type]

    def lookup(self, key: Any) -> list[Any]:
        """The values of a key; looks into one partition only when the partitioner is known."""
        values = self.filter(partial(tasks.key_equals, key)).values()
        if self.partitioner is not None:
            return self._collect_node(values, [self.partitioner(key)])
        return values.collect()

    # -- joins ------------------------------------------------------------------------------------
    def join(self, other: RDD[Any], numPartitions: int | None = None) -> RDD[Any]:
        """(key, (left value, right value)) for all pairs of values of keys on both sides."""
        return self._join(other, numPartitions, False, False)

    def leftOuterJoin(self, other: RDD[Any], numPartitions: int | None = None) -> RDD[Any]:
        """Like `join`, with None for keys that the right side lacks."""
        return self._join(other, numPartitions, True, False)

    def rightOuterJoin(self, other: RDD[Any], numPartitions: int | None = None) -> RDD[Any]:
        """Like `join`, with None for keys that the left side lacks."""
        return self._join(other, numPartitions, False, True)

    def fullOuterJoin(self, other: RDD[Any], numPartitions: int | None = None) -> RDD[Any]:
        """Like `join`, with None for keys that one side lacks."""
        return self._join(other, numPartitions, True, True)

    def _join(self, other: RDD[Any], partitions: int | None, keep_left: bool, keep_right: bool) -> RDD[Any]:
        check_alive(self.ctx)
        left = self.mapValues(partial(tasks.tagged, 1))
        both = left.union(other.mapValues(partial(tasks.tagged, 2)))
        return both.groupByKey(partitions).flatMapValues(partial(tasks.join_values, keep_left, keep_right))

    def cogroup(self, other: RDD[Any], numPartitions: int | None = None) -> RDD[Any]:
        """(key, (left values, right values)) for every key of either side."""
        return _cogroup([self._self, other], numPartitions)

    def groupWith(self, other: RDD[Any], *others: RDD[Any]) -> RDD[Any]:
        """`cogroup` of any number of RDDs."""
        return _cogroup([self._self, other, *others], None)

    def subtractByKey(self, other: RDD[Any], numPartitions: int | None = None) -> RDD[Any]:
        """The pairs whose key the other RDD lacks."""
        return self.cogroup(other, numPartitions).filter(tasks.only_left).flatMapValues(tasks.first_group)

    def subtract(self, other: RDD[T], numPartitions: int | None = None) -> RDD[T]:
        """The elements that the other RDD lacks; repeated ones stay repeated."""
        marked = self.map(tasks.with_none).subtractByKey(other.map(tasks.with_none), numPartitions)
        return marked.keys()

    def intersection(self, other: RDD[T]) -> RDD[T]:
        """The elements of both RDDs, each once."""
        both = self.map(tasks.with_none).cogroup(other.map(tasks.with_none))
        return both.filter(tasks.on_both_sides).keys()

    # -- sorting ----------------------------------------------------------------------------------
    def repartitionAndSortWithinPartitions(
        self,
        numPartitions: int | None = None,
        partitionFunc: PartitionFunc = portable_hash,
        ascending: bool = True,
        keyfunc: Callable[[Any], Any] = lambda key: key,
    ) -> RDD[T]:
        """The pairs placed by `partitionFunc`, each partition sorted by `keyfunc(key)`."""
        placed = self.partitionBy(numPartitions, partitionFunc)
        return placed.mapPartitions(partial(sort_pairs, keyfunc, ascending), True)

    def sortByKey(
        self,
        ascending: bool | None = True,
        numPartitions: int | None = None,
        keyfunc: Callable[[Any], Any] = lambda key: key,
    ) -> RDD[T]:
        """The pairs sorted by `keyfunc(key)`, in ranges cut by a sample (which is drawn at once)."""
        count: Any = self._defaultReducePartitions() if numPartitions is None else numPartitions
        # What is no number fails where it is used as one, as in Spark; a very large one would take for ever.
        if isinstance(count, int) and abs(count) >= 2**31:
            java_int("numPartitions", count)
        sort = partial(sort_pairs, keyfunc, bool(ascending))
        if count == 1:
            gathered = self.coalesce(1) if self.getNumPartitions() > 1 else self._self
            return gathered.mapPartitions(sort, True)
        size = self.count()
        if not size:
            return self._self
        # About 20 samples a partition give ranges of nearly the same size.
        fraction = min(count * 20.0 / max(size, 1), 1.0)
        samples = sorted(self.sample(False, fraction, 1).keys().collect(), key=keyfunc)
        bounds = [samples[int(len(samples) * (i + 1) / count)] for i in range(count - 1)]
        return self.partitionBy(count, partial(_range_of, bounds, keyfunc, bool(ascending))).mapPartitions(sort, True)

    def sortBy(self, keyfunc: Callable[[T], Any], ascending: bool = True, numPartitions: int | None = None) -> RDD[T]:
        """The elements sorted by `keyfunc(element)`; equal ones keep their order."""
        return self.keyBy(keyfunc).sortByKey(ascending, numPartitions).values()

    # -- trees ------------------------------------------------------------------------------------
    def treeAggregate(self, zeroValue: U, seqOp: Callable[[U, T], U], combOp: Callable[[U, U], U], depth: int = 2) -> U:
        """`aggregate` whose results are combined in several rounds of tasks."""
        if depth < 1:
            raise ValueError(f"Depth cannot be smaller than 1 but got {depth}.")
        if self.getNumPartitions() == 0:
            return zeroValue
        partial_results = self.mapPartitions(partial(tasks.fold_partition, zeroValue, seqOp))
        partitions: float = partial_results.getNumPartitions()
        scale = max(ceil(pow(partitions, 1.0 / depth)), 2)
        while partitions > scale + partitions / scale:
            partitions /= scale
            targets = int(partitions)
            spread = partial_results.mapPartitionsWithIndex(partial(tasks.spread, targets))
            partial_results = spread.reduceByKey(combOp, targets).values()
        combined: U = partial_results.reduce(combOp)
        return combined

    def treeReduce(self, f: Callable[[T, T], T], depth: int = 2) -> T:
        """`reduce` whose results are combined in several rounds of tasks. Raises ValueError for an empty RDD."""
        if depth < 1:
            raise ValueError(f"Depth cannot be smaller than 1 but got {depth}.")
        step = partial(tasks.tree_step, f)
        value, empty = self.map(tasks.only_false).treeAggregate((None, True), step, step, depth)
        if empty:
            raise ValueError("Cannot reduce empty RDD.")
        return value  # type: ignore[return-value]


def _cogroup(rdds: list[RDD[Any]], partitions: int | None) -> RDD[Any]:
    check_alive(rdds[0].ctx)
    marked = [rdd.mapValues(partial(tasks.tagged, side)) for side, rdd in enumerate(rdds)]
    together = reduce(lambda a, b: a.union(b), marked)
    return together.groupByKey(partitions).mapValues(partial(tasks.cogroup_values, len(rdds)))


def _is_range(function: Any) -> TypeGuard[partial[int]]:
    return type(function) is partial and function.func is _range_of


def _range_of(bounds: list[Any], keyfunc: Callable[[Any], Any], ascending: bool, key: Any) -> int:
    at = bisect.bisect_left(bounds, keyfunc(key))
    return at if ascending else len(bounds) - at
