"""`mapWithState` with functions that the engine runs itself: batch for batch what Python gives, snapshots included."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from both_ways import KEYS, SETTINGS, VALUES, Batches, batches, both_ways
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark import SparkContext, TaskContext
from pyspark.streaming import StateSpec, StreamingContext

from dstreams.streaming import mapwithstate
from dstreams.streaming.state import NoSuchElementException
from dstreams.streaming.statetable import Batch, StateTable
from dstreams.testing import advance
from dstreams.udf import explain_function


def count(key: Any, value: Any, state: Any) -> Any:
    total = (state.getOption() or 0) + 1
    state.update(total)
    return key, total


def largest(key: Any, value: Any, state: Any) -> Any:
    if state.exists():
        if value > state.get():
            state.update(value)
    else:
        state.update(value)
    return state.get()


def until_negative(key: Any, value: Any, state: Any) -> Any:
    if value < 0:
        if state.exists():
            state.remove()
            return "gone"
        return None
    state.update(value)
    return "set"


def only_changes(time: Any, key: Any, value: Any, state: Any) -> Any:
    before = state.getOption()
    if before is not None and before == value:
        return None
    state.update(newState=value)
    return key, before, value


def mean(key: Any, value: Any, state: Any) -> Any:
    number, total = state.get() if state.exists() else (0, 0)
    state.update((number + 1, total + value))
    return (total + value) / (number + 1)


def joined(key: Any, value: Any, state: Any) -> Any:
    state.update((state.getOption() or "")[-30:] + str(value))
    return len(state.get())


def needs_state(key: Any, value: Any, state: Any) -> Any:
    return state.get() if value > 5 else state.update(value)


def may_be_none(key: Any, value: Any, state: Any) -> Any:
    state.update(None if value == 1 else value)
    return state.exists(), state.getOption()


def looks(key: Any, value: Any, state: Any) -> Any:
    return key, state.exists(), state.isTimingOut()


def called(key: Any, value: Any, state: Any) -> Any:
    state.update(eval("value"))
    return state.get()


SECONDS = st.integers(1, 3)


def says_goodbye(key: Any, value: Any, state: Any) -> Any:
    if state.isTimingOut():
        return "idle", key, value, state.get(), state.exists()
    state.update((state.getOption() or 0) + 1)
    return None


def goes_in_silence(time: Any, key: Any, value: Any, state: Any) -> Any:
    if state.isTimingOut():
        return None
    if value < 0 and state.exists():
        state.remove()
    elif value > 0:
        state.update((value, str(value)))
    return key


def cannot_let_go(key: Any, value: Any, state: Any) -> Any:
    state.update(value)
    return value


FUNCTIONS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        count, largest, until_negative, only_changes, mean, joined, needs_state, may_be_none, looks, called,
    )
}  # fmt: skip


def elements(function: Callable[..., Any], initial: Any = None) -> Callable[[Any], Any]:
    spec = StateSpec.function(function).numPartitions(3)
    return lambda stream: stream.mapWithState(spec if initial is None else spec.initialState(initial))


def snapshots(function: Callable[..., Any]) -> Callable[[Any], Any]:
    """The states, in the order of the elements' partitions; of keys in no order of its own."""
    spec = StateSpec.function(function).numPartitions(2)
    return lambda stream: (
        stream.mapWithState(spec).stateSnapshots().mapPartitions(lambda pairs: sorted(pairs, key=repr), True)
    )


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
@settings(SETTINGS, max_examples=10)
@given(data=batches(), initial=st.one_of(st.none(), st.lists(st.tuples(KEYS["text"], VALUES["small"]), max_size=5)))
def test_elements_are_those_of_the_function(
    manual: SparkContext, tmp_path: Path, name: str, data: Batches, initial: list[Any] | None
) -> None:
    both_ways(manual, tmp_path, data, elements(FUNCTIONS[name], initial))


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
@settings(SETTINGS, max_examples=5)
@given(data=batches())
def test_snapshots_are_those_of_the_function(manual: SparkContext, tmp_path: Path, name: str, data: Batches) -> None:
    both_ways(manual, tmp_path, data, snapshots(FUNCTIONS[name]))


