"""Functions of the values of pairs that Python must be asked for: keys stay columns. And texts that come again."""

from __future__ import annotations

import zlib
from collections import namedtuple
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from natively import check_both_ways
from pyspark import SparkContext

from dstreams import _native

Pair = namedtuple("Pair", "name value")


@pytest.fixture(scope="module")
def sc() -> Iterator[SparkContext]:
    context = SparkContext("local[2]", "values in Python")
    yield context
    context.stop()


def opaque(value: Any) -> int:
    return zlib.crc32(repr(value).encode())


RESULTS: dict[str, Callable[[Any], Any]] = {
    "int": opaque,
    "text": lambda v: format(opaque(v), "x"),
    "float": lambda v: opaque(v) / 7,
    "None": lambda v: None if opaque(v) % 3 else v,
    "of two kinds": lambda v: opaque(v) if v < 700 else str(opaque(v)),
    "beyond 64 bits": lambda v: opaque(v) << 40,
    "tuple": lambda v: (v, format(opaque(v), "x")),
    "named": lambda v: Pair(str(v), opaque(v)),
    "list": lambda v: [opaque(v)] * (v % 3),
    "dict": lambda v: {v: opaque(v)},
}
PAIRS: dict[str, Callable[[int], Any]] = {
    "text": lambda n: (f"key {n % 50}", n),
    "int": lambda n: (n % 7, n),
    "tuple": lambda n: ((n % 3, str(n)), n),
    "None": lambda n: (None if n % 9 == 0 else n, n),
    "named": lambda n: Pair(str(n), n),
    "three": lambda n: (str(n), n, n),
    "list": lambda n: [n % 5, n],
}


@pytest.mark.parametrize("result", RESULTS)
@pytest.mark.parametrize("pair", PAIRS)
def test_results_are_those_of_python(sc: SparkContext, monkeypatch: pytest.MonkeyPatch, pair: str, result: str) -> None:
    rdd = sc.parallelize([PAIRS[pair](n) for n in range(1500)], 2).mapValues(RESULTS[result])
    check_both_ways(monkeypatch, rdd.collect)


def test_what_follows_may_be_native(sc: SparkContext, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = sc.parallelize([f"{n % 40} {n}" for n in range(20_000)], 3)
    pairs = lines.map(lambda line: (line.split(" ")[0], len(line)))
    summed = pairs.mapValues(opaque).reduceByKey(lambda a, b: a + b, 2).mapValues(lambda v: v % 1000)
    found = check_both_ways(monkeypatch, lambda: summed.glom().collect())
    assert sum(map(len, found)) == 40


@pytest.mark.parametrize("rows", [1, 5, 21, 64, 85, 86, 576, 4096, 4672, 8192, 30_000])
def test_blocks_of_any_length(sc: SparkContext, rows: int) -> None:
    pairs = sc.parallelize(range(rows), 1).map(lambda n: (n % 5, n))
    assert pairs.mapValues(opaque).collect() == [(n % 5, opaque(n)) for n in range(rows)]
    both = pairs.union(pairs).coalesce(1).mapValues(opaque)
    assert both.count() == 2 * rows


def test_only_what_is_asked_for_is_called_and_in_order(sc: SparkContext) -> None:
    called = sc.accumulator(0)

    def counted(value: int) -> int:
        called.add(1)
        return opaque(value)

    pairs = sc.parallelize(range(10_000), 1).map(lambda n: (n % 5, n))
    assert pairs.mapValues(counted).take(3) == [(n, opaque(n)) for n in range(3)]
    assert called.value <= 20
    seen: list[int] = []

    def noted(value: int) -> int:
        seen.append(value)
        return opaque(value)

    pairs.mapValues(noted).count()
    assert seen in (list(range(10_000)), [])  # shared with the tasks, or copied to them


def test_results_before_a_failure_come_first(sc: SparkContext) -> None:
    def failing(value: int) -> int:
        if value == 700:
            raise KeyError("seven hundred")
        return opaque(value)

    pairs = sc.parallelize(range(1000), 1).map(lambda n: (n % 5, n)).mapValues(failing)
    assert len(pairs.take(600)) == 600
    with pytest.raises(Exception, match="seven hundred"):
        pairs.count()

    def stopping(value: int) -> int:
        return opaque(value) if value else next(iter(()))

    with pytest.raises(Exception, match="StopIteration"):
        sc.parallelize([(1, 0)] * 100, 1).map(lambda kv: (kv[0], kv[1])).mapValues(stopping).collect()


def test_texts_that_come_again_are_one_object() -> None:
    texts = [f"w{n % 10}" for n in range(1000)] + ["é", "", "longer than a view", "é"] * 20
    found = _native._columns_round_trip([(text, [text]) for text in texts])
    assert found is not None
    assert found[1] == [(text, [text]) for text in texts]
    first: dict[str, str] = {}
    again = [first.setdefault(text, text) is text for text, _ in found[1] if len(text) == 2]
    assert all(again)
