"""Transformations that need no shuffle (and `repartition`, whose shuffle knows no keys)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from dstreams.core import lineage, tasks
from dstreams.core._rdd_base import ONE_BY_ONE, UNKNOWN, RDDBase
from dstreams.core.arguments import java_int
from dstreams.core.stopped import check_alive

if TYPE_CHECKING:
    from dstreams.core.rdd import RDD

T = TypeVar("T")
U = TypeVar("U")
K = TypeVar("K")

_DEALT = 10  # elements that `repartition` deals out together
_REPACKED = 100  # elements in a batch of Spark's when a zip packs them anew


class NarrowOps(RDDBase[T]):
    """Element by element, partition by partition."""

    def map(self, f: Callable[[T], U], preservesPartitioning: bool = False) -> RDD[U]:
        """`f(element)` for each element."""
        return self._step("map", f, preserves=preservesPartitioning)

    def flatMap(self, f: Callable[[T], Iterable[U]], preservesPartitioning: bool = False) -> RDD[U]:
        """The elements of the iterables `f(element)`."""
        return self._step("flatMap", f, preserves=preservesPartitioning)

    def filter(self, f: Callable[[T], bool]) -> RDD[T]:
        """The elements for which `f(element)` is true."""
        return self._step("filter", f, preserves=True)

    def mapPartitionsWithSplit(
        self, f: Callable[[int, Iterable[T]], Iterable[U]], preservesPartitioning: bool = False
    ) -> RDD[U]:
        """The old name of `mapPartitionsWithIndex`."""
        return self.mapPartitionsWithIndex(f, preservesPartitioning)

    def glom(self) -> RDD[list[T]]:
        """One list per partition."""
        return self._step("glom")

    def keyBy(self, f: Callable[[T], K]) -> RDD[tuple[K, T]]:
        """Pairs `(f(element), element)`."""
        return self.map(partial(tasks.with_key, f))

    def union(self, other: RDD[Any]) -> RDD[Any]:
        """The elements of both. RDDs with the same partitioner are merged partition by partition."""
        from dstreams.core.rdd import RDD

        if not isinstance(other, RDD):
            raise AttributeError(f"other: union needs an RDD, not {type(other).__name__}")
        made: RDD[Any] = RDD(self.ctx._running.union([self._node, other._node]), self.ctx)
        made._batching = self._batching if self._batching == other._batching else UNKNOWN
        if self.partitioner == other.partitioner and self.getNumPartitions() == made.getNumPartitions():
            made.partitioner = self.partitioner
        alike = self._packing == other._packing
        parents = (self._show(), other._show()) if alike else (self._show_packed(), other._show_packed())
        shown = lineage.Shown(self.ctx, made._node.kind, lineage.by("union"), parents, made._node.partitions)
        return made._shown_as(shown, self._packing if alike else lineage.AUTOMATIC)

    def __add__(self, other: RDD[Any]) -> RDD[Any]:
        from dstreams.core.rdd import RDD

        if not isinstance(other, RDD):
            raise TypeError(f"unsupported operand: an RDD and {type(other).__name__}")
        return self.union(other)

    def coalesce(self, numPartitions: int, shuffle: bool = False) -> RDD[T]:
        """Fewer partitions by merging neighbours; with `shuffle`, any number by dealing elements out."""
        from dstreams.core.rdd import RDD

        if not isinstance(numPartitions, (int, float)):
            raise TypeError(f"numPartitions: expected a whole number, got {numPartitions!r:.80}")
        if not numPartitions > 0:
            raise ValueError("Number of partitions must be positive.")
        numPartitions = java_int("numPartitions", numPartitions)
        if not shuffle:
            made: RDD[T] = RDD(self._node.coalesce(numPartitions), self.ctx)
            kind, count = "CoalescedRDD", made._node.partitions
            shown = lineage.Shown(self.ctx, kind, lineage.by("coalesce"), (self._show(),), count)
            made._batching = self._batching
            return made._shown_as(shown, self._packing)
        check_alive(self.ctx)
        made = RDD(self._node.deal(numPartitions), self.ctx)
        made._batching = (_DEALT, _DEALT)
        packing = ("batch", min(10, self.ctx._batchSize or 1024))
        parent = self._show_packed(packing)
        return made._shown_as(lineage.dealt(self.ctx, parent, parent.count, made._node), packing)

    def repartition(self, numPartitions: int) -> RDD[T]:
        """Exactly `numPartitions` partitions, filled with batches of 10 elements in turn."""
        return self.coalesce(numPartitions, shuffle=True)

    def zip(self, other: RDD[U]) -> RDD[tuple[T, U]]:
        """Pairs the first with the first, the second with the second; partitions must be equally many and long.

        Raises: ValueError when they are not equally many. Where they are not equally long an action fails: as in Spark
            with ValueError when the pairs are collected as they are, with Py4JJavaError when a task reads them, and
            when there are so many more on one side that a whole batch has no partner.
        """
        from dstreams.core.rdd import RDD

        if self.getNumPartitions() != other.getNumPartitions():
            raise ValueError("Can only zip with RDD which has the same number of partitions")
        declared, other_declared = self._batching[0], other._batching[0]
        batches = self._batching[1], other._batching[1]
        if declared != other_declared or not declared:
            # Spark then pickles both anew, in batches of the smaller size.
            smaller = min(declared, other_declared)
            batches = (smaller, smaller) if smaller > 0 else (_REPACKED, _REPACKED)
        made: RDD[Any] = RDD(self._node.zip(other._node, batches), self.ctx)
        made._batching = (1, batches[0])
        return made._shown_as(*_shown_zip(self._self, other))

    def cartesian(self, other: RDD[U]) -> RDD[tuple[T, U]]:
        """All pairs."""
        from dstreams.core.rdd import RDD

        made: RDD[tuple[T, U]] = RDD(self._node.cartesian(other._node), self.ctx)
        made._batching = ONE_BY_ONE
        parents = (self._show(), other._show())
        place, count = lineage.by("cartesian"), made._node.partitions
        shown = lineage.Shown(self.ctx, made._node.kind, place, parents, count, pairs=True)
        return made._shown_as(shown, ("cartesian", self._packing, other._packing))

    def zipWithIndex(self) -> RDD[tuple[T, int]]:
        """Pairs elements with their position; counts the partitions at once when there are several."""
        starts = [0]
        if self.getNumPartitions() > 1:
            for count in self._collect_node(self._step("count"))[:-1]:
                starts.append(starts[-1] + count)
        return self.mapPartitionsWithIndex(partial(tasks.with_index, starts))

    def zipWithUniqueId(self) -> RDD[tuple[T, int]]:
        """Pairs elements with unique numbers, without a job."""
        return self.mapPartitionsWithIndex(partial(tasks.with_unique_id, self.getNumPartitions()))

    def pipe(self, command: str, env: dict[str, str] | None = None, checkCode: bool = False) -> RDD[str]:
        """The lines a program prints for each partition's elements, which it gets as lines.

        Shape:  one run of `command` per partition. Raises: PySparkRuntimeError when `checkCode` and it fails.
        """
        # Without PATH the program would not be found; Spark's workers leave that to the C library's default.
        variables = {"PATH": os.environ.get("PATH", os.defpath), **(env or {})}
        return self.mapPartitions(partial(tasks.pipe_through, command, variables, checkCode))


def _shown_zip(one: RDD[Any], other: RDD[Any]) -> tuple[lineage.Shown, lineage.Packing]:
    """Of a zip: elements must lie together alike on both sides."""
    sizes = [rdd._packing[1] if rdd._packing[0] == "batch" else 1 for rdd in (one, other)]
    packings = [one._packing, other._packing]
    if sizes[0] != sizes[1] or not sizes[0]:
        size = min(sizes)
        packings = [("batch", size if size > 0 else 100)] * 2
    parents = (one._show_packed(packings[0]), other._show_packed(packings[1]))
    place, count = lineage.by("zip"), one._count
    return lineage.Shown(one.ctx, "ZippedPartitionsRDD2", place, parents, count, pairs=True), ("pair", *packings)
