"""Windows and state: operations over several batches.

A window covers the last `windowDuration` seconds and is computed every `slideDuration` seconds; both are multiples of
the batch interval. State is kept per key over all batches.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import add, sub
from typing import TYPE_CHECKING, Any, TypeVar

from dstreams._native import States
from dstreams.core.rdd import RDD
from dstreams.core.resultiterable import ResultIterable
from dstreams.streaming import folds
from dstreams.streaming.durations import is_digits, milliseconds_of
from dstreams.streaming.state import StateSpec
from dstreams.streaming.transformations import Transformations

if TYPE_CHECKING:
    from dstreams.streaming.dstream import DStream
    from dstreams.streaming.mapwithstate import MapWithStateDStream

T = TypeVar("T")
Function = Callable[..., Any]


class Windows(Transformations[T]):
    """What a stream can do over several batches."""

    def _validate_window_param(self, window: float, slide: float | None) -> None:
        step = self._ssc._graph.slide_ms(self._id)
        for name, duration in (("windowDuration", window), ("slideDuration", slide)):
            # Only the slide may be left out.
            if duration is None and name == "slideDuration":
                continue
            if is_digits(duration) or milliseconds_of(name, duration) % step != 0:
                raise ValueError(f"{name} must be multiple of the parent dstream's slide (batch) duration ({step} ms)")

    def window(self, windowDuration: float, slideDuration: float | None = None) -> DStream[T]:
        """Every element of the last `windowDuration` seconds, oldest batch first.

        Units:  seconds. Default slide: the stream's own.
        Raises: ValueError when a duration is no multiple of the stream's slide.
        """
        self._validate_window_param(windowDuration, slideDuration)
        slide = None if slideDuration is None else milliseconds_of("slideDuration", slideDuration)
        length = milliseconds_of("windowDuration", windowDuration)
        return self._made(self._ssc._graph.add_window(self._id, length, slide))

    def reduceByWindow(
        self,
        reduceFunc: Function,
        invReduceFunc: Function | None,
        windowDuration: float,
        slideDuration: float,
    ) -> DStream[T]:
        """One element per window, reduced from all; with an inverse, made from the window before."""
        keyed = self.map(folds.with_one_key)
        return keyed.reduceByKeyAndWindow(reduceFunc, invReduceFunc, windowDuration, slideDuration, 1)._method("values")

    def countByWindow(self, windowDuration: float, slideDuration: float) -> DStream[int]:
        """The number of elements in each window."""
        return self.map(folds.one).reduceByWindow(add, sub, windowDuration, slideDuration)

    def countByValueAndWindow(
        self, windowDuration: float, slideDuration: float, numPartitions: int | None = None
    ) -> DStream[tuple[T, int]]:
        """(value, how often it occurs) in each window."""
        counted = self.map(folds.with_count).reduceByKeyAndWindow(
            add, sub, windowDuration, slideDuration, numPartitions
        )
        return counted.filter(folds.is_counted)

    def groupByKeyAndWindow(
        self, windowDuration: float, slideDuration: float, numPartitions: int | None = None
    ) -> DStream[Any]:
        """The values of each key in each window."""
        grouped = self.mapValues(folds.as_list).reduceByKeyAndWindow(
            folds.extend, folds.drop_first, windowDuration, slideDuration, numPartitions
        )
        return grouped.mapValues(ResultIterable)

    def reduceByKeyAndWindow(
        self,
        func: Function,
        invFunc: Function | None,
        windowDuration: float,
        slideDuration: float | None = None,
        numPartitions: int | None = None,
        filterFunc: Function | None = None,
    ) -> DStream[Any]:
        """The values of each key in each window, reduced.

        With `invFunc(sum, old)`, windows of five slides or more are made from the window before; keys stay until
        `filterFunc` drops them, and a checkpoint folder must be set.
        """
        self._validate_window_param(windowDuration, slideDuration)
        count = self._parallelism(numPartitions)
        reduced = self.reduceByKey(func, count)
        if not invFunc:
            return reduced.window(windowDuration, slideDuration).reduceByKey(func, count)
        slide = self._slideDuration if slideDuration is None else slideDuration
        tables = States()
        node = self._ssc._graph.add_reduced_window(
            reduced._id,
            partial(folds.add_window, func, count, filterFunc, tables),
            partial(folds.subtract_window, func, invFunc, count, tables),
            milliseconds_of("windowDuration", windowDuration),
            milliseconds_of("slideDuration", slide),
        )
        return self._made(node)

    def updateStateByKey(
        self, updateFunc: Function, numPartitions: int | None = None, initialRDD: Any = None
    ) -> DStream[Any]:
        """A state per key: `updateFunc(new_values, state or None)`, called in each batch for every known key.

        None as new state forgets the key. Needs a checkpoint folder, as in Spark.
        """
        count = self._parallelism(numPartitions)
        if initialRDD and not isinstance(initialRDD, RDD):
            initialRDD = self._sc.parallelize(initialRDD)
        initial = initialRDD._node if initialRDD else None
        func = partial(folds.update_state, updateFunc, count, States())
        return self._made(self._ssc._graph.add_state(self._id, func, initial))

    def mapWithState(self, spec: StateSpec) -> MapWithStateDStream[Any]:
        """A state per key, of which a batch touches only the keys it has records of: see `StateSpec`.

        Gives the elements that the spec's function returned; `stateSnapshots()` of it has all states. Needs a
        checkpoint folder, as in Spark, whose Scala API this is from.
        """
        from dstreams.streaming.mapwithstate import MapWithStateDStream

        if not isinstance(spec, StateSpec):
            raise TypeError(f"spec: expected a StateSpec, as StateSpec.function(f) makes one, got {spec!r:.80}")
        return MapWithStateDStream(self, spec)
