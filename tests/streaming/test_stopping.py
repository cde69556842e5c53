"""How a stream ends: from outside and inside, before and after the start, at once and gracefully."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from py4j.protocol import Py4JJavaError
from pyspark import SparkContext
from pyspark.streaming import StreamingContext


def test_await_termination_tells_whether_it_is_over(ssc: StreamingContext) -> None:
    ssc.queueStream([[1]]).foreachRDD(lambda rdd: None)
    assert ssc.awaitTerminationOrTimeout(0.01) is False
    ssc.start()
    begun = time.monotonic()
    assert ssc.awaitTerminationOrTimeout(0.2) is False
    assert 0.2 <= time.monotonic() - begun < 1
    ssc.stop(stopSparkContext=False)
    assert ssc.awaitTerminationOrTimeout(10) is True
    assert ssc.awaitTermination() is None


def test_what_never_ran_has_not_ended(ssc: StreamingContext, streams: Callable[..., StreamingContext]) -> None:
    with pytest.raises(Py4JJavaError, match="No output operations registered"):
        ssc.start()
    stopped = streams(1)
    stopped.stop(stopSparkContext=False)
    for never in (ssc, stopped):
        begun = time.monotonic()
        assert never.awaitTerminationOrTimeout(0.1) is False
        assert time.monotonic() - begun >= 0.1
        never.awaitTermination()


def test_stop_from_another_thread_ends_the_wait(sc: SparkContext, ssc: StreamingContext) -> None:
    ssc.queueStream([[1]]).foreachRDD(lambda rdd: None)
    ssc.start()
    stopper = threading.Timer(0.1, lambda: ssc.stop(stopSparkContext=False))
    stopper.start()
    ssc.awaitTermination()
    stopper.join()
    assert sc.parallelize([1]).count() == 1


@pytest.mark.parametrize("graceful", [False, True])
def test_stop_from_inside_an_output(ssc: StreamingContext, eventually: Callable[..., None], graceful: bool) -> None:
    seen = []

    def work(rdd):
        seen.append(rdd.sum())
        if rdd.sum() == 2:
            ssc.stop(stopSparkContext=False, stopGraceFully=graceful)

    ssc.queueStream([[1], [2], [3]]).foreachRDD(work)
    ssc.start()
    assert ssc.awaitTerminationOrTimeout(10) is True
    assert seen[:2] == [1, 2]
    assert graceful or len(seen) == 2


def test_stop_with_the_spark_context_from_inside_an_output(
    sc: SparkContext, ssc: StreamingContext, eventually: Callable[..., None]
) -> None:
    ssc.queueStream([[1]]).foreachRDD(lambda rdd: ssc.stop())
    ssc.start()
    assert ssc.awaitTerminationOrTimeout(10) is True
    eventually(lambda: SparkContext._active_spark_context is None)
    with pytest.raises(AttributeError, match="stopped SparkContext"):
        sc.parallelize([1])


def test_stop_from_inside_a_transform(ssc: StreamingContext, log: Callable[[], list[str]]) -> None:
    ssc.queueStream([[1]]).transform(lambda rdd: ssc.stop(stopSparkContext=False) or rdd).pprint()
    ssc.start()
    assert ssc.awaitTerminationOrTimeout(10) is True


def test_stopping_twice_or_from_many_threads_is_harmless(
    ssc: StreamingContext, eventually: Callable[..., None]
) -> None:
    ssc.queueStream([[1]]).foreachRDD(lambda rdd: None)
    ssc.start()
    threads = [threading.Thread(target=ssc.stop, args=(False, number % 2 == 0)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    ssc.stop(stopSparkContext=False)
    assert ssc.awaitTerminationOrTimeout(1) is True


def test_stop_before_the_start_ends_it_for_good(ssc: StreamingContext) -> None:
    ssc.queueStream([[1]]).foreachRDD(lambda rdd: None)
    ssc.stop(stopSparkContext=False)
    with pytest.raises(Exception, match="StreamingContext has already been stopped"):
        ssc.start()


def test_stop_takes_the_spark_context_along_unless_told_not_to(
    sc: SparkContext, streams: Callable[..., StreamingContext]
) -> None:
    for stop_context in (False, True):
        ssc = streams()
        ssc.queueStream([[1]]).foreachRDD(lambda rdd: None)
        ssc.start()
        ssc.stop(stopSparkContext=stop_context)
        assert (SparkContext._active_spark_context is None) == stop_context


def test_a_stop_waits_for_the_batch_that_runs(ssc: StreamingContext, eventually: Callable[..., None]) -> None:
    seen = []

    def work(rdd):
        seen.append("begun")
        time.sleep(0.3)
        seen.append("ended")

    ssc.queueStream([[1]]).foreachRDD(work)
    ssc.start()
    eventually(lambda: seen)
    ssc.stop(stopSparkContext=False)
    after_stop = list(seen)
    assert ssc.awaitTerminationOrTimeout(1) is True
    assert after_stop == seen


def test_a_graceful_stop_runs_every_batch_that_was_due(ssc: StreamingContext, eventually: Callable[..., None]) -> None:
    # Batches wait behind a slow one; all whose time has come are run.
    seen, times = [], []

    def work(at, rdd):
        time.sleep(0.15 if not seen else 0)
        times.append(at.timestamp())
        seen.extend(rdd.collect())

    ssc.queueStream([[number] for number in range(1000)]).foreachRDD(work)
    ssc.start()
    time.sleep(0.25)
    asked = time.time()
    ssc.stop(stopSparkContext=False, stopGraceFully=True)
    assert seen == list(range(len(seen)))
    assert asked - 0.06 <= times[-1]


def test_a_stop_leaves_out_batches_that_wait(ssc: StreamingContext, eventually: Callable[..., None]) -> None:
    seen = []
    free = threading.Event()
    ssc.queueStream([[number] for number in range(1000)]).foreachRDD(
        lambda rdd: seen.extend(rdd.collect()) or free.wait(9)
    )
    ssc.start()
    eventually(lambda: seen)
    time.sleep(0.2)
    threading.Timer(0.1, free.set).start()
    ssc.stop(stopSparkContext=False)
    assert seen == [0]


def test_only_one_streaming_context_runs_at_a_time(
    streams: Callable[..., StreamingContext], batches: Callable[..., list]
) -> None:
    first, second = streams(), streams()
    first.queueStream([[1]]).foreachRDD(lambda rdd: None)
    stream = second.queueStream([[2]])
    stream.foreachRDD(lambda rdd: None)
    first.start()
    with pytest.raises(Exception, match="Only one StreamingContext may be started in this JVM"):
        second.start()
    assert StreamingContext.getActive() is first
    first.stop(stopSparkContext=False)
    assert StreamingContext.getActive() is None
