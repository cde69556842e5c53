"""What Python keeps per thread, as functions of tasks see it: it is there from the first element to the last."""

from __future__ import annotations

import decimal
import threading
from collections.abc import Iterable, Iterator

import pytest
from pyspark import SparkContext

# More than one block, and more than fit into a block at once.
MANY = 20_000


def test_a_threading_local_lives_as_long_as_the_partition(sc: SparkContext) -> None:
    def counted(elements: Iterable[int]) -> Iterator[int]:
        own = threading.local()
        own.seen = 0
        for _ in elements:
            own.seen += 1
            yield own.seen

    assert sc.parallelize(range(MANY), 1).mapPartitions(counted).collect() == list(range(1, MANY + 1))


@pytest.mark.parametrize("shuffled", [False, True])
def test_the_context_of_decimal_stays_as_it_was_set(sc: SparkContext, shuffled: bool) -> None:
    def third(number: int) -> str:
        if number == 0:
            decimal.getcontext().prec = 4
        return str(decimal.Decimal(1) / decimal.Decimal(3))

    def undo(elements: Iterable[str]) -> Iterator[str]:
        yield from elements
        decimal.getcontext().prec = 28

    thirds = sc.parallelize(range(MANY), 1).map(third).mapPartitions(undo)
    if shuffled:
        assert thirds.map(lambda text: (text, 1)).reduceByKey(lambda a, b: a + b).collect() == [("0.3333", MANY)]
    else:
        assert set(thirds.collect()) == {"0.3333"}


def test_a_thread_is_known_by_one_name_in_all_of_a_partition(sc: SparkContext) -> None:
    threads = sc.parallelize(range(MANY), 1).map(lambda _: threading.current_thread().name).distinct().collect()
    assert len(threads) == 1
