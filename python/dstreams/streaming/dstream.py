"""The discretized stream: one RDD per batch.

A DStream is a node of its context's graph. Chains of transformations stay one node: their functions are composed, and
the node is made when an output or a window needs it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from dstreams.core.engine.naming import named_as_one
from dstreams.core.rdd import RDD
from dstreams.core.storagelevel import StorageLevel, check_level
from dstreams.streaming import functions
from dstreams.streaming.base import DStreamBase
from dstreams.streaming.durations import milliseconds_of
from dstreams.streaming.windows import Windows

__all__ = ["DStream"]

T = TypeVar("T")
Function = Callable[..., Any]


def _with_time(func: Function, rdds: int) -> Function:
    """`func` as a function of time and `rdds` RDDs; it may leave out the time."""
    if not hasattr(func, "__code__"):
        # An AttributeError as in Spark, which looks at the number of arguments in the same way.
        wanted = "(rdd) or (time, rdd)" if rdds == 1 else "(rdd, other) or (time, rdd, other)"
        raise AttributeError(
            f"func: expected a function of {wanted}, but {type(func).__name__!r} object {func!r:.60} has no attribute "
            "'__code__'; wrap it in a lambda"
        )
    if func.__code__.co_argcount == rdds:
        return partial(functions.without_time, func)
    return func


@named_as_one
class DStream(Windows[T]):
    """A stream of RDDs, one per slide. Made by a StreamingContext, or from another stream by a transformation."""

    # -- functions of RDDs --------------------------------------------------------------------------
    def transform(self, func: Function) -> TransformedDStream[Any]:
        """`func(rdd)` or `func(time, rdd)` of each batch: a new RDD, or None for none."""
        timed = _with_time(func, 1)
        assert timed is not func or func.__code__.co_argcount == 2, "func should take one or two arguments"
        return self._transformed(timed)

    def transformWith(self, func: Function, other: DStream[Any], keepSerializer: bool = False) -> DStream[Any]:
        """`func(rdd, other_rdd)` or `func(time, rdd, other_rdd)` of each batch."""
        timed = _with_time(func, 2)
        assert timed is not func or func.__code__.co_argcount == 3, "func should take two or three arguments"
        return self._combined(timed, other)

    def explain(self) -> None:
        """Prints how the stream is made, step by step, and of each function whether it runs natively, or why not.

        Runs no batch, also before the start. Not in PySpark. `dstreams.explain.explain_stream(stream)` gives the same
        as data.
        """
        from dstreams.explain import explain_stream

        print(explain_stream(self))

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
        check_level(storageLevel)
        self.is_cached = True
        if storageLevel._place is not None:
            self._ssc._graph.persist(self._id, storageLevel._place)
        return self

    def checkpoint(self, interval: float) -> DStream[T]:
        """Keeps each batch's RDD, as Spark does before it saves one every `interval` seconds.

        What a restart needs is saved after every batch anyway, whatever the interval. But as in Spark the start fails
        without a checkpoint folder, or when the interval is no multiple of the stream's slide.
        """
        milliseconds = milliseconds_of("interval", interval)
        self.is_checkpointed = True
        self._ssc._graph.checkpoint(self._id, milliseconds)
        # As what is saved, it is not to be computed again.
        self._ssc._graph.persist(self._id, "memory and disk")
        return self

    def slice(self, begin: datetime | int, end: datetime | int) -> list[RDD[T]]:
        """The RDDs of the batches from `begin` to `end`, both included."""
        nodes = self._ssc._graph.slice(self._id, _milliseconds("begin", begin), _milliseconds("end", end))
        return [RDD(node, self._sc) for node in nodes]


class TransformedDStream(DStream[T]):
    """A transformation of another stream; successive ones are composed into one node."""

    def __init__(self, prev: DStreamBase[Any], func: Function) -> None:
        super().__init__(None, prev._ssc)
        if type(prev) is TransformedDStream and not prev.is_cached and not prev.is_checkpointed:
            self.func: Function = partial(functions.after, prev.func, func)
            self.prev: DStreamBase[Any] = prev.prev
        else:
            self.func, self.prev = func, prev

    @property
    def _id(self) -> int:
        if self._node_id is None:
            self._node_id = self._ssc._graph.add_transformed([self.prev._id], self.func)
        return self._node_id


def _milliseconds(name: str, timestamp: datetime | float) -> int:
    if isinstance(timestamp, datetime):
        timestamp = time.mktime(timestamp.timetuple())  # whole seconds, as in Spark
    return milliseconds_of(name, timestamp)
