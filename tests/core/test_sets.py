"""Sets of text come in the order that Spark's workers, whose hash seed is 0, would give them."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pyspark import SparkConf, SparkContext

from dstreams.core.closures.sets import makes_sets

WORDS = ["do", "re", "mi", "fa", "sol", "la", "si", "do"]
# What `list(set(...))` gives for each half of WORDS under PYTHONHASHSEED=0; computed where that is the seed.
SEEDED = """
import sys
words = sys.argv[1:]
print([list(set(words[:4])), list(set(words[4:]))])
"""


def unique(part: Any) -> list[str]:
    return list(set(part))


def helper(value: Any) -> Any:
    return {value}


def adder(value: Any) -> Any:
    return value + 1


def ping(value: Any) -> Any:
    return pong(value) if value else value


def pong(value: Any) -> Any:
    return ping(value - 1)


@pytest.fixture
def context() -> Iterator[Callable[..., SparkContext]]:
    made: list[SparkContext] = []

    def make(**settings: str) -> SparkContext:
        conf = SparkConf().setMaster("local[2]").setAppName("sets")
        made.append(SparkContext(conf=conf.setAll(list(settings.items()))))
        return made[-1]

    yield make
    for sc in made:
        sc.stop()


@pytest.fixture(scope="module")
def expected() -> Any:
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    done = subprocess.run(
        [sys.executable, "-c", SEEDED, *WORDS], env=environment, capture_output=True, text=True, check=True
    )
    return eval(done.stdout)


@pytest.mark.parametrize(
    "function",
    [
        unique,
        lambda part: list({word for word in part}),  # noqa: C416
        lambda part: list(functools.reduce(lambda found, word: found | {word}, part, frozenset())),
    ],
)
def test_sets_of_text_have_the_order_of_seed_zero(
    context: Callable[..., SparkContext], expected: Any, function: Callable[[Any], Any]
) -> None:
    sc = context()
    found = sc.parallelize(WORDS, 2).mapPartitions(function).glom().collect()
    assert [sorted(part) for part in found] == [sorted(part) for part in expected]
    if function is unique:
        assert found == expected


def test_other_functions_stay_in_the_programs_process(context: Callable[..., SparkContext]) -> None:
    sc = context()
    rdd = sc.parallelize(range(10), 2).map(adder).filter(lambda n: n in {1, 2, 3}).map(lambda n: os.getpid())
    assert set(rdd.collect()) == {os.getpid()}
    assert sc._workers.processes() == []


def test_none_has_them_stay_too(context: Callable[..., SparkContext]) -> None:
    sc = context(**{"spark.dstreams.python.workers": "none"})
    assert sc.parallelize([1]).map(lambda n: ({n}, os.getpid())).collect() == [({1}, os.getpid())]


@pytest.mark.parametrize(
    ("function", "makes"),
    [
        (unique, True),
        (set, True),
        (frozenset, True),
        (helper, True),
        (functools.partial(unique, ()), True),
        (lambda n: {n}, True),
        (lambda n: (lambda m: {m})(n), True),
        (lambda n: helper(n), True),
        (adder, False),
        (ping, False),
        (len, False),
        (lambda n: n in {1, 2}, False),
        (lambda n: {n: 1}, False),
    ],
)
def test_which_functions_make_sets(function: Callable[..., Any], makes: bool) -> None:
    assert makes_sets(function) is makes
