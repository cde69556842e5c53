"""What functions of a stream return: RDDs, nothing, and what fails the batch as in Spark."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from py4j.protocol import Py4JJavaError
from pyspark.streaming import StreamingContext

Log = Callable[[], list[str]]


class Falsy:
    """False as a condition."""

    def __bool__(self) -> bool:
        return False


class Unsure:
    """No condition at all."""

    def __bool__(self) -> bool:
        raise KeyError("unsure")


TRUTHY = {
    "an int": (lambda rdd: 3, "'int' object has no attribute '_jrdd'"),
    "a count": (lambda rdd: rdd.count(), "'int' object has no attribute '_jrdd'"),
    "elements": (lambda rdd: rdd.take(2), "'list' object has no attribute '_jrdd'"),
    "text": (lambda rdd: "x", "'str' object has no attribute '_jrdd'"),
    "True": (lambda rdd: True, "'bool' object has no attribute '_jrdd'"),
    "a context": (lambda rdd: rdd.context, "'SparkContext' object has no attribute '_jrdd'"),
    "a broadcast": (lambda rdd: rdd.context.broadcast(1), "'Broadcast' object has no attribute '_jrdd'"),
    "a class": (lambda rdd: Falsy, "type object 'Falsy' has no attribute '_jrdd'"),
    "what has no truth": (lambda rdd: Unsure(), "KeyError: 'unsure'"),
    "an RDD whose function is not to be pickled": (
        lambda rdd: rdd.map((lambda lock: lambda x: lock)(threading.Lock())),
        "cannot pickle",
    ),
}
NOTHING: dict[str, Callable[[Any], Any]] = {
    "0": lambda rdd: 0,
    "None": lambda rdd: None,
    "an empty list": lambda rdd: [],
    "what is false": lambda rdd: Falsy(),
}
RDDS: dict[str, Callable[[Any], Any]] = {
    "the RDD": lambda rdd: rdd,
    "another RDD": lambda rdd: rdd.map(str),
    "pairs": lambda rdd: rdd.zip(rdd),
}
USES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "foreachRDD": lambda ssc, stream, f: stream.foreachRDD(f),
    "foreachRDD with a time": lambda ssc, stream, f: stream.foreachRDD(lambda time, rdd: f(rdd)),
    "transform": lambda ssc, stream, f: nothing(stream.transform(f)),
    "transformWith": lambda ssc, stream, f: nothing(stream.transformWith(lambda a, b: f(a), stream)),
    "transform of the context": lambda ssc, stream, f: nothing(ssc.transform([stream], lambda rdds: f(rdds[0]))),
}


def nothing(stream: Any) -> None:
    stream.foreachRDD(lambda rdd: None)


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("what", TRUTHY)
def test_what_is_neither_false_nor_an_rdd_fails_the_batch(ssc: StreamingContext, log: Log, use: str, what: str) -> None:
    function, text = TRUTHY[what]
    USES[use](ssc, ssc.queueStream([[1, 2, 3]]), function)
    ssc.start()
    with pytest.raises(Py4JJavaError) as caught:
        ssc.awaitTerminationOrTimeout(20)
    assert text in str(caught.value)


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("what", [*NOTHING, *RDDS])
def test_rdds_and_what_is_false_are_fine(
    ssc: StreamingContext, log: Log, use: str, what: str, eventually: Callable[..., None]
) -> None:
    if use == "transform of the context" and what in NOTHING:
        pytest.skip("fails: see below")
    called: list[int] = []

    def f(rdd: Any) -> Any:
        called.append(1)
        return {**NOTHING, **RDDS}[what](rdd)

    USES[use](ssc, ssc.queueStream([[1, 2, 3]]), f)
    ssc.start()
    eventually(lambda: len(called) >= 3)
    assert ssc.awaitTerminationOrTimeout(0.01) is False
    assert log() == []


@pytest.mark.parametrize("what", NOTHING)
def test_a_transform_of_the_context_must_return_an_rdd(ssc: StreamingContext, log: Log, what: str) -> None:
    USES["transform of the context"](ssc, ssc.queueStream([[1]]), NOTHING[what])
    ssc.start()
    with pytest.raises(Py4JJavaError, match="NullPointerException"):
        ssc.awaitTerminationOrTimeout(20)
