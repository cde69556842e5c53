"""What runs when: transformations wait for an action, and `take` stops early."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark import SparkContext


def test_transformations_run_nothing(sc: SparkContext) -> None:
    ran = sc.accumulator(0)
    pairs = sc.parallelize(range(10), 3).map(lambda x: ran.add(1) or (x, 1)).filter(lambda _: ran.add(1) or True)
    pairs.groupByKey().mapValues(len).union(pairs).coalesce(1).cache().distinct()
    assert ran.value == 0


def test_take_asks_for_no_element_too_many(sc: SparkContext) -> None:
    # partition  [0 1 2 3 4] [5 6 7 8 9]
    # take(3)     ^ ^ ^
    asked = sc.accumulator(0)
    assert sc.parallelize(range(10), 2).map(lambda x: asked.add(1) or x).take(3) == [0, 1, 2]
    assert asked.value == 3


def test_take_ends_an_endless_partition(sc: SparkContext) -> None:
    endless = sc.parallelize([1], 1).flatMap(lambda _: itertools.count())
    assert (endless.take(3), endless.first(), endless.isEmpty()) == ([0, 1, 2], 0, False)


@pytest.mark.parametrize(
    ("wanted", "tried"),
    [(1, 1), (4, 1), (5, 2), (8, 2), (9, 3)],
)
def test_take_tries_one_partition_and_then_as_many_as_it_seems_to_need(
    sc: SparkContext, wanted: int, tried: int
) -> None:
    # Eight partitions of four: after the first, 1.5 times as many as are still wanted, at most four times as many.
    partitions = sc.accumulator(0)
    numbers = sc.parallelize(range(32), 8).mapPartitions(lambda part: partitions.add(1) or part)
    assert numbers.take(wanted) == list(range(wanted))
    assert partitions.value >= tried
    assert partitions.value < 8


def test_take_of_nothing_runs_one_job_at_most(sc: SparkContext) -> None:
    asked = sc.accumulator(0)
    numbers = sc.parallelize(range(10), 2).map(lambda x: asked.add(1) or x)
    assert (numbers.take(0), numbers.take(-1), asked.value) == ([], [], 0)


@pytest.mark.parametrize("over", ["union", "coalesce", "a frozen RDD"])
def test_take_does_not_run_through_what_lies_below(sc: SparkContext, over: str) -> None:
    asked = sc.accumulator(0)
    numbers = sc.range(200_000, numSlices=1).map(lambda x: asked.add(1) or x)
    above = {"union": numbers.union(numbers), "coalesce": numbers.coalesce(1), "a frozen RDD": numbers}[over]
    if over == "a frozen RDD":
        assert numbers.id() >= 0
    assert above.map(lambda x: x).take(3) == [0, 1, 2]
    assert asked.value < 100_000


def test_take_passes_over_empty_partitions(sc: SparkContext) -> None:
    assert sc.parallelize(range(100), 50).filter(lambda x: x >= 98).take(5) == [98, 99]


def test_partitions_are_read_as_they_are_asked_for(sc: SparkContext) -> None:
    asked = sc.accumulator(0)
    elements = sc.parallelize(range(8), 4).map(lambda x: asked.add(1) or x).toLocalIterator()
    assert [next(elements), next(elements), next(elements)] == [0, 1, 2]
    assert asked.value == 4


def test_a_partition_function_may_stop_reading(sc: SparkContext) -> None:
    asked = sc.accumulator(0)
    heads = sc.parallelize(range(100), 2).map(lambda x: asked.add(1) or x).mapPartitions(lambda part: [next(part)])
    assert heads.collect() == [0, 50]
    assert asked.value == 2


def test_without_a_cache_everything_is_computed_again(sc: SparkContext) -> None:
    asked = sc.accumulator(0)
    numbers = sc.parallelize(range(5), 2).map(lambda x: asked.add(1) or x)
    assert (numbers.count(), numbers.sum(), asked.value) == (5, 10, 10)


def test_a_cached_partition_is_computed_once(sc: SparkContext) -> None:
    asked = sc.accumulator(0)
    numbers = sc.parallelize(range(5), 2).map(lambda x: asked.add(1) or x).cache()
    assert (numbers.is_cached, asked.value) == (True, 0)
    assert (numbers.count(), numbers.sum(), numbers.map(str).count(), asked.value) == (5, 10, 5, 5)
    assert numbers.unpersist() is numbers
    assert (numbers.count(), asked.value, numbers.is_cached) == (5, 10, False)


def test_a_shuffle_is_computed_once(sc: SparkContext) -> None:
    asked = sc.accumulator(0)
    pairs = sc.parallelize(range(6), 2).map(lambda x: asked.add(1) or (x % 2, x)).reduceByKey(lambda a, b: a + b)
    assert sorted(pairs.collect()) == sorted(pairs.mapValues(lambda x: x).collect()) == [(0, 6), (1, 9)]
    assert asked.value == 6


def test_sort_by_runs_its_sampling_at_once_and_one_partition_needs_none(sc: SparkContext) -> None:
    asked = sc.accumulator(0)
    numbers = sc.parallelize([3, 1, 2], 2).map(lambda x: asked.add(1) or x)
    numbers.sortBy(lambda x: x, numPartitions=1)
    assert asked.value == 0
    numbers.sortBy(lambda x: x, numPartitions=2)
    assert asked.value == 6


def test_a_text_file_is_opened_by_the_action(sc: SparkContext, tmp_path: Path) -> None:
    lengths = sc.textFile(str(tmp_path / "later.txt")).map(len)
    (tmp_path / "later.txt").write_text("one\nthree\n")
    assert lengths.collect() == [3, 5]


def test_waiting_tasks_run_side_by_side(sc: SparkContext, eventually: Callable[..., None], tmp_path: Path) -> None:
    # Every task waits for the files of all the others.
    folder, wait = str(tmp_path), eventually

    def meet(x: int) -> int:
        Path(folder, str(x)).touch()
        wait(lambda: len(list(Path(folder).iterdir())) == 4)
        return x

    assert sc.parallelize(range(4), 4).map(meet).collect() == [0, 1, 2, 3]
