"""Sources that a program writes: planned once, asked for again, gone on with after a kill."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from py4j.protocol import Py4JJavaError
from pyspark import RDD, SparkConf, SparkContext
from pyspark.streaming import StreamingContext, StreamingListener

from dstreams.streaming.source import Source, source_stream

LONG = 120.0  # seconds: a test that waits for this long has failed


class Letters(Source[str]):
    """One letter of the alphabet more in each batch; a range is places in the alphabet."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def start(self, last: Any) -> None:
        self.at = 0 if last is None else last[1]
        self.calls.append(("start", last))

    def plan(self, time: datetime) -> Any:
        begin, self.at = self.at, self.at + 1
        return (begin, self.at)

    def rdd(self, sc: SparkContext, wanted: Any) -> RDD[str]:
        assert isinstance(wanted, list), "ranges have been through JSON"
        return sc.parallelize("abcdefghij"[wanted[0] : wanted[1]], 1)

    def describe(self, wanted: Any) -> tuple[int, str | None]:
        return wanted[1] - wanted[0], f"letters {wanted}"

    def stop(self) -> None:
        self.calls.append("stop")


class Odd(Letters):
    """Answers what it is told to."""

    def __init__(self, plan: Any = None, rdd: Any = None) -> None:
        super().__init__()
        self.answers = plan, rdd

    def plan(self, time: datetime) -> Any:
        return self.answers[0]

    def rdd(self, sc: SparkContext, wanted: Any) -> RDD[str]:
        return self.answers[1]


@pytest.fixture
def hand() -> Iterator[SparkContext]:
    """A context whose streams' clocks are turned by hand."""
    conf = SparkConf().setMaster("local[2]").setAppName("test").set("spark.streaming.clock", "manual")
    context = SparkContext(conf=conf)
    yield context
    active = StreamingContext.getActive()
    if active is not None:
        active.stop(stopSparkContext=False)
    context.stop()


def test_each_batch_has_its_range_and_listeners_see_it(hand: SparkContext) -> None:
    told: list[Any] = []

    class Listener(StreamingListener):
        def onBatchCompleted(self, batchCompleted: Any) -> None:
            told.append(batchCompleted.batchInfo().numRecords())

    ssc = StreamingContext(hand, 1)
    ssc.addStreamingListener(Listener())
    seen: list[Any] = []
    source = Letters()
    stream = source_stream(ssc, source)
    stream.window(2, 2).foreachRDD(lambda rdd: seen.append(rdd.collect()))
    ssc.start()
    ssc.advance(4)
    ssc.stop(stopSparkContext=False)
    assert seen == [["a", "b"], ["c", "d"]]
    assert source.calls == [("start", None), "stop"]
    assert told[1] == 1, told


def test_a_batch_without_a_range_has_nothing_and_its_records_are_not_asked_for(hand: SparkContext) -> None:
    ssc = StreamingContext(hand, 1)
    seen: list[Any] = []
    source_stream(ssc, Odd(None)).foreachRDD(lambda rdd: seen.append(rdd.collect()))
    ssc.start()
    ssc.advance(2)
    assert seen == [[], []]


@pytest.mark.parametrize(
    "source, problem",
    [
        (Odd({1, 2}), r"Odd\.plan has to return what JSON can hold .* and returned \{1, 2\}"),
        (Odd(float("nan")), r"Odd\.plan has to return what JSON can hold .* and returned nan"),
        (Odd(1, [1, 2]), r"Odd\.rdd has to return an RDD, and returned \[1, 2\]"),
    ],
)
def test_what_a_source_must_not_answer_fails_the_batch_and_is_named(
    hand: SparkContext, source: Source[str], problem: str
) -> None:
    ssc = StreamingContext(hand, 1)
    source_stream(ssc, source).pprint()
    ssc.start()
    with pytest.raises(Py4JJavaError, match=problem):
        ssc.advance(1)


def test_what_is_no_source_is_refused(hand: SparkContext) -> None:
    ssc = StreamingContext(hand, 1)
    with pytest.raises(TypeError, match=r"source: expected a dstreams\.streaming\.source\.Source, got 'kafka'"):
        source_stream(ssc, "kafka")  # type: ignore[arg-type]


