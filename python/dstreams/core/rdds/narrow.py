"""Transformations that need no shuffle (and `repartition`, whose shuffle knows no keys)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from dstreams.core.engine.arguments import java_int
from dstreams.core.engine.stopped import check_alive
from dstreams.core.rdds import lineage, tasks
from dstreams.core.rdds.base import RDDBase

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
        made = union_of([self._self, other])
        if self.partitioner == other.partitioner and self.getNumPartitions() == made.getNumPartitions():
            made.partitioner = self.partitioner
        return made

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
            return made._shown_as(shown, self._packing)
        check_alive(self.ctx)
        size = min(_DEALT, self.ctx._batchSize or _DEALT)
        source = self._packed_as(("batch", size))
        made = RDD(source._node.deal(numPartitions, lineage.number_in(source._packing), source is self), self.ctx)
        parent = source._show()
        return made._shown_as(lineage.dealt(self.ctx, parent, parent.count, made._node), source._packing)

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
        sizes = [rdd._packing[1] if rdd._packing[0] == "batch" else 1 for rdd in (self, other)]
        one, two = self._self, other
        if sizes[0] != sizes[1] or not sizes[0]:
            # Spark then pickles both anew, in batches of the smaller size.
            smaller = min(sizes)
            packing = ("batch", smaller if smaller > 0 else _REPACKED)
            one, two = one._packed_as(packing), two._packed_as(packing)
        made: RDD[Any] = RDD(one._node.zip(two._node), self.ctx)
        return made._shown_as(*_shown_pairs(made, "zip", "pair", one, two))

    def cartesian(self, other: RDD[U]) -> RDD[tuple[T, U]]:
        """All pairs, batch by batch; the right side is computed again for each batch of the left unless it is kept."""
        from dstreams.core.rdd import RDD

        made: RDD[tuple[T, U]] = RDD(self._node.cartesian(other._node), self.ctx)
        return made._shown_as(*_shown_pairs(made, "cartesian", "cartesian", self._self, other))

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
        path = os.environ.get("PATH", os.defpath)
        return self.mapPartitions(partial(tasks.pipe_through, command, path, env or {}, checkCode))


def union_of(rdds: Sequence[RDD[Any]]) -> RDD[Any]:
    """The elements of all RDDs in turn. Where they lie together in different ways, Spark pickles all of them anew."""
    from dstreams.core.rdd import RDD

    ctx, packing = rdds[0].ctx, rdds[0]._packing
    if any(rdd._packing != packing for rdd in rdds):
        packing = lineage.packing_of(ctx)
        rdds = [rdd._packed_as(packing) for rdd in rdds]
    made: RDD[Any] = RDD(ctx._running.union([rdd._node for rdd in rdds]), ctx)
    parents = tuple([rdd._show() for rdd in rdds])
    shown = lineage.Shown(ctx, made._node.kind, lineage.by("union"), parents, made._node.partitions)
    return made._shown_as(shown, packing)


def _shown_pairs(
    made: RDD[Any], method: str, packing: str, one: RDD[Any], two: RDD[Any]
) -> tuple[lineage.Shown, lineage.Packing]:
    parents, place = (one._show(), two._show()), lineage.by(method)
    shown = lineage.Shown(made.ctx, made._node.kind, place, parents, made._node.partitions, pairs=True)
    return shown, (packing, one._packing, two._packing)
