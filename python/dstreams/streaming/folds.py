"""How are windows and states folded, in terms of RDDs?

Driver-side functions of `(time, older or None, newer)` and the element functions they use, composed as Spark composes
them, because the order of elements follows from the composition. Where the program's function was read
(`core/rdds/native.py`), the engine makes the same RDD in a shorter way.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, Literal

from dstreams._native import Program, States
from dstreams.core.rdd import RDD
from dstreams.core.rdds.native import program_of
from dstreams.core.rdds.partitioner import Partitioner, portable_hash

Function = Callable[..., Any]
Rule = Literal["update", "subtract", "add"]


def add_window(
    func: Function,
    count: int,
    keep: Function | None,
    tables: States,
    time: datetime,
    total: RDD[Any] | None,
    new: RDD[Any],
) -> RDD[Any]:
    """What came, added to a window's sums."""
    summed = new.reduceByKey(func, count)
    if total is None:
        return summed.filter(keep) if keep else summed
    _mark_placed(total, count)
    composed = total.union(summed).reduceByKey(func, count)
    if keep:
        composed = composed.filter(keep)
    add, kept = program_of(func, 2), program_of(keep, 1) if keep else None
    if add is None or (keep and kept is None):
        return composed
    return _updated_by(tables, "add", [add, kept], total, summed, composed)


def subtract_window(
    func: Function, inverse: Function, count: int, tables: States, time: datetime, total: RDD[Any], old: RDD[Any]
) -> RDD[Any]:
    """What left, taken away from a window's sums."""
    _mark_placed(total, count)
    left = old.reduceByKey(func, count)
    composed = total.leftOuterJoin(left, count).mapValues(partial(_less, inverse))
    return _updated_by(tables, "subtract", [program_of(inverse, 2)], total, left, composed)


def _less(inverse: Function, sums: tuple[Any, Any]) -> Any:
    total, old = sums
    return inverse(total, old) if old is not None else total


def update_state(
    update: Function, count: int, tables: States, time: datetime, state: RDD[Any] | None, new: RDD[Any]
) -> RDD[Any]:
    """Every key's state after a batch."""
    placed = new.partitionBy(count)
    if state is None:
        state = new.ctx.emptyRDD()
    if not _mark_placed(state, count):
        state = state.partitionBy(count)
    gathered = state.cogroup(placed, count).mapValues(_with_state)
    composed = gathered.mapValues(partial(_updated, update)).filter(_has_state)
    return _updated_by(tables, "update", [program_of(update, 2)], state, placed, composed)


def _mark_placed(rdd: RDD[Any], count: int) -> bool:
    """Tells an RDD of an earlier batch that its pairs are where a shuffle would put them, if they are."""
    if not rdd._node.is_placed(count):
        return False
    rdd.partitioner = Partitioner(count, portable_hash)
    return True


def _updated_by(
    tables: States, rule: Rule, programs: list[Program | None], older: RDD[Any], newer: RDD[Any], composed: RDD[Any]
) -> RDD[Any]:
    """`composed`, natively where that is possible: its function was read, and its pairs are all placed by key."""
    if programs[0] is None or older.partitioner is None or older.partitioner != newer.partitioner:
        return composed
    made: RDD[Any] = RDD(tables.updated(rule, programs, older._node, newer._node, composed._node), composed.ctx)
    made.partitioner = composed.partitioner
    return made


def _with_state(groups: tuple[Any, Any]) -> tuple[list[Any], Any]:
    states, values = groups
    return list(values), next(iter(states)) if len(states) else None


def _updated(update: Function, values_and_state: tuple[list[Any], Any]) -> Any:
    return update(*values_and_state)


def _has_state(pair: tuple[Any, Any]) -> bool:
    return pair[1] is not None


# -- element functions --------------------------------------------------------------------------
def one(value: Any) -> int:
    """1 for any value."""
    return 1


def with_one_key(value: Any) -> tuple[int, Any]:
    """(1, value)"""
    return 1, value


def with_count(value: Any) -> tuple[Any, int]:
    """(value, 1)"""
    return value, 1


def is_counted(pair: tuple[Any, int]) -> bool:
    """Whether the count is above 0: an inverse leaves zeroes behind."""
    return pair[1] > 0


def as_list(value: Any) -> list[Any]:
    """[value]"""
    return [value]


def extend(values: list[Any], more: list[Any]) -> list[Any]:
    """The first list with the second one's values added."""
    values.extend(more)
    return values


def drop_first(values: list[Any], old: list[Any]) -> list[Any]:
    """Without as many values at the beginning as left the window."""
    return values[len(old) :]
