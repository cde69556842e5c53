"""What settings do to the end of a stream: SIGTERM, and stopping with or without the SparkContext."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from pyspark import SparkContext
from pyspark.streaming import StreamingContext

TERMINATED = """
import sys, threading, time
from pyspark import SparkConf, SparkContext
from pyspark.streaming import StreamingContext

sc = SparkContext(conf=SparkConf().setMaster("local[2]").setAll({settings!r}))
ssc = StreamingContext(sc, 0.05)

def slow(rdd):
    for number in rdd.collect():
        if number == 1:
            sys.stderr.write("running\\n")
        time.sleep(0.4)
        sys.stdout.write(f"done {{number}}\\n")

ssc.queueStream([[number] for number in range(1, 4)]).foreachRDD(slow)
ssc.start()
{wait}
"""
WAITS = ["ssc.awaitTermination()", "time.sleep(60)", "threading.Event().wait()"]


@pytest.mark.parametrize("wait", WAITS)
@pytest.mark.parametrize("gracefully", ["true", "false", None])
def test_sigterm_stops_the_stream_and_then_the_process(
    program: Callable[[str], object], wait: str, gracefully: str
) -> None:
    settings = [("spark.streaming.stopGracefullyOnShutdown", gracefully)] if gracefully else []
    child = program(TERMINATED.format(settings=settings, wait=wait))
    assert child.process.stderr.readline() == b"running\n"
    child.process.send_signal(signal.SIGTERM)
    code, output, complaints = child.ended()
    assert code == -signal.SIGTERM
    # The running batch ends either way; those that wait behind it, and one more, run only in a graceful stop.
    assert output.split("\n")[0] == "done 1"
    assert ("done 2" in output) == (gracefully == "true")
    assert complaints == ""


def test_a_second_sigterm_ends_the_process_at_once(program: Callable[[str], object]) -> None:
    settings = [("spark.streaming.stopGracefullyOnShutdown", "true")]
    text = TERMINATED.format(settings=settings, wait="ssc.awaitTermination()").replace(
        "time.sleep(0.4)", "time.sleep(30)"
    )
    child = program(text)
    assert child.process.stderr.readline() == b"running\n"
    child.process.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        child.process.wait(0.5)
    child.process.send_signal(signal.SIGTERM)
    assert child.ended(10)[0] == -signal.SIGTERM


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="warns of forks beside threads")
def test_a_forked_child_dies_of_sigterm_without_touching_the_stream(ssc: StreamingContext) -> None:
    ssc.queueStream([[1]]).foreachRDD(lambda rdd: None)
    ssc.start()
    ready, tell = os.pipe()
    child = os.fork()
    if child == 0:
        # Python forgets signals that come while it forks.
        os.write(tell, b"!")
        time.sleep(30)
        os._exit(1)
    os.read(ready, 1)
    os.kill(child, signal.SIGTERM)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM
    assert StreamingContext.getActive() is ssc
    os.close(ready)
    os.close(tell)


def test_a_programs_own_handler_is_left_alone(ssc: StreamingContext) -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
    try:
        ssc.queueStream([[1]]).foreachRDD(lambda rdd: None)
        ssc.start()
        signal.raise_signal(signal.SIGTERM)
        assert seen == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_the_handler_goes_with_its_stream(streams: Callable[..., StreamingContext]) -> None:
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    for _ in range(2):
        ssc = streams()
        ssc.queueStream([[1]]).foreachRDD(lambda rdd: None)
        ssc.start()
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        ssc.stop(stopSparkContext=False)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_stop_takes_the_spark_context_with_it_whatever_the_setting_says(sc: SparkContext) -> None:
    # The setting is the default of Scala's stop(); Python's says True itself.
    sc._conf.set("spark.streaming.stopSparkContextByDefault", "false")
    below, ssc = StreamingContext(sc, 1), StreamingContext(sc, 1)
    below._jssc.stop()
    assert sc.parallelize([1]).count() == 1
    ssc.stop()
    assert SparkContext._active_spark_context is None


def test_a_graceful_stop_that_takes_too_long_leaves_batches_out(
    streams: Callable[..., StreamingContext], sc: SparkContext, log: Callable[[], list[str]]
) -> None:
    sc._conf.set("spark.streaming.clock", "manual").set("spark.streaming.gracefulStopTimeout", "0ms")
    ssc, seen = streams(1), []
    ssc.queueStream([[1], [2], [3]]).foreachRDD(lambda rdd: seen.extend(rdd.collect()))
    ssc.start()
    ssc.advance(2)
    ssc.stop(stopSparkContext=False, stopGraceFully=True)
    assert seen == [1, 2]
    assert any("Timed out while stopping the job generator" in line for line in log())
