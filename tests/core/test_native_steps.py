"""Where native steps hand over to Python: nothing shows but the answer."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pyspark import SparkContext

NAN = float("nan")
Point = namedtuple("Point", "x y")


@pytest.fixture(scope="module")
def sc() -> Iterator[SparkContext]:
    context = SparkContext("local[2]", "native steps")
    yield context
    context.stop()


@pytest.fixture(params=["1", "0"], ids=["native", "python"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSTREAMS_NATIVE", request.param)


def test_a_key_that_is_no_number_is_pythons_from_the_first_row(sc: SparkContext) -> None:
    assert repr(sc.parallelize([NAN], 1).distinct().collect()) == "[nan]"
    pairs = sc.parallelize([(1.0, 3), (NAN, 1), (1.0, 4)], 1)
    assert repr(pairs.reduceByKey(lambda a, b: a).collect()) == "[(1.0, 3), (nan, 1)]"
    assert repr(pairs.map(lambda kv: ((kv[0], 1), kv[1])).reduceByKey(lambda a, b: a + b).collect()) == (
        "[((1.0, 1), 7), ((nan, 1), 1)]"
    )


def test_constants_that_no_column_can_hold(sc: SparkContext) -> None:
    assert sc.parallelize(["a"], 1).map(lambda text: text + "\udcff").collect() == ["a\udcff"]
    assert sc.parallelize(["a"], 1).filter(lambda text: text != "\ud800").count() == 1
    assert sc.parallelize([1], 1).map(lambda n: n + 2**70).collect() == [2**70 + 1]


@pytest.mark.parametrize(
    ("elements", "function", "number", "expected"),
    [
        ([3, 1, 2, 3], lambda n: 1 // (n - 2), 2, [1, -1]),
        (["3", "1", "x"], lambda text: int(text), 2, [3, 1]),
        ([3, 1] * 500 + [2], lambda n: 1 // (n - 2), 1000, [1, -1] * 500),
    ],
)
def test_what_nobody_asks_for_does_not_fail(
    sc: SparkContext, elements: list[Any], function: Callable[[Any], Any], number: int, expected: list[Any]
) -> None:
    rdd = sc.parallelize(elements, 1).map(function)
    assert rdd.take(number) == expected
    with pytest.raises(Exception, match=r"ZeroDivisionError|invalid literal"):
        rdd.take(number + 1)


@pytest.mark.parametrize("function", [None, lambda key: key % 2])
def test_placed_pairs_are_plain_tuples(sc: SparkContext, function: Callable[[Any], int] | None) -> None:
    points = sc.parallelize([Point(1, 2), Point(2, 3)], 2)
    placed = points.partitionBy(2, function) if function else points.partitionBy(2)
    assert [type(pair) for pair in placed.collect()] == [tuple, tuple]
    assert [type(pair) for pair in points.sortByKey().collect()] == [tuple, tuple]


@pytest.mark.parametrize(
    ("chain", "first"),
    [
        (
            lambda sc: (
                sc.parallelize([(1, 1), (1, None), (2, 0)], 1)
                .mapValues(lambda v: 1 // v if v is not None else v)
                .reduceByKey(lambda a, b: a + b)
            ),
            TypeError,
        ),
        (
            lambda sc: sc.parallelize([([1], 1), (2, 0)], 1).map(lambda kv: (kv[0], 1 // kv[1])).groupByKey(),
            TypeError,
        ),
        (
            lambda sc: sc.parallelize([(1, 0), ([1], 1)], 1).map(lambda kv: (kv[0], 1 // kv[1])).groupByKey(),
            ZeroDivisionError,
        ),
    ],
)
def test_of_two_failures_the_one_of_the_earlier_row_comes(
    sc: SparkContext, chain: Callable[[SparkContext], Any], first: type[Exception]
) -> None:
    with pytest.raises(Exception, match="Job aborted") as failure:
        chain(sc).collect()
    assert type(failure.value.__cause__) is first
