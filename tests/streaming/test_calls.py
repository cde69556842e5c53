"""Calls that are wrong, come too early or come too late: Spark's exception classes, and messages that help."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from py4j.protocol import Py4JError, Py4JJavaError
from pyspark import SparkContext
from pyspark.streaming import StreamingContext


@pytest.mark.parametrize("seconds", [0, -1, -0.5, 0.0001, float("nan")])
def test_a_batch_takes_at_least_a_millisecond(sc: SparkContext, seconds: float) -> None:
    with pytest.raises(ValueError, match=r"batchDuration|NaN"):
        StreamingContext(sc, seconds)


@pytest.mark.parametrize("seconds, error", [("1", Py4JError), (b"1", Py4JError), ([1], TypeError), (1j, TypeError)])
def test_a_batch_duration_is_a_number(sc: SparkContext, seconds: object, error: type[Exception]) -> None:
    with pytest.raises(error, match="batchDuration: expected a number of seconds"):
        StreamingContext(sc, seconds)
    with pytest.raises(AssertionError, match="batchDuration: expected a number of seconds, got none"):
        StreamingContext(sc)


DURATIONS: dict[str, tuple[str, Callable]] = {
    "remember": ("duration", lambda ssc, stream, x: ssc.remember(x)),
    "window": ("windowDuration", lambda ssc, stream, x: stream.window(x)),
    "slide": ("slideDuration", lambda ssc, stream, x: stream.window(0.1, x)),
    "reduceByWindow": ("windowDuration", lambda ssc, stream, x: stream.reduceByWindow(max, None, x, 1)),
    "countByWindow": ("slideDuration", lambda ssc, stream, x: stream.countByWindow(0.1, x)),
    "reduceByKeyAndWindow": ("windowDuration", lambda ssc, stream, x: stream.reduceByKeyAndWindow(max, min, x)),
    "checkpoint": ("interval", lambda ssc, stream, x: stream.checkpoint(x)),
    "awaitTermination": ("timeout", lambda ssc, stream, x: ssc.awaitTermination(x)),
    "awaitTerminationOrTimeout": ("timeout", lambda ssc, stream, x: ssc.awaitTerminationOrTimeout(x)),
    "slice": ("begin", lambda ssc, stream, x: stream.slice(x, 1)),
}


@pytest.mark.parametrize("call", DURATIONS)
def test_durations_are_numbers(ssc: StreamingContext, call: str) -> None:
    name, use = DURATIONS[call]
    stream = ssc.queueStream([[1]])
    wrong = [(ValueError, "x"), (ValueError, b"x"), (ValueError, float("nan")), (TypeError, []), (TypeError, 1j)]
    for error, value in [*wrong, (OverflowError, float("inf")), (Py4JError, 10**20)]:
        with pytest.raises(error, match=f"^{name}: expected") as caught:
            use(ssc, stream, value)
        assert repr(value) in str(caught.value)


@pytest.mark.parametrize(
    "call", [call for call in DURATIONS if call not in ("slide", "countByWindow", "awaitTermination")]
)
def test_durations_have_to_be_there(ssc: StreamingContext, call: str) -> None:
    name, use = DURATIONS[call]
    with pytest.raises(TypeError, match=f"^{name}: expected"):
        use(ssc, ssc.queueStream([[1]]), None)


def test_a_transform_of_the_context_wants_streams_that_slide_alike(ssc: StreamingContext) -> None:
    stream = ssc.queueStream([[1]])
    with pytest.raises(Py4JJavaError, match="Some of the DStreams have different slide durations") as caught:
        ssc.transform([stream, stream.window(0.1, 0.1)], lambda rdds: rdds[0])
    assert caught.value.java_exception.getClass().getName() == "java.lang.IllegalArgumentException"
    with pytest.raises(Py4JJavaError, match="at least one DStream to transform") as caught:
        ssc.transform([], lambda rdds: rdds[0])
    assert caught.value.java_exception.getClass().getName() == "java.util.NoSuchElementException"


def test_a_stream_on_a_stopped_context_is_refused(sc: SparkContext) -> None:
    sc.stop()
    with pytest.raises(Py4JJavaError, match=r"NullPointerException: .*stopped SparkContext"):
        StreamingContext(sc, 1)


def test_a_start_without_outputs_is_refused_and_final(ssc: StreamingContext) -> None:
    ssc.queueStream([[1]]).map(lambda x: x)
    with pytest.raises(Py4JJavaError, match="No output operations registered, so nothing to execute") as caught:
        ssc.start()
    assert caught.value.java_exception.getClass().getName() == "java.lang.IllegalArgumentException"
    with pytest.raises(Py4JJavaError, match="StreamingContext has already been stopped"):
        ssc.start()


def test_starting_twice_is_harmless(ssc: StreamingContext) -> None:
    ssc.queueStream([[1]]).foreachRDD(lambda rdd: None)
    ssc.start()
    ssc.start()


ADDITIONS: dict[str, Callable] = {
    "an output": lambda ssc, stream: stream.pprint(),
    "a transformation": lambda ssc, stream: stream.map(lambda x: x).foreachRDD(lambda rdd: None),
    "a queue": lambda ssc, stream: ssc.queueStream([[1]]),
    "a socket": lambda ssc, stream: ssc.socketTextStream("localhost", 9),
    "a folder": lambda ssc, stream: ssc.textFileStream("somewhere"),
    "a union": lambda ssc, stream: stream.union(stream).pprint(),
    "a transform of the context": lambda ssc, stream: ssc.transform([stream], lambda rdds: rdds[0]),
}


@pytest.mark.parametrize("addition", ADDITIONS)
@pytest.mark.parametrize("phase", ["starting", "stopping"])
def test_nothing_can_be_added_after_the_start_or_the_stop(ssc: StreamingContext, addition: str, phase: str) -> None:
    stream = ssc.queueStream([[1]])
    stream.foreachRDD(lambda rdd: None)
    ssc.start()
    if phase == "stopping":
        ssc.stop(stopSparkContext=False)
    text = f"Adding new inputs, transformations, and output operations after {phase} a context is not supported"
    with pytest.raises(Py4JJavaError, match=text) as caught:
        ADDITIONS[addition](ssc, stream)
    assert caught.value.java_exception.getClass().getName() == "java.lang.IllegalStateException"


def test_an_added_output_that_was_refused_never_runs(ssc: StreamingContext, eventually: Callable[..., None]) -> None:
    seen, late = [], []
    stream = ssc.queueStream([[1]])
    stream.foreachRDD(lambda rdd: seen.append(1))
    ssc.start()
    with pytest.raises(Py4JJavaError):
        stream.foreachRDD(lambda rdd: late.append(1))
    eventually(lambda: len(seen) >= 3)
    assert late == []


@pytest.mark.parametrize(
    ("host", "port", "error", "name"),
    [
        (b"localhost", 9999, Py4JError, "hostname"),
        (None, 9999, TypeError, "hostname"),
        ("localhost", "9999", Py4JError, "port"),
        ("localhost", None, Py4JError, "port"),
        ("localhost", 0, ValueError, "port"),
        ("localhost", 70000, ValueError, "port"),
    ],
)
def test_a_wrong_address_is_named(
    ssc: StreamingContext, host: object, port: object, error: type[Exception], name: str
) -> None:
    with pytest.raises(error, match=f"{name}: expected"):
        ssc.socketTextStream(host, port)


def test_an_empty_queue_is_an_index_error_as_in_spark(ssc: StreamingContext) -> None:
    with pytest.raises(IndexError):
        ssc.queueStream([])


def test_functions_of_too_many_arguments_are_refused(ssc: StreamingContext) -> None:
    stream = ssc.queueStream([[1]])
    with pytest.raises(AssertionError, match="func should take one or two arguments"):
        stream.transform(lambda a, b, c: a)
    with pytest.raises(AssertionError, match="func should take two or three arguments"):
        stream.transformWith(lambda a: a, stream)


def test_a_union_needs_streams(ssc: StreamingContext) -> None:
    with pytest.raises(ValueError, match="at least one DStream"):
        ssc.union()


def test_the_active_context_can_be_asked_for(ssc: StreamingContext) -> None:
    assert StreamingContext.getActive() is None
    ssc.queueStream([[1]]).foreachRDD(lambda rdd: None)
    ssc.start()
    assert StreamingContext.getActive() is ssc
    assert StreamingContext.getActiveOrCreate(None, lambda: None) is ssc
    assert ssc.sparkContext is SparkContext._active_spark_context


def test_arguments_of_other_types_are_told_by_name(ssc: StreamingContext, sc: SparkContext) -> None:
    for persist in (ssc.queueStream([[1]]).persist, sc.parallelize([1]).persist):
        with pytest.raises(TypeError, match=r"^storageLevel must be of type pyspark.StorageLevel"):
            persist(5)
    for named_by_path in (ssc.textFileStream, ssc.checkpoint, lambda folder: ssc.binaryRecordsStream(folder, 4)):
        with pytest.raises(Py4JError, match=r"directory: expected .*text, got 5"):
            named_by_path(5)
    with pytest.raises(Py4JError, match="streamingListener: expected a StreamingListener, got 5"):
        ssc.addStreamingListener(5)
