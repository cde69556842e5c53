"""Random streams of random batches give, batch for batch, what a model in plain Python gives.

All streams hold pairs of a text or number and an int, so any operation may follow any other. Compared are elements,
order and partitions of each batch. The models are `tests/support/model_stream.py` and `model_rdd.py`.
"""

from __future__ import annotations

import functools
import operator
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from model_stream import ModelStream
from pyspark import RDD, SparkContext
from pyspark.streaming import StreamingContext

INTERVAL = 0.02
BATCHES = 11  # more than the longest window, so that batches leave it
STREAMS = 8  # outputs of one context

AnyStream = Any
Pair = tuple[Any, int]


def digest(values: Any) -> int:
    """A number that depends on the values and their order."""
    return functools.reduce(lambda sum_, value: (sum_ * 31 + value) % 1_000_003, values, 7)


def latest(new: list[int], old: int | None) -> int | None:
    return new[-1] if new else old


def forgotten_when_idle(new: list[int], old: int | None) -> int | None:
    return (old or 0) + len(new) if new else None


def running_sum(new: list[int], old: int | None) -> int:
    return sum(new, old or 0)


def listed(new: list[int], old: int | None) -> int | None:
    """Depends on the order of the new values, and leaves zero out."""
    return digest([old or 0, *new]) or None


UPDATES = [latest, forgotten_when_idle, running_sum, listed, lambda new, old: sum(new) + (old or 0)]


class Draw:
    """Durations and functions for one step."""

    def __init__(self, rand: random.Random) -> None:
        self.number = rand.randint(1, 4)
        self.wide = rand.random() < 0.5
        self.slide = rand.choice([1, 1, 1, 2, 3])  # times the stream's own slide
        self.length = rand.choice([1, 2, 3, 5, 6, 7])  # slides
        self.update = rand.choice(UPDATES)

    def window(self, stream: AnyStream) -> tuple[float, float]:
        """(length, slide) in seconds."""
        own = stream.slide * INTERVAL if isinstance(stream, ModelStream) else stream._slideDuration
        return round(own * self.slide * self.length, 9), round(own * self.slide, 9)


# (stream, another one with the same slide, what was drawn) -> stream
Step = Callable[[AnyStream, AnyStream, Draw], AnyStream]
NARROW: list[Step] = [
    lambda s, o, d: s.map(lambda kv: (kv[1] % 3, kv[1])),
    lambda s, o, d: s.mapValues(lambda v: v * 2 - 1),
    lambda s, o, d: s.flatMap(lambda kv: [kv, (kv[0], -kv[1])]),
    lambda s, o, d: s.filter(lambda kv: kv[1] % 2 == 0),
    lambda s, o, d: s.transform(lambda rdd: rdd.sortBy(repr, d.wide, d.number)),
    lambda s, o, d: s.transform(lambda rdd: rdd.mapPartitions(lambda part: list(part)[::-1])),
    lambda s, o, d: s.repartition(d.number),
    lambda s, o, d: s.partitionBy(d.number),
    lambda s, o, d: s.cache(),
]
ON_BATCHES: list[Step] = [
    lambda s, o, d: s.reduceByKey(operator.add, d.number),
    lambda s, o, d: s.reduceByKey(lambda a, b: a if a > b else b),
    lambda s, o, d: s.groupByKey().mapValues(digest),
    lambda s, o, d: s.countByValue().map(lambda kv: (kv[0][0], kv[1])),
    lambda s, o, d: s.count().map(lambda n: ("count", n)),
    lambda s, o, d: s.union(o),
    lambda s, o, d: s.join(o).mapValues(lambda v: v[0] + v[1]),
    lambda s, o, d: s.leftOuterJoin(o).mapValues(lambda v: v[0] if v[1] is None else v[1]),
    lambda s, o, d: s.fullOuterJoin(o).mapValues(lambda v: (v[0] or 0) - (v[1] or 0)),
    lambda s, o, d: s.cogroup(o).mapValues(lambda sides: digest(sides[0]) - digest(sides[1])),
    lambda s, o, d: s.transformWith(lambda a, b: a.subtractByKey(b, d.number), o),
]
OVER_TIME: list[Step] = [
    lambda s, o, d: s.window(*d.window(s)),
    lambda s, o, d: s.reduceByKeyAndWindow(operator.add, None, *d.window(s)),
    lambda s, o, d: s.reduceByKeyAndWindow(lambda a, b: max(a, b), None, *d.window(s), d.number),
    lambda s, o, d: s.reduceByKeyAndWindow(operator.add, operator.sub, *d.window(s), d.number),
    lambda s, o, d: s.reduceByKeyAndWindow(lambda a, b: a + b, lambda a, b: a - b, *d.window(s)),
    lambda s, o, d: s.reduceByKeyAndWindow(operator.add, operator.sub, *d.window(s), None, lambda kv: kv[1] != 0),
    lambda s, o, d: s.countByValueAndWindow(*d.window(s), d.number).map(lambda kv: (kv[0][0], kv[1])),
    lambda s, o, d: s.countByWindow(*d.window(s)).map(lambda n: ("count", n)),
    lambda s, o, d: s.groupByKeyAndWindow(*d.window(s)).mapValues(digest),
    lambda s, o, d: s.updateStateByKey(d.update, d.number if d.wide else None),
    lambda s, o, d: s.updateStateByKey(d.update, None, [("a", 5), ("state", 1)] if d.wide else None),
]


