"""A graph is data and functions that can be pickled: none of them may hold the context, a thread or a socket."""

from __future__ import annotations

import operator
import pickle
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

import cloudpickle
import pytest
from pyspark import SparkContext
from pyspark.streaming import DStream, StreamingContext

from dstreams.core.rdds.partitioner import portable_hash
from dstreams.streaming import functions


class Recorder:
    """Stands in for the engine's graph and keeps the functions that streams hand over."""

    def __init__(self) -> None:
        self.kept: list[Callable] = []

    def add_queue(self, *_: object) -> int:
        return 0

    def add_transformed(self, parents: list[int], func: Callable) -> int:
        self.kept.append(func)
        return len(self.kept)

    def add_output(self, parent: int, func: Callable) -> None:
        self.kept.append(func)

    def add_union(self, parents: list[int]) -> int:
        return 0

    def slide_ms(self, node: int) -> int:
        return 50

    def stop(self, graceful: bool) -> None:
        pass

    def is_active(self) -> bool:
        return False


@pytest.fixture
def recorded(ssc: StreamingContext) -> tuple[DStream, list[Callable]]:
    """A stream on a recorder, and what it records."""
    recorder = Recorder()
    ssc._runtime = recorder
    return ssc.queueStream([[1]]), recorder.kept


OPERATIONS: dict[str, Callable[[DStream], object]] = {
    "map": lambda s: s.map(lambda x: x).pprint(),
    "a chain": lambda s: s.map(lambda x: x).filter(bool).mapValues(str).glom().pprint(3),
    "count": lambda s: s.count().pprint(),
    "reduce": lambda s: s.reduce(operator.add).pprint(),
    "countByValue": lambda s: s.countByValue().pprint(),
    "groupByKey": lambda s: s.groupByKey().pprint(),
    "partitionBy": lambda s: s.partitionBy(2).pprint(),
    "repartition": lambda s: s.repartition(2).pprint(),
    "join": lambda s: s.join(s).pprint(),
    "cogroup": lambda s: s.cogroup(s).pprint(),
    "union": lambda s: s.union(s).pprint(),
    "transform": lambda s: s.transform(lambda rdd: rdd.distinct()).pprint(),
    "transform with time": lambda s: s.transform(lambda time, rdd: rdd).pprint(),
    "transformWith": lambda s: s.transformWith(lambda a, b: a.union(b), s).pprint(),
    "transform of the context": lambda s: s.context().transform([s, s], lambda rdds: rdds[0]).pprint(),
    "foreachRDD": lambda s: s.foreachRDD(lambda rdd: print(rdd.count())),
    "foreachRDD with time": lambda s: s.foreachRDD(lambda time, rdd: None),
    "saveAsTextFiles": lambda s: s.saveAsTextFiles("prefix", "suffix"),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_all_functions_of_an_operation_can_be_pickled(recorded: tuple[DStream, list[Callable]], operation: str) -> None:
    # A context or an RDD refuses to be pickled, so a pickle is proof that none is inside.
    stream, kept = recorded
    OPERATIONS[operation](stream)
    assert kept
    for func in kept:
        assert len(cloudpickle.dumps(func)) < 20_000


def test_pickled_functions_work_as_before(sc: SparkContext, recorded: tuple[DStream, list[Callable]]) -> None:
    stream, kept = recorded
    counts = stream.flatMap(lambda line: line.split()).map(lambda word: (word, 1)).reduceByKey(operator.add, 1)
    collected: list[list] = []
    counts._id  # noqa: B018 - makes the node
    (func,) = pickle.loads(cloudpickle.dumps(kept))
    collected.append(func(datetime(2026, 1, 1), sc.parallelize(["a b", "a"], 2)).collect())
    assert collected == [[("a", 2), ("b", 1)]]


def test_functions_without_code_of_the_user_are_pickled_by_name() -> None:
    # Plain pickle knows functions by module and name only: the library's own must all be found that way.
    for func in (
        partial(functions.method, "partitionBy", (2, portable_hash)),
        partial(functions.print_batch, 10),
        partial(functions.save_batch, "prefix", None),
        partial(functions.after, partial(functions.method, "glom", ()), partial(functions.method, "keys", ())),
    ):
        copy = pickle.loads(pickle.dumps(func))
        assert (copy.func, repr(copy.args)) == (func.func, repr(func.args))


def test_a_function_that_holds_the_context_is_told_apart(
    ssc: StreamingContext, recorded: tuple[DStream, list[Callable]]
) -> None:
    stream, kept = recorded
    stream.foreachRDD(lambda rdd: ssc.sparkContext.parallelize([1]))
    with pytest.raises(Exception, match="SPARK-5063"):
        cloudpickle.dumps(kept[0])


def test_a_chain_of_a_thousand_steps_is_one_function_that_can_be_pickled_and_run(
    sc: SparkContext, ssc: StreamingContext, batches: Callable[..., list]
) -> None:
    stream = ssc.queueStream([[0]])
    for _ in range(100):
        stream = stream.map(lambda x: x + 1)
    assert batches(stream, 1) == [[100]]


def test_a_file_name_is_prefix_milliseconds_and_suffix(tmp_path: Path) -> None:
    from pyspark.streaming.util import rddToFileName

    assert rddToFileName("spark", None, 12345678910) == "spark-12345678910"
    assert rddToFileName("spark", "tmp", 12345678910) == "spark-12345678910.tmp"
    assert rddToFileName("out", None, datetime.fromtimestamp(1767268800.05)) == "out-1767268800050"
