"""Which partition an element is in, and which index a function of a partition gets to see."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pyspark import RDD, SparkContext, TaskContext


def indexed(sc: SparkContext) -> RDD:
    """[(0, 'a')] and [(1, 'b')]: each element with the index of its partition."""
    return sc.parallelize(["a", "b"], 2).mapPartitionsWithIndex(lambda index, part: [(index, x) for x in part])


OVER: dict[str, tuple[Callable[[RDD], RDD], list]] = {
    "itself": (lambda rdd: rdd, [(0, "a"), (1, "b")]),
    "union": (lambda rdd: rdd.union(rdd), [(0, "a"), (1, "b"), (0, "a"), (1, "b")]),
    "coalesce": (lambda rdd: rdd.coalesce(1), [(0, "a"), (1, "b")]),
    "a cache of a union": (lambda rdd: rdd.union(rdd).cache(), [(0, "a"), (1, "b"), (0, "a"), (1, "b")]),
    "zip": (lambda rdd: rdd.coalesce(1).zip(rdd.coalesce(1)).keys(), [(0, "a"), (1, "b")]),
    "cartesian": (lambda rdd: rdd.cartesian(rdd).values(), [(0, "a"), (1, "b"), (0, "a"), (1, "b")]),
    "more steps": (lambda rdd: rdd.union(rdd).map(lambda x: x).coalesce(2).filter(bool), [(0, "a"), (1, "b")] * 2),
}


@pytest.mark.parametrize("over", OVER)
def test_the_index_is_that_of_the_rdd_and_not_that_of_the_task(sc: SparkContext, over: str) -> None:
    # partitions of the RDD         0     1
    # of a union with itself     0  1  2  3
    make, expected = OVER[over]
    assert make(indexed(sc)).collect() == expected


def test_the_task_context_tells_the_partition_of_the_task(sc: SparkContext) -> None:
    numbers = sc.parallelize("ab", 2).map(lambda x: TaskContext.get().partitionId())
    assert numbers.union(numbers).collect() == [0, 1, 2, 3]
    assert numbers.coalesce(1).collect() == [0, 0]


def test_there_is_no_task_context_in_the_driver(sc: SparkContext) -> None:
    assert TaskContext.get() is None


def test_positions_survive_a_union_and_a_join(sc: SparkContext) -> None:
    positions = sc.parallelize("abc", 3).zipWithIndex()
    assert positions.union(positions).collect() == [("a", 0), ("b", 1), ("c", 2)] * 2
    assert sorted(positions.join(positions).collect()) == [("a", (0, 0)), ("b", (1, 1)), ("c", (2, 2))]


def test_a_sample_is_the_same_in_a_union(sc: SparkContext) -> None:
    sample = sc.parallelize(range(50), 4).sample(False, 0.3, 7)
    assert sample.union(sample).collect() == sample.collect() * 2


@pytest.mark.parametrize(
    ("elements", "slices", "partitions"),
    [
        ([1, 2, 3, 4, 5], 2, [[1, 2], [3, 4, 5]]),
        ([1, 2], 4, [[], [1], [], [2]]),
        ([], 2, [[], []]),
        (range(5), 3, [[0], [1, 2], [3, 4]]),
        ("abcde", 3, [["a"], ["b", "c"], ["d", "e"]]),
    ],
)
def test_parallelize_cuts_as_spark_cuts(sc: SparkContext, elements: list, slices: int, partitions: list) -> None:
    assert sc.parallelize(elements, slices).glom().collect() == partitions


def test_partition_by_uses_the_function_and_its_remainder(sc: SparkContext) -> None:
    pairs = sc.parallelize([(number, None) for number in range(-3, 4)], 3)
    placed = pairs.partitionBy(3, lambda key: key * 10).keys().glom().collect()
    assert placed == [[-3, 0, 3], [-2, 1], [-1, 2]]


def test_co_partitioned_rdds_are_united_partition_by_partition(sc: SparkContext) -> None:
    pairs = sc.parallelize([(number, None) for number in range(4)], 2).partitionBy(2)
    assert pairs.union(pairs).keys().glom().collect() == [[0, 2, 0, 2], [1, 3, 1, 3]]
    assert pairs.join(pairs).getNumPartitions() == 2


def test_hashing_in_a_task_follows_seed_0(sc: SparkContext) -> None:
    words = sc.parallelize([(f"word {number}", None) for number in range(100)], 1)
    assert words.partitionBy(2, hash).glom().collect() == words.partitionBy(2).glom().collect()
