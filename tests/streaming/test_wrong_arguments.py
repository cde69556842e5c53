"""Calls with arguments of another kind, or at the wrong time: Spark's exceptions, as it was recorded to raise them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pyspark import SparkContext
from pyspark.streaming import DStream, StreamingContext, StreamingListener
from recorded import calls, name_of

# By the exception, a Java class for that of a Py4JJavaError.
NEW = {
    "AssertionError": """
        StreamingContext(sc, None)
        StreamingContext(sc)
        ds.transform(lambda: 1)
        ds.transform(lambda a, b, c: 1)
        ds.transformWith(lambda a: a, ds)
    """,
    "AttributeError": """
        StreamingContext(None, 1)
        StreamingContext("x", 1)
        ssc.queueStream([sc.parallelize([1]), [1]])
        ssc.union(ds, None)
        ssc.transform([ds, None], lambda r: r)
        StreamingContext.getOrCreate(tmp + "/none3", lambda: None)
        StreamingContext.getOrCreate(tmp + "/none3", lambda: 5)
        ds.foreachRDD(None)
        ds.foreachRDD(5)
        ds.foreachRDD(print)
        ds.transform(None)
        ds.transform(5)
        ds.transformWith(None, ds)
        ds.transformWith(lambda a, b: a, None)
        ds.transformWith(lambda a, b: a, 5)
        ds.union(None)
        ds.union(5)
        ds.cogroup(None)
        ds.cogroup(5)
        ds.join(None)
        ds.leftOuterJoin(5)
        ds.rightOuterJoin(5)
        ds.fullOuterJoin(5)
        DStream(None, None, None)
    """,
    "IndexError": """
        ssc.queueStream([])
    """,
    "KeyError": """
        ssc.queueStream({1: 2})
    """,
    "OverflowError": """
        StreamingContext(sc, float("inf"))
    """,
    "Py4JError": """
        StreamingContext(sc, "1")
        StreamingContext(sc, b"1")
        StreamingContext(sc, 1e30)
        ssc.checkpoint(5)
        ssc.socketTextStream("localhost", "9999")
        ssc.socketTextStream(5, 9999)
        ssc.socketTextStream("localhost", None)
        ssc.socketTextStream("localhost", 9999.0)
        ssc.textFileStream(5)
        ssc.binaryRecordsStream(tmp, None)
        ssc.binaryRecordsStream(tmp, "5")
        ssc.binaryRecordsStream(tmp, 2**40)
        ssc.binaryRecordsStream(tmp, 5.0)
        ssc.queueStream([[1]], oneAtATime="x")
        ssc.queueStream([[1]], oneAtATime=None)
        ssc.addStreamingListener(5)
        StreamingContext.getActiveOrCreate(5, lambda: ssc)
        StreamingContext.getOrCreate(5, lambda: ssc)
    """,
    "TypeError": """
        StreamingContext(sc, [1])
        ssc.remember(None)
        ssc.socketTextStream("localhost", 9999, None)
        ssc.socketTextStream("localhost", 9999, "MEMORY_ONLY")
        ssc.queueStream(None)
        ssc.queueStream(5)
        ssc.queueStream([5])
        ssc.queueStream([[1], 5])
        ssc.queueStream([[1]], default=5)
        ssc.queueStream([[1], sc.parallelize([1])])
        ssc.transform(None, lambda r: r)
        ssc.transform(ds, lambda r: r)
        ssc.awaitTerminationOrTimeout(None)
        StreamingContext.getActiveOrCreate(None, None)
        StreamingContext.getActiveOrCreate(None, 5)
        StreamingContext.getOrCreate(tmp + "/none1", None)
        StreamingContext.getOrCreate(tmp + "/none2", 5)
        ds.window(None)
        ds.reduceByKeyAndWindow(lambda a, b: a, None, None)
        ds.groupByKeyAndWindow(None, 1)
        ds.updateStateByKey(lambda a, b: a, 2, 5)
        ds.persist(None)
        ds.persist("x")
        ds.persist(5)
        ds.checkpoint(None)
        ds.slice(None, None)
    """,
    "ValueError": """
        StreamingContext(sc, "x")
        StreamingContext(sc, float("nan"))
        ssc.remember("x")
        ssc.union()
        ssc.awaitTerminationOrTimeout("x")
        ssc.awaitTermination("x")
        ds.window("x")
        ds.window("1")
        ds.window(1.5)
        ds.window(1, 0.5)
        ds.window(1, "1")
        ds.window(float("nan"))
        ds.countByValueAndWindow(2, 1.5)
        ds.reduceByWindow(lambda a, b: a, None, 1.5, 1)
        ds.groupByKeyAndWindow(2, 1.5)
        ds.checkpoint("x")
        ds.slice("a", "b")
    """,
    "java.lang.IllegalArgumentException": """
        ssc.checkpoint("")
        ssc.start()
        StreamingContext.getOrCreate(None, lambda: ssc)
    """,
    "java.util.NoSuchElementException": """
        ssc.transform([], lambda r: r)
    """,
    "org.apache.spark.SparkException": """
        ds.slice(1, 2)
        ds.slice(2, 1)
    """,
}

RUNNING = {
    "TypeError": """
        ds.persist()
    """,
    "java.lang.IllegalStateException": """
        ssc.queueStream([])
        ssc.queueStream([[1]])
        ssc.queueStream([], default=[1])
        ssc.socketTextStream("localhost", 9)
        ssc.textFileStream(tmp)
        ssc.binaryRecordsStream(tmp, 5)
        ssc.union(ds, ds)
        ssc.transform([ds], lambda r: r)
        ds.window(1)
        ds.pprint()
        ds.foreachRDD(lambda r: 1)
        ds.saveAsTextFiles("x")
        ds.union(ds)
        ds.updateStateByKey(lambda a, b: 1)
        ds.countByWindow(2, 1)
    """,
    "java.lang.UnsupportedOperationException": """
        ds.cache()
        ds.checkpoint(5)
    """,
    "org.apache.spark.SparkException": """
    """,
}

STOPPED = {
    "Py4JError": """
        ssc.stop(None, None)
    """,
    "TypeError": """
        ds.persist()
    """,
    "java.lang.IllegalStateException": """
        ssc.start()
        ssc.queueStream([])
        ssc.queueStream([[1]])
        ssc.queueStream([], default=[1])
        ssc.socketTextStream("localhost", 9)
        ssc.textFileStream(tmp)
        ssc.binaryRecordsStream(tmp, 5)
        ssc.union(ds, ds)
        ssc.transform([ds], lambda r: r)
        ds.window(1)
        ds.pprint()
        ds.foreachRDD(lambda r: 1)
        ds.saveAsTextFiles("x")
        ds.union(ds)
        ds.updateStateByKey(lambda a, b: 1)
        ds.countByWindow(2, 1)
    """,
    "java.lang.UnsupportedOperationException": """
        ds.cache()
        ds.checkpoint(5)
    """,
    "org.apache.spark.SparkException": """
    """,
}

NEVER_STARTED = {
    "Py4JError": """
        ssc.stop(None, None)
    """,
    "TypeError": """
        ds.persist()
    """,
    "java.lang.IllegalStateException": """
        ssc.start()
        ssc.queueStream([])
        ssc.queueStream([[1]])
        ssc.queueStream([], default=[1])
        ssc.socketTextStream("localhost", 9)
        ssc.textFileStream(tmp)
        ssc.binaryRecordsStream(tmp, 5)
        ssc.union(ds, ds)
        ssc.transform([ds], lambda r: r)
        ds.window(1)
        ds.pprint()
        ds.foreachRDD(lambda r: 1)
        ds.saveAsTextFiles("x")
        ds.union(ds)
        ds.updateStateByKey(lambda a, b: 1)
        ds.countByWindow(2, 1)
    """,
    "org.apache.spark.SparkException": """
        ds.slice(1, 2)
    """,
}

WITHOUT_CONTEXT = {
    "AttributeError": """
        ssc.queueStream([[1]])
        ds.updateStateByKey(lambda a, b: 1)
    """,
    "java.lang.IllegalStateException": """
        ssc.start()
        ssc.queueStream([])
        ssc.socketTextStream("localhost", 9)
        ssc.textFileStream(tmp)
        ssc.union(ds, ds)
        ds.pprint()
        ds.foreachRDD(lambda r: 1)
        ds.window(1)
    """,
    "java.lang.NullPointerException": """
        StreamingContext(sc, 1)
    """,
    "org.apache.spark.SparkException": """
        ds.slice(1, 2)
    """,
}

BROKEN_OFF = {
    "AttributeError": """
        ssc.queueStream([[1]])
        ds.updateStateByKey(lambda a, b: 1)
    """,
    "java.lang.IllegalStateException": """
        ssc.queueStream([])
        ssc.socketTextStream("localhost", 9)
        ssc.textFileStream(tmp)
        ssc.union(ds, ds)
        ds.pprint()
        ds.foreachRDD(lambda r: 1)
        ds.window(1)
    """,
    "java.lang.NullPointerException": """
        StreamingContext(sc, 1)
    """,
    "java.lang.UnsupportedOperationException": """
        ds.cache()
        ds.checkpoint(5)
    """,
}


def names_of(sc: SparkContext, ssc: StreamingContext, stream: DStream[Any], folder: Any) -> dict[str, Any]:
    """What the calls name."""
    kinds = {one.__name__: one for one in (DStream, StreamingContext, StreamingListener)}
    return {**kinds, "sc": sc, "ssc": ssc, "ds": stream, "tmp": str(folder)}


def test_wrong_arguments_are_refused_as_by_spark(sc: SparkContext, tmp_path: Any) -> None:
    answers = []
    for call, _ in calls(NEW):
        ssc = StreamingContext(sc, 1)
        answers.append((call, name_of(call, names_of(sc, ssc, ssc.queueStream([[1]]), tmp_path))))
        ssc.stop(stopSparkContext=False)
    assert answers == calls(NEW)


def with_output(sc: SparkContext) -> tuple[StreamingContext, DStream[Any]]:
    """A context that could be started, and its stream."""
    ssc = StreamingContext(sc, 0.2)
    stream = ssc.queueStream([[1]])
    stream.foreachRDD(lambda rdd: None)
    return ssc, stream


@pytest.mark.parametrize("state", ["running", "stopped", "never started"])
def test_calls_at_the_wrong_time_are_refused_as_by_spark(sc: SparkContext, tmp_path: Any, state: str) -> None:
    table = {"running": RUNNING, "stopped": STOPPED, "never started": NEVER_STARTED}[state]
    ssc, stream = with_output(sc)
    if state != "never started":
        ssc.start()
    if state != "running":
        ssc.stop(stopSparkContext=False)
    names = names_of(sc, ssc, stream, tmp_path)
    answers = [(call, name_of(call, names)) for call, _ in calls(table)]
    if state == "never started":  # what a start would settle can still be said
        assert stream.cache() is stream and stream.checkpoint(5) is stream
    ssc.stop(stopSparkContext=False)
    assert answers == calls(table)


@pytest.mark.parametrize("runs", [True, False])
def test_without_its_spark_context_a_stream_refuses_as_in_spark(sc: SparkContext, tmp_path: Any, runs: bool) -> None:
    ssc, stream = with_output(sc)
    if runs:
        ssc.start()
    sc.stop()
    names, table = names_of(sc, ssc, stream, tmp_path), BROKEN_OFF if runs else WITHOUT_CONTEXT
    answers = [(call, name_of(call, names)) for call, _ in calls(table)]
    ssc.stop()
    assert answers == calls(table)


def test_a_stream_whose_spark_context_is_stopped_is_the_active_one_until_it_is_stopped_itself(sc: SparkContext) -> None:
    ssc, _ = with_output(sc)
    ssc.start()
    sc.stop()
    assert StreamingContext.getActive() is ssc
    ssc.start()  # nothing happens, as it was started
    with SparkContext("local[2]", "test") as other:
        second, _ = with_output(other)
        assert name_of("ssc.start()", {"ssc": second}) == "java.lang.IllegalStateException"
        ssc.stop()
        assert StreamingContext.getActive() is None
        third, _ = with_output(other)
        third.start()
        assert StreamingContext.getActive() is third
        third.stop(stopSparkContext=False)


def test_a_time_to_remember_of_0_or_less_is_none(sc: SparkContext) -> None:
    for seconds in (0, -1, 0.00001):
        StreamingContext(sc, 1).remember(seconds)


@pytest.mark.parametrize("wait", [StreamingContext.awaitTermination, StreamingContext.awaitTerminationOrTimeout])
def test_a_time_below_0_is_waited_for_as_long_as_it_takes(
    sc: SparkContext, wait: Callable[[StreamingContext, float], Any]
) -> None:
    ssc, stream = with_output(sc)
    ended: list[bool] = []

    def stop(rdd: Any) -> None:
        ended.append(True)
        ssc.stop(stopSparkContext=False)

    stream.foreachRDD(stop)
    ssc.start()
    wait(ssc, -1)
    assert ended