def plan(rand: random.Random) -> list[tuple[Step, Draw]]:
    """One to three steps, most of them over time."""
    kinds = [rand.choice([NARROW, ON_BATCHES, OVER_TIME, OVER_TIME]) for _ in range(rand.randint(1, 3))]
    return [(rand.choice(kind), Draw(rand)) for kind in kinds]


def built(stream: AnyStream, other: AnyStream, steps: list[tuple[Step, Draw]]) -> AnyStream:
    """The steps one after the other; `other` stands for the stream that two-sided ones meet."""
    for step, draw in steps:
        other = other if other is not None else stream
        stream, before = step(stream, other, draw), stream
        if slide_of(stream) != slide_of(before):
            other = None  # slides differ now, so the stream can only meet itself
    return stream


def keeper(seen: list[Any]) -> Callable[[RDD], None]:
    return lambda rdd: seen.append(rdd.glom().collect())


def slide_of(stream: AnyStream) -> float:
    return stream.slide * INTERVAL if isinstance(stream, ModelStream) else stream._slideDuration


keys = st.one_of(st.sampled_from(["a", "b", "cc", "é", ""]), st.integers(-1, 3), st.none(), st.booleans())
batches = st.lists(
    st.integers(0, 12).flatmap(
        lambda size: st.lists(st.tuples(keys, st.integers(-3, 30)), min_size=size, max_size=size)
    ),
    min_size=4,
    max_size=BATCHES,
)


# No shrinking: a run takes as long as its batches, and what failed tells its steps.
@settings(
    max_examples=25,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(batches, batches, st.integers(0, 2**32))
def test_streams_give_what_the_model_gives(
    sc: SparkContext,
    streams: Callable[..., StreamingContext],
    eventually: Callable[..., None],
    tmp_path: Path,
    one: list[list[Pair]],
    two: list[list[Pair]],
    seed: int,
) -> None:
    plans = [plan(random.Random(seed * STREAMS + number)) for number in range(STREAMS)]
    ssc = streams(INTERVAL)
    ssc.checkpoint(str(tmp_path))
    left, right = ssc.queueStream(one), ssc.queueStream(two)
    found: list[list[Any]] = [[] for _ in plans]
    for steps, seen in zip(plans, found, strict=True):
        built(left, right, steps).foreachRDD(keeper(seen))
    done: list[int] = []
    left.foreachRDD(lambda rdd: done.append(1))  # the last output of each batch
    ssc.start()
    eventually(lambda: len(done) >= BATCHES, 50)
    ssc.stop(stopSparkContext=False)

    model_left = ModelStream.queue(one, BATCHES, INTERVAL, sc.defaultParallelism)
    model_right = ModelStream.queue(two, BATCHES, INTERVAL, sc.defaultParallelism)
    for number, (steps, seen) in enumerate(zip(plans, found, strict=True)):
        expected = built(model_left, model_right, steps).glommed()
        assert repr(seen[: len(expected)]) == repr(expected), (number, [vars(draw) for _, draw in steps])
