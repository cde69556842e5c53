"""A partition's table of states against a plain model: whole batches, repeated ones, failed ones, cut-off merges."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstreams.streaming.statetable import Batch, StateTable

KEYS = st.sampled_from("abcd")
ACTS = st.sampled_from(["set", "append", "look", "nothing", "remove", "fail"])
BATCHES = st.lists(st.tuples(st.lists(st.tuples(KEYS, ACTS), max_size=6), st.booleans(), st.booleans()), max_size=12)
TIMEOUT = 3


class Failed(Exception):
    """The program's function raised."""


def act(key: str, value: Any, state: Any) -> Any:
    """Does what the record says, and tells what it saw."""
    if state.isTimingOut():
        return "idle", key, list(state.get())
    saw = state.exists()
    if value == "fail":
        raise Failed
    if value == "set":
        state.update([1])
    elif value == "append" and saw:
        state.get().append(2)
    elif value == "look" and saw:
        return "look", key, list(state.get())
    elif value == "remove":
        state.remove()
    return value, key, saw


def model(states: dict, records: list, now: int, timed: bool, scans: bool) -> list:
    """What a batch does to {key: (state, touched)}, and gives."""
    out = []
    for key, what in records:
        state, _ = states.get(key, (None, now))
        if what == "fail":
            raise Failed
        if what == "look" and state is not None:
            out.append(("look", key, list(state)))
        else:
            out.append((what, key, state is not None))
        if what == "set":
            state = [1]
        elif what == "append" and state is not None:
            state = [*state, 2]
        elif what == "remove":
            state = None
        states.pop(key, None)
        if state is not None:
            states[key] = (state, now)
    if timed and scans:
        idle = [(touched, key) for key, (_, touched) in states.items() if touched < now - TIMEOUT]
        out += [("idle", key, states.pop(key)[0]) for _, key in sorted(idle, key=lambda one: one[0])]
    return out


def contents(states: dict) -> list:
    return sorted((key, state) for key, (state, _) in states.items())


def alike(got: list, wanted: list) -> bool:
    """Equal, but for the order of keys idle for equally long."""
    plain = [[one for one in each if one[0] != "idle"] for each in (got, wanted)]
    return plain[0] == plain[1] and sorted(map(repr, got)) == sorted(map(repr, wanted))


@settings(max_examples=150, deadline=None)
@given(BATCHES, st.booleans())
def test_batches_are_applied_whole_and_once_and_old_versions_stay(batches: list, timed: bool) -> None:
    table, states, versions = StateTable(timed), {"a": ([0], 1)}, {}
    table.load(0, 1, [("a", [9]), ("a", [0])])
    versions[0] = contents(states)
    for now, (records, scans, again) in enumerate(batches, start=1):
        batch = Batch(now, now - TIMEOUT if timed and scans else None, now - 4, True)
        after = copy.deepcopy(states)
        try:
            wanted = model(after, records, now, timed, scans)
        except Failed:
            with pytest.raises(Failed):
                table.apply(batch, act, records)
            records = [record for record in records if record[1] != "fail"]
            after = copy.deepcopy(states)
            wanted = model(after, records, now, timed, scans)
        assert alike(table.apply(batch, act, records), wanted)
        if again:
            assert alike(table.apply(batch, act, records), wanted)
        states = after
        versions[now] = contents(states)
        for version in range(max(0, now - 4), now + 1):
            found = table.snapshot(version)
            assert sorted(found) == versions[version]
            for _, state in found:
                state.append("spoiled")


@settings(max_examples=80, deadline=None)
@given(BATCHES, st.integers(0, 6))
def test_a_merge_that_was_cut_off_is_finished(batches: list, after: int) -> None:
    table, whole = StateTable(True), StateTable(True)
    moves = 0

    def cut(key: Any, time: Any) -> None:
        nonlocal moves
        moves += 1
        if moves == after:
            raise KeyboardInterrupt
        StateTable._move(table, key, time)

    for now, (records, scans, _) in enumerate(batches, start=1):
        records = [record for record in records if record[1] != "fail"]
        batch = Batch(now, now - TIMEOUT if scans else None, now, True)
        wanted = whole.apply(batch, act, records)
        moves = 0
        table._move = cut  # type: ignore[method-assign]
        try:
            assert alike(table.apply(batch, act, records), wanted)
        except KeyboardInterrupt:
            # The batch counts as applied; its task failed, so it is applied again.
            assert table.version in (now - 1 or None, now)
            assert alike(table.apply(batch, act, records), wanted)
        assert sorted(table.snapshot(now)) == sorted(whole.snapshot(now))


def test_a_batch_that_another_task_applied_meanwhile_is_refused() -> None:
    table = StateTable(False)

    def overtaken(key: str, value: int, state: Any) -> None:
        table.apply(Batch(1, None, 1, True), lambda key, value, state: state.update(value), [("a", 1)])

    with pytest.raises(RuntimeError, match="another task"):
        table.apply(Batch(1, None, 1, True), overtaken, [("a", 2)])
    assert table.snapshot(1) == [("a", 1)]


def test_a_batch_before_the_present_one_cannot_be_applied() -> None:
    table = StateTable(False)
    table.apply(Batch(2, None, 2, True), act, [])
    with pytest.raises(RuntimeError, match=r"1 ms cannot be computed again.*persist\(\)"):
        table.apply(Batch(1, None, 1, True), act, [])


def test_a_state_that_cannot_be_copied_says_so() -> None:
    table = StateTable(False)
    table.apply(Batch(1, None, 1, True), lambda key, value, state: state.update(each for each in [1]), [("a", 1)])
    with pytest.raises(Exception, match="a state must be picklable, but a generator is not"):
        table.apply(Batch(2, None, 2, True), lambda key, value, state: state.get(), [("a", 1)])