@pytest.mark.parametrize("function", [says_goodbye, goes_in_silence, cannot_let_go, looks, largest, called])
@settings(SETTINGS, max_examples=12)
@given(data=batches(), initial=st.lists(st.tuples(KEYS["text"], VALUES["small"]), max_size=5), timeout=SECONDS)
def test_keys_time_out_as_in_python(
    manual: SparkContext, tmp_path: Path, function: Callable[..., Any], data: Batches, initial: list[Any], timeout: int
) -> None:
    def build(stream: Any, snapshots: bool = False) -> Any:
        spec = StateSpec.function(function).numPartitions(2).timeout(timeout).initialState(initial)
        made = stream.mapWithState(spec)
        made.checkpoint(1)  # looked for in every batch
        return made.stateSnapshots() if snapshots else made

    both_ways(manual, tmp_path, data, build)
    both_ways(manual, tmp_path, data, lambda stream: build(stream, True).mapPartitions(partial(sorted, key=repr), True))


def kept_in_columns() -> int:
    """Partitions of all living streams whose states the engine has."""
    tables = [table for stateful in mapwithstate._known.values() for table in stateful.tables]
    return sum(table._columns is not None and table.version is not None for table in tables)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_states_of_the_course_are_kept_in_columns(manual: SparkContext, tmp_path: Path, name: str) -> None:
    rng = random.Random(name)
    # A few keys have most of the records, as words do.
    data = [[(f"k{int(rng.paretovariate(0.6))}", rng.randrange(2, 60)) for _ in range(3000)] for _ in range(4)]
    if name == "needs_state":
        data.insert(0, [(f"k{int(rng.paretovariate(0.6))}", 3) for _ in range(9000)])
        data = data[:1]
    both_ways(manual, tmp_path, data, elements(FUNCTIONS[name]))
    ssc = StreamingContext(manual, 1)
    ssc.checkpoint(str(tmp_path))
    stream = elements(FUNCTIONS[name])(ssc.queueStream([manual.parallelize(batch, 3) for batch in data]))
    stream.foreachRDD(lambda rdd: rdd.count() and None)
    advance(ssc, len(data))
    tables = stream._stateful.tables
    in_columns = [table._columns is not None for table in tables]
    ssc.stop(stopSparkContext=False)
    assert all(table.version is not None for table in tables)
    assert in_columns == [name != "called"] * 3
    assert explain_function(FUNCTIONS[name], use="mapWithState").native == (name != "called")


def test_a_state_beyond_64_bits_goes_on_in_python(manual: SparkContext, tmp_path: Path) -> None:
    def add(key: Any, value: Any, state: Any) -> Any:
        state.update((state.getOption() or 0) + value)
        return state.get()

    data: Batches = [[("a", 2**62), ("b", 1)]] * 4 + [[("a", -(2**62))]] * 4
    both_ways(manual, tmp_path, data, elements(add))
    both_ways(manual, tmp_path, data, snapshots(add))


def test_get_without_a_state_fails_as_in_python(manual: SparkContext, tmp_path: Path) -> None:
    both_ways(manual, tmp_path, [[("a", 1)], [("a", 9), ("b", 9)], [("a", 9)]], elements(needs_state))
    ssc = StreamingContext(manual, 1)
    elements(needs_state)(ssc.queueStream([[("b", 9)]])).foreachRDD(lambda rdd: rdd.count() and None)
    with pytest.raises(Exception, match="State is not set") as raised:
        advance(ssc, 1)
        ssc.awaitTerminationOrTimeout(5)
    ssc.stop(stopSparkContext=False)
    assert isinstance(raised.value.__cause__.__cause__, NoSuchElementException)


def test_what_the_reader_refuses_of_a_state() -> None:
    def hands_on(key: Any, value: Any, state: Any) -> Any:
        return largest(key, value, state)

    def removes_twice(key: Any, value: Any, state: Any) -> Any:
        if value:
            state.remove()
        state.update(1)

    def in_a_comprehension(key: Any, value: Any, state: Any) -> Any:
        return [state.update(one) for one in value]

    def gives_it_away(key: Any, value: Any, state: Any) -> Any:
        return state

    def odd(key: Any, value: Any, state: Any) -> Any:
        return state.exists(1)

    def explained(function: Callable[..., Any]) -> str:
        return explain_function(function, use="mapWithState").reason.rpartition(" (line")[0]

    assert "which gives its state to another function" in explained(hands_on)
    assert explained(removes_twice) == "changes a state that it may have removed"
    assert "state" in explained(in_a_comprehension)
    assert explained(gives_it_away) == "uses its state for more than its methods"
    assert explained(odd) == "calls .exists() of its state"


