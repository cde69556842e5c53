"""How are windows and states folded, in terms of RDDs?

Driver-side functions of `(time, older or None, newer)` and the element functions they use, composed as Spark composes
them, because the order of elements follows from the composition.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from dstreams.core.rdd import RDD

Function = Callable[..., Any]


def add_window(
    func: Function, count: int, keep: Function | None, time: datetime, total: RDD[Any] | None, new: RDD[Any]
) -> RDD[Any]:
    """What came, added to a window's sums."""
    summed = new.reduceByKey(func, count)
    if total is not None:
        summed = total.union(summed).reduceByKey(func, count)
    return summed.filter(keep) if keep else summed


def subtract_window(
    func: Function, inverse: Function, count: int, time: datetime, total: RDD[Any], old: RDD[Any]
) -> RDD[Any]:
    """What left, taken away from a window's sums."""
    joined = total.leftOuterJoin(old.reduceByKey(func, count), count)
    return joined.mapValues(partial(_less, inverse))


def _less(inverse: Function, sums: tuple[Any, Any]) -> Any:
    total, old = sums
    return inverse(total, old) if old is not None else total


def update_state(update: Function, count: int, time: datetime, state: RDD[Any] | None, new: RDD[Any]) -> RDD[Any]:
    """Every key's state after a batch."""
    if state is None:
        gathered = new.groupByKey(count).mapValues(_without_state)
    else:
        gathered = state.cogroup(new.partitionBy(count), count).mapValues(_with_state)
    return gathered.mapValues(partial(_updated, update)).filter(_has_state)


def _without_state(values: Any) -> tuple[list[Any], None]:
    return list(values), None


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
