"""How do the tables of `mapWithState` and the RDDs of its batches go together?

Owns the states of a stream (`Stateful`) for as long as its graph lives, and `MapWithStateDStream`.
1. The RDD of a batch has the elements that the function returned; computing a partition of it applies the batch to the
   partition's table. It is made of the RDD of the batch before, so batches are applied in order whatever is asked for
   first, and one that failed is tried again with the next.
2. It is persisted and, after its batch, settled, so a batch is applied once however many outputs look at it.
3. Tasks know the tables by number: nothing of them travels with a function.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from dstreams import _native, udf
from dstreams.core.context import SparkContext
from dstreams.core.rdd import RDD
from dstreams.core.rdds import native
from dstreams.core.rdds.partitioner import Partitioner, portable_hash
from dstreams.streaming.callbacks import batch_time
from dstreams.streaming.dstream import DStream
from dstreams.streaming.state import ABSENT, State, StateSpec
from dstreams.streaming.statetable import Batch, StateTable
from dstreams.udf.held import REMOVED, SET, UNTOUCHED

if TYPE_CHECKING:
    from dstreams.streaming.base import DStreamBase
    from dstreams.streaming.context import StreamingContext

__all__ = ["MapWithStateDStream"]

T = TypeVar("T")

# Idle keys are looked for in one batch of so many, as in Spark.
SCAN_EVERY = 10
# So many failed batches are tried again at once; more of them would only nest deeper.
MOST_BEHIND = 50

_numbers = itertools.count(1)
_known: weakref.WeakValueDictionary[int, Stateful] = weakref.WeakValueDictionary()


class Stateful:
    """The states of one stream: a table per partition, and how each batch's RDD is made. The stream's graph owns it."""

    def __init__(self, spec: StateSpec, ctx: SparkContext, slide_ms: int) -> None:
        self.number = next(_numbers)
        self.function = spec._function
        self.with_time = spec._with_time
        self.timeout_ms = spec._timeout_ms
        self.partitioner = spec._partitioner or Partitioner(ctx.defaultParallelism, portable_hash)
        given = spec._initial
        self.initial: RDD[Any] | list[Any] | None = (
            ctx.parallelize(given) if isinstance(given, (list, tuple)) else given
        )
        self.slide_ms = slide_ms
        self.scan_ms = slide_ms * SCAN_EVERY
        self.zero: int | None = None
        # Tells the oldest batch that is remembered; None: older snapshots are never asked for.
        self.oldest: Callable[[], int | None] | None = None
        self.watched = False
        self.columns, self.tables = self._new_tables()
        self.saved_as = self.number
        self.node: int | None = None
        # The batch of the last checkpoint: what was replaced since then is kept for the next one.
        self._kept: int | None = None
        _known[self.number] = self

    def _new_tables(self) -> tuple[list[_native.KeyedStates], list[StateTable]]:
        """A table per partition; the engine keeps the states if the function can be read."""
        count, timed = self.partitioner.numPartitions, self.timeout_ms is not None
        if _program_of(self.function, self.with_time) is None:
            return [], [StateTable(timed) for _ in range(count)]
        columns = [_native.KeyedStates(timed) for _ in range(count)]
        return columns, [StateTable(timed, states) for states in columns]

    # -- checkpoints ------------------------------------------------------------------------------
    def __getstate__(self) -> dict[str, Any]:
        """All but the tables, which a checkpoint holds apart, and what belongs to this process."""
        state = self.pickled_facts()
        initial = self.initial.collect() if isinstance(self.initial, RDD) else self.initial
        return {**state, "initial": initial}

    def pickled_facts(self) -> dict[str, Any]:
        """What a pickle of this is made of."""
        own = {"columns", "tables", "oldest", "_kept", "number"}
        state = {name: value for name, value in self.__dict__.items() if name not in own}
        return {**state, "saved_as": self.number, "watched": self.oldest is not None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.watched = state.pop("watched")
        self.__dict__.update(state)
        self.number, self.oldest, self._kept = next(_numbers), None, None
        self.columns, self.tables = self._new_tables()
        _known[self.number] = self

    def parts(self, time: int, whole: bool) -> list[tuple[int, int, int, int, bytes]]:
        """(number, partition, and a `Part`) of the tables after the batch of a time."""
        since = None if whole else self._kept
        parts = [(self.number, index, *table.dump(since, time)) for index, table in enumerate(self.tables)]
        self._kept = time
        return parts

    # -- batches ----------------------------------------------------------------------------------

    def place(self, time: datetime, rdd: RDD[Any], same: RDD[Any]) -> RDD[Any]:
        """The records of a batch by key. With two parents, so that it is made where the stream has no RDD too."""
        return rdd.partitionBy(self.partitioner.numPartitions, self.partitioner.partitionFunc)

    def fold(self, time: datetime, older: RDD[Any] | None, placed: RDD[Any]) -> RDD[Any]:
        """The RDD of a batch, made of that of the batch before and the batch's records."""
        now = _milliseconds(time)
        if older is None:
            self.zero = now - self.slide_ms
            before = self._loaded(now, placed.ctx)
        else:
            self.initial = None
            before = older.mapPartitions(partial(_done, self.number, now - self.slide_ms), True)
            before.partitioner = placed.partitioner
        records = placed if before is None else before.union(placed)
        return records.mapPartitionsWithIndex(self.applied(tuple(self._batch(now))), True)

    def applied(self, batch: tuple[Any, ...]) -> Callable[[int, Iterable[Any]], list[Any]]:
        """The function of a partition that applies a batch's records, with the facts of a `Batch`."""
        return partial(_apply, self.function, self.number, batch, self.with_time)

    def _loaded(self, first: int, ctx: SparkContext) -> RDD[Any] | None:
        if self.initial is None:
            return None
        initial = ctx.parallelize(self.initial) if isinstance(self.initial, list) else self.initial
        states = initial.partitionBy(self.partitioner.numPartitions, self.partitioner.partitionFunc)
        return states.mapPartitionsWithIndex(partial(_load, self.number, first - self.slide_ms, first), True)

    def _batch(self, now: int) -> Batch:
        scans = self.timeout_ms is not None and (now - (self.zero or 0)) % self.scan_ms == 0
        idle_before = now - self.timeout_ms if scans and self.timeout_ms is not None else None
        wanted = (self.oldest() if self.oldest is not None else None, self._kept, now)
        return Batch(now, idle_before, min(time for time in wanted if time is not None), not self.with_time)

    def check_not_too_far_behind(self, table: StateTable, now: int) -> None:
        """Raises: RuntimeError when too many batches before `now` have failed."""
        since = table.version if table.version is not None else self.zero
        behind = (now - since) // self.slide_ms - 1 if since is not None else 0
        if behind > MOST_BEHIND:
            raise RuntimeError(
                f"the batch of {now} ms needs the {behind} batches before it, which failed or were never computed: "
                "stop the stream, mend what their errors tell, and start it anew"
            )


