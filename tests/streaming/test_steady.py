"""Whether functions are pickled again for a checkpoint: when something of them may have changed, and only then."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from operator import add
from pathlib import Path
from typing import Any

import pytest
from pyspark import SparkConf, SparkContext
from pyspark.streaming import StateSpec, StreamingContext

from dstreams.streaming import checkpointing
from dstreams.streaming.steady import are_same, facts_of


class Holder:
    """An object that can change."""

    value = 1


def capture(value: Any) -> Callable[[Any], Any]:
    """A function that captures a value."""
    return lambda x: (x, value)


def test_functions_whose_variables_cannot_change_in_place_are_known_by_them() -> None:
    for value in (1, "text", (1, ("a", None)), len, add, str, functools.partial(add, 1), capture(capture(2))):
        function = capture(value)
        assert are_same(facts_of([function]), facts_of([function]))
    assert not are_same(facts_of([capture("a")]), facts_of([capture("b")]))
    assert not are_same(facts_of([capture(1)]), facts_of([capture(1), add]))


@pytest.mark.parametrize("value", [[1], {}, {1}, Holder(), bytearray(b"a"), [].append, iter([])], ids=repr)
def test_what_can_change_in_place_is_not_known(value: Any) -> None:
    assert facts_of([capture(value)]) is None
    assert not are_same(facts_of([capture(value)]), facts_of([capture(value)]))


def test_variables_defaults_and_attributes_that_are_set_anew_are_noticed() -> None:
    counter = 0

    def function(x: int, y: object = None, *, z: object = None) -> int:
        return x + counter

    changes: list[Callable[[], None]] = [
        lambda: setattr(function, "__defaults__", (5,)),
        lambda: setattr(function, "__kwdefaults__", {"z": 7}),
        lambda: setattr(function, "mark", "new"),
        lambda: setattr(function, "__code__", (lambda x: counter).__code__),
    ]
    before = facts_of([function])
    counter = 1000
    assert not are_same(before, facts_of([function]))
    for change in changes:
        before = facts_of([function])
        assert are_same(before, facts_of([function]))
        change()
        assert not are_same(before, facts_of([function]))


def test_globals_of_the_program_that_are_set_anew_are_noticed() -> None:
    variables: dict[str, Any] = {"__name__": "__main__", "limit": 3}
    exec("def outer(x):\n    def inner(y):\n        return y < limit\n    return inner(x)", variables)
    before = facts_of([variables["outer"]])
    assert are_same(before, facts_of([variables["outer"]]))
    variables["limit"] = 4
    assert not are_same(before, facts_of([variables["outer"]]))


def test_a_function_that_calls_itself_ends() -> None:
    def deep(n: int) -> int:
        return deep(n - 1) if n else 0

    assert are_same(facts_of([deep]), facts_of([deep]))


@pytest.fixture
def hand(tmp_path: Path) -> Iterator[StreamingContext]:
    """A stream whose clock is turned by hand."""
    conf = SparkConf().setMaster("local[2]").setAppName("test").set("spark.streaming.clock", "manual")
    with SparkContext(conf=conf) as sc:
        ssc = StreamingContext(sc, 1)
        ssc.checkpoint(str(tmp_path))
        yield ssc
        ssc.stop(stopSparkContext=False)


@pytest.fixture
def dumps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Notes each try to pickle the functions of a stream."""
    tries: list[int] = []
    dump = checkpointing.dump_graph

    def noting(functions: Any, supervisors: Any) -> bytes:
        tries.append(len(functions))
        return dump(functions, supervisors)

    monkeypatch.setattr(checkpointing, "dump_graph", noting)
    return tries


def test_a_stream_pickles_its_functions_only_when_they_may_have_changed(
    hand: StreamingContext, dumps: list[int]
) -> None:
    words = hand.queueStream([["a b", "b"]] * 9).flatMap(lambda line: line.split()).map(lambda word: (word, 1))
    words.updateStateByKey(lambda new, old: sum(new) + (old or 0)).foreachRDD(lambda rdd: rdd.count() and None)
    words.reduceByKeyAndWindow(add, lambda a, b: a - b, 6, 1).foreachRDD(lambda time, rdd: rdd.count() and None)
    counted = words.mapWithState(StateSpec.function(lambda k, v, s: s.update(v)).initialState([("a", 1)]))
    counted.stateSnapshots().foreachRDD(lambda rdd: rdd.count() and None)
    hand.start()
    hand.advance(3)  # the first states are in the functions until the first batch
    del dumps[:]
    hand.advance(5)
    assert dumps == []


def test_functions_that_cannot_be_pickled_any_more_are_tried_ever_more_rarely(
    hand: StreamingContext, dumps: list[int], log: Callable[[], list[str]]
) -> None:
    kept: list[Any] = []
    hand.queueStream([[1]] * 70).foreachRDD(lambda time, rdd: kept.append(rdd))
    hand.queueStream([[1]] * 70).foreachRDD(lambda rdd: kept.append(rdd))
    hand.start()
    hand.advance(70)
    assert len(kept) == 140
    # One at the start, then after 2, 4, 8, 16, 32 batches.
    assert len(dumps) <= 8
    told = [text for text in log() if "for now they cannot be pickled" in text]
    assert len(told) == 1 and "reference an RDD" in told[0]
