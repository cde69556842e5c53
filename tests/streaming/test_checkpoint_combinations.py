"""States, windows, joins and inputs together: all of it goes on from a checkpoint as if nothing had happened."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from operator import add, sub
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from notes import SEEN
from pyspark import SparkConf, SparkContext
from pyspark.streaming import DStream, StateSpec, StreamingContext

QUEUE = [[("a", 1)], [("b", 1), ("a", 3)], [("c", 3)], [], [("a", 5)], [("b", 2)], [("d", 2)], [], [("z", 9)], []]
BATCHES = 14


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    """No context of this test is left."""
    SEEN.clear()
    yield
    active = SparkContext._active_spark_context
    if active is not None:
        active.stop()


def context(master: str, **settings: str) -> SparkContext:
    conf = SparkConf().setMaster(master).setAppName("test").set("spark.streaming.clock", "manual")
    return SparkContext(conf=conf.setAll([(name.replace("_", "."), value) for name, value in settings.items()]))


def noted(name: str, stream: DStream) -> None:
    """Notes what each batch of a stream holds."""

    def note(rdd: Any) -> None:
        from notes import SEEN as noted

        noted.append((name, sorted(rdd.collect(), key=repr)))

    stream.foreachRDD(note)


def total(new: list[int], old: int | None) -> int:
    return sum(new) + (old or 0)


def count(key: str, value: int | None, state: Any) -> tuple[str, int | None, int]:
    before = state.getOption() or 0
    if not state.isTimingOut():
        state.update(before + value)
    return key, value, before


def combined(ssc: StreamingContext, inbox: Path) -> None:
    """A graph of everything, over several inputs."""
    words = ssc.queueStream(QUEUE)
    numbers = ssc.queueStream([[1, 2], [3], [], [4]] * 3, oneAtATime=True)
    files = ssc.textFileStream(str(inbox)).map(lambda line: (line.strip(), 1))
    native = words.updateStateByKey(total, 2)
    listed = words.updateStateByKey(lambda new, old: (old or []) + new if len(old or []) < 3 else None)
    started = words.union(files).updateStateByKey(total, initialRDD=[("q", 100)])
    sums = words.reduceByKeyAndWindow(add, sub, 6, 1)
    timed = words.union(files).mapWithState(StateSpec.function(count).timeout(3).initialState([("q", 1), ("b", 7)]))
    timed.checkpoint(2)
    noted("native", native)
    noted("listed", listed)
    noted("started", started)
    noted("filtered", words.reduceByKeyAndWindow(add, sub, 6, 1, 3, lambda pair: pair[1] > 0))
    noted("rare inverse", words.reduceByKeyAndWindow(add, sub, 10, 2))
    noted("values", words.countByValueAndWindow(5, 1))
    noted("window of states", native.window(3))
    noted("rare window of states", native.reduceByKeyAndWindow(max, None, 4, 2))
    noted("states of a window", words.window(2).updateStateByKey(total))
    noted("states of states", native.map(lambda pair: (pair[1] % 2, 1)).updateStateByKey(total))
    noted("states of an inverse", sums.updateStateByKey(total))
    noted("joined", native.join(sums).mapValues(lambda both: both[0] - both[1]))
    noted("windows joined", words.window(3).fullOuterJoin(started.window(2)))
    noted("grouped", words.union(files).window(4, 2).groupByKey().mapValues(sorted))
    noted("transformed with", words.transformWith(lambda one, other: one.leftOuterJoin(other), native))
    noted("transformed", ssc.transform([native, files], lambda rdds: rdds[0].subtractByKey(rdds[1])))
    noted("timed", timed)
    noted("window of timed", timed.window(3))
    noted("snapshots", timed.stateSnapshots())
    noted("window of snapshots", timed.stateSnapshots().window(2))
    noted("joined snapshots", timed.stateSnapshots().join(started))
    noted("numbers", numbers.reduceByWindow(add, sub, 6, 1))
    noted("counted", numbers.window(5).transform(lambda time, rdd: rdd.map(lambda n: (n, time.timestamp()))).count())


def drop_files(inbox: Path) -> None:
    """Files of words for some of the batches."""
    inbox.mkdir()
    for at in (0, 2, 3, 6, 9, 12):
        path = inbox / f"file-{at}"
        path.write_text("a\nb\nfile\n" if at % 2 else "q\n", encoding="utf-8")
        os.utime(path, (at + 0.5, at + 0.5))


def run(folder: Path, runs: list[tuple[int, Callable[[], SparkContext]]]) -> list[Any]:
    """What all batches gave, in runs of so many batches, each with a context of its own."""
    SEEN.clear()
    folder.mkdir(parents=True, exist_ok=True)
    drop_files(folder / "inbox")
    setups = []

    def setup() -> StreamingContext:
        setups.append(1)
        ssc = StreamingContext(SparkContext._active_spark_context, 1)
        combined(ssc, folder / "inbox")
        return ssc

    for batches, make in runs:
        make()
        ssc = StreamingContext.getOrCreate(str(folder / "checkpoint"), setup)
        ssc.start()
        ssc.advance(batches)
        ssc.stop(stopSparkContext=True)
    assert len(setups) == 1
    return list(SEEN)


def differences(parts: list[Any], whole: list[Any]) -> list[Any]:
    """The first few that differ: all of them would be pages."""
    pairs = zip(parts, whole, strict=False)
    return [(at, one, other) for at, (one, other) in enumerate(pairs) if one != other][:3]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """What an uninterrupted run gives."""
    return run(tmp_path_factory.mktemp("whole") / "run", [(BATCHES, lambda: context("local[2]"))])


def test_all_inputs_have_been_read(whole: list[Any]) -> None:
    last = dict(whole[-25:])
    assert last["started"] == [("a", 11), ("b", 5), ("c", 3), ("d", 2), ("file", 2), ("q", 104), ("z", 9)]
    assert last["native"] == [("a", 9), ("b", 3), ("c", 3), ("d", 2), ("z", 9)]


def test_a_graph_of_everything_goes_on_with_other_cores_and_partitions(whole: list[Any], tmp_path: Path) -> None:
    runs = [
        (3, lambda: context("local[2]")),
        (1, lambda: context("local[1]", spark_default_parallelism="5")),
        (5, lambda: context("local[4]")),
        (BATCHES - 9, lambda: context("local[3]", spark_default_parallelism="1")),
    ]
    parts = run(tmp_path / "parts", runs)
    assert differences(parts, whole) == []
    assert len(parts) == len(whole)


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(1, BATCHES - 1), min_size=1, max_size=3, unique=True).map(sorted))
def test_a_graph_of_everything_goes_on_anywhere(
    whole: list[Any], tmp_path_factory: pytest.TempPathFactory, cuts: list[int]
) -> None:
    ends = [*cuts, BATCHES]
    runs = [(end - begin, lambda: context("local[2]")) for begin, end in zip([0, *cuts], ends, strict=True)]
    parts = run(tmp_path_factory.mktemp("parts") / "run", runs)
    assert differences(parts, whole) == []
    assert len(parts) == len(whole)
