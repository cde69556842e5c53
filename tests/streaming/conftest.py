"""Streaming contexts with short batches that end with their test, programs in child interpreters, and waiting."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest
from pyspark import SparkConf, SparkContext
from pyspark.streaming import StreamingContext


@pytest.fixture
def sc() -> Iterator[SparkContext]:
    """A context with two task threads."""
    context = SparkContext("local[2]", "test")
    yield context
    context.stop()


@pytest.fixture(scope="module")
def manual() -> Iterator[SparkContext]:
    """A context whose streams' clocks stand still; on one thread, so that of two failures the same one is the first."""
    conf = SparkConf().setMaster("local[1]").setAppName("states")
    context = SparkContext(conf=conf.set("spark.streaming.clock", "org.apache.spark.util.ManualClock"))
    yield context
    context.stop()


@pytest.fixture
def streams(sc: SparkContext) -> Iterator[Callable[..., StreamingContext]]:
    """Makes streaming contexts on `sc`: `streams(0.05)`."""
    made: list[StreamingContext] = []

    def make(seconds: float = 0.05) -> StreamingContext:
        made.append(StreamingContext(sc, seconds))
        return made[-1]

    yield make
    for ssc in made:
        ssc.stop(stopSparkContext=False)


@pytest.fixture
def ssc(streams: Callable[..., StreamingContext]) -> StreamingContext:
    """Batches of 50 ms."""
    return streams()


@pytest.fixture
def batches(eventually: Callable[..., None]) -> Callable[..., list]:
    """Starts a stream's context and returns what its first `count` batches hold: `batches(stream, 3)`."""

    def run(stream: object, count: int) -> list[list]:
        seen: list[list] = []
        stream.foreachRDD(lambda rdd: seen.append(rdd.collect()))
        stream.context().start()
        eventually(lambda: len(seen) >= count)
        stream.context().stop(stopSparkContext=False)
        return seen[:count]

    return run


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """The messages of the logger `dstreams` so far."""
    caplog.set_level(logging.WARNING, logger="dstreams")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "dstreams"]
