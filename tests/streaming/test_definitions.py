"""What Spark refuses, or takes, when windows, checkpoints and functions are defined; found without waiting."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from py4j.protocol import Py4JError, Py4JJavaError
from pyspark import SparkConf, SparkContext
from pyspark.streaming import StreamingContext
from pyspark.streaming.util import TransformFunction

from dstreams.testing import collect


@pytest.fixture
def sc() -> Iterator[SparkContext]:
    """A context whose streams have a clock turned by hand."""
    conf = SparkConf().setMaster("local[2]").setAppName("test").set("spark.streaming.clock", "manual")
    context = SparkContext(conf=conf)
    yield context
    context.stop()


@pytest.fixture
def ssc(streams: Callable[..., StreamingContext]) -> StreamingContext:
    """Batches of 1 second."""
    return streams(1)


def add(a: Any, b: Any) -> Any:
    return a + b


def sub(a: Any, b: Any) -> Any:
    return a - b


def pairs(ssc: StreamingContext, count: int = 9) -> Any:
    return ssc.queueStream([[("a", 1)]] * count)


# -- windows ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("length, slide", [(1.5, None), (0.5, None), (2, 1.5), (2, 0.5)])
def test_durations_are_multiples_of_the_slide(ssc: StreamingContext, length: float, slide: float | None) -> None:
    wrong = "windowDuration" if slide is None else "slideDuration"
    for define in (
        lambda stream: stream.window(length, slide),
        lambda stream: stream.reduceByKeyAndWindow(add, None, length, slide),
        lambda stream: stream.reduceByKeyAndWindow(add, sub, length, slide),
    ):
        with pytest.raises(ValueError, match=rf"{wrong} must be multiple of .* duration \(1000 ms\)"):
            define(pairs(ssc))


@pytest.mark.parametrize("length", [0, -1, -7])
def test_a_window_that_is_not_positive_is_always_empty(ssc: StreamingContext, length: int) -> None:
    out, reduced = collect(pairs(ssc).window(length)), collect(pairs(ssc).reduceByKeyAndWindow(add, None, length))
    ssc.start()
    ssc.advance(3)
    assert (out, reduced) == ([[], [], []], [[], [], []])


def test_a_window_that_never_slides_fails_in_every_batch(ssc: StreamingContext) -> None:
    out = collect(pairs(ssc).window(2, 0))
    ssc.start()
    for _ in range(2):
        with pytest.raises(Py4JJavaError, match="ArithmeticException: / by zero: WindowedDStream"):
            ssc.advance()
    assert out == []


def test_an_incremental_window_that_never_slides_does_not_start(ssc: StreamingContext, tmp_path: Path) -> None:
    ssc.checkpoint(str(tmp_path))
    pairs(ssc).reduceByKeyAndWindow(add, sub, 2, 0).pprint()
    with pytest.raises(Py4JJavaError, match="ArithmeticException: / by zero"):
        ssc.start()
    assert StreamingContext.getActive() is None


def test_a_negative_slide_counts_for_its_size(ssc: StreamingContext) -> None:
    out = collect(pairs(ssc).reduceByKeyAndWindow(add, None, 2, -1))
    ssc.start()
    ssc.advance(3)
    assert out == [[("a", 1)], [("a", 2)], [("a", 2)]]


def test_an_inverse_that_is_no_function_fails_where_it_is_first_called(
    ssc: StreamingContext, tmp_path: Path, log: Callable[[], list[str]]
) -> None:
    ssc.checkpoint(str(tmp_path))
    short = collect(pairs(ssc).reduceByKeyAndWindow(add, 4, 4, 1))
    long = collect(pairs(ssc).reduceByKeyAndWindow(add, 5, 5, 1))
    ssc.start()
    ssc.advance(5)
    with pytest.raises(Py4JJavaError, match="'int' object is not callable"):
        ssc.advance()
    assert long == [[("a", n)] for n in (1, 2, 3, 4, 5)], "nothing leaves the window before"
    assert short == [[("a", n)] for n in (1, 2, 3, 4, 4, 4)], "below five slides no inverse is called"


# -- checkpoints --------------------------------------------------------------------------------------
DEFINED: list[tuple[str, Callable[[Any], Any]]] = [
    ("PythonTransformedDStream", lambda stream: stream.map(str)),
    ("PythonStateDStream", lambda stream: stream.updateStateByKey(lambda new, old: 1)),
    ("PythonReducedWindowedDStream", lambda stream: stream.reduceByKeyAndWindow(add, sub, 5)),
    ("WindowedDStream", lambda stream: stream.window(2)),
]


@pytest.mark.parametrize("name, define", DEFINED, ids=[name for name, _ in DEFINED])
@pytest.mark.parametrize(
    "interval, problem",
    [
        (0.5, "500 ms which is lower than its slide time (1000 ms). Please set it to at least 1000 ms."),
        (0, "0 ms which is lower than its slide time (1000 ms). Please set it to at least 1000 ms."),
        (-1, "-1000 ms which is lower than its slide time (1000 ms). Please set it to at least 1000 ms."),
        (1.5, " 1500 ms which not a multiple of its slide time (1000 ms). Please set it to a multiple of 1000 ms."),
    ],
    ids=["short", "zero", "negative", "no multiple"],
)
def test_a_checkpoint_interval_must_fit(
    ssc: StreamingContext, tmp_path: Path, name: str, define: Callable[[Any], Any], interval: float, problem: str
) -> None:
    ssc.checkpoint(str(tmp_path))
    define(pairs(ssc)).checkpoint(interval).pprint()
    with pytest.raises(Py4JJavaError) as caught:
        ssc.start()
    assert f"requirement failed: The checkpoint interval for {name} has been set to {problem}" in str(caught.value)
    with pytest.raises(Py4JJavaError, match="already been stopped"):
        ssc.start()


def test_a_window_cannot_be_checkpointed(ssc: StreamingContext, tmp_path: Path) -> None:
    ssc.checkpoint(str(tmp_path))
    pairs(ssc).window(2).checkpoint(2).pprint()
    with pytest.raises(Py4JJavaError, match="WindowedDStream has been marked for checkpointing but the storage level"):
        ssc.start()


@pytest.mark.parametrize(
    "together",
    [
        lambda one, other: one.union(other),
        lambda one, other: one.join(other),
        lambda one, other: one.transformWith(lambda a, b: a.union(b), other),
        lambda one, other: one.context().union(one, other),
        lambda one, other: one.context().transform([one, other], lambda rdds: rdds[0]),
    ],
    ids=["union", "join", "transformWith", "context.union", "context.transform"],
)
def test_streams_of_two_contexts_do_not_go_together(
    ssc: StreamingContext, streams: Callable[..., StreamingContext], together: Callable[[Any, Any], Any]
) -> None:
    with pytest.raises(Py4JJavaError, match="Some of the DStreams have different contexts"):
        together(pairs(ssc), pairs(streams(1)))


@pytest.mark.parametrize(
    "queue, error", [([], IndexError), ({}, KeyError), (None, TypeError), (iter([[1]]), TypeError), ([1], TypeError)]
)
def test_a_queue_is_a_sequence_of_batches(ssc: StreamingContext, queue: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        ssc.queueStream(queue)


def test_folders_for_checkpoints_are_paths(ssc: StreamingContext) -> None:
    for define in (ssc.checkpoint, ssc.sparkContext.setCheckpointDir, lambda f: StreamingContext.getOrCreate(f, str)):
        with pytest.raises(Py4JJavaError, match="Can not create a Path from an empty string"):
            define("")
        with pytest.raises(Py4JError, match=r"expected (a path as )?text, got 5"):
            define(5)
    with pytest.raises(Py4JJavaError, match="Can not create a Path from a null string"):
        StreamingContext.getOrCreate(None, str)  # type: ignore[arg-type]


def test_none_takes_the_folder_for_checkpoints_away(ssc: StreamingContext, tmp_path: Path) -> None:
    ssc.checkpoint(str(tmp_path))
    ssc.checkpoint(None)
    ssc.sparkContext.setCheckpointDir(None)
    assert ssc.sparkContext.getCheckpointDir() is None
    pairs(ssc).map(str).checkpoint(1).pprint()
    with pytest.raises(Py4JJavaError, match="The checkpoint directory has not been set"):
        ssc.start()


def test_checkpoints_ask_for_a_folder(ssc: StreamingContext) -> None:
    pairs(ssc).map(str).checkpoint(1).map(len).pprint()
    with pytest.raises(Py4JJavaError, match="The checkpoint directory has not been set"):
        ssc.start()


def test_a_stream_that_no_output_needs_asks_for_nothing(ssc: StreamingContext) -> None:
    stream = pairs(ssc)
    stream.map(str).checkpoint(0.5)
    stream.foreachRDD(lambda rdd: None)
    ssc.start()
    ssc.advance()


def test_fitting_checkpoints_start_and_keep_their_batches(ssc: StreamingContext, tmp_path: Path) -> None:
    ssc.checkpoint(str(tmp_path))
    calls = ssc.sparkContext.accumulator(0)
    stream = pairs(ssc, 2).map(lambda pair: calls.add(1) or pair).checkpoint(2)
    out, again = collect(stream), collect(stream)
    ssc.start()
    ssc.advance(2)
    assert out == again == [[("a", 1)], [("a", 1)]]
    assert calls.value == 2, "a checkpointed stream is persisted"
    with pytest.raises(Py4JJavaError, match="Cannot change checkpoint interval of a DStream after"):
        stream.checkpoint(1)


@pytest.mark.parametrize("name", ["checkpoint-1000", "checkpoint-1000.bk"])
def test_a_checkpoint_of_an_earlier_run_is_not_passed_over_in_silence(
    ssc: StreamingContext, tmp_path: Path, log: Callable[[], list[str]], name: str
) -> None:
    (tmp_path / name).write_bytes(b"\xac\xed written by Spark")
    with pytest.raises(
        Py4JJavaError, match=f"Failed to read checkpoint from directory {tmp_path}: {name} cannot be used"
    ):
        StreamingContext.getOrCreate(str(tmp_path), lambda: ssc)
    ssc.checkpoint(f"file:{tmp_path}")
    assert "which this program will replace" in log()[-1] and str(tmp_path) in log()[-1]
    assert (tmp_path / name).read_bytes() == b"\xac\xed written by Spark"


# -- functions ----------------------------------------------------------------------------------------
def test_functions_of_two_arguments_get_the_local_time_without_a_zone(ssc: StreamingContext) -> None:
    times: list[datetime] = []
    stream = pairs(ssc).transform(lambda time, rdd: times.append(time) or rdd)
    stream = stream.transformWith(lambda time, left, right: times.append(time) or left, pairs(ssc))
    stream.foreachRDD(lambda time, rdd: times.append(time))
    ssc.start()
    ssc.advance()
    assert times == [datetime.fromtimestamp(1)] * 3
    assert times[0].tzinfo is None


def test_a_transform_function_keeps_what_it_raised(sc: SparkContext) -> None:
    func = TransformFunction(sc, lambda time, left, right: (time, left, right), "first", "second")
    assert list(inspect.signature(TransformFunction).parameters) == ["ctx", "func", "deserializers"]
    assert func.rdd_wrapper(lambda rdd, ctx, name: (rdd, name)) is func
    assert func.call(1500, ["a", None]) == (datetime.fromtimestamp(1.5), ("a", "first"), None)
    assert func.getLastFailure() is None
    assert func.call(1500, ["a"]) is None
    assert "TypeError" in (func.getLastFailure() or "")
    assert func.call(0, ["a", "b"])[2] == ("b", "second")
    assert func.getLastFailure() is None