def test_a_source_that_cannot_be_pickled_fails_the_start_with_a_checkpoint(hand: SparkContext, tmp_path: Path) -> None:
    source = Odd(threading.Lock())
    ssc = StreamingContext(hand, 1)
    ssc.checkpoint(str(tmp_path))
    source_stream(ssc, source).pprint()
    with pytest.raises(Py4JJavaError, match=r"the source Odd cannot be pickled .* Make what cannot travel"):
        ssc.start()


def test_a_stream_goes_on_with_the_numbers_of_any_size_that_its_source_planned(
    hand: SparkContext, tmp_path: Path
) -> None:
    from notes import SEEN

    SEEN.clear()

    def setup() -> StreamingContext:
        ssc = StreamingContext(hand, 1)
        ssc.checkpoint(str(tmp_path))
        source_stream(ssc, Far()).foreachRDD(note)
        return ssc

    for batches in (2, 1, 3):
        ssc = StreamingContext.getOrCreate(str(tmp_path), setup)
        ssc.start()
        ssc.advance(batches)
        ssc.stop(stopSparkContext=False)
    seen, SEEN[:] = list(SEEN), []
    assert seen == [[2**70 + batch] for batch in range(6)]


class Far(Source[int]):
    """Counts from a number that no machine word holds."""

    def start(self, last: Any) -> None:
        self.at = 2**70 if last is None else last + 1

    def plan(self, time: datetime) -> Any:
        self.at += 1
        return self.at - 1

    def rdd(self, sc: SparkContext, wanted: Any) -> RDD[int]:
        return sc.parallelize([wanted], 1)


def note(rdd: RDD[Any]) -> None:
    # Not a variable of this module: that would come back as a copy.
    from notes import SEEN

    SEEN.append(rdd.collect())


PROGRAM = """
import json, random, sys

from pyspark import SparkConf, SparkContext
from pyspark.streaming import StreamingContext

from dstreams.streaming.source import Source, source_stream

folder = sys.argv[1]


class Counter(Source):
    # How many numbers a batch has is decided by chance: only its plan knows.
    def start(self, last):
        self.next = last["until"] if last else 0

    def plan(self, time):
        begin, self.next = self.next, self.next + random.randrange(7)
        return {"from": begin, "until": self.next} if self.next > begin else None

    def rdd(self, sc, wanted):
        return sc.parallelize(range(wanted["from"], wanted["until"]), 2)


def write(time, rdd):
    line = json.dumps([time.timestamp(), rdd.collect()]) + "\\n"
    with open(folder + "/outputs", "a") as file:
        file.write(line)


def setup():
    sc = SparkContext(conf=SparkConf().setMaster("local[2]").setAppName("counter"))
    ssc = StreamingContext(sc, 0.05)
    ssc.checkpoint(folder + "/kept")
    source_stream(ssc, Counter()).foreachRDD(write)
    return ssc


ssc = StreamingContext.getOrCreate(folder + "/kept", setup)
ssc.start()
ssc.awaitTermination()
"""


def lines(folder: Path) -> list[str]:
    outputs = folder / "outputs"
    return outputs.read_text().splitlines() if outputs.exists() else []


def test_a_counter_that_is_killed_again_and_again_gives_each_number_once(tmp_path: Path) -> None:
    program = tmp_path / "counter.py"
    program.write_text(PROGRAM)
    environment = {**os.environ, "DSTREAMS_ENGINE": "dstreams"}
    for kill in range(4):
        before, deadline = len(lines(tmp_path)), time.monotonic() + LONG
        with (tmp_path / "log").open("w") as log:
            child = subprocess.Popen(
                [sys.executable, str(program), str(tmp_path)], env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        while len(lines(tmp_path)) < before + 12:
            assert child.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline, "nothing comes"
            time.sleep(0.005 * (1 + kill))
        child.kill()
        child.wait()
    batches: dict[float, list[int]] = {}
    for line in lines(tmp_path):
        when, numbers = json.loads(line)
        assert batches.setdefault(when, numbers) == numbers, "a batch that is repeated has the same numbers"
    found = [number for when in sorted(batches) for number in batches[when]]
    assert found == list(range(len(found)))
    assert len(found) > 0
