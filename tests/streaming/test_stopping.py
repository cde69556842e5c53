"""How a stream ends: from outside and inside, before and after the start, at once and gracefully."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from py4j.protocol import Py4JJavaError
from pyspark import SparkContext
from pyspark.streaming import Receiver, StreamingContext, StreamingListener


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


OUTPUTS: dict[str, Callable] = {
    "a job": lambda rdd: rdd.map(lambda x: x + 1).count() and None,
    "nothing": lambda rdd: None,
    "sleep": lambda rdd: time.sleep(0.5),
    "a job that sleeps": lambda rdd: rdd.foreach(lambda x: time.sleep(60)),
}


@pytest.mark.parametrize("output", OUTPUTS)
def test_a_stopped_spark_context_ends_its_stream(
    sc: SparkContext, ssc: StreamingContext, output: str, eventually: Callable[..., None]
) -> None:
    begun: list[int] = []
    ssc.queueStream([[1]] * 100).foreachRDD(lambda rdd: begun.append(1) or OUTPUTS[output](rdd))
    ssc.start()
    eventually(lambda: begun)
    stopper = threading.Thread(target=sc.stop)
    stopper.start()
    for _ in range(2):
        with pytest.raises(Py4JJavaError, match="SparkContext was shut down"):
            ssc.awaitTerminationOrTimeout(20)
    # As in Spark, until it is stopped itself.
    assert StreamingContext.getActive() is ssc
    stopper.join(20)
    assert not stopper.is_alive()
    eventually(lambda: not [name for name in threads_of_streams() if "streaming-job" in name])
    ssc.stop()
    assert StreamingContext.getActive() is None
    with pytest.raises(Py4JJavaError, match="already been stopped"):
        ssc.start()
    # Another one works.
    with SparkContext("local[2]", "test") as again:
        later = StreamingContext(again, 0.05)
        seen: list[int] = []
        later.queueStream([[7]]).foreachRDD(lambda rdd: seen.extend(rdd.collect()))
        later.start()
        eventually(lambda: seen)
    with pytest.raises(Py4JJavaError, match="SparkContext was shut down"):
        later.awaitTermination()
    later.stop()
    assert seen == [7]


def threads_of_streams() -> list[str]:
    if not os.path.isdir("/proc/self/task"):
        return []
    names = []
    for task in os.listdir("/proc/self/task"):
        with contextlib.suppress(OSError), open(f"/proc/self/task/{task}/comm") as file:
            names.append(file.read().strip())
    return names


def test_a_spark_context_may_be_stopped_from_inside_an_output(sc: SparkContext, ssc: StreamingContext) -> None:
    ssc.queueStream([[1]] * 100).foreachRDD(lambda rdd: sc.stop())
    ssc.start()
    with pytest.raises(Py4JJavaError, match="SparkContext was shut down"):
        ssc.awaitTerminationOrTimeout(20)


def test_a_stream_of_a_stopped_context_does_not_start(sc: SparkContext, ssc: StreamingContext) -> None:
    ssc.queueStream([[1]]).foreachRDD(lambda rdd: None)
    sc.stop()
    with pytest.raises(Py4JJavaError, match="stopped SparkContext"):
        ssc.start()


def test_batches_that_a_stopped_context_cut_off_are_made_again(
    program: Callable, tmp_path: Path, eventually: Callable[..., None]
) -> None:
    text = f"""
import sys, time, threading
from pyspark import SparkContext
from pyspark.streaming import StreamingContext
folder = {str(tmp_path / "checkpoint")!r}
sys.stuck = threading.Event()
def output(rdd):
    got = rdd.collect()
    if got and got[0] > 2 and "first" in sys.argv[0]:
        sys.stuck.set()
        rdd.foreach(lambda x: time.sleep(60))
    if got:
        print(got[0], flush=True)
def setup():
    ssc = StreamingContext(SparkContext("local[2]", "x"), 0.1)
    ssc.queueStream([[n] for n in range(1, 6)]).foreachRDD(output)
    return ssc
sys.argv[0] = FIRST
ssc = StreamingContext.getOrCreate(folder, setup)
ssc.start()
if FIRST == "first":
    sys.stuck.wait(30)
    ssc.sparkContext.stop()
    try:
        ssc.awaitTerminationOrTimeout(20)
    except Exception as error:
        print(type(error).__name__, flush=True)
else:
    ssc.awaitTerminationOrTimeout(2)
    ssc.stop()
