"""Each window and each state over partitions x slides x late batches, on a clock turned by hand, against the model.

A batch is late when its time has come before the ones before it are done: the clock leaps over several batch times, and
their RDDs are made in one go. What a batch holds must not depend on that.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from model_stream import ModelStream
from pyspark import SparkConf, SparkContext
from pyspark.streaming import StateSpec, StreamingContext

from dstreams.testing import collect

AnyStream = Any
Shape = Callable[[AnyStream, int, int], AnyStream]  # (stream, slide in seconds, partitions)

# Keys come, go and come back; some batches are empty; a value of 0 and sums of 0 are among them.
BATCHES: list[list[tuple[Any, int]]] = [
    [("a", 1), ("b", 2), ("a", 3)],
    [("b", -2), ("é", 0)],
    [],
    [("a", -4), (None, 7), (3, 1), (3, 1)],
    [("c", 5)],
    [],
    [],
    [("b", 1), ("a", 1), ("b", 1), ((1, "t"), 2)],
    [("a", 9)],
    [(3, -2), ("c", -5)],
    [],
    [("z", 1)],
    [],
    [("a", 2), ("z", 2)],
    [("z", -3)],
    [],
]
LEAPS = {"in time": [1] * 16, "late by turns": [1, 3, 1, 1, 5, 2, 3], "all at once": [16]}


def total(new: list[int], old: int | None) -> int:
    return sum(new) + (old or 0)


def idle_ones_go(new: list[int], old: list[int] | None) -> list[int] | None:
    return (old or []) + list(new) if new else None


def history(new: list[int], old: dict[str, Any] | None) -> dict[str, Any]:
    state = {"seen": 0, "last": None} if old is None else old
    state["seen"] += len(new)
    state["last"] = new[-1] if new else state["last"]
    return state


def opaque(a: int, b: int) -> int:
    return eval("a + b")


def not_zero(pair: tuple[Any, int]) -> bool:
    return pair[1] != 0


SHAPES: dict[str, Shape] = {
    "window": lambda s, slide, n: s.window(3 * slide, slide),
    "window, not a multiple of its slide": lambda s, slide, n: s.window(slide + 1, slide),
    "window shorter than its slide": lambda s, slide, n: s.window(1, slide),
    "window of a window": lambda s, slide, n: s.window(2, 1).window(2 * slide, slide),
    "window, then reduced": lambda s, slide, n: s.window(4 * slide, slide).reduceByKey(operator.add, n),
    "reduced": lambda s, slide, n: s.reduceByKeyAndWindow(operator.add, None, 3 * slide, slide, n),
    "reduced in Python": lambda s, slide, n: s.reduceByKeyAndWindow(opaque, None, 3 * slide, slide, n),
    "with an inverse": lambda s, slide, n: s.reduceByKeyAndWindow(operator.add, operator.sub, 5 * slide, slide, n),
    "with an inverse, too short for it": lambda s, slide, n: s.reduceByKeyAndWindow(
        operator.add, operator.sub, 4 * slide, slide, n
    ),
    "with an inverse in Python": lambda s, slide, n: s.reduceByKeyAndWindow(
        opaque, lambda a, b: eval("a - b"), 6 * slide, slide, n
    ),
    "with an inverse and a filter": lambda s, slide, n: s.reduceByKeyAndWindow(
        operator.add, operator.sub, 5 * slide, slide, n, not_zero
    ),
    "counted": lambda s, slide, n: s.countByWindow(5 * slide, slide),
    "reduced to one": lambda s, slide, n: s.map(lambda kv: kv[1]).reduceByWindow(max, None, 2 * slide, slide),
    "values counted": lambda s, slide, n: s.countByValueAndWindow(5 * slide, slide, n),
    "grouped": lambda s, slide, n: s.groupByKeyAndWindow(5 * slide, slide).mapValues(list),
    "state": lambda s, slide, n: s.updateStateByKey(total, n),
    "state that forgets": lambda s, slide, n: s.updateStateByKey(idle_ones_go, n),
    "state changed in place": lambda s, slide, n: s.updateStateByKey(history, n),
    "state with a beginning": lambda s, slide, n: s.updateStateByKey(total, n, [("a", 100), ("y", 1)]),
    "state of a window": lambda s, slide, n: s.window(2 * slide, slide).updateStateByKey(total, n),
    "window of a state": lambda s, slide, n: s.updateStateByKey(total, n).window(2 * slide, slide),
    "state of a reduced window": lambda s, slide, n: s.reduceByKeyAndWindow(
        operator.add, operator.sub, 5 * slide, slide, n
    ).updateStateByKey(total, n),
    "union of windows": lambda s, slide, n: s.window(slide, slide).union(s.window(3 * slide, slide)),
    "join of windows": lambda s, slide, n: s.window(slide, slide).leftOuterJoin(s.window(2 * slide, slide)),
}


@pytest.fixture(params=[1, 3])
def partitions(request: pytest.FixtureRequest) -> int:
    return request.param


@pytest.fixture
def sc(partitions: int) -> Iterator[SparkContext]:
    """A context with so many partitions, whose streams have clocks that are turned by hand."""
    conf = SparkConf().setMaster("local[2]").setAppName("grid").set("spark.default.parallelism", str(partitions))
    context = SparkContext(conf=conf.set("spark.streaming.clock", "org.apache.spark.util.ManualClock"))
    yield context
    context.stop()


@pytest.fixture
def run(streams: Callable[..., StreamingContext], tmp_path: Path, eventually: Callable[..., None]) -> Callable:
    """Builds outputs on a stream of BATCHES and lets the clock leap."""

    def run(leaps: list[int], build: Callable[[AnyStream], Any]) -> Any:
        ssc = streams(1)
        ssc.checkpoint(str(tmp_path))
        source = ssc.queueStream(BATCHES)
        built = build(source)
        done: list[int] = []
        source.foreachRDD(lambda rdd: done.append(1))  # the last output of each batch
        ssc.start()
        clock, due = ssc._jssc.scheduler().clock(), 0
        for leap in leaps:
            due += leap
            clock.advance(1000 * leap)
            eventually(lambda due=due: len(done) >= due, 60)
        ssc.stop(stopSparkContext=False)
        assert due == len(BATCHES)
        return built

    return run


@pytest.mark.parametrize("late", LEAPS)
@pytest.mark.parametrize("slide", [1, 2, 3])
def test_every_shape_gives_what_the_model_gives(run: Callable, partitions: int, slide: int, late: str) -> None:
    found = run(
        LEAPS[late],
        lambda source: {name: collect(shape(source, slide, partitions).glom()) for name, shape in SHAPES.items()},
    )
    model = ModelStream.queue(BATCHES, len(BATCHES), 1, partitions)
    for name, shape in SHAPES.items():
        assert repr(list(found[name])) == repr(shape(model, slide, partitions).glommed()), name


@pytest.mark.parametrize("late", LEAPS)
@pytest.mark.parametrize("slide", [1, 2, 3])
def test_map_with_state_gives_what_a_dict_gives(run: Callable, partitions: int, slide: int, late: str) -> None:
    def add(key: Any, value: int, state: Any) -> tuple[Any, int]:
        state.update((state.getOption() or 0) + value)
        return key, state.get()

    def build(source: AnyStream) -> tuple[Any, Any]:
        summed = source.window(slide, slide).mapWithState(StateSpec.function(add).numPartitions(partitions))
        return collect(summed), collect(summed.stateSnapshots())

    elements, snapshots = run(LEAPS[late], build)
    states: dict[Any, int] = {}
    for number, start in enumerate(range(0, len(BATCHES) - slide + 1, slide)):
        expected = []
        for key, value in (pair for batch in BATCHES[start : start + slide] for pair in batch):
            states[key] = states.get(key, 0) + value
            expected.append((key, states[key]))
        assert sorted(elements[number], key=repr) == sorted(expected, key=repr)
        assert dict(snapshots[number]) == states
        assert len(snapshots[number]) == len(states)
    assert len(elements) == len(snapshots) == len(BATCHES) // slide