IDLE = 6  # seconds, of one batch each


def until_negative_or_idle(key: Any, value: Any, state: Any) -> Any:
    if not state.isTimingOut() and value < 0:
        if state.exists():
            state.remove()
    elif not state.isTimingOut():
        state.update(value)


def states_after(batches: Batches, timed: bool) -> dict[str, int]:
    """What `until_negative_or_idle` leaves."""
    model: dict[str, tuple[int, int]] = {}
    for now, batch in enumerate(batches):
        for key, value in batch:
            if value < 0:
                model.pop(key, None)
            else:
                model[key] = value, now
        model = {key: held for key, held in model.items() if not timed or held[1] >= now - IDLE}
    return {key: value for key, (value, _) in model.items()}


@pytest.mark.parametrize("timed", [False, True])
def test_states_in_columns_go_on_from_every_checkpoint(manual: SparkContext, tmp_path: Path, timed: bool) -> None:
    """Parts of checkpoints hold what changed, and in turn all else: so many batches that rounds of turns end."""
    rng = random.Random(5)
    first = [(f"k{number}", 1) for number in range(9000)]
    rest = [[(f"k{rng.randrange(9100)}", rng.randrange(-3, 9)) for _ in range(40)] for _ in range(17)]
    from notes import SEEN

    SEEN.clear()

    def note(rdd: Any) -> None:
        from notes import SEEN as noted

        noted.append(dict(rdd.collect()))

    def setup() -> StreamingContext:
        ssc = StreamingContext(manual, 1)
        ssc.checkpoint(str(tmp_path))
        stream = ssc.queueStream([manual.parallelize(batch, 2) for batch in [first, *rest]])
        spec = StateSpec.function(until_negative_or_idle).numPartitions(2)
        mapped = stream.mapWithState(spec.timeout(IDLE) if timed else spec)
        mapped.checkpoint(1)
        mapped.stateSnapshots().foreachRDD(note)
        return ssc

    for more in (4, 9, 1, 4):
        ssc = StreamingContext.getOrCreate(str(tmp_path), setup)
        ssc.start()
        ssc.advance(more)
        assert kept_in_columns() >= 2
        ssc.stop(stopSparkContext=False)
    assert len(SEEN) == 18
    assert [states_after([first, *rest][: at + 1], timed) for at in range(18)] == SEEN
    assert (len(SEEN[-1]) < 500) == timed


def mixed(batch: int) -> list[tuple[str, int]]:
    return [(f"k{number % 7}", number) for number in range(batch, batch + 20)]


@pytest.mark.parametrize("timed", [False, True])
def test_the_engine_s_states_come_over_with_what_they_replaced(timed: bool) -> None:
    """Older snapshots, and a batch that is applied again, after the table in Python has taken over."""
    from dstreams import _native

    columns = _native.KeyedStates(timed)
    table, plain = StateTable(timed, columns), StateTable(timed)
    for each in (table, plain):
        each.load(0, 0, [("k1", 5), ("gone", 1), ("idle", 2)])
    assert columns.version == 0 == table.version

    def apply(key: str, value: int, state: Any) -> Any:
        if state.isTimingOut():
            return key, state.get()
        state.remove() if value % 5 == 0 else state.update(value)
        return value

    for now in range(1, 5):
        batch = Batch(now, 2 if timed and now == 4 else None, 0, True)
        wanted = plain.apply(batch, apply, mixed(now))
        assert (wanted[-1] == ("idle", 2)) == (timed and now == 4)
        for _ in range(2):
            assert table.apply(batch, apply, mixed(now)) == wanted
            assert table._columns is None
        for version in range(now + 1):
            assert sorted(table.snapshot(version)) == sorted(plain.snapshot(version))


def test_a_table_that_the_engine_refuses_is_python_s() -> None:
    from dstreams import _native

    for odd in ([("a", 1), (2, 1)], [("a", None)], [("a", object())], [(1, 1), (1.5, 2)]):
        for timed in (False, True):
            columns = _native.KeyedStates(timed)
            table = StateTable(timed, columns)
            table.load(0, 0, odd)
            assert table._columns is None and columns.version is None
            assert table.version == 0