"""
    first = program(text.replace("FIRST", "'first'")).ended(60)
    assert (first[0], first[1]) == (0, "1\n2\nPy4JJavaError\n")
    again = program(text.replace("FIRST", "'again'")).ended(60)
    assert (again[0], again[1]) == (0, "3\n4\n5\n")


def test_a_stream_slower_than_its_interval_stops_gracefully(
    ssc: StreamingContext, eventually: Callable[..., None]
) -> None:
    made: list[int] = []

    def slow(rdd):
        time.sleep(0.07)
        made.append(1)
        return rdd

    ssc.queueStream([[1]]).transform(slow).foreachRDD(lambda rdd: None)
    ssc.start()
    eventually(lambda: len(made) >= 10)
    stopper = threading.Thread(target=lambda: ssc.stop(stopSparkContext=False, stopGraceFully=True))
    stopper.start()
    stopper.join(20)
    assert not stopper.is_alive()


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


CALLBACKS = ["an output", "onBatchSubmitted", "onBatchStarted", "onBatchCompleted", "onOutputOperationStarted"]


@pytest.mark.parametrize("place", [*CALLBACKS, "onStreamingStarted"])
@pytest.mark.parametrize("graceful", [False, True])
def test_a_stop_with_the_spark_context_from_a_callback_is_in_order(
    sc: SparkContext, ssc: StreamingContext, place: str, graceful: bool
) -> None:
    seen: list[int] = []
    called: list[int] = []

    class Stopper(StreamingListener):
        pass

    def stop(*_event: object) -> None:
        called.append(1)
        ssc.stop(True, graceful)
        if graceful:
            assert sc.parallelize([1]).count() == 1  # still there
            called.append(2)

    def work(rdd):
        if place == "an output":
            stop()
        if graceful:
            seen.extend(rdd.collect())

    setattr(Stopper, place, stop)
    ssc.addStreamingListener(Stopper())
    ssc.queueStream([[1]] * 10).foreachRDD(work)
    ssc.start()
    assert ssc.awaitTerminationOrTimeout(20) is True
    assert called[: 1 + graceful] == [1, 2][: 1 + graceful]
    assert bool(seen) == graceful
    # Whoever has waited for the end may go on with another one.
    assert SparkContext._active_spark_context is None or not graceful
    with SparkContext("local[1]", "next") if graceful else contextlib.nullcontext():
        assert ssc.awaitTermination() is None


@pytest.mark.parametrize("graceful", [False, True])
@pytest.mark.parametrize("place", ["onStart", "onStop", "onReceiverStarted", "onReceiverStopped"])
def test_a_receiver_may_stop_the_stream(
    sc: SparkContext, ssc: StreamingContext, place: str, graceful: bool, eventually: Callable[..., None]
) -> None:
    called: list[str] = []
    returned: list[str] = []

    def call(name: str) -> None:
        called.append(name)
        if name == place:
            ssc.stop(True, graceful)
            returned.append(name)

    class Stopper(Receiver):
        def onStart(self):
            call("onStart")

        def onStop(self):
            call("onStop")

    class Listener(StreamingListener):
        def onReceiverStarted(self, event):
            call("onReceiverStarted")

        def onReceiverStopped(self, event):
            call("onReceiverStopped")

    ssc.addStreamingListener(Listener())
    ssc.receiverStream(Stopper()).foreachRDD(lambda rdd: None)
    ssc.start()
    if "Sto" in place[2:]:
        eventually(lambda: "onStart" in called)
        ssc.stop(True, True)
    assert ssc.awaitTerminationOrTimeout(30) is True
    eventually(lambda: returned)
    assert "onStop" in called


class Stopper(Receiver):
    """Stops the SparkContext as soon as it starts."""

    def __init__(self, stop: Callable[[], None], patience: float) -> None:
        super().__init__()
        self.stop_all, self.patience = stop, patience

    def onStart(self) -> None:
        time.sleep(self.patience)
        self.stop_all()


@pytest.mark.parametrize("patience", [0, 0.2])
def test_a_receiver_that_stops_the_spark_context_when_it_starts_ends_the_stream(
    sc: SparkContext, ssc: StreamingContext, patience: float
) -> None:
    ssc.receiverStream(Stopper(sc.stop, patience)).foreachRDD(lambda rdd: None)
    ssc.start()
    with pytest.raises(Py4JJavaError, match="SparkContext was shut down"):
        ssc.awaitTerminationOrTimeout(20)
    ssc.stop()
    with pytest.raises(AttributeError, match="stopped SparkContext"):
        sc.version  # noqa: B018
