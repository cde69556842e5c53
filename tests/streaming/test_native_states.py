"""States and windows that the engine keeps itself: batch for batch what Python's functions give, whatever the values.

Each example runs twice, once with everything in Python. Compared are values, types, order and partitions.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from both_ways import KEYS, SETTINGS, VALUES, Batches, Build, batches, both_ways
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark import SparkContext

from dstreams import _native


def add_or_start(new: list[Any], running: Any) -> Any:
    if running is None:
        running = 0
    return sum(new, running)


def latest(new: list[Any], old: Any) -> Any:
    return new[-1] if new else old


def drop_when_idle(new: list[Any], old: Any) -> Any:
    if not new:
        return None
    return (old or 0) + len(new)


def mean(new: list[Any], old: Any) -> Any:
    count, total = old or (0, 0)
    return (count + len(new), total + sum(new))


def fading(new: list[Any], old: Any) -> Any:
    return (sum(new) + (old or 0)) // 2


UPDATES: dict[str, Callable[[list[Any], Any], Any]] = {
    "sum": lambda new, old: sum(new) + (old or 0),
    "add or start": add_or_start,
    "latest": latest,
    "drop when idle": drop_when_idle,
    "mean": mean,
    "fading": fading,
    "maximum": lambda new, old: max(new) if new else old,
    "seen": lambda new, old: True,
    "never": lambda new, old: None,
    "first": lambda new, old: old if old is not None else (new[0] if new else None),
    "as text": lambda new, old: str(len(new)) + (old or "")[:20],
    "all": lambda new, old: (old or []) + [repr(value) for value in new],
    "not native": lambda new, old: eval("sum(new) + (old or 0)"),
}


@pytest.mark.parametrize("name", sorted(UPDATES))
@settings(SETTINGS, max_examples=10)
@given(data=batches(), initial=st.one_of(st.none(), st.lists(st.tuples(KEYS["text"], VALUES["small"]), max_size=5)))
def test_states_are_those_of_the_function(
    manual: SparkContext, tmp_path: Path, name: str, data: Batches, initial: list[Any] | None
) -> None:
    both_ways(manual, tmp_path, data, lambda s: s.updateStateByKey(UPDATES[name], 3, initial))


WINDOWS: dict[str, tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any] | None]] = {
    "sum": (operator.add, operator.sub, None),
    "positive sums": (lambda a, b: a + b, lambda a, b: a - b, lambda pair: pair[1] > 0),
    "kept by key": (lambda a, b: a + b, lambda a, b: a - b, lambda pair: pair[0] != "a"),
    "opaque inverse": (lambda a, b: a + b, lambda a, b: eval("a - b"), None),
    "opaque sum": (lambda a, b: eval("a + b"), lambda a, b: a - b, None),
}


@pytest.mark.parametrize("name", sorted(WINDOWS))
@settings(SETTINGS, max_examples=12)
@given(data=batches(), slide=st.sampled_from([1, 1, 1, 2]))
def test_windows_are_those_of_the_functions(
    manual: SparkContext, tmp_path: Path, name: str, data: Batches, slide: int
) -> None:
    function, inverse, keep = WINDOWS[name]
    build: Build = lambda s: s.reduceByKeyAndWindow(function, inverse, 5 * slide, slide, 2, keep)  # noqa: E731
    both_ways(manual, tmp_path, data, build)


def test_states_and_windows_of_the_course_have_native_tables(manual: SparkContext, tmp_path: Path) -> None:
    data: Batches = [[(f"user {number % 50}", number) for number in range(batch, 400)] for batch in range(8)]
    for name, update in UPDATES.items():
        tables = both_ways(manual, tmp_path, data, lambda s, update=update: s.updateStateByKey(update, 4))
        assert tables == (0 if name == "not native" else 4), name
    for name, (function, inverse, keep) in WINDOWS.items():
        build: Build = lambda s, f=function, i=inverse, k=keep: s.reduceByKeyAndWindow(f, i, 6, 1, 4, k)  # noqa: E731
        tables = both_ways(manual, tmp_path, data, build)
        assert tables == 4, name
    assert both_ways(manual, tmp_path, data, lambda s: s.countByValueAndWindow(6, 1, 4)) == 4
    assert both_ways(manual, tmp_path, data, lambda s: s.countByWindow(6, 1)) == 1


LISTS: dict[str, Callable[[list[Any], Any], Any]] = {
    "new": lambda new, old: new,
    "last of new": lambda new, old: new[-2:],
    "doubled": lambda new, old: [value * 2 for value in new],
    "with a count": lambda new, old: (len(new), new),
    "new or empty": lambda new, old: new if new else [],
    "new or old": lambda new, old: new or old,
}


@pytest.mark.parametrize("name", sorted(LISTS))
def test_states_with_lists_have_native_tables_also_when_few_keys_come(
    manual: SparkContext, tmp_path: Path, name: str
) -> None:
    every = [(f"user {number}", number) for number in range(60)]
    data: Batches = [every, every[::3], every[:2], every, [], every[1::4], []]
    assert both_ways(manual, tmp_path, data, lambda s: s.updateStateByKey(LISTS[name], 2), True) == 2


def test_a_state_that_grows_beyond_64_bits_goes_on_in_python(manual: SparkContext, tmp_path: Path) -> None:
    data: Batches = [[("a", 2**62), ("b", 1)]] * 4 + [[("a", -(2**62))]] * 4
    both_ways(manual, tmp_path, data, lambda s: s.updateStateByKey(UPDATES["sum"], 1))


def test_a_function_that_raises_for_one_key_fails_as_in_python(manual: SparkContext, tmp_path: Path) -> None:
    data: Batches = [[("a", 1)], [("a", 0), ("b", 5)], [("a", 2)]]
    build: Build = lambda s: s.updateStateByKey(lambda new, old: 10 // sum(new) if new else old, 2)  # noqa: E731
    both_ways(manual, tmp_path, data, build)


def test_tables_are_not_pickled_with_a_stream() -> None:
    import pickle

    assert len(pickle.loads(pickle.dumps(_native.States()))) == 0


def test_a_rule_needs_its_programs() -> None:
    node: Any = object()
    with pytest.raises(TypeError):
        _native.States().updated("update", [], node, node, node)
