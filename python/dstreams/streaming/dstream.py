"""The discretized stream: one RDD per batch.

A DStream is a node of its context's graph. Chains of transformations stay one node: their functions are composed, and
the node is made when an output or a window needs it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from operator import add
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from dstreams.core import tasks
from dstreams.core.partitioner import portable_hash
from dstreams.core.rdd import RDD
from dstreams.core.storagelevel import StorageLevel
from dstreams.streaming import functions

if TYPE_CHECKING:
    from dstreams.streaming.context import StreamingContext

__all__ = ["DStream"]

T = TypeVar("T")
U = TypeVar("U")
Function = Callable[..., Any]


def _with_time(func: Function, rdds: int) -> Function:
    """`func` as a function of time and `rdds` RDDs; it may leave out the time."""
    arguments = func.__code__.co_argcount
    if arguments == rdds:
        return partial(functions.without_time, func)
    return func


class DStream(Generic[T]):
    """A stream of RDDs, one per slide. Made by a StreamingContext, or from another stream by a transformation."""

    def __init__(self, node: int | None, ssc: StreamingContext, jrdd_deserializer: Any = None) -> None:
        self._node_id = node
        self._ssc = ssc
        self._sc = ssc._sc
        self.is_cached = False
        self.is_checkpointed = False

    @property
    def _id(self) -> int:
        if self._node_id is None:
            raise RuntimeError("bug in dstreams: a stream without a node")
        return self._node_id

    def context(self) -> StreamingContext:
        """The context that made the stream."""
        return self._ssc

    @property
    def _slideDuration(self) -> float:
        return self._ssc._graph.slide_ms(self._id) / 1000.0

    def _parallelism(self, given: int | None) -> int:
        return self._sc.defaultParallelism if given is None else given

    def _method(self, name: str, *arguments: Any) -> DStream[Any]:
        return TransformedDStream(self, partial(functions.method, name, arguments))

    def _method_with(self, other: DStream[Any], name: str, *arguments: Any) -> DStream[Any]:
        return self._combined(partial(functions.method_with, name, arguments), other)

    def _combined(self, func: Function, other: DStream[Any]) -> DStream[Any]:
        return DStream(self._ssc._graph.add_transformed([self._id, other._id], func), self._ssc)

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
        return self.mapPartitions(_count).reduce(add)

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

    # -- functions of RDDs --------------------------------------------------------------------------
    def transform(self, func: Function) -> TransformedDStream[Any]:
        """`func(rdd)` or `func(time, rdd)` of each batch: a new RDD, or None for none."""
        timed = _with_time(func, 1)
        assert timed is not func or func.__code__.co_argcount == 2, "func should take one or two arguments"
        return TransformedDStream(self, timed)

    def transformWith(self, func: Function, other: DStream[Any], keepSerializer: bool = False) -> DStream[Any]:
        """`func(rdd, other_rdd)` or `func(time, rdd, other_rdd)` of each batch."""
        timed = _with_time(func, 2)
        assert timed is not func or func.__code__.co_argcount == 3, "func should take two or three arguments"
        return self._combined(timed, other)

    # -- outputs ------------------------------------------------------------------------------------
    def foreachRDD(self, func: Function) -> None:
        """Calls `func(rdd)` or `func(time, rdd)` in the driver for each batch."""
        self._ssc._graph.add_output(self._id, _with_time(func, 1))

    def pprint(self, num: int = 10) -> None:
        """Prints the first `num` elements of each batch."""
        self._ssc._graph.add_output(self._id, partial(functions.print_batch, num))

    def saveAsTextFiles(self, prefix: str, suffix: str | None = None) -> None:
        """Saves each batch as a folder `prefix-<milliseconds>[.suffix]`."""
        self._ssc._graph.add_output(self._id, partial(functions.save_batch, prefix, suffix))

    # -- persistence --------------------------------------------------------------------------------
    def cache(self) -> DStream[T]:
        """Keeps each batch's RDD in memory once computed, until it is no longer needed."""
        return self.persist(StorageLevel.MEMORY_ONLY)

    def persist(self, storageLevel: StorageLevel) -> DStream[T]:
        """Keeps each batch's RDD once computed, until it is no longer needed."""
        self.is_cached = True
        self._ssc._graph.persist(self._id)
        return self

    def slice(self, begin: datetime | int, end: datetime | int) -> list[RDD[T]]:
        """The RDDs of the batches from `begin` to `end`, both included."""
        nodes = self._ssc._graph.slice(self._id, _milliseconds(begin), _milliseconds(end))
        return [RDD(node, self._sc) for node in nodes]


class TransformedDStream(DStream[T]):
    """A transformation of another stream; successive ones are composed into one node."""

    def __init__(self, prev: DStream[Any], func: Function) -> None:
        super().__init__(None, prev._ssc)
        if type(prev) is TransformedDStream and not prev.is_cached and not prev.is_checkpointed:
            self.func: Function = partial(functions.after, prev.func, func)
            self.prev: DStream[Any] = prev.prev
        else:
            self.func, self.prev = func, prev

    @property
    def _id(self) -> int:
        if self._node_id is None:
            self._node_id = self._ssc._graph.add_transformed([self.prev._id], self.func)
        return self._node_id


def _milliseconds(timestamp: datetime | float) -> int:
    if isinstance(timestamp, datetime):
        timestamp = time.mktime(timestamp.timetuple())  # whole seconds, as in Spark
    return int(timestamp * 1000)


def _count(elements: Iterable[Any]) -> list[int]:
    return [sum(1 for _ in elements)]


def _with_one(value: Any) -> tuple[Any, int]:
    return value, 1


def _without_key(value: Any) -> tuple[None, Any]:
    return None, value
