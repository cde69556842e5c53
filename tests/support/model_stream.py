"""What do the batches of a stream hold? A model with the methods of `pyspark.streaming.DStream`, for tests.

1. Time is counted in batches from 1. A stream has an RDD for every multiple of its slide, and no other.
2. Windows and states are composed of operations on `ModelRDD`s as Spark composes them: a window with an inverse is made
   from the one before only if it spans five slides or more.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from model_rdd import ModelRDD

Function = Callable[..., Any]


class ModelStream:
    """The RDD of each batch time, as if every batch lasted `interval` seconds on `threads` threads."""

    def __init__(self, at: dict[int, ModelRDD], slide: int, interval: float, threads: int) -> None:
        self.at = {time: rdd.settled() for time, rdd in at.items()}
        self.slide, self.interval, self.threads = slide, interval, threads

    @classmethod
    def queue(cls, batches: list[list[Any]], count: int, interval: float, threads: int) -> ModelStream:
        """`count` batches, the first ones from the queue."""
        full = {time: ModelRDD.parallelize(data, threads) for time, data in enumerate(batches, 1)}
        return cls({time: full.get(time, ModelRDD.of([[]])) for time in range(1, count + 1)}, 1, interval, threads)

    def _made(self, at: dict[int, ModelRDD], slide: int | None = None) -> ModelStream:
        return ModelStream(at, slide or self.slide, self.interval, self.threads)

    def _batches(self, seconds: float) -> int:
        return round(seconds / self.interval)

    def glommed(self) -> list[list[list[Any]]]:
        """The partitions of all batches."""
        return [rdd.glom().collect() for rdd in self.at.values()]

    # -- one batch at a time ------------------------------------------------------------------------
    def transform(self, f: Function) -> ModelStream:
        return self._made({time: f(rdd) for time, rdd in self.at.items()})

    def transformWith(self, f: Function, other: ModelStream) -> ModelStream:
        return self._made({time: f(rdd, other.at[time]) for time, rdd in self.at.items()})

    def map(self, f: Function) -> ModelStream:
        return self.transform(lambda rdd: rdd.map(f))

    def flatMap(self, f: Function) -> ModelStream:
        return self.transform(lambda rdd: rdd.flatMap(f))

    def filter(self, f: Function) -> ModelStream:
        return self.transform(lambda rdd: rdd.filter(f))

    def mapValues(self, f: Function) -> ModelStream:
        return self.transform(lambda rdd: rdd.mapValues(f))

    def repartition(self, count: int) -> ModelStream:
        return self.transform(lambda rdd: rdd.repartition(count))

    def partitionBy(self, count: int) -> ModelStream:
        return self.transform(lambda rdd: rdd.partitionBy(count))

    def cache(self) -> ModelStream:
        return self

    def reduceByKey(self, f: Function, count: int | None = None) -> ModelStream:
        return self.transform(lambda rdd: rdd.reduceByKey(f, count or self.threads))

    def groupByKey(self, count: int | None = None) -> ModelStream:
        return self.transform(lambda rdd: rdd.groupByKey(count or self.threads))

    def countByValue(self) -> ModelStream:
        return self.map(lambda x: (x, 1)).reduceByKey(operator.add)

    def count(self) -> ModelStream:
        counts = self.transform(lambda rdd: rdd.mapPartitions(lambda part: [sum(1 for _ in part)]))
        return counts.map(lambda n: (None, n)).reduceByKey(operator.add, 1).map(lambda kv: kv[1])

    def union(self, other: ModelStream) -> ModelStream:
        return self.transformWith(lambda a, b: a.union(b), other)

    def join(self, other: ModelStream) -> ModelStream:
        return self.transformWith(lambda a, b: a.join(b, self.threads), other)

    def leftOuterJoin(self, other: ModelStream) -> ModelStream:
        return self.transformWith(lambda a, b: a.leftOuterJoin(b, self.threads), other)

    def fullOuterJoin(self, other: ModelStream) -> ModelStream:
        return self.transformWith(lambda a, b: a.fullOuterJoin(b, self.threads), other)

    def cogroup(self, other: ModelStream) -> ModelStream:
        return self.transformWith(lambda a, b: a.cogroup(b, self.threads), other)

    # -- several batches ----------------------------------------------------------------------------
    def _between(self, after: int, until: int) -> list[ModelRDD]:
        return [rdd for time, rdd in self.at.items() if after < time <= until]

    def window(self, length: float, slide: float | None = None) -> ModelStream:
        size, step = self._batches(length), self._batches(slide) if slide else self.slide
        windows = {time: ModelRDD.together(self._between(time - size, time)) for time in self.at if time % step == 0}
        return self._made(windows, step)

    def reduceByKeyAndWindow(
        self,
        f: Function,
        inverse: Function | None,
        length: float,
        slide: float | None = None,
        count: int | None = None,
        keep: Function | None = None,
    ) -> ModelStream:
        n = count or self.threads
        reduced = self.reduceByKey(f, n)
        if inverse is None:
            return reduced.window(length, slide).reduceByKey(f, n)
        size, step = self._batches(length), self._batches(slide) if slide else self.slide
        made: dict[int, ModelRDD] = {}
        for time in (t for t in self.at if t % step == 0):
            before = made.get(time - step) if size >= 5 * step else None
            new = ModelRDD.together(reduced._between(time - (step if before else size), time)).reduceByKey(f, n)
            if before is not None:
                left = reduced._between(time - step - size, time - size)
                if left:
                    old = ModelRDD.together(left).reduceByKey(f, n)
                    before = before.leftOuterJoin(old, n).mapValues(
                        lambda pair: inverse(*pair) if pair[1] is not None else pair[0]
                    )
                new = before.union(new).reduceByKey(f, n)
            made[time] = (new.filter(keep) if keep else new).settled()
        return self._made(made, step)

    def countByValueAndWindow(self, length: float, slide: float, count: int | None = None) -> ModelStream:
        ones = self.map(lambda x: (x, 1))
        counted = ones.reduceByKeyAndWindow(operator.add, operator.sub, length, slide, count)
        return counted.filter(lambda kv: kv[1] > 0)

    def reduceByWindow(self, f: Function, inverse: Function | None, length: float, slide: float) -> ModelStream:
        return self.map(lambda x: (1, x)).reduceByKeyAndWindow(f, inverse, length, slide, 1).map(lambda kv: kv[1])

    def countByWindow(self, length: float, slide: float) -> ModelStream:
        return self.map(lambda x: 1).reduceByWindow(operator.add, operator.sub, length, slide)

    def groupByKeyAndWindow(self, length: float, slide: float) -> ModelStream:
        lists = self.mapValues(lambda v: [v])
        return lists.reduceByKeyAndWindow(lambda a, b: a + b, lambda a, b: a[len(b) :], length, slide)

    def updateStateByKey(
        self, update: Function, count: int | None = None, initialRDD: list[Any] | None = None
    ) -> ModelStream:
        n = count or self.threads
        state = ModelRDD.parallelize(initialRDD, self.threads) if initialRDD else None
        made: dict[int, ModelRDD] = {}
        for time, new in self.at.items():
            if state is None:
                gathered = new.groupByKey(n).mapValues(lambda values: (values, None))
            else:
                both = state.cogroup(new.partitionBy(n), n)
                gathered = both.mapValues(lambda sides: (sides[1], sides[0][0] if sides[0] else None))
            updated = gathered.mapValues(lambda news_and_old: update(*news_and_old))
            made[time] = state = updated.filter(lambda kv: kv[1] is not None).settled()
        return self._made(made)
