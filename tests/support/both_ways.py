"""Streams that are run twice, natively and with everything in Python: what each batch holds must be the same.

Compared are values, types, order and partitions, and how batches fail.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from pyspark import SparkContext
from pyspark.streaming import StreamingContext

from dstreams import _native
from dstreams.streaming import windows
from dstreams.testing import advance

Batches = list[list[tuple[Any, Any]]]
Build = Callable[[Any], Any]

KEYS: dict[str, st.SearchStrategy[Any]] = {
    "text": st.sampled_from(["a", "b", "", "ü", "a key of more than twelve bytes", "and one more of these keys"]),
    "int": st.sampled_from([0, 1, -1, 7, 2**63 - 1, 2**64]),
    "float": st.sampled_from([0.0, -0.0, 1.5, float("inf")]),
    "tuple": st.tuples(st.sampled_from("ab"), st.integers(0, 2)),
    "mixed": st.sampled_from([0, False, 0.0, "0", None, (0,), ("a", 1)]),
}
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "int": st.one_of(st.integers(-3, 9), st.sampled_from([2**62, -(2**63), 2**63 - 1])),
    "small": st.integers(-3, 9),
    "float": st.sampled_from([0.0, -0.0, 1.5, 1e308, float("nan"), float("inf")]),
    "text": st.sampled_from(["", "x", "ü", "a text of more than twelve bytes", "\ud800"]),
    "mixed": st.sampled_from([0, False, True, 1, 1.0, None, "1"]),
}


@st.composite
def batches(draw: st.DrawFn) -> Batches:
    """Some batches, most of them of one kind of keys and values."""
    kinds = st.tuples(st.sampled_from(sorted(KEYS)), st.sampled_from(sorted(VALUES)))
    usual = draw(kinds)
    drawn: Batches = []
    for _ in range(draw(st.integers(1, 7))):
        key, value = draw(st.one_of(st.just(usual), st.just(usual), st.just(usual), kinds))
        drawn.append(draw(st.lists(st.tuples(KEYS[key], VALUES[value]), max_size=12)))
    return drawn


def outcome(sc: SparkContext, folder: Path, data: Batches, build: Build) -> tuple[list[str], list[int]]:
    """What each batch holds, or how it failed; and how many partitions had native tables after it."""
    made: list[_native.States] = []

    def recorded() -> _native.States:
        made.append(_native.States())
        return made[-1]

    ssc = StreamingContext(sc, 1)
    ssc.checkpoint(str(folder))
    seen: list[str] = []
    tables: list[int] = []

    def keep(rdd: Any) -> None:
        try:
            seen.append(repr(rdd.glom().collect()))
        except Exception as error:
            seen.append(f"{type(error.__cause__).__name__}: {error.__cause__}")
        tables.append(sum(len(states) for states in made))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "States", recorded)
        build(ssc.queueStream([sc.parallelize(batch, 3) for batch in data])).foreachRDD(keep)
    # What fails is seen by `keep`; that the stream is told of it too is for other tests.
    with contextlib.suppress(Exception):
        advance(ssc, len(data) + 3)
    ssc.stop(stopSparkContext=False)
    return seen, tables


def both_ways(sc: SparkContext, folder: Path, data: Batches, build: Build, always: bool = False) -> int:
    """Compares both ways; the number of native tables that were there at the end, or `always`, after each batch."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DSTREAMS_NATIVE", "0")
        expected, none = outcome(sc, folder, data, build)
    assert not any(none)
    found, tables = outcome(sc, folder, data, build)
    assert found == expected
    return min(tables) if always else tables[-1]


SETTINGS = settings(
    deadline=None,
    database=None,
    phases=[Phase.generate],  # an example is ten batches or so: making a failing one smaller takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
