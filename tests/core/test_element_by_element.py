"""Python steps hand on one element at a time: what is changed or used again afterwards was taken in when it came by."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark import RDD, SparkConf, SparkContext

ROWS = [("abc"[n % 3], n) for n in range(200)]
Rows = Iterable[tuple[str, int]]
Pair = tuple[str, int]


class Cursor:
    def __init__(self, rows: Rows) -> None:
        self.rows, self.key, self.value = rows, "", 0

    def __iter__(self) -> Iterator[Any]:
        for key, value in self.rows:
            self.key, self.value = key, value
            yield self


def one_dict(rows: Rows) -> Iterator[Any]:
    record: dict[str, Any] = {}
    for record["key"], record["value"] in rows:
        yield record


def one_list(rows: Rows) -> Iterator[Any]:
    record: list[Any] = [None, None]
    for record[0], record[1] in rows:
        yield record


def one_list_in_a_tuple(rows: Rows) -> Iterator[Any]:
    record: list[Any] = []
    for key, value in rows:
        record[:] = [key, value]
        yield 0, record


def one_buffer(rows: Rows) -> Iterator[Any]:
    buffer = bytearray()
    for key, value in rows:
        buffer[:] = f"{key} {value}".encode()
        yield buffer


def cleared(rows: Rows) -> Iterator[Any]:
    for key, value in rows:
        record = {"key": key, "value": value}
        yield record
        record.clear()


def groups(rows: Rows) -> Iterator[Any]:
    return itertools.groupby(rows, lambda row: row)


# How elements are made of the rows, and the row of an element.
Make = Callable[[Rows], Iterable[Any]]
MADE: dict[str, tuple[Make, Callable[[Any], Pair]]] = {
    "an object": (Cursor, lambda one: (one.key, one.value)),
    "a dict": (one_dict, lambda one: (one["key"], one["value"])),
    "a list": (one_list, lambda one: (one[0], one[1])),
    "a list in a tuple": (one_list_in_a_tuple, lambda one: (one[1][0], one[1][1])),
    "a buffer": (one_buffer, lambda one: (chr(one[0]), int(one.split()[1]))),
    "cleared": (cleared, lambda one: (one["key"], one["value"])),
    "groups": (groups, lambda one: (one[0][0], sum(value for _, value in one[1]))),
}


def add(a: Any, b: Any) -> Any:
    return a + b


def saved(rdd: RDD[Any], folder: Path) -> list[str]:
    rdd.saveAsTextFile(str(folder / "saved"))
    lines = [line for file in sorted((folder / "saved").glob("part-*")) for line in file.read_text().splitlines()]
    shutil.rmtree(folder / "saved")
    return lines


def summed(rdd: RDD[Any]) -> int:
    total = rdd.context.accumulator(0)
    rdd.foreach(lambda pair: total.add(pair[1]))
    return total.value


OPERATIONS: dict[str, Callable[[RDD[Any]], Any]] = {
    "collect": lambda r: r.collect(),
    "sum": lambda r: r.values().sum(),
    "native map, sum": lambda r: r.map(lambda p: p[1] * 2).sum(),
    "stats": lambda r: str(r.values().stats()),
    "max": lambda r: r.values().max(),
    "reduce": lambda r: r.values().reduce(add),
    "fold": lambda r: r.values().fold(0, add),
    "aggregate": lambda r: r.values().aggregate(0, add, add),
    "treeReduce": lambda r: r.values().treeReduce(add),
    "countByValue": lambda r: dict(r.keys().countByValue()),
    "distinct": lambda r: sorted(r.keys().distinct().collect()),
    "top": lambda r: r.values().top(3),
    "takeOrdered": lambda r: r.takeOrdered(3, lambda p: -p[1]),
    "histogram": lambda r: r.values().histogram([0, 6, 12]),
    "count": lambda r: r.filter(lambda p: p[1] % 2 == 0).count(),
    "reduceByKey": lambda r: r.reduceByKey(add).collect(),
    "reduceByKeyLocally": lambda r: r.reduceByKeyLocally(add),
    "foldByKey": lambda r: r.foldByKey(0, add).collect(),
    "groupByKey": lambda r: r.groupByKey().mapValues(list).collect(),
    "groupBy": lambda r: r.groupBy(lambda p: p[1] % 3).mapValues(list).collect(),
    "aggregateByKey": lambda r: r.aggregateByKey(0, add, add).collect(),
    "combineByKey": lambda r: r.combineByKey(lambda v: [v], lambda c, v: [*c, v], add).collect(),
    "countByKey": lambda r: dict(r.countByKey()),
    "sortByKey": lambda r: r.sortByKey(False).collect(),
    "sortBy": lambda r: r.sortBy(lambda p: -p[1], numPartitions=1).collect(),
    "partitionBy": lambda r: r.partitionBy(2).glom().collect(),
    "join": lambda r: sorted(r.join(r.mapValues(lambda v: -v)).collect()),
    "cogroup": lambda r: sorted((k, sorted(a), sorted(b)) for k, (a, b) in r.cogroup(r).collect()),
    "subtractByKey": lambda r: r.subtractByKey(r.filter(lambda p: p[0] == "a")).collect(),
    "repartition": lambda r: sorted(r.repartition(3).collect()),
    "zipWithIndex": lambda r: r.zipWithIndex().collect(),
    "cache": lambda r: (r.cache().count(), r.values().sum(), r.unpersist().collect())[1:],
    "zip": lambda r: r.zip(r.map(lambda p: p[1] + 1)).collect(),
    "union": lambda r: r.union(r).values().sum(),
    "cartesian": lambda r: r.cartesian(r.context.parallelize([1, 2], 1)).count(),
    "glom": lambda r: r.glom().collect(),
    "sample": lambda r: r.sample(False, 0.5, 3).collect(),
    "sample, sum": lambda r: r.sample(False, 0.5, 3).values().sum(),
    "toLocalIterator": lambda r: list(r.toLocalIterator()),
    "foreach": summed,
    "isEmpty": lambda r: r.isEmpty(),
    "take": lambda r: r.take(7),
    "first": lambda r: r.first(),
}


@pytest.fixture(scope="module", params=["here", "in worker processes"])
def sc(request: pytest.FixtureRequest) -> Iterator[SparkContext]:
    conf = SparkConf().setMaster("local[2]").setAppName("element by element")
    if request.param != "here":
        conf.set("spark.dstreams.python.workers", "2")
    context = SparkContext(conf=conf)
    yield context
    context.stop()


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("made", MADE)
def test_an_element_is_what_it_is_when_it_comes_by(sc: SparkContext, made: str, operation: str) -> None:
    # The row of each element follows in a step of its own, so that it is another step that may come too late.
    make, row = MADE[made]
    operate = OPERATIONS[operation]
    assert operate(sc.parallelize(ROWS, 2).mapPartitions(make).map(row)) == operate(sc.parallelize(ROWS, 2))


def test_files_hold_what_came_by(sc: SparkContext, tmp_path: Path) -> None:
    for make, row in MADE.values():
        made = sc.parallelize(ROWS, 2).mapPartitions(make).map(row)
        assert saved(made, tmp_path) == [str(pair) for pair in ROWS]


@pytest.mark.parametrize("made", MADE)
def test_values_of_pairs_are_taken_in_when_they_come_by(sc: SparkContext, made: str) -> None:
    make, row = MADE[made]
    pairs = sc.parallelize(ROWS, 2).mapPartitions(lambda rows: ((0, one) for one in make(rows)))
    expected = sum(value for _, value in ROWS)
    assert pairs.mapValues(row).mapValues(lambda pair: pair[1]).reduceByKey(add).collect() == [(0, expected)]
    assert pairs.flatMapValues(lambda one: [row(one)]).map(lambda pair: pair[1][1]).sum() == expected


def test_a_function_of_values_may_give_one_object_again_and_again(sc: SparkContext) -> None:
    def doubled() -> Callable[[int], list[int]]:
        buffer = [0]

        def double(value: int) -> list[int]:
            buffer[0] = 2 * value
            return buffer

        return double

    counted = sc.parallelize(range(500), 1).map(lambda n: (n % 50, n)).reduceByKey(add, 1)
    made = counted.mapValues(doubled())
    assert made.mapValues(lambda one: one[0]).map(lambda pair: pair[1]).sum() == 2 * sum(range(500))
    # The dict of a fold holds the object itself: what the last call made of it.
    again = made.map(lambda pair: (0, pair[1])).reduceByKey(lambda a, b: a)
    assert again.collect() == [(0, [2 * sum(range(49, 500, 50))])]


@pytest.mark.parametrize("size", [1, 2, 16, 17, 100])
def test_an_error_comes_after_the_elements_before_it(sc: SparkContext, size: int) -> None:
    def ends_badly(_: Any) -> Iterator[int]:
        yield from range(size)
        raise KeyError("end")

    def caught(elements: Iterable[int]) -> Iterator[tuple[int, int]]:
        seen = []
        try:
            seen.extend(iter(elements))
        except KeyError:
            seen.append(-1)
        yield sum(seen), len(seen)

    bad = sc.parallelize([0], 1).mapPartitions(ends_badly)
    assert bad.map(lambda x: x + 1).take(size) == list(range(1, size + 1))
    assert bad.sample(False, 1.0, 1).mapPartitions(caught).collect() == [(sum(range(size)) - 1, size + 1)]
    for fails in (lambda: bad.map(lambda x: x + 1).max(), lambda: bad.sum(), lambda: bad.countByValue()):
        with pytest.raises(Exception, match="end"):
            fails()


@pytest.mark.parametrize("fraction", [1.0, 0.5])
def test_whoever_takes_a_few_of_a_sample_asks_for_no_more(sc: SparkContext, fraction: float) -> None:
    asked = sc.accumulator(0)
    numbers = sc.parallelize(range(1000), 1).map(lambda x: asked.add(1) or x)
    sampled = numbers.sample(False, fraction, 3)
    few = sampled.mapPartitions(lambda part: list(itertools.islice(part, 3))).collect()
    assert asked.value == few[-1] + 1
    before = asked.value
    assert (sampled.take(3), asked.value) == (few, 2 * before)
    pairs = sc.parallelize(range(1000), 1).map(lambda x: (x, x)).mapValues(lambda x: asked.add(1) or x)
    assert pairs.sample(False, fraction, 3).values().take(3) == few
    assert asked.value == 3 * before


def test_what_does_not_fit_a_column_ends_it(sc: SparkContext) -> None:
    # Rows whose first items fit, and a later one does not, leave nothing behind.
    rows: list[Any] = [("a", (1, [1]), "x"), ("b", (2, [2, 3]), "y"), (None, (3, [4]), "z")]
    odd: list[Any] = [("c", (4, [5, 2**70]), "x"), ("c", (4, ["t"]), "x"), ("c", (4, [5]), 7), ("c", (1,), "x"), 5]

    for one in odd:
        everything = [*rows, one, *rows]
        made = sc.parallelize([0], 1).mapPartitions(lambda _, all=everything: iter(eval(repr(all))))
        assert made.map(lambda row: (row, 1)).sortBy(lambda _: 0).keys().collect() == everything
        assert made.map(lambda row: (0, row)).groupByKey().mapValues(list).collect() == [(0, everything)]
