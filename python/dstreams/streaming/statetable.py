"""Which states does one partition of `mapWithState` hold, and as of which batch?

Owns `StateTable`: a partition's states in memory across batches, and how a batch is applied to them.
1. A state in the table is never changed in place: who may change it gets a copy first. So an older version is the
   present one with what later batches replaced put back, by reference.
2. A batch is applied as a whole or not at all: its changes are gathered beside the table and merged at its end. A merge
   that is cut off (a task can be interrupted anywhere) is finished by whoever comes next.
3. Applying the newest batch once more replaces what it did the first time.
4. Times are milliseconds since 1970. A table's version is the time of the last batch applied to it.
5. The lock is held for look-ups and merges only, never while the program's function runs.

A batch touches its own keys and those that time out, nothing else.
"""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Iterable
from itertools import repeat
from typing import Any, NamedTuple

from dstreams import _native
from dstreams.core.closures.closure import dump_elements, dump_kept, load_kept
from dstreams.streaming.state import ABSENT, ATOMS, State, own_copy

States = dict[Any, Any]
"""States by key; ABSENT for a key without one."""
Times = dict[Any, "int | None"]
"""When keys were touched last; None for a key without a state. Empty where keys do not time out."""


# Most parts of a round in which every state is written again, and fewest states of a part.
LONGEST_ROUND = 1000
LEAST_TURN = 16


class Applied(NamedTuple):
    """A batch that was applied: its time, the version before, what was there before, and the states after it."""

    version: int
    before: int | None
    states: States
    times: Times
    after: States


class Batch(NamedTuple):
    """What a table has to know of a batch."""

    time: int
    idle_before: int | None
    """Keys untouched since then time out; None: not looked for in this batch."""
    oldest: int
    """The oldest version that may still be asked for."""
    emits_none: bool
    """Whether None is an element like any other."""


class Part(NamedTuple):
    """A part for a checkpoint. Of the parts before it, those from `first` up to `until` stay."""

    first: int
    until: int
    dumped: bytes


