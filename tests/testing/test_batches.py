"""Streams that are fed, advanced and compared batch by batch."""

from __future__ import annotations

import operator
import signal
import threading
import time
from datetime import datetime, timezone
from pathlib import Path

import pytest
from py4j.protocol import Py4JJavaError
from pyspark import SparkConf
from pyspark.streaming import StreamingContext

from dstreams.testing import advance, collect, expect, feed

MANUAL = ["org.apache.spark.util.ManualClock", "org.apache.spark.streaming.util.ManualClock", "manual"]


def test_each_batch_holds_what_it_was_fed(streaming_context: StreamingContext) -> None:
    out = expect(feed(streaming_context, [[1, 2], (), range(2)]), [[1, 2], [], [0, 1], []])
    assert out.elements() == [1, 2, 0, 1]
    assert [time.timestamp() for time in out.times] == [1, 2, 3, 4]


def test_a_stream_of_no_batches_is_empty(streaming_context: StreamingContext) -> None:
    expect(feed(streaming_context, []), [[], []])


def test_a_window_of_half_a_minute_takes_no_time(streaming_context: StreamingContext) -> None:
    source = feed(streaming_context, [[number] for number in range(100)])
    begun = time.monotonic()
    expect(source.window(30, 10).reduce(operator.add), [[45], [190], [435], [735]])
    assert time.monotonic() - begun < 30


def test_a_state_and_several_streams(streaming_context: StreamingContext, tmp_path: Path) -> None:
    source = feed(streaming_context, [[("a", 1)], [("b", 1), ("a", 5)]])
    streaming_context.checkpoint(str(tmp_path))
    totals = collect(source.updateStateByKey(lambda new, old: sum(new) + (old or 0)))
    counts = collect(source.count())
    advance(streaming_context)
    assert (totals, counts) == ([[("a", 1)]], [[1]])
    advance(streaming_context, 2)
    assert [sorted(batch) for batch in totals] == [[("a", 1)], [("a", 6), ("b", 1)], [("a", 6), ("b", 1)]]
    assert (counts.last, len(counts)) == ([0], 3)


def test_an_error_is_raised_once_and_ends_nothing(streaming_context: StreamingContext) -> None:
    out = collect(feed(streaming_context, [["1"], ["x"], ["3"], ["4"]]).map(int))
    with pytest.raises(Py4JJavaError, match="invalid literal") as caught:
        advance(streaming_context, 4)
    assert isinstance(caught.value.__cause__, Py4JJavaError)
    assert out == [[1]], "the batches after the error wait"
    advance(streaming_context, 2)
    assert out == [[1], [3], [4]]


def test_an_error_in_a_transformation_is_raised_too(streaming_context: StreamingContext) -> None:
    def picky(when: datetime, rdd: object) -> object:
        if when.timestamp() == 2:
            raise LookupError("not this one")
        return rdd

    out = collect(feed(streaming_context, [[1], [2], [3]]).transform(picky))
    with pytest.raises(Py4JJavaError, match="not this one"):
        advance(streaming_context, 3)
    advance(streaming_context)
    assert out == [[1], [3]]


def test_what_differs_is_shown_batch_by_batch(streaming_context: StreamingContext) -> None:
    with pytest.raises(AssertionError) as caught:
        expect(feed(streaming_context, [[1], [2]]), [[1], [3]])
    assert str(caught.value) == (
        "the batches differ:\n  batch 1: [1]\n  batch 2: expected [3]\n           but got  [2]"
    )


def test_a_stream_without_rdds_differs_from_one_of_empty_batches(streaming_context: StreamingContext) -> None:
    with pytest.raises(AssertionError, match=r"but got  no RDD"):
        expect(feed(streaming_context, [[1]]).transform(lambda rdd: None), [[]])


@pytest.mark.parametrize("got, same", [([[2], {}, [1]], True), ([[1], [1], {}], False), ([[2], {}], False)])
def test_order_within_a_batch_may_be_left_open(streaming_context: StreamingContext, got: list, same: bool) -> None:
    source, wanted = feed(streaming_context, [got]), [[[1], [2], {}]]
    if same:
        expect(source, wanted, ordered=False)
    else:
        with pytest.raises(AssertionError):
            expect(source, wanted, ordered=False)


@pytest.mark.batch_seconds(0.5)
def test_the_mark_sets_the_distance_of_the_batches(streaming_context: StreamingContext) -> None:
    out = expect(feed(streaming_context, [[1], [2], [3], [4]]).window(1, 1), [[1, 2], [3, 4]])
    assert out.times[0].astimezone(timezone.utc) == datetime(1970, 1, 1, 0, 0, 1, tzinfo=timezone.utc)


def test_a_stream_that_stops_itself_ends_the_turning(streaming_context: StreamingContext) -> None:
    stop = streaming_context.stop
    source = feed(streaming_context, [[1], [2], [3]])
    source.foreachRDD(lambda rdd: stop(stopSparkContext=False) if rdd.first() == 2 else None)
    advance(streaming_context, 3)
    with pytest.raises(Py4JJavaError, match="has been stopped"):
        streaming_context.advance()


def test_wrong_calls_say_what_is_wrong(streaming_context: StreamingContext) -> None:
    streaming_context.queueStream([[1]]).pprint()
    with pytest.raises(Py4JJavaError, match="has not been started"):
        streaming_context.advance()
    for batches in (-1, 1.5, True):
        with pytest.raises(ValueError, match="batches: expected a whole number"):
            streaming_context.advance(batches)


def test_a_function_of_the_stream_cannot_advance_it(streaming_context: StreamingContext) -> None:
    feed(streaming_context, [[1]]).foreachRDD(lambda rdd: streaming_context.advance())
    with pytest.raises(Py4JJavaError, match="would wait for itself"):
        advance(streaming_context)


def test_ctrl_c_ends_the_wait(streaming_context: StreamingContext) -> None:
    gate = threading.Event()
    feed(streaming_context, [[1]]).foreachRDD(lambda rdd: gate.wait(20) and None)
    streaming_context.start()
    interrupt = threading.Timer(0.2, lambda: signal.raise_signal(signal.SIGINT))
    interrupt.start()
    with pytest.raises(KeyboardInterrupt):
        streaming_context.advance()
    gate.set()
    interrupt.join()


def test_the_clock_is_reached_as_in_spark(streaming_context: StreamingContext) -> None:
    out = collect(feed(streaming_context, [[1], [2], [3]]))
    streaming_context.start()
    clock = streaming_context._jssc.ssc().scheduler().clock()
    assert clock.getTimeMillis() == 0
    clock.advance(2500)
    streaming_context.advance()
    assert (clock.getTimeMillis(), out) == (3000, [[1], [2], [3]])


def test_recent_batches_are_told(streaming_context: StreamingContext) -> None:
    feed(streaming_context, [[1]]).foreachRDD(lambda rdd: None)
    assert streaming_context.recentBatches() == []
    advance(streaming_context, 3)
    batches = streaming_context.recentBatches()
    assert [batch.batchTime().milliseconds() for batch in batches] == [1000, 2000, 3000]
    assert batches[0].outputOperationInfos()[0].failureReason() is None
    assert batches[0].totalDelay() == 0, "the clock stood still"


@pytest.mark.parametrize("name", MANUAL)
def test_a_manual_clock_has_several_names(name: str) -> None:
    conf = SparkConf().set("spark.streaming.clock", name)
    from dstreams.streaming.settings import stream_settings

    assert stream_settings(conf).manual_clock
