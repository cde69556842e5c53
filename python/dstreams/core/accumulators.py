"""How do tasks add to a variable of the driver?

1. Only the driver reads a value; a task adds to a copy that starts from the param's zero.
2. What a task added counts once, when the attempt succeeded; updates are applied in the order of partitions.
"""

from __future__ import annotations

import itertools
import threading
from typing import Any, Generic, TypeVar

from dstreams import _native
from dstreams.core.engine import process
from dstreams.errors import PySparkRuntimeError

__all__ = ["Accumulator", "AccumulatorParam"]

T = TypeVar("T")

_accumulatorRegistry: dict[int, Accumulator[Any]] = {}
_next_id = itertools.count()
_applying = threading.Lock()


def _renew() -> None:
    global _applying
    _applying = threading.Lock()


process.in_child(_renew)


class AccumulatorParam(Generic[T]):
    """How values of an accumulator begin and add up."""

    def zero(self, value: T) -> T:
        """A zero for values like `value`."""
        raise NotImplementedError

    def addInPlace(self, value1: T, value2: T) -> T:
        """The sum; `value1` may be changed and returned."""
        raise NotImplementedError


class AddingAccumulatorParam(AccumulatorParam[T]):
    """Adds with `+=` from a fixed zero."""

    def __init__(self, zero_value: T) -> None:
        self.zero_value = zero_value

    def zero(self, value: T) -> T:
        """The fixed zero."""
        return self.zero_value

    def addInPlace(self, value1: T, value2: T) -> T:
        """`value1 += value2`."""
        value1 += value2  # type: ignore[operator]
        return value1


INT_ACCUMULATOR_PARAM = AddingAccumulatorParam(0)
FLOAT_ACCUMULATOR_PARAM = AddingAccumulatorParam(0.0)
COMPLEX_ACCUMULATOR_PARAM = AddingAccumulatorParam(0.0j)


class Accumulator(Generic[T]):
    """A variable that tasks can only add to. Made by `SparkContext.accumulator`."""

    def __init__(self, aid: int, value: T, accum_param: AccumulatorParam[T]) -> None:
        self.aid = aid
        self.accum_param = accum_param
        self._value = value
        self._deserialized = False
        _accumulatorRegistry[aid] = self

    def __reduce__(self) -> tuple[Any, ...]:
        param = self.accum_param
        return _deserialize_accumulator, (self.aid, param.zero(self._value), param)

    @property
    def value(self) -> T:
        """The value so far. Raises RuntimeError in a task."""
        if self._deserialized:
            raise _not_in_tasks()
        return self._value

    @value.setter
    def value(self, value: T) -> None:
        if self._deserialized:
            raise _not_in_tasks()
        self._value = value

    def add(self, term: T) -> None:
        """Add `term`."""
        self._value = self.accum_param.addInPlace(self._value, term)

    def __iadd__(self, term: T) -> Accumulator[T]:
        self.add(term)
        return self

    def __str__(self) -> str:
        return str(self._value)

    def __repr__(self) -> str:
        return f"Accumulator<id={self.aid}, value={self._value}>"


def _not_in_tasks() -> PySparkRuntimeError:
    return PySparkRuntimeError(error_class="VALUE_NOT_ACCESSIBLE", message_parameters={"value": "Accumulator.value"})


def new_accumulator(value: Any, param: AccumulatorParam[Any] | None) -> Accumulator[Any]:
    """An accumulator with the next free number; the param follows from the value's type when not given."""
    if param is None:
        if isinstance(value, int):
            param = INT_ACCUMULATOR_PARAM
        elif isinstance(value, float):
            param = FLOAT_ACCUMULATOR_PARAM
        elif isinstance(value, complex):
            param = COMPLEX_ACCUMULATOR_PARAM
        else:
            raise TypeError(f"No default accumulator param for type {type(value)}; pass accum_param")
    return Accumulator(next(_next_id), value, param)


def _deserialize_accumulator(aid: int, zero_value: Any, accum_param: AccumulatorParam[Any]) -> Accumulator[Any]:
    updates = _native.task_updates()
    if updates is not None and aid in updates:
        found: Accumulator[Any] = updates[aid]
        return found
    copy = _task_copy(aid, zero_value, accum_param)
    if updates is not None:
        updates[aid] = copy
    return copy


def _task_copy(aid: int, value: Any, param: AccumulatorParam[Any]) -> Accumulator[Any]:
    copy = Accumulator.__new__(Accumulator)
    copy.aid, copy.accum_param, copy._value, copy._deserialized = aid, param, value, True
    return copy


def add_updates(updates: dict[int, Accumulator[Any]], values: dict[int, Any]) -> None:
    """Add what a worker process did for a task to the task's updates. Called in the driver."""
    for aid, value in values.items():
        if aid in updates:
            updates[aid].add(value)
        else:
            updates[aid] = _task_copy(aid, value, _accumulatorRegistry[aid].accum_param)


def apply_updates(updates: dict[int, Accumulator[Any]]) -> None:
    """Add what one successful task left. Called by the engine, in the driver."""
    with _applying:
        for aid, copy in updates.items():
            _accumulatorRegistry[aid].add(copy._value)
