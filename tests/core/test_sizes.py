"""Many of something: threads, steps, partitions, unions, bytes in a closure."""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial, reduce

from pyspark import SparkContext


def test_twenty_threads_run_jobs_at_once(sc: SparkContext) -> None:
    total = sc.accumulator(0)
    begin = threading.Barrier(20)

    def work(number: int) -> list[list]:
        begin.wait()
        made = []
        for _ in range(5):
            numbers = sc.parallelize(range(number, number + 20), 3).map(lambda x: total.add(1) or x)
            pairs = numbers.map(lambda x: (x % 3, x)).reduceByKey(lambda a, b: a + b).cache()
            made.append([sorted(pairs.collect()), pairs.count()])
        return made

    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(work, range(20)))
    for number, results in enumerate(found):
        sums = [(key, sum(x for x in range(number, number + 20) if x % 3 == key)) for key in range(3)]
        assert results == [[sums, 3]] * 5
    assert total.value == 20 * 5 * 20


def test_threads_may_share_an_rdd(sc: SparkContext) -> None:
    ran = sc.accumulator(0)
    shared = sc.parallelize(range(100), 4).map(lambda x: ran.add(1) or x).cache()
    shared.count()
    with ThreadPoolExecutor(8) as pool:
        sums = list(pool.map(lambda n: shared.map(lambda x: x * n).sum(), range(8)))
    assert sums == [4950 * n for n in range(8)]
    assert ran.value == 100


def test_a_failure_in_one_thread_is_none_of_the_others_business(sc: SparkContext) -> None:
    def work(number: int) -> object:
        try:
            return sc.parallelize(range(50), 3).map(lambda x: x // (number % 2)).sum()
        except Exception as error:
            return type(error.__cause__)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(16))) == [ZeroDivisionError, 1225] * 8


def test_a_chain_of_a_thousand_maps(sc: SparkContext) -> None:
    deep = reduce(lambda rdd, _: rdd.map(lambda x: x + 1), range(1000), sc.parallelize([0, 1], 2))
    assert deep.collect() == [1000, 1001]


def test_a_chain_of_three_hundred_cached_steps(sc: SparkContext) -> None:
    deep = sc.parallelize([0], 1)
    for _ in range(300):
        deep = deep.map(lambda x: x + 1).cache()
    assert deep.collect() == [300]


def test_a_chain_of_a_hundred_shuffles(sc: SparkContext) -> None:
    deep = sc.parallelize([(1, 0), (2, 0)], 2)
    for _ in range(100):
        deep = deep.map(lambda pair: (pair[0], pair[1] + 1)).partitionBy(2).map(lambda pair: pair)
    assert sorted(deep.collect()) == [(1, 100), (2, 100)]


def test_a_union_of_two_thousand(sc: SparkContext) -> None:
    numbers = [sc.parallelize([i], 1) for i in range(2000)]
    united = sc.union(numbers)
    assert (united.getNumPartitions(), united.collect()) == (2000, list(range(2000)))


def test_a_union_in_a_thousand_steps(sc: SparkContext) -> None:
    one = sc.parallelize([1], 1)
    assert reduce(lambda rdd, _: rdd.union(one), range(1000), one).count() == 1001


def test_a_lineage_of_a_hundred_thousand_nodes_is_let_go(sc: SparkContext) -> None:
    deep = sc.parallelize([1], 1)
    for _ in range(100_000):
        deep = deep.coalesce(1)
    del deep
    assert sc.parallelize([1], 1).count() == 1


def test_more_partitions_than_elements_and_threads(sc: SparkContext) -> None:
    wide = sc.parallelize(range(10), 2000)
    assert (wide.getNumPartitions(), wide.sum(), wide.repartition(500).count()) == (2000, 45, 10)


def test_a_closure_of_many_megabytes(sc: SparkContext) -> None:
    table = {i: str(i) * 10 for i in range(300_000)}
    found = sc.parallelize([0, 299_999], 2).map(lambda i: table[i])
    assert found.collect() == ["0" * 10, "299999" * 10]
    assert found.map(len).collect() == [10, 60]


def test_an_element_of_many_megabytes(sc: SparkContext) -> None:
    size = 50_000_000
    texts = sc.parallelize(["x", "y"], 2).map(lambda c: c * size)
    assert texts.map(lambda text: (len(text), text[-1])).collect() == [(size, "x"), (size, "y")]
    assert sorted(texts.map(lambda text: (text[0], text)).groupByKey().keys().collect()) == ["x", "y"]


def test_keys_by_the_hundred_thousand(sc: SparkContext) -> None:
    counts = sc.parallelize(range(300_000), 4).map(lambda x: (x % 100_000, 1)).reduceByKey(lambda a, b: a + b)
    assert counts.values().countByValue() == {3: 100_000}


def test_jobs_by_the_thousand(sc: SparkContext, eventually: Callable[..., None]) -> None:
    before = threading.active_count()
    jobs = (sc.parallelize([1, 2], 2).map(partial(operator.add, i)) for i in range(1000))
    assert sum(job.sum() for job in jobs) == 1_002_000
    eventually(lambda: threading.active_count() <= before + 1)
