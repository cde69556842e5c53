"""`mapWithState`: what the function gets and gives, timeouts, snapshots, failures, and what is refused."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from py4j.protocol import Py4JJavaError
from pyspark import SparkContext
from pyspark.errors import IllegalArgumentException
from pyspark.rdd import Partitioner
from pyspark.streaming import State, StateSpec, StreamingContext

Batches = Callable[..., list]


@pytest.fixture
def ssc(streams: Callable[..., StreamingContext], tmp_path: Path) -> StreamingContext:
    """Batches of 50 ms, with a checkpoint folder."""
    made = streams()
    made.checkpoint(str(tmp_path))
    return made


def add(key, value, state):
    total = state.get() + value if state.exists() else value
    state.update(total)
    return key, total


def one_partition(function) -> StateSpec:
    return StateSpec.function(function).numPartitions(1)


def test_each_record_is_one_call_in_order_of_arrival(ssc: StreamingContext, batches: Batches) -> None:
    stream = ssc.queueStream([[("a", 1), ("b", 2), ("a", 3)], [], [("a", 5)]]).mapWithState(one_partition(add))
    assert batches(stream, 4) == [[("a", 1), ("b", 2), ("a", 4)], [], [("a", 9)], []]


def test_keys_are_in_the_partition_of_their_hash(ssc: StreamingContext, batches: Batches) -> None:
    def where(key, value, state):
        return key

    spec = StateSpec.function(where).partitioner(Partitioner(2, lambda key: key // 10))
    found = batches(ssc.queueStream([[(n, 0) for n in (0, 10, 5, 25)]]).mapWithState(spec).glom(), 1)
    assert found == [[[0, 5, 25], [10]]]
    by_default = ssc.sparkContext.parallelize([(n, 0) for n in range(4)]).partitionBy(2).keys().glom().collect()
    assert by_default == [[0, 2], [1, 3]]


def test_none_is_an_element_of_the_short_form_and_no_element_of_the_form_with_time(
    ssc: StreamingContext, batches: Batches
) -> None:
    def odd(key, value, state):
        return value if value % 2 else None

    def odd_with_time(moment, key, value, state):
        return (moment, value) if value % 2 else None

    stream = ssc.queueStream([[("a", 1), ("a", 2), ("a", 3)]])
    seen: list = []
    stream.mapWithState(one_partition(odd_with_time)).foreachRDD(lambda at, rdd: seen.append((at, rdd.collect())))
    assert batches(stream.mapWithState(one_partition(odd)), 1) == [[1, None, 3]]
    moment, elements = seen[0]
    assert isinstance(moment, datetime)
    assert elements == [(moment, 1), (moment, 3)]


def test_a_state_can_be_none_and_is_then_there(ssc: StreamingContext, batches: Batches) -> None:
    def look(key, value, state):
        found = (state.exists(), state.getOption(), str(state))
        state.update(None)
        return found

    stream = ssc.queueStream([[("a", 1), ("a", 2)]]).mapWithState(one_partition(look))
    assert batches(stream, 1) == [[(False, None, "<state not set>"), (True, None, "None")]]


def test_removed_states_are_gone_within_the_batch_and_after(ssc: StreamingContext, batches: Batches) -> None:
    def toggle(key, value, state):
        was = state.exists()
        if was:
            state.remove()
        else:
            state.update(value)
        return was, state.exists()

    stream = ssc.queueStream([[("a", 1)] * 3, [("a", 1)], [("a", 1)]]).mapWithState(one_partition(toggle))
    on, off = (False, True), (True, False)
    assert batches(stream, 3) == [[on, off, on], [off], [on]]


def test_initial_states_come_from_an_rdd_or_a_list(sc: SparkContext, ssc: StreamingContext, batches: Batches) -> None:
    given = [("a", 10), ("b", 1), ("b", 20)]
    stream = ssc.queueStream([[("a", 1), ("b", 1)]])
    from_rdd = stream.mapWithState(one_partition(add).initialState(sc.parallelize(given, 3)))
    from_list = stream.mapWithState(one_partition(add).initialState(given))
    snapshots: list = []
    from_rdd.stateSnapshots().foreachRDD(lambda rdd: snapshots.append(sorted(rdd.collect())))
    assert batches(from_rdd.union(from_list), 1) == [[("a", 11), ("b", 21)] * 2]
    assert snapshots[0] == [("a", 11), ("b", 21)]


def idle(key, value, state):
    if state.isTimingOut():
        return key, value, state.get()
    state.update((state.getOption() or 0) + value)
    return None


def idle_with_time(moment, key, value, state):
    return idle(key, value, state)


def test_idle_keys_time_out_in_every_tenth_batch(ssc: StreamingContext, batches: Batches) -> None:
    given = [[("a", 1)], [("b", 1), ("a", 1)], *[[]] * 4, [("c", 7)], [], [], [("d", 1)], [("a", 5)]]
    spec = one_partition(idle_with_time).timeout(0.2).initialState([("z", 0)])
    stream = ssc.queueStream(given).mapWithState(spec)
    snapshots: list = []
    stream.stateSnapshots().foreachRDD(lambda rdd: snapshots.append(sorted(rdd.collect())))
    found = batches(stream, 11)
    # The tenth batch is 400 ms after the second, and 150 ms after the seventh. The longest idle go first; "a" came
    # before "b".
    assert found[:9] == [[]] * 9 and found[10] == []
    assert found[9] == [("z", None, 0), ("a", None, 2), ("b", None, 1)]
    assert snapshots[8] == [("a", 2), ("b", 1), ("c", 7), ("z", 0)]
    assert snapshots[9] == [("c", 7), ("d", 1)]
    assert snapshots[10] == [("a", 5), ("c", 7), ("d", 1)]


def test_a_key_that_is_exactly_as_old_as_the_timeout_stays(ssc: StreamingContext, batches: Batches) -> None:
    stream = ssc.queueStream([[("a", 1)], [("b", 1)]]).mapWithState(one_partition(idle_with_time).timeout(0.1))
    stream.checkpoint(0.05)  # looked for in every batch
    assert batches(stream, 6) == [[], [], [], [("a", None, 1)], [("b", None, 1)], []]


def test_a_look_keeps_a_key_alive(ssc: StreamingContext, batches: Batches) -> None:
    def touch(moment, key, value, state):
        if state.isTimingOut():
            return "gone"
        if value:
            state.update([value])
        return None

    given = [[("a", 1)], [("a", 0)], [("a", 0)], [("a", 0)]]
    stream = ssc.queueStream(given).mapWithState(one_partition(touch).timeout(0.1))
    stream.checkpoint(0.05)
    assert batches(stream, 8) == [[]] * 6 + [["gone"], []]


def test_timing_out_states_cannot_be_changed(ssc: StreamingContext, batches: Batches) -> None:
    def attempts(moment, key, value, state):
        if not state.isTimingOut():
            return state.update(0)
        refused = []
        for attempt in (lambda: state.update(1), state.remove):
            try:
                attempt()
            except IllegalArgumentException as error:
                refused.append(str(error))
        return refused

    stream = ssc.queueStream([[("a", 1)]]).mapWithState(one_partition(attempts).timeout(0.01))
    stream.checkpoint(0.05)
    assert batches(stream, 2)[1] == [
        [f"requirement failed: Cannot {what} the state that is timing out" for what in ("update", "remove")]
    ]


WRONG: dict[str, tuple[Callable[[State], object], str]] = {
    "get": (lambda state: state.get(), "NoSuchElementException: State is not set"),
    "get after remove": (lambda state: (state.update(1), state.remove(), state.get()), "State is not set"),
    "update": (
        lambda state: (state.remove(), state.update(1)),
        "IllegalArgumentException: requirement failed: Cannot update the state after it has been removed",
    ),
    "remove": (
        lambda state: (state.remove(), state.remove()),
        "IllegalArgumentException: requirement failed: Cannot remove the state that has already been removed",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_states_refuse(ssc: StreamingContext, name: str) -> None:
    call, text = WRONG[name]
    ssc.queueStream([[("a", 1)]]).mapWithState(one_partition(lambda key, value, state: call(state))).pprint()
    ssc.start()
    with pytest.raises(Py4JJavaError, match=text):
        ssc.awaitTermination(20)


def test_no_such_element_is_a_lookup_error() -> None:
    with pytest.raises(LookupError):
        State().get()


def test_states_may_be_changed_in_place(ssc: StreamingContext, batches: Batches) -> None:
    def collect(key, value, state):
        if not state.exists():
            state.update([])
        state.get().append(value)
        return len(state.get())

    given = [[("a", 1), ("a", 2)], [("a", 3)], [("b", 1), ("a", 4)]]
    assert batches(ssc.queueStream(given).mapWithState(one_partition(collect)), 3) == [[1, 2], [3], [1, 4]]


def test_neither_elements_nor_snapshots_share_objects_with_the_states(
    ssc: StreamingContext, eventually: Callable[..., None]
) -> None:
    def collect(key, value, state):
        state.update([*(state.getOption() or []), value])
        return state.get()

    stream = ssc.queueStream([[("a", 1)], [("a", 2)]]).mapWithState(one_partition(collect))
    snapshots = stream.stateSnapshots()
    seen: list = []

    def spoil(rdd):
        for found in rdd.collect():
            (found[1] if isinstance(found, tuple) else found).append("spoiled")

    stream.foreachRDD(spoil)
    stream.map(lambda state: state.append("spoiled")).foreachRDD(lambda rdd: rdd.count() and None)
    snapshots.foreachRDD(spoil)
    snapshots.foreachRDD(lambda rdd: seen.append(rdd.collect()))
    ssc.start()
    eventually(lambda: len(seen) >= 3)
    assert seen[:3] == [[("a", [1])], [("a", [1, 2])], [("a", [1, 2])]]


def test_a_batch_is_applied_once_however_many_outputs_there_are(ssc: StreamingContext, batches: Batches) -> None:
    calls = ssc.sparkContext.accumulator(0)

    def counting(key, value, state):
        calls.add(1)
        return add(key, value, state)

    stream = ssc.queueStream([[("a", 1)], [("a", 1)]]).mapWithState(one_partition(counting))
    stream.foreachRDD(lambda rdd: (rdd.collect(), rdd.count(), rdd.unpersist(), rdd.collect())[4:])
    stream.stateSnapshots().foreachRDD(lambda rdd: rdd.count() and None)
    doubled = stream.mapValues(lambda total: total * 2)
    assert batches(doubled, 3) == [[("a", 2)], [("a", 4)], []]


def test_old_snapshots_are_as_they_were(ssc: StreamingContext, eventually: Callable[..., None]) -> None:
    def forget_b(key, value, state):
        if state.exists() and key == "b":
            state.remove()
        else:
            state.update([value])

    given = [[("a", 1), ("b", 1)], [("a", 2)], [("b", 2), ("c", 3)], [("a", 4), ("b", 4)]]
    stream = ssc.queueStream(given).mapWithState(StateSpec.function(forget_b).numPartitions(2))
    # Not looked at in its own batch: only the window asks for the older ones.
    seen: list = []
    stream.stateSnapshots().window(0.2, 0.2).foreachRDD(lambda rdd: seen.append(rdd.collect()))
    ssc.start()
    eventually(lambda: seen)
    first, second, third = [("a", [1]), ("b", [1])], [("a", [2]), ("b", [1])], [("a", [2]), ("c", [3])]
    assert sorted(seen[0]) == sorted([*first, *second, *third, ("a", [4]), ("b", [4]), ("c", [3])])


def test_a_snapshot_kept_for_too_long_says_so(ssc: StreamingContext, eventually: Callable[..., None]) -> None:
    rdds: list = []
    ssc.queueStream([[("a", 1)]]).mapWithState(one_partition(add)).stateSnapshots().foreachRDD(lambda r: rdds.append(r))
    ssc.start()
    eventually(lambda: len(rdds) > 5)
    ssc.stop(stopSparkContext=False)
    assert rdds[-1].collect() == [("a", 1)]
    with pytest.raises(Py4JJavaError, match=r"are gone.*persist\(\)"):
        rdds[0].collect()


def test_a_failed_batch_leaves_nothing_behind_and_is_tried_again_with_the_next(
    ssc: StreamingContext, eventually: Callable[..., None], tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.touch()

    def fragile(key, value, state):
        if value == 2 and broken.exists():
            raise ValueError("broken")
        return add(key, value, state)

    seen: list = []
    stream = ssc.queueStream([[("a", 1)], [("a", 10), ("b", 1), ("a", 2)], [("a", 100)]])
    states = stream.mapWithState(one_partition(fragile)).stateSnapshots()
    states.foreachRDD(lambda rdd: seen.append(sorted(rdd.collect())))
    ssc.start()
    with pytest.raises(Py4JJavaError, match="ValueError: broken"):
        ssc.awaitTermination(20)
    broken.unlink()
    # The failed batch is applied, whole, before the next one.
    eventually(lambda: seen[-1] == [("a", 113), ("b", 1)])
    assert seen[0] == [("a", 1)] and [("a", 11), ("b", 1)] not in seen


def test_many_failed_batches_are_told_of_in_one_sentence(
    streams: Callable[..., StreamingContext], tmp_path: Path, eventually: Callable[..., None], log: Callable[[], list]
) -> None:
    ssc = streams(0.005)
    ssc.checkpoint(str(tmp_path))

    def broken(key, value, state):
        raise ValueError("broken")

    ssc.queueStream([[("a", 1)]]).mapWithState(one_partition(broken)).foreachRDD(lambda rdd: rdd.collect() and None)
    ssc.start()
    eventually(lambda: any("which failed or were never computed" in text for text in log()), 40)


def test_a_stream_without_rdds_still_times_out(ssc: StreamingContext, batches: Batches) -> None:
    stream = ssc.queueStream([[("a", 1)]]).transform(lambda rdd: rdd if rdd.count() else None)
    found = stream.mapWithState(one_partition(idle_with_time).timeout(0.05))
    found.checkpoint(0.05)
    assert batches(found, 4) == [[], [], [("a", None, 1)], []]


def test_the_states_go_with_the_stream(sc: SparkContext) -> None:
    ssc = StreamingContext(sc, 0.05)
    stream = ssc.queueStream([[("a", 1)]]).mapWithState(one_partition(add))
    stream.stateSnapshots().foreachRDD(lambda rdd: rdd.count() and None)
    states = weakref.ref(stream._stateful)
    assert states() is not None
    del stream, ssc
    gc.collect()
    assert states() is None


def test_a_checkpoint_folder_is_needed(streams: Callable[..., StreamingContext]) -> None:
    ssc = streams()
    ssc.queueStream([[("a", 1)]]).mapWithState(StateSpec.function(add)).pprint()
    with pytest.raises(Py4JJavaError, match="The checkpoint directory has not been set"):
        ssc.start()


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: StateSpec.function(None), TypeError, "mappingFunction: expected a function, got None"),
        (lambda: StateSpec.function(lambda key, value: 0), TypeError, r"\(time, key, value, state\), got <lambda>"),
        (lambda: StateSpec.function(lambda a, b, c, d, e: 0), TypeError, "mappingFunction: expected a function of"),
        (lambda: StateSpec.function(add).numPartitions(0), ValueError, "numPartitions: .* got 0"),
        (lambda: StateSpec.function(add).partitioner(3), TypeError, "partitioner: expected a pyspark.rdd.Partitioner"),
        (lambda: StateSpec.function(add).timeout(-1), ValueError, "idleDuration: .* got -1"),
        (lambda: StateSpec.function(add).timeout("1 s"), TypeError, "idleDuration: .* got '1 s'"),
        (lambda: StateSpec.function(add).initialState(7), TypeError, "rdd: expected an RDD or a list"),
    ],
)
def test_wrong_specs(make: Callable[[], object], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        make()


def test_wrong_calls(ssc: StreamingContext) -> None:
    stream = ssc.queueStream([[("a", 1)]])
    with pytest.raises(TypeError, match="spec: expected a StateSpec"):
        stream.mapWithState(add)
    with pytest.raises(ValueError, match="interval: expected a positive multiple"):
        stream.mapWithState(StateSpec.function(add)).checkpoint(0.07)
