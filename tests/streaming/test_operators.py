"""What each operation of a stream does to a batch, over queues; and what a queue gives when it is empty."""

from __future__ import annotations

import operator
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark import SparkContext
from pyspark.streaming import DStream, StreamingContext

Batches = Callable[..., list]

WORDS = ["to be or", "not to be"]
PAIRS = [("a", 1), ("b", 2), ("a", 3)]


def with_index(index, part):
    return [(index, *part)]


def append(text, value):
    return text + str(value)


def as_lists(groups):
    return [list(group) for group in groups]


def is_a(pair):
    return pair[0] == "a"


def to_z(pair):
    return "z", 0


ONE_STREAM: dict[str, tuple[list, Callable[[DStream], DStream], list]] = {
    "map": ([1, 2], lambda s: s.map(lambda x: x * 2), [2, 4]),
    "flatMap": (WORDS, lambda s: s.flatMap(str.split), ["to", "be", "or", "not", "to", "be"]),
    "filter": ([1, 2, 3], lambda s: s.filter(lambda x: x % 2), [1, 3]),
    "mapPartitions": ([1, 2], lambda s: s.mapPartitions(lambda part: [sum(part)]).reduce(operator.add), [3]),
    "mapPartitionsWithIndex": ([5], lambda s: s.repartition(1).mapPartitionsWithIndex(with_index), [(0, 5)]),
    "glom": ([1, 2], lambda s: s.glom(), [[1], [2]]),
    "count": ([7, 8, 9], lambda s: s.count(), [3]),
    "countByValue": ([1, 1, 2], lambda s: s.countByValue(), [(1, 2), (2, 1)]),
    "reduce": ([1, 2, 3], lambda s: s.reduce(operator.add), [6]),
    "reduceByKey": (PAIRS, lambda s: s.reduceByKey(operator.add), [("a", 4), ("b", 2)]),
    "groupByKey": (PAIRS, lambda s: s.groupByKey().mapValues(list), [("a", [1, 3]), ("b", [2])]),
    "combineByKey": (PAIRS, lambda s: s.combineByKey(str, append, operator.add), [("a", "13"), ("b", "2")]),
    "mapValues": (PAIRS, lambda s: s.mapValues(str), [("a", "1"), ("a", "3"), ("b", "2")]),
    "flatMapValues": (PAIRS[:1], lambda s: s.flatMapValues(lambda v: [v, v]), [("a", 1), ("a", 1)]),
    "partitionBy": ([(0, 1), (1, 2), (2, 3)], lambda s: s.partitionBy(2).glom(), [[(0, 1), (2, 3)], [(1, 2)]]),
    "repartition": ([1, 2, 3], lambda s: s.repartition(1).glom().map(sorted), [[1, 2, 3]]),
    "transform": ([3, 1, 2], lambda s: s.transform(lambda rdd: rdd.sortBy(lambda x: x, numPartitions=1)), [1, 2, 3]),
    "union": ([1], lambda s: s.union(s.map(str)), [1, "1"]),
    "cogroup": (PAIRS, lambda s: s.cogroup(s).mapValues(as_lists), [("a", [[1, 3]] * 2), ("b", [[2]] * 2)]),
    "join": (PAIRS[1:], lambda s: s.join(s.mapValues(str)), [("a", (3, "3")), ("b", (2, "2"))]),
    "leftOuterJoin": (PAIRS[:2], lambda s: s.leftOuterJoin(s.filter(is_a)), [("a", (1, 1)), ("b", (2, None))]),
    "rightOuterJoin": (PAIRS[:2], lambda s: s.filter(is_a).rightOuterJoin(s), [("a", (1, 1)), ("b", (None, 2))]),
    "fullOuterJoin": (PAIRS[:1], lambda s: s.fullOuterJoin(s.map(to_z)), [("a", (1, None)), ("z", (None, 0))]),
    "transformWith": ([1, 2], lambda s: s.transformWith(lambda a, b: a.union(b), s), [1, 2, 1, 2]),
}  # fmt: skip


@pytest.mark.parametrize("name", ONE_STREAM)
def test_one_batch_of(ssc: StreamingContext, batches: Batches, name: str) -> None:
    given, make, expected = ONE_STREAM[name]
    found = batches(make(ssc.queueStream([given, given])), 2)
    assert [sorted(batch, key=repr) for batch in found] == [sorted(expected, key=repr)] * 2


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("count", [0]),
        ("reduce", []),
        ("reduceByKey", []),
        ("countByValue", []),
        ("union", []),
        ("join", []),
        ("glom", [[]]),
    ],
)
def test_an_empty_batch_of(ssc: StreamingContext, batches: Batches, name: str, expected: list) -> None:
    _, make, _ = ONE_STREAM[name]
    assert batches(make(ssc.queueStream([[]]).transform(lambda rdd: rdd.coalesce(1))), 2) == [expected] * 2


def test_a_function_of_time_gets_the_time_of_the_batch(ssc: StreamingContext, eventually: Callable[..., None]) -> None:
    inside, outside = [], []
    stream = ssc.queueStream([[1], [2]])
    stream.transform(lambda time, rdd: inside.append(time) or rdd).foreachRDD(lambda time, rdd: outside.append(time))
    ssc.start()
    eventually(lambda: len(outside) >= 3)
    assert inside[:3] == outside[:3] == sorted(outside[:3])


def test_streams_of_one_context_are_transformed_together(ssc: StreamingContext, batches: Batches) -> None:
    one, two = ssc.queueStream([[1], [2]]), ssc.queueStream([[10], [20]])
    both = ssc.transform([one, two], lambda rdds: rdds[0].union(rdds[1]).map(lambda x: x + 1))
    assert batches(both, 3) == [[2, 11], [3, 21], []]