def _milliseconds(time: datetime) -> int:
    return round(time.timestamp() * 1000)


# -- functions of tasks -----------------------------------------------------------------------------
def _tables(number: int) -> Stateful:
    found = _known.get(number)
    if found is None:
        raise RuntimeError("the stream whose states are asked for is gone")
    return found


def _load(number: int, version: int, time: int, index: int, pairs: Iterable[Any]) -> tuple[()]:
    _tables(number).tables[index].load(version, time, pairs)
    return ()


def _done(number: int, version: int, elements: Iterable[Any]) -> tuple[()]:
    """Nothing; but asking for an element has the batch before applied, if it was not yet."""
    next(iter(elements), None)
    return ()


def _apply(
    function: Callable[..., Any], number: int, facts: tuple[Any, ...], with_time: bool, index: int, pairs: Iterable[Any]
) -> list[Any]:
    stateful, batch = _tables(number), Batch(*facts)
    table = stateful.tables[index]
    stateful.check_not_too_far_behind(table, batch.time)
    # All of them, before anything else: this applies the batches before.
    records = list(pairs)
    return table.apply(batch, partial(function, batch_time(batch.time)) if with_time else function, records)


def called_by_row(
    applied: partial[Any], states: list[Any], numbers: list[int], records: list[tuple[Any, Any]]
) -> list[tuple[Any, Any, int]]:
    """For the engine: each record's element, its key's state afterwards (None: none), and what was done to it.

    applied: what `Stateful.applied` gave. states: of each key, None for none. numbers: which of them a record's is.
    """
    function, _, facts, with_time = applied.args
    if with_time:
        function = partial(function, batch_time(Batch(*facts).time))
    made = []
    for number, (key, value) in zip(numbers, records, strict=True):
        before = states[number]
        state: State[Any] = State(ABSENT if before is None else before)
        element = function(key, value, state)
        after = None if state._value is ABSENT else state._value
        done = UNTOUCHED if not state._owned else REMOVED if state._value is ABSENT else SET
        states[number] = after
        made.append((element, after, done))
    return made