class StateTable:
    """The states of one partition. `timed`: whether keys can time out.

    columns: where the engine keeps them, as long as it can; `_come_over` brings them here for good.
    """

    def __init__(self, timed: bool, columns: _native.KeyedStates | None = None) -> None:
        self._version: int | None = None
        self._columns = columns
        self._timed = timed
        self._states: States = {}
        self._times: Times = {}
        # The keys touched last at a time, in order. Each key with a time is under that one.
        self._touched_at: dict[int, dict[Any, None]] = {}
        self._history: list[Applied] = []
        self._merging: tuple[int | None, States, Times, list[Applied]] | None = None
        self._merges = 0
        self._dumped = False
        # Parts in the last checkpoint, those since this round began, and whether the last one holds no states.
        self._parts = self._round = 0
        self._is_idle = False
        # The keys whose turn is still to come, unless the engine knows them; whether there is none.
        self._turns: list[Any] = []
        self._round_over = True
        self._lock = threading.Lock()

    @property
    def version(self) -> int | None:
        """The time of the last batch that was applied; None before the first."""
        columns = self._columns
        return self._version if columns is None else columns.version

    # -- applying ---------------------------------------------------------------------------------
    def load(self, version: int, time: int, pairs: Iterable[tuple[Any, Any]]) -> None:
        """Sets the states before the first batch, as if touched at `time`. Does nothing if that was done before."""
        states = dict(pairs)
        with self._lock:
            times: Times = dict.fromkeys(states, time) if self._timed else {}
            if self.version is None and not self._moved_to_columns(states, times, version):
                self._states, self._times = states, times
                self._touched_at = {time: dict.fromkeys(states)} if times else {}
                self._version = version

    def _moved_to_columns(self, states: States, times: Times, version: int) -> bool:
        """Whether the engine keeps these states, touched at these times, from now on; else none but this table will."""
        touched = [times[key] or 0 for key in states] if self._timed else None
        columns = self._columns
        if columns is None or columns.load(version, list(states.items()), touched):
            return columns is not None
        # Tasks know them too: nothing may be applied to states that are not there.
        columns.forget()
        self._columns = None
        return False

    def _apart(self, pairs: list[tuple[Any, Any]], gone: Iterable[Any] = ()) -> tuple[States, Times]:
        """States and times of pairs that the engine holds, and of keys that have none there."""
        states: States = dict.fromkeys(gone, ABSENT)
        times: Times = dict.fromkeys(states) if self._timed else {}
        if self._timed:
            times.update((key, held[1]) for key, held in pairs)
            pairs = [(key, held[0]) for key, held in pairs]
        states.update(pairs)
        return states, times

    def _come_over(self) -> None:
        """Takes the states from the engine, which has no answer for what comes.

        May be cut off anywhere: until all is here, it is the engine's, and doing it all again does no harm.
        """
        columns = self._columns
        if columns is None:
            return
        version, newest, replaced = columns.give_up()
        now, times = self._apart(newest)
        history: list[Applied] = []
        # What was there before a version is what is there after the one before it.
        older: States = {}
        for time, before, pairs, gone in reversed(replaced):
            states, times_before = self._apart(pairs, gone)
            after = {key: older[key] if key in older else now.get(key, ABSENT) for key in states}
            history.insert(0, Applied(time, before, states, times_before, after))
            older.update(states)
        self._states, self._times, self._touched_at = now, {}, {}
        for key, touched in times.items():
            self._move(key, touched)
        self._version, self._history = version, history
        # The round of parts that the engine has begun is nobody's now.
        self._dumped = False
        self._columns = None
        columns.forget()

    def apply(self, batch: Batch, function: Callable[[Any, Any, State[Any]], Any], pairs: list[Any]) -> list[Any]:
        """Calls `function(key, value, state)` for each record, and for keys that time out; the elements it returned."""
        ticket = self._begin(batch.time)
        # At once: look-ups in a row are much faster than one at a time with the function's work in between.
        before = dict(zip((key for key, _ in pairs), self._all_of(pairs), strict=True))
        changes: States = {}
        mapped: list[Any] = []
        state: State[Any] = State()
        timed, emits_none = self._timed, batch.emits_none
        for key, value in pairs:
            state._owned = key in changes
            state._value = changes[key] if state._owned else before[key]
            returned = function(key, value, state)
            if state._owned:
                changes[key] = state._value
                state._removed = False
            elif timed and state._value is not ABSENT:
                changes[key] = own_copy(state._value)
            if returned is not None or emits_none:
                mapped.append(returned)
        if batch.idle_before is not None:
            for key, value in self._idle(batch.idle_before, changes):
                returned = function(key, None, State(value, True))
                before[key], changes[key] = value, ABSENT
                if returned is not None or emits_none:
                    mapped.append(returned)
        self._commit(batch, ticket, changes, before)
        return mapped

    def _all_of(self, pairs: list[Any]) -> Iterable[Any]:
        return map(self._states.get, (key for key, _ in pairs), repeat(ABSENT))

    def _begin(self, version: int) -> int:
        """Makes the table as it was before `version`; a ticket for `_commit`."""
        with self._lock:
            self._finish_merge()
            if self.version is not None and self.version > version:
                raise RuntimeError(
                    f"the batch of {version} ms cannot be computed again: the states are those of {self.version} ms; "
                    "persist() what is to be used later"
                )
            self._come_over()
            if self._history and self.version == version:
                last = self._history[-1]
                self._merging = (last.before, last.states, last.times, self._history[:-1])
                self._finish_merge()
            return self._merges

    def _commit(self, batch: Batch, ticket: int, changes: States, before: States) -> None:
        times: Times = {}
        if self._timed:
            times = {key: None if state is ABSENT else batch.time for key, state in changes.items()}
        with self._lock:
            self._finish_merge()
            if self._merges != ticket:
                raise RuntimeError(f"the batch of {batch.time} ms was applied to its states by another task meanwhile")
            times_before = dict(zip(times, map(self._times.get, times), strict=True))
            history = [applied for applied in self._history if applied.version > batch.oldest]
            history.append(Applied(batch.time, self.version, before, times_before, changes))
            # From here on the batch counts as applied.
            self._merging = (batch.time, changes, times, history)
            self._finish_merge()

    def _finish_merge(self) -> None:
        """Merges what is to be merged. May be cut off anywhere: doing it all again does no harm."""
        if self._merging is None:
            return
        version, states, times, history = self._merging
        for key, time in times.items():
            self._move(key, time)
        self._states.update(states)
        for key in [key for key, state in states.items() if state is ABSENT]:
            self._states.pop(key, None)
        self._version, self._history = version, history
        self._merges += 1
        self._merging = None

    def _move(self, key: Any, time: int | None) -> None:
        """Puts a key under its new time."""
        old = self._times.get(key)
        if old is not None and old in self._touched_at:
            self._touched_at[old].pop(key, None)
            if not self._touched_at[old]:
                del self._touched_at[old]
        if time is None:
            self._times.pop(key, None)
        else:
            self._times[key] = time
            self._touched_at.setdefault(time, {})[key] = None

    def _idle(self, before: int, changes: States) -> list[tuple[Any, Any]]:
        """The keys not touched since `before`, nor by this batch, with their states; the longest idle first.

        Those idle for equally long are in the order of the table, as in the engine.
        """
        with self._lock:
            touched = (time for time in self._touched_at if time < before)
            times = {key: time for time in touched for key in self._touched_at[time] if key not in changes}
            idle = [pair for pair in self._states.items() if pair[0] in times] if times else []
            return sorted(idle, key=lambda pair: times[pair[0]])

    # -- looking ----------------------------------------------------------------------------------
    def snapshot(self, version: int) -> list[tuple[Any, Any]]:
        """(key, state) of all keys as of a version, as objects of the caller's own.

        Raises: RuntimeError when the version is too old.
        """
        with self._lock:
            if self._columns is not None:
                held = self._columns.snapshot(version)
                if held is None:
                    raise self._gone(version)
                return held
            self._finish_merge()
            later = [applied for applied in self._history if applied.version > version]
            if self.version != version and not (later and later[0].before == version):
                raise self._gone(version)
            pairs = list(self._states.items())
        if later:
            replaced: States = {}
            for applied in reversed(later):
                replaced.update(applied.states)
            pairs = [pair for pair in pairs if pair[0] not in replaced]
            pairs += [pair for pair in replaced.items() if pair[1] is not ABSENT]
        return _own_pairs(pairs)

    def _gone(self, version: int) -> RuntimeError:
        return RuntimeError(
            f"the states of the batch of {version} ms are gone, those of {self.version} ms are there; keep them with "
            "persist(), or remember() of the StreamingContext"
        )

    # -- checkpoints ------------------------------------------------------------------------------
    def dump(self, since: int | None, version: int) -> Part:
        """A part for a checkpoint: the states as of a version, or what changed in them since an earlier one.

        Beside what changed, each part holds some of the other states, in turn: once it was the turn of all of them, the
        parts before that round are of no use any more. So no batch ever writes all states.
        """
        # States that were there before the first batch are no batch's changes.
        whole = since is None or not self._dumped
        with self._lock:
            reached = min(version, self.version) if self.version is not None else None
            if self._columns is not None:
                whole, states, times, changed = self._dump_of_columns(self._columns, None if whole else since, reached)
            else:
                states, times, changed = self._dump_of_dicts(None if whole else since, version)
        gone = [key for key, state in states.items() if state is ABSENT]
        held = {key: state for key, state in states.items() if state is not ABSENT} if gone else states
        dumped = dump_kept([reached, held, times, gone])
        if whole:
            self._dumped = reached is not None
            return Part(*self._replace_all(), dumped)
        return Part(*self._add_part(changed), dumped)

    def _changes(self, past: Iterable[Applied]) -> tuple[States, Times]:
        """What batches changed, and when. Not looked up: few of many keys are nowhere near each other."""
        states: States = {}
        times: Times = {}
        for applied in past:
            states.update(applied.after)
            if self._timed:
                times.update(dict.fromkeys(applied.after, applied.version))
        if self._timed:
            times.update((key, None) for key, state in states.items() if state is ABSENT)
        return states, times

    def _take_turn(self, changed: int, later: list[Applied]) -> list[Any]:
        """The next states of the round: half as many as changed, and enough that a round ends one day."""
        if not changed:
            return []
        if self._round_over:
            self._turns = [*self._states, *(key for applied in later for key in applied.states)]
            self._round = 0
        count = max(changed // 2, len(self._states) // LONGEST_ROUND, LEAST_TURN)
        turn = self._turns[-count:]
        del self._turns[-count:]
        self._round_over = not self._turns
        return turn

    def _replace_all(self) -> tuple[int, int]:
        self._turns, self._round, self._parts, self._is_idle, self._round_over = [], 0, 1, False, True
        return 0, 0

    def _add_part(self, changed: bool) -> tuple[int, int]:
        """Which of the parts before this one stay."""
        # One that only tells the version is replaced by the next.
        until = self._parts - int(self._is_idle)
        first = 0
        self._is_idle = not changed
        if changed:
            self._round += 1
            if self._round_over:
                first = until + 1 - self._round
        self._parts = until - first + 1
        return first, until

    def _dump_of_dicts(self, since: int | None, version: int) -> tuple[States, Times, bool]:
        """States and times of a part, ABSENT for keys that are gone, and whether anything changed."""
        self._finish_merge()
        later = [applied for applied in self._history if applied.version > version]
        if since is None:
            states, times = dict(self._states), dict(self._times)
            for applied in reversed(later):
                states.update(applied.states)
                times.update(applied.times)
            return states, times, True
        states, times = self._changes(applied for applied in self._history if since < applied.version <= version)
        changed = len(states)
        turn = [key for key in self._take_turn(changed, later) if key not in states]
        also, also_times = self._as_of(turn, later)
        states.update(also)
        times.update(also_times)
        return states, times, bool(changed)

    def _dump_of_columns(
        self, columns: _native.KeyedStates, since: int | None, reached: int | None
    ) -> tuple[bool, States, Times, bool]:
        """Whether it is the whole, the states and times of a part, and whether anything changed."""
        if reached is None:
            return True, {}, {}, False
        found = None if since is None else columns.changes(since, reached)
        if found is None:
            return True, *self._apart(columns.as_of(reached)), True
        states, times = self._apart(*found)
        changed = len(states)
        if changed:
            if self._round_over:
                self._round = 0
            count = max(changed // 2, len(columns) // LONGEST_ROUND, LEAST_TURN)
            turn, self._round_over = columns.turn(reached, count, self._round_over)
            also, also_times = self._apart(turn)
            states.update(also)
            times.update(also_times)
        return False, states, times, bool(changed)

    def _as_of(self, keys: Iterable[Any], later: list[Applied]) -> tuple[States, Times]:
        """States and times of keys as they were before later batches."""
        states = {key: self._states.get(key, ABSENT) for key in keys}
        times = {key: self._times.get(key) for key in keys} if self._timed else {}
        for applied in reversed(later):
            states.update((key, state) for key, state in applied.states.items() if key in states)
            times.update((key, time) for key, time in applied.times.items() if key in times)
        return states, times

    def restore(self, parts: list[bytes]) -> None:
        """Sets the states to what the parts that stayed hold, in order."""
        for part in parts:
            reached, held, times, gone = load_kept(part)
            self._states.update(held)
            for key in gone:
                self._states.pop(key, None)
            for key, time in times.items():
                self._move(key, time)
            self._version = reached
        if self._version is not None and self._moved_to_columns(self._states, self._times, self._version):
            self._states, self._times, self._touched_at = {}, {}, {}


def _own_pairs(pairs: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    if {type(part) for pair in pairs for part in pair} <= ATOMS or all(map(_native._is_immutable, pairs)):
        return pairs
    return pickle.loads(dump_elements(pairs))