def test_a_union_of_three_streams_keeps_their_order(ssc: StreamingContext, batches: Batches) -> None:
    streams = [ssc.queueStream([[number], [number * 10]]) for number in (1, 2, 3)]
    assert batches(ssc.union(*streams), 2) == [[1, 2, 3], [10, 20, 30]]


@pytest.mark.parametrize(
    ("queue", "one_at_a_time", "default", "expected"),
    [
        ([[1], [2]], True, None, [[1], [2], [], []]),
        ([[1], [2]], False, None, [[1, 2], [], []]),
        ([range(3), range(2)], True, None, [[0, 1, 2], [0, 1], []]),
        ([[1]], True, [7, 8], [[1], [7, 8], [7, 8]]),
        ([[1], [2]], False, [7], [[1, 2], [7], [7]]),
        ([[], [1]], True, None, [[], [1], []]),
        (((1, 2), (3,)), True, None, [[1, 2], [3], []]),
    ],
)
def test_a_queue_gives_its_batches_and_then_the_default(
    ssc: StreamingContext, batches: Batches, queue: list, one_at_a_time: bool, default: list | None, expected: list
) -> None:
    assert batches(ssc.queueStream(queue, one_at_a_time, default), len(expected)) == expected


def test_a_queue_takes_rdds_and_an_rdd_as_default(sc: SparkContext, ssc: StreamingContext, batches: Batches) -> None:
    queue = [sc.parallelize([1, 2], 2), sc.parallelize([3], 1).map(lambda x: x * 10)]
    stream = ssc.queueStream(queue, default=sc.parallelize([0], 1))
    assert batches(stream.glom(), 3) == [[[1], [2]], [[30]], [[0]]]


def test_an_exhausted_queue_gives_one_empty_partition(ssc: StreamingContext, eventually: Callable[..., None]) -> None:
    partitions = []
    ssc.queueStream([[1, 2, 3]]).foreachRDD(lambda rdd: partitions.append(rdd.getNumPartitions()))
    ssc.start()
    eventually(lambda: len(partitions) >= 3)
    assert partitions[:3] == [2, 1, 1]


def test_a_queue_is_copied_when_it_is_given(ssc: StreamingContext, batches: Batches) -> None:
    queue = [[1]]
    stream = ssc.queueStream(queue)
    queue.append([2])
    assert batches(stream, 2) == [[1], []]


@pytest.mark.parametrize("cached", [False, True])
def test_a_cached_stream_computes_each_batch_once(
    sc: SparkContext, ssc: StreamingContext, eventually: Callable[..., None], cached: bool
) -> None:
    # three outputs of two elements and two batches: six elements a batch, or two when cached
    ran, seen = sc.accumulator(0), []
    stream = ssc.queueStream([[1, 2], [3, 4]]).map(lambda x: ran.add(1) or x)
    if cached:
        assert stream.cache() is stream
    for _ in range(3):
        stream.foreachRDD(lambda rdd: seen.append(rdd.sum()))
    ssc.start()
    eventually(lambda: len(seen) >= 9)
    assert seen[:9] == [3, 3, 3, 7, 7, 7, 0, 0, 0]
    assert ran.value == (4 if cached else 12)


def test_cached_batches_are_let_go_when_they_are_old(
    sc: SparkContext, ssc: StreamingContext, eventually: Callable[..., None]
) -> None:
    kept = []
    ssc.queueStream([[number] for number in range(20)]).cache().foreachRDD(lambda rdd: kept.append(rdd))
    ssc.start()
    eventually(lambda: len(kept) >= 10)
    ssc.stop(stopSparkContext=False)
    assert [rdd.collect() for rdd in kept[:3]] == [[0], [1], [2]]


def test_each_batch_is_saved_into_a_folder_of_its_own(
    ssc: StreamingContext, eventually: Callable[..., None], tmp_path: Path
) -> None:
    times = []
    stream = ssc.queueStream([["a", "b"], ["c"]])
    stream.saveAsTextFiles(str(tmp_path / "out"), "txt")
    stream.saveAsTextFiles(str(tmp_path / "plain"))
    stream.foreachRDD(lambda time, rdd: times.append(round(time.timestamp() * 1000)))
    ssc.start()
    eventually(lambda: len(times) >= 2)
    ssc.stop(stopSparkContext=False)
    first, second = tmp_path / f"out-{times[0]}.txt", tmp_path / f"plain-{times[1]}"
    named = sorted(file.name for file in first.iterdir() if file.name[0] != ".")
    assert named == ["_SUCCESS", "part-00000", "part-00001"]
    assert (first / "part-00001").read_text() == "b\n"
    assert (second / "part-00001").read_text() == "c\n"


def test_what_a_batch_prints_is_seen_by_the_program(
    ssc: StreamingContext, eventually: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    done = []
    ssc.queueStream([["hello"]]).foreachRDD(lambda rdd: print(rdd.collect()) or done.append(1))
    ssc.start()
    eventually(lambda: done)
    assert capsys.readouterr().out.startswith("['hello']\n")


def test_print_in_a_task_goes_to_standard_error(
    ssc: StreamingContext, eventually: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    done = []
    ssc.queueStream([["hello"]]).foreachRDD(lambda rdd: rdd.foreach(print) or done.append(1))
    ssc.start()
    eventually(lambda: done)
    found = capsys.readouterr()
    assert "hello\n" in found.err and found.out == ""