def outcomes(sc: SparkContext, folder: Path, batches: Batches, spec: StateSpec) -> list[Any]:
    """What each batch gives, or how it fails; idle keys are looked for in every batch."""
    ssc, seen = StreamingContext(sc, 1), []

    def keep(rdd: Any) -> None:
        try:
            seen.append(rdd.collect())
        except Exception as error:
            seen.append(str(error.__cause__))

    ssc.checkpoint(str(folder))
    mapped = ssc.queueStream(batches).mapWithState(spec.numPartitions(1))
    mapped.checkpoint(1)
    mapped.foreachRDD(keep)
    with contextlib.suppress(Exception):  # what `keep` has seen
        advance(ssc, len(batches))
    ssc.stop(stopSparkContext=False)
    return seen


def test_a_call_for_a_key_that_times_out_is_part_of_its_task(manual: SparkContext, tmp_path: Path) -> None:
    called = manual.accumulator(0)

    def leaves(key: Any, value: Any, state: Any) -> Any:
        if state.isTimingOut():
            called.add(1)
            return key, TaskContext.get().partitionId()
        state.update(value)
        return None

    assert explain_function(leaves, use="mapWithState").native
    seen = outcomes(manual, tmp_path, [[("a", 1), ("b", 1)], [], [], []], StateSpec.function(leaves).timeout(1))
    assert seen == [[None, None], [], [("a", 0), ("b", 0)], []]
    assert called.value == 2


def test_a_call_for_a_key_that_times_out_fails_its_batch_and_is_tried_again(
    manual: SparkContext, tmp_path: Path
) -> None:
    from notes import SEEN

    def fails_once(key: Any, value: Any, state: Any) -> Any:
        if state.isTimingOut():
            from notes import SEEN as noted

            noted.append(key)
            if len(noted) == 2:
                raise ValueError("not reachable")
            return key
        state.update(value)
        return None

    SEEN.clear()
    assert explain_function(fails_once, use="mapWithState").native
    spec = StateSpec.function(fails_once).timeout(1)
    seen = outcomes(manual, tmp_path, [[("a", 1), ("b", 1)], [], [("c", 1)], [], []], spec)
    assert "not reachable" in seen[2]
    assert seen[:2] + seen[3:] == [[None, None], [], [], ["c"]]
    assert SEEN == ["a", "b", "a", "b", "c"]


@pytest.mark.parametrize("odd", [(2, 10), ("b", None), ("b", 2.5)], ids=repr)
@pytest.mark.parametrize("timeout", [None, 30])
def test_initial_states_that_the_engine_refuses_are_there(
    manual: SparkContext, tmp_path: Path, odd: tuple[Any, Any], timeout: int | None
) -> None:
    spec = StateSpec.function(count).initialState([("a", 10), odd])
    seen = outcomes(manual, tmp_path, [[("a", 1)], [("a", 1)]], spec.timeout(timeout) if timeout else spec)
    assert seen == [[("a", 11)], [("a", 12)]]


@pytest.mark.parametrize("timed", [False, True])
def test_states_that_come_over_are_not_lost_when_that_is_cut_off(timed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    from dstreams import _native

    table = StateTable(timed, _native.KeyedStates(timed))
    table.load(0, 0, [("a", 1), ("b", 2)])
    whole, cuts = StateTable._apart, iter([True, False])

    def cut(self: StateTable, *arguments: Any) -> Any:
        made = whole(self, *arguments)
        if next(cuts, False):
            raise KeyboardInterrupt
        return made

    monkeypatch.setattr(StateTable, "_apart", cut)
    batch = Batch(1, None, 0, True)
    with pytest.raises(KeyboardInterrupt):
        table.apply(batch, count, [("a", 1)])
    assert table.apply(batch, count, [("a", 1)]) == [("a", 2)]
    assert sorted(table.snapshot(1)) == [("a", 2), ("b", 2)]
    assert sorted(table.snapshot(0)) == [("a", 1), ("b", 2)]


def test_a_new_key_is_as_the_record_that_gave_it_a_state_has_it(manual: SparkContext, tmp_path: Path) -> None:
    def positive(key: Any, value: Any, state: Any) -> Any:
        if value > 0:
            state.update(value)
        return key

    data: Batches = [[(0.0, -1), (-0.0, 1), (-0.0, -1), (0.0, 1)]]
    both_ways(manual, tmp_path, data, snapshots(positive))
