"""Transformations that look at one batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import add
from typing import TYPE_CHECKING, Any, TypeVar

from dstreams.core.rdds import tasks
from dstreams.core.rdds.partitioner import portable_hash
from dstreams.streaming.base import DStreamBase

if TYPE_CHECKING:
    from dstreams.streaming.dstream import DStream

T = TypeVar("T")
U = TypeVar("U")


class Transformations(DStreamBase[T]):
    """What a stream can do with each batch."""

    # -- one stream -------------------------------------------------------------------------------
    def map(self, f: Callable[[T], U], preservesPartitioning: bool = False) -> DStream[U]:
        """`f(element)` for each element of each batch."""
        return self._method("map", f, preservesPartitioning)

    def flatMap(self, f: Callable[[T], Iterable[U]], preservesPartitioning: bool = False) -> DStream[U]:
        """The elements of the iterables `f(element)`."""
        return self._method("flatMap", f, preservesPartitioning)

    def filter(self, f: Callable[[T], bool]) -> DStream[T]:
        """The elements for which `f(element)` is true."""
        return self._method("filter", f)

    def mapPartitions(self, f: Callable[[Iterable[T]], Iterable[U]], preservesPartitioning: bool = False) -> DStream[U]:
        """`f(iterator)` of each partition: an iterable of new elements."""
        return self._method("mapPartitions", f, preservesPartitioning)

    def mapPartitionsWithIndex(
        self, f: Callable[[int, Iterable[T]], Iterable[U]], preservesPartitioning: bool = False
    ) -> DStream[U]:
        """`f(index, iterator)` of each partition: an iterable of new elements."""
        return self._method("mapPartitionsWithIndex", f, preservesPartitioning)

    def glom(self) -> DStream[list[T]]:
        """One list per partition."""
        return self._method("glom")

    def count(self) -> DStream[int]:
        """One number per batch; 0 for an empty one."""
        return self._method("_step", "count").reduce(add)

    def reduce(self, func: Callable[[T, T], T]) -> DStream[T]:
        """One element per batch, reduced from all; none for an empty batch."""
        return self.map(_without_key).reduceByKey(func, 1)._method("values")

    def countByValue(self) -> DStream[tuple[T, int]]:
        """(value, how often it occurs) per batch."""
        return self.map(_with_one).reduceByKey(add)

    def repartition(self, numPartitions: int) -> DStream[T]:
        """The same elements in `numPartitions` partitions."""
        return self._method("repartition", numPartitions)

    # -- pairs ------------------------------------------------------------------------------------
    def mapValues(self, f: Callable[[Any], Any]) -> DStream[Any]:
        """`f(value)` for each pair."""
        return self._method("mapValues", f)

    def flatMapValues(self, f: Callable[[Any], Iterable[Any]]) -> DStream[Any]:
        """A pair for each element of `f(value)`."""
        return self._method("flatMapValues", f)

    def partitionBy(self, numPartitions: int, partitionFunc: Callable[[Any], int] = portable_hash) -> DStream[T]:
        """The pairs in partition `partitionFunc(key) % numPartitions`."""
        return self._method("partitionBy", numPartitions, partitionFunc)

    def reduceByKey(self, func: Callable[[Any, Any], Any], numPartitions: int | None = None) -> DStream[Any]:
        """The values of each key of a batch, reduced."""
        return self.combineByKey(tasks.identity, func, func, numPartitions)

    def combineByKey(
        self,
        createCombiner: Callable[[Any], Any],
        mergeValue: Callable[[Any, Any], Any],
        mergeCombiners: Callable[[Any, Any], Any],
        numPartitions: int | None = None,
    ) -> DStream[Any]:
        """One combined value per key and batch."""
        count = self._parallelism(numPartitions)
        return self._method("combineByKey", createCombiner, mergeValue, mergeCombiners, count)

    def groupByKey(self, numPartitions: int | None = None) -> DStream[Any]:
        """The values of each key of a batch."""
        return self._method("groupByKey", self._parallelism(numPartitions))

    # -- two streams ------------------------------------------------------------------------------
    def union(self, other: DStream[Any]) -> DStream[Any]:
        """The elements of both streams, batch by batch. Both must slide alike."""
        if self._slideDuration != other._slideDuration:
            raise ValueError("the two DStream should have same slide duration")
        return self._method_with(other, "union")

    def cogroup(self, other: DStream[Any], numPartitions: int | None = None) -> DStream[Any]:
        """(key, (values here, values there)) per batch."""
        return self._method_with(other, "cogroup", self._parallelism(numPartitions))

    def join(self, other: DStream[Any], numPartitions: int | None = None) -> DStream[Any]:
        """(key, (value here, value there)) for all pairs of values of a batch."""
        return self._method_with(other, "join", self._parallelism(numPartitions))

    def leftOuterJoin(self, other: DStream[Any], numPartitions: int | None = None) -> DStream[Any]:
        """Like `join`, with None for keys that `other` lacks."""
        return self._method_with(other, "leftOuterJoin", self._parallelism(numPartitions))

    def rightOuterJoin(self, other: DStream[Any], numPartitions: int | None = None) -> DStream[Any]:
        """Like `join`, with None for keys that this stream lacks."""
        return self._method_with(other, "rightOuterJoin", self._parallelism(numPartitions))

    def fullOuterJoin(self, other: DStream[Any], numPartitions: int | None = None) -> DStream[Any]:
        """Like `join`, with None for keys that one stream lacks."""
        return self._method_with(other, "fullOuterJoin", self._parallelism(numPartitions))


def _with_one(value: Any) -> tuple[Any, int]:
    return value, 1


def _without_key(value: Any) -> tuple[None, Any]:
    return None, value