def called_for_idle(applied: partial[Any], idle: list[tuple[Any, Any]]) -> list[Any]:
    """For the engine: the elements of keys that time out, pairs of these and their states."""
    function, _, facts, with_time = applied.args
    batch = Batch(*facts)
    if with_time:
        function = partial(function, batch_time(batch.time))
    made = [function(key, None, State(state, True)) for key, state in idle]
    return made if batch.emits_none else [element for element in made if element is not None]


def _mapped_form(function: Callable[..., Any], number: int, facts: tuple[Any, ...], with_time: bool) -> native.Form:
    """The native form of `_apply`, if the states of the stream are in columns."""
    stateful = _known.get(number)
    program = _program_of(function, with_time)
    if stateful is None or program is None or not stateful.columns:
        return None
    if not facts:  # no batch is given to be told about
        return "mapped", stateful.columns, program, (0, 0, 0, True, None)
    batch = Batch(*facts)
    least = batch.time - (MOST_BEHIND + 1) * stateful.slide_ms
    if stateful.zero is None or (stateful.zero < least and any(table.version is None for table in stateful.tables)):
        return None
    return "mapped", stateful.columns, program, (batch.time, batch.oldest, least, batch.emits_none, batch.idle_before)


def _program_of(function: Callable[..., Any], with_time: bool) -> _native.Program | None:
    return native.program_of(function, udf.WITH_TIME_AND_STATE if with_time else udf.WITH_STATE)


native.has_form(_apply, _mapped_form)


def _snapshot(number: int, version: int, index: int, elements: Iterable[Any]) -> list[tuple[Any, Any]]:
    table = _tables(number).tables[index]
    if table.version is None or table.version < version:
        next(iter(elements), None)
    return table.snapshot(version)


# -- the stream -------------------------------------------------------------------------------------
class MapWithStateDStream(DStream[T]):
    """The elements that the function of a `StateSpec` returned for each batch.

    Source: org.apache.spark.streaming.dstream.MapWithStateDStream (3.5).
    """

    def __init__(self, parent: DStreamBase[Any], spec: StateSpec) -> None:
        ssc, graph = parent._ssc, parent._ssc._graph
        self._stateful = Stateful(spec, ssc._sc, graph.slide_ms(parent._id))
        placed = graph.add_transformed([parent._id, parent._id], self._stateful.place)
        super().__init__(graph.add_state(placed, self._stateful.fold), ssc)
        self._stateful.node = self._id

    def stateSnapshots(self) -> DStream[tuple[Any, Any]]:
        """(key, state) of all keys after each batch. Costs nothing until a batch's RDD is used; then it copies all."""
        self._stateful.watched = True
        watch_oldest(self._stateful, weakref.ref(self._ssc))
        return self._transformed(partial(_snapshots, self._stateful))

    def checkpoint(self, interval: float) -> DStream[T]:
        """Looks for keys that time out every `interval` seconds (default: every tenth batch), as in Spark.

        Raises: ValueError when it is no positive multiple of the batch duration.
        """
        milliseconds = int(interval * 1000)
        if milliseconds <= 0 or milliseconds % self._stateful.slide_ms:
            raise ValueError(
                f"interval: expected a positive multiple of the stream's {self._stateful.slide_ms} ms, got {interval} s"
            )
        self._stateful.scan_ms = milliseconds
        return super().checkpoint(interval)


def watch_oldest(stateful: Stateful, ssc: weakref.ref[StreamingContext]) -> None:
    """Has the states of all batches that are remembered kept, if somebody may ask for them.

    Weakly: the graph holds the states, and a circle through it would never be freed.
    """
    if stateful.watched and stateful.node is not None:
        stateful.oldest = partial(_oldest, ssc, stateful.node)


def _oldest(ssc: weakref.ref[StreamingContext], node: int) -> int | None:
    """The time of the oldest batch that is remembered."""
    alive = ssc()
    return None if alive is None else alive._graph.oldest_ms(node)


def _snapshots(stateful: Stateful, time: datetime, rdd: RDD[Any]) -> RDD[Any]:
    return rdd.mapPartitionsWithIndex(partial(_snapshot, stateful.number, _milliseconds(time)), True)
