"""Numbers that make no sense: the answers are Spark's, and what is refused is named, with its value."""

from __future__ import annotations

import operator
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dstreams import SparkContext
from dstreams.core.engine.errors import Py4JError, Py4JJavaError

HUGE = 10**20

SHUFFLES: dict[str, Callable[[Any, Any], Any]] = {
    "groupByKey": lambda rdd, count: rdd.groupByKey(count),
    "reduceByKey": lambda rdd, count: rdd.reduceByKey(operator.add, count),
    "foldByKey": lambda rdd, count: rdd.foldByKey(0, operator.add, count),
    "aggregateByKey": lambda rdd, count: rdd.aggregateByKey(0, operator.add, operator.add, count),
    "combineByKey": lambda rdd, count: rdd.combineByKey(int, operator.add, operator.add, count),
    "partitionBy": lambda rdd, count: rdd.partitionBy(count),
    "join": lambda rdd, count: rdd.join(rdd, count),
    "leftOuterJoin": lambda rdd, count: rdd.leftOuterJoin(rdd, count),
    "cogroup": lambda rdd, count: rdd.cogroup(rdd, count),
    "distinct": lambda rdd, count: rdd.distinct(count),
    "subtract": lambda rdd, count: rdd.subtract(rdd, count),
    "groupBy": lambda rdd, count: rdd.groupBy(lambda pair: pair[0], count),
}


@pytest.mark.parametrize("shuffle", SHUFFLES.values(), ids=SHUFFLES)
def test_numbers_of_partitions(sc: SparkContext, shuffle: Callable[[Any, Any], Any]) -> None:
    pairs = sc.parallelize([(1, 2), (3, 4)], 2)
    for count in (0, -1):
        made = shuffle(pairs, count)
        assert (made.getNumPartitions(), made.collect()) == (0, [])
    for wrong in (HUGE, 2**31, 1.5, "2", True):
        with pytest.raises(Py4JError, match=rf"numPartitions: expected a whole number within 32 bits, got {wrong!r}"):
            shuffle(pairs, wrong)


@pytest.mark.parametrize("shuffled", [False, True])
def test_coalesce(sc: SparkContext, shuffled: bool) -> None:
    numbers = sc.parallelize(range(4), 2)
    for count in (0, -1):
        with pytest.raises(ValueError, match=r"Number of partitions must be positive\."):
            numbers.coalesce(count, shuffled)
    with pytest.raises(Py4JError, match=f"numPartitions: .* got {HUGE}"):
        numbers.coalesce(HUGE, shuffled)
    with pytest.raises(TypeError, match=r"numPartitions: .* got '2'"):
        numbers.coalesce("2", shuffled)  # type: ignore[arg-type]


def test_parallelize(sc: SparkContext) -> None:
    for data in ([1, 2, 3], range(3), []):
        assert sc.parallelize(data, "2").getNumPartitions() == 2  # type: ignore[arg-type]
        with pytest.raises(Py4JJavaError, match="Positive number of partitions required"):
            sc.parallelize(data, -1).getNumPartitions()
        with pytest.raises(ZeroDivisionError):
            sc.parallelize(data, 0)
        with pytest.raises(Py4JError, match=f"numSlices: .* got {HUGE}"):
            sc.parallelize(data, HUGE)
    with pytest.raises(Py4JError, match=f"numSlices: .* got {2**31}"):
        sc.range(0, 4, 1, 2**31)


def test_files(sc: SparkContext, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_text("x\n")
    place = str(tmp_path)
    sc.parallelize([(1, 2)], 1).saveAsSequenceFile(str(tmp_path / "out" / "s"))
    sc.parallelize([1], 1).saveAsPickleFile(str(tmp_path / "out" / "p"))
    assert sc.textFile(place + "/a", 0).collect() == ["x"]
    lazy = sc.textFile(place + "/a", -1)
    with pytest.raises(Py4JJavaError, match=r"IllegalArgumentException: Illegal Capacity: -1\nminPartitions: "):
        lazy.collect()
    with pytest.raises(Py4JJavaError, match="Illegal Capacity: -1"):
        sc.sequenceFile(str(tmp_path / "out" / "s"), minSplits=-1).count()
    with pytest.raises(Py4JJavaError, match="Illegal Capacity: -1"):
        sc.pickleFile(str(tmp_path / "out" / "p"), -1).count()
    assert sc.wholeTextFiles(place, -1).getNumPartitions() == 2  # one file each
    assert sc.binaryFiles(place, -1).count() == 2
    for wrong in (HUGE, 1.5, "2", True):
        for read in (sc.textFile, sc.wholeTextFiles, sc.binaryFiles, sc.pickleFile):
            with pytest.raises(Py4JError, match=f"minPartitions: .* got {wrong!r}"):
                read(place, wrong)  # type: ignore[operator]
        with pytest.raises(Py4JError, match=f"recordLength: .* got {wrong!r}"):
            sc.binaryRecords(place, wrong)  # type: ignore[arg-type]


def test_how_many_are_taken(sc: SparkContext) -> None:
    numbers = sc.parallelize(range(4), 2)
    assert (numbers.take(-1), numbers.top(-1), numbers.take(HUGE)) == ([], [], [0, 1, 2, 3])
    assert numbers.top(HUGE) == [3, 2, 1, 0]
    assert numbers.takeOrdered(HUGE) == [0, 1, 2, 3]
    for wrong in (lambda: numbers.takeOrdered(-1), lambda: numbers.takeSample(False, -1)):
        with pytest.raises(ValueError, match="cannot be negative"):
            wrong()
    with pytest.raises(ValueError, match=r"Fraction must be nonnegative\."):
        sc.parallelize([(1, 1)], 2).sortByKey(numPartitions=-1)
    with pytest.raises(Py4JError, match=f"numPartitions: .* got {HUGE}"):
        sc.parallelize([(1, 1)], 2).sortByKey(numPartitions=HUGE)
