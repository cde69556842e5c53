"""Zips of partitions that are not equally long: what Spark notices, when, and as which exception."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from py4j.protocol import Py4JJavaError
from pyspark import SparkContext

# What Spark 3.5 does with `a.zip(b)`, partitions of three and of two or three elements.
AS_THEY_ARE: dict[str, Callable[[Any], Any]] = {
    "collect": lambda z: z.collect(),
    "toLocalIterator": lambda z: next(z.toLocalIterator()),
    "cache": lambda z: z.cache().collect(),
    "zip of zips": lambda z: z.zip(z).collect(),
    "union": lambda z: z.union(z).collect(),
    "cartesian": lambda z: z.cartesian(z).collect(),
    "coalesce": lambda z: z.coalesce(1).collect(),
    "collectAsMap": lambda z: z.collectAsMap(),
    "collectWithJobGroup": lambda z: z.collectWithJobGroup("group", "text"),
}
READ_BY_TASKS: dict[str, Callable[[Any], Any]] = {
    "count": lambda z: z.count(),
    "first": lambda z: z.first(),
    "take": lambda z: z.take(2),
    "map": lambda z: z.map(lambda pair: pair).collect(),
    "foreach": lambda z: z.foreach(print),
    "zip of mapped zips": lambda z: z.map(lambda pair: pair).zip(z.map(lambda pair: pair)).collect(),
    "glom": lambda z: z.glom().collect(),
    "repartition": lambda z: z.repartition(3).collect(),
    "values": lambda z: z.values().sum(),
    "isEmpty": lambda z: z.isEmpty(),
    "partitionBy": lambda z: z.partitionBy(2).collect(),
    "zipWithIndex": lambda z: z.zipWithIndex().collect(),
    "lookup": lambda z: z.lookup(1),
    "runJob": lambda z: z.ctx.runJob(z, lambda pairs: pairs),
}


@pytest.mark.parametrize("name", AS_THEY_ARE)
def test_pairs_that_are_collected_as_they_are_fail_in_the_driver(sc: SparkContext, name: str) -> None:
    zipped = sc.range(6, numSlices=2).zip(sc.range(5, numSlices=2))
    with pytest.raises(ValueError, match=r"different number of items in batches: \(3, 2\)"):
        AS_THEY_ARE[name](zipped)


@pytest.mark.parametrize("name", READ_BY_TASKS)
def test_pairs_that_a_task_reads_fail_the_task(sc: SparkContext, name: str) -> None:
    zipped = sc.range(6, numSlices=2).zip(sc.range(5, numSlices=2))
    with pytest.raises(Py4JJavaError):
        READ_BY_TASKS[name](zipped)


def test_batches_before_the_one_that_does_not_fit_are_good(sc: SparkContext) -> None:
    zipped = sc.range(2000, numSlices=2).zip(sc.range(1999, numSlices=2))
    assert zipped.first() == (0, 0)
    assert len(zipped.take(600)) == 600
    with pytest.raises(ValueError, match=r"\(100, 99\)"):
        zipped.collect()
    with pytest.raises(Py4JJavaError):
        zipped.count()


def test_a_batch_without_a_partner_fails_the_task(sc: SparkContext, tmp_path: Path) -> None:
    for name, lines in (("five", 5), ("four", 4)):
        (tmp_path / name).write_text("line\n" * lines)
    five, four = (sc.textFile(str(tmp_path / name), 1) for name in ("five", "four"))
    empty, one, two = (sc.parallelize(elements, 2) for elements in ([], [1], [1, 2]))
    for left, right in ((five, four), (four, five), (empty, one), (one, two), (two, one)):
        with pytest.raises(Py4JJavaError, match="same number of elements in each partition"):
            left.zip(right).collect()
    with pytest.raises(Py4JJavaError):
        five.zip(four).first()


def test_lines_beside_other_elements_are_packed_anew(sc: SparkContext, tmp_path: Path) -> None:
    (tmp_path / "five").write_text("line\n" * 5)
    five = sc.textFile(str(tmp_path / "five"), 1)
    with pytest.raises(ValueError, match=r"\(5, 4\)"):
        five.zip(sc.range(4, numSlices=1)).collect()
    assert len(five.zip(five.map(len)).collect()) == 5
    assert five.zip(five).zip(five.map(len)).count() == 5


def test_equal_partitions_make_pairs(sc: SparkContext) -> None:
    numbers = sc.parallelize(range(6), 2)
    assert numbers.zip(numbers.map(str)).collect() == [(x, str(x)) for x in range(6)]
    assert numbers.zip(numbers).zip(numbers).first() == ((0, 0), 0)
    assert sc.parallelize([], 2).zip(sc.parallelize([], 2)).collect() == []
