"""The settings of streams: what they change, and what bad values are told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from py4j.protocol import Py4JJavaError
from pyspark import SparkConf, SparkContext
from pyspark.streaming import StreamingContext

from dstreams.streaming.settings import (
    block_interval_ms,
    receiver_limits,
    remember_files_ms,
    stream_settings,
    waiting_bytes,
)
from dstreams.testing import advance, collect, feed
from dstreams.testing.feeder import Feeder

S = "spark.streaming."


@pytest.fixture
def stream_with() -> Iterator[Callable[..., StreamingContext]]:
    """A streaming context with settings, without the prefix: `stream_with(0.05, concurrentJobs=2)`."""
    made: list[StreamingContext] = []

    def make(seconds: float = 1, conf: dict[str, Any] | None = None, **settings: Any) -> StreamingContext:
        every = {**{S + key: value for key, value in settings.items()}, **(conf or {})}
        sc = SparkContext(conf=SparkConf().setMaster("local[2]").setAppName("test").setAll(list(every.items())))
        try:
            made.append(StreamingContext(sc, seconds))
        except BaseException:
            sc.stop()
            raise
        return made[-1]

    yield make
    for ssc in made:
        ssc.stop()


def conf(**settings: Any) -> SparkConf:
    return SparkConf(loadDefaults=False).setAll([(S + key.replace("__", "."), text) for key, text in settings.items()])


# -- values -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "text, milliseconds",
    [("50", 50), ("50ms", 50), (" 2S ", 2000), ("1m", 60_000), ("1min", 60_000), ("2h", 7_200_000), ("3500us", 3)],
)
def test_times_have_units(text: str, milliseconds: int) -> None:
    assert block_interval_ms(conf(blockInterval=text)) == milliseconds


def test_each_time_has_its_own_unit_by_default() -> None:
    assert block_interval_ms(conf()) == 200
    assert remember_files_ms(conf()) == 60_000
    assert remember_files_ms(conf(fileStream__minRememberDuration="90")) == 90_000
    assert remember_files_ms(conf(minRememberDuration="5500ms")) == 5000
    assert stream_settings(conf(gracefulStopTimeout="90")).graceful_stop_ms == 90


def test_sizes_have_units() -> None:
    assert [
        waiting_bytes(SparkConf().set("spark.dstreams.receiver.maxWaiting", text)) for text in ("5", "2k", "3MB")
    ] == [
        5,
        2048,
        3 << 20,
    ]
    assert waiting_bytes(conf()) == 1 << 30


def test_limits_of_receivers() -> None:
    assert receiver_limits(conf()) == (None, None, None)
    assert receiver_limits(conf(receiver__maxRate="0")) == (None, None, None)
    both = conf(receiver__maxRate=" 50 ", backpressure__initialRate="7", backpressure__enabled="TRUE")
    assert receiver_limits(both) == (7, 50, (1.0, 0.2, 0.0, 100.0))


@pytest.mark.parametrize(
    "read, key, text, problem",
    [
        (stream_settings, "concurrentJobs", "abc", "spark.streaming.concurrentJobs should be int, but was abc"),
        (stream_settings, "concurrentJobs", "0", "spark.streaming.concurrentJobs should be 1 to 1000, but was 0"),
        (stream_settings, "concurrentJobs", "3000000000", "should be int"),
        (stream_settings, "unpersist", "maybe", "spark.streaming.unpersist should be boolean, but was maybe"),
        (
            stream_settings,
            "ui__retainedBatches",
            "1e3",
            "spark.streaming.ui.retainedBatches should be int, but was 1e3",
        ),
        (
            stream_settings,
            "gracefulStopTimeout",
            "1.5s",
            "Illegal value for config key spark.streaming.gracefulStopTimeout",
        ),
        (stream_settings, "clock", "sundial", "ClassNotFoundException: sundial"),
        (block_interval_ms, "blockInterval", "fast", "Illegal value for config key spark.streaming.blockInterval"),
        (block_interval_ms, "blockInterval", "0", "'spark.streaming.blockInterval' should be a positive value"),
        (block_interval_ms, "blockInterval", "999us", "'spark.streaming.blockInterval' should be a positive value"),
        (remember_files_ms, "fileStream__minRememberDuration", "xx", "fileStream.minRememberDuration"),
        (receiver_limits, "receiver__maxRate", "1k", "spark.streaming.receiver.maxRate should be long, but was 1k"),
        (receiver_limits, "backpressure__enabled", "yes", "backpressure.enabled should be boolean, but was yes"),
    ],
)
def test_bad_values_name_their_setting(read: Callable[..., Any], key: str, text: str, problem: str) -> None:
    with pytest.raises(Py4JJavaError) as caught:
        read(conf(**{key: text}))
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    "key, text, problem",
    [
        ("rateEstimator", "foo", "Unknown rate estimator: foo"),
        ("pid__minRate", "0", "spark.streaming.backpressure.pid.minRate should be > 0, but was 0.0"),
        ("pid__proportional", "-1", "spark.streaming.backpressure.pid.proportional should be >= 0, but was -1.0"),
        ("pid__derived", "x", "spark.streaming.backpressure.pid.derived should be double, but was x"),
        ("pid__integral", "nan", "should be >= 0, but was nan"),
    ],
)
def test_bad_weights_of_the_estimator_name_their_setting(key: str, text: str, problem: str) -> None:
    with pytest.raises(Py4JJavaError) as caught:
        receiver_limits(conf(backpressure__enabled="true", **{"backpressure__" + key: text}))
    assert problem in str(caught.value)


def test_bad_values_are_found_where_spark_finds_them(stream_with: Callable[..., StreamingContext]) -> None:
    with pytest.raises(Py4JJavaError, match="concurrentJobs should be int"):
        stream_with(concurrentJobs="many")
    ssc = stream_with(blockInterval="often", conf={S + "receiver.maxRate": "1k"})
    ssc.queueStream([[1]]).pprint()
    with pytest.raises(Py4JJavaError, match=r"receiver\.maxRate"):
        ssc.socketTextStream("localhost", 9)


# -- what they change ---------------------------------------------------------------------------------
def test_outputs_run_side_by_side_with_concurrent_jobs(stream_with: Callable[..., StreamingContext]) -> None:
    ssc = stream_with(clock="manual", concurrentJobs=2)
    both = threading.Barrier(2)
    source = feed(ssc, [[1]])
    source.foreachRDD(lambda rdd: both.wait(20) and None)
    source.foreachRDD(lambda rdd: both.wait(20) and None)
    advance(ssc, 2)


def test_states_are_right_with_concurrent_jobs(stream_with: Callable[..., StreamingContext], tmp_path: Any) -> None:
    ssc = stream_with(clock="manual", concurrentJobs=3)
    ssc.checkpoint(str(tmp_path))
    source = feed(ssc, [[("a", number)] for number in range(200)])
    totals = source.updateStateByKey(lambda new, old: sum(new) + (old or 0))
    windows = source.reduceByKeyAndWindow(lambda a, b: a + b, lambda a, b: a - b, 6, 1)
    out, sums = collect(totals), collect(windows)
    advance(ssc, 1)
    # All at once, so that batches overlap.
    ssc._jssc.ssc().scheduler().clock().advance(198_000)
    advance(ssc, 1)
    by_time = dict(zip(out.times, out, strict=True))
    assert [by_time[time] for time in sorted(by_time)] == [[("a", n * (n + 1) // 2)] for n in range(200)]
    assert sorted(total for [(_, total)] in sums) == sorted(sum(range(max(0, n - 5), n + 1)) for n in range(200))


HUGE = "1" + "0" * 20


@pytest.mark.parametrize(
    "key, text",
    [
        ("concurrentJobs", "-1"),
        ("concurrentJobs", "1000000000"),
        ("concurrentJobs", HUGE),
        ("ui.retainedBatches", HUGE),
        ("gracefulStopTimeout", "-1"),
        ("gracefulStopTimeout", HUGE),
        ("unpersist", ""),
        ("stopGracefullyOnShutdown", "abc"),
        ("stopSparkContextByDefault", "abc"),
        ("clock", "abc"),
    ],
)
def test_a_context_names_the_setting_that_makes_no_sense(
    stream_with: Callable[..., StreamingContext], key: str, text: str
) -> None:
    with pytest.raises(Py4JJavaError) as caught:
        stream_with(0.05, conf={S + key: text})
    assert S + key in str(caught.value) and text in str(caught.value)


@pytest.mark.parametrize(
    "key, text",
    [
        ("blockInterval", "-5ms"),
        ("blockInterval", HUGE),
        ("receiver.maxRate", HUGE),
        ("backpressure.initialRate", "abc"),
    ],
)
def test_a_receivers_setting_that_makes_no_sense_is_named_when_the_input_is_made(
    stream_with: Callable[..., StreamingContext], key: str, text: str
) -> None:
    ssc = stream_with(0.05, conf={S + key: text})
    with pytest.raises(Py4JJavaError) as caught:
        ssc.socketTextStream("localhost", 9)
    assert S + key in str(caught.value) and text in str(caught.value)


def test_a_number_of_batches_below_none_retains_none(stream_with: Callable[..., StreamingContext]) -> None:
    ssc = stream_with(clock="manual", conf={S + "ui.retainedBatches": "-1"})
    feed(ssc, [[1]]).foreachRDD(lambda rdd: None)
    advance(ssc, 2)
    assert ssc.recentBatches() == []


@pytest.mark.parametrize("unpersist", ["true", "false"])
def test_old_batches_stay_persisted_without_unpersist(
    stream_with: Callable[..., StreamingContext], unpersist: str
) -> None:
    ssc = stream_with(clock="manual", unpersist=unpersist)
    calls, kept = ssc.sparkContext.accumulator(0), []
    source = feed(ssc, [[1, 2]]).map(lambda x: calls.add(1) or x).cache()
    source.foreachRDD(lambda rdd: kept.append(rdd) or (rdd.count() and None))
    advance(ssc, 3)
    assert calls.value == 2
    kept[0].count()
    assert calls.value == (4 if unpersist == "true" else 2)


def test_only_so_many_batches_are_retained(stream_with: Callable[..., StreamingContext]) -> None:
    ssc = stream_with(clock="manual", conf={S + "ui.retainedBatches": 2})
    feed(ssc, [[1]]).foreachRDD(lambda rdd: None)
    advance(ssc, 5)
    assert [batch.batchTime().milliseconds() for batch in ssc.recentBatches()] == [4000, 5000]


def test_a_socket_keeps_to_the_highest_rate(
    stream_with: Callable[..., StreamingContext], eventually: Callable[..., None]
) -> None:
    ssc = stream_with(0.1, conf={S + "receiver.maxRate": 300})
    with Feeder([str(number) for number in range(3000)]) as feeder:
        lines = collect(ssc.socketTextStream("localhost", feeder.port))
        begun = time.monotonic()
        ssc.start()
        eventually(lambda: len(lines.elements()) >= 100)
        records = sum(batch.numRecords() for batch in ssc.recentBatches())
        # One line need not wait, and one more may end where a read ends.
        assert records <= 300 * (time.monotonic() - begun) + 5
        assert lines.elements()[:100] == [str(number) for number in range(100)]


def test_backpressure_slows_a_socket_down_to_what_is_processed(
    stream_with: Callable[..., StreamingContext], eventually: Callable[..., None]
) -> None:
    pid = {S + "backpressure.enabled": "true", S + "backpressure.pid.minRate": 10, S + "backpressure.initialRate": 2000}
    ssc, gate = stream_with(0.05, conf=pid), threading.Event()
    with Feeder(["line"] * 100, at_end="repeat") as feeder:
        stream = ssc.socketTextStream("localhost", feeder.port)
        # 5 ms a line: 200 a second.
        stream.foreachRDD(lambda rdd: gate.wait(rdd.count() * 0.005) and None)
        ssc.start()
        eventually(lambda: (ssc._graph.receiver_rate(stream._id) or 2000) < 500, 30)
        gate.set()


def test_a_slow_output_makes_the_server_wait_and_loses_nothing(
    stream_with: Callable[..., StreamingContext], eventually: Callable[..., None]
) -> None:
    count, gate, seen = 40_000, threading.Event(), []
    ssc = stream_with(0.05, conf={"spark.dstreams.receiver.maxWaiting": "100k"})
    with Feeder([f"this is line {number} of many" for number in range(count)], at_end="close") as feeder:

        def slow(rdd: Any) -> None:
            gate.wait(30)
            seen.extend(rdd.collect())

        ssc.socketTextStream("localhost", feeder.port).foreachRDD(slow)
        ssc.start()
        eventually(lambda: len(ssc.recentBatches()) > 10)
        received = sum(batch.numRecords() for batch in ssc.recentBatches())
        # The bound, one read above it, and the views of the lines.
        assert 0 < received < 25_000, "batches pile up behind a slow output, their lines do not"
        gate.set()
        eventually(lambda: len(seen) >= count, 30)
    assert seen == [f"this is line {number} of many" for number in range(count)]


def test_the_block_interval_makes_the_partitions(
    stream_with: Callable[..., StreamingContext], eventually: Callable[..., None]
) -> None:
    ssc, counts = stream_with(1, blockInterval="50ms"), []
    with Feeder(["line"] * 10, rate=100, at_end="repeat") as feeder:
        stream = ssc.socketTextStream("localhost", feeder.port)
        stream.foreachRDD(lambda rdd: counts.append(rdd.getNumPartitions()))
        ssc.start()
        # With the 200 ms that are usual there would be five or six.
        eventually(lambda: counts and counts[-1] >= 10, 30)
