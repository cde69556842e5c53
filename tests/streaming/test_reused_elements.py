"""Elements that a generator uses again, in streams: answers recorded with Apache Spark 3.5.9."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark import SparkContext
from pyspark.streaming import DStream, StreamingContext


def one_list(numbers: Iterator[int]) -> Iterator[list[Any]]:
    pair: list[Any] = [None, 0]
    for number in numbers:
        pair[:] = "ab"[number % 2], number
        yield pair


def gathered(values: list[int], state: list[int] | None) -> list[int]:
    return (state or []) + values


# The elements of a stream's RDD have left Python's steps in batches of 1, 2, 4 ... before a state takes them.
@pytest.mark.parametrize(
    ("build", "answer"),
    [
        (lambda s: s.updateStateByKey(gathered, 1), [("b", [1, 3, 3, 5, 5])]),
        (lambda s: s.map(lambda pair: pair).updateStateByKey(gathered, 1), [("b", [1, 3, 3, 5, 5])]),
        (
            lambda s: s.updateStateByKey(gathered, 1, s.context().sparkContext.parallelize([("b", [0])], 1)),
            [("b", [0, 1, 3, 3, 5, 5])],
        ),
    ],
)
def test_a_state_sees_what_spark_would_have_handed_on(
    sc: SparkContext, tmp_path: Path, build: Callable[[DStream], DStream], answer: list[Any]
) -> None:
    seen: list[Any] = []
    ssc = StreamingContext(sc, 0.1)
    ssc.checkpoint(str(tmp_path))
    source = ssc.queueStream([sc.parallelize([1, 2, 3, 4, 5], 1)])
    build(source.mapPartitions(one_list)).foreachRDD(lambda rdd: seen.append(rdd.collect()))
    ssc.start()
    while not seen:
        assert not ssc.awaitTerminationOrTimeout(0.02)
    ssc.stop(False)
    assert seen[0] == answer
