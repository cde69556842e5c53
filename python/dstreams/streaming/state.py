"""What does a program say and see of `mapWithState`: what to do with each record, and the state of its key.

Facts are those of Spark's Scala API (org.apache.spark.streaming.StateSpec and State, 3.5); PySpark has no such classes.
"""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from dstreams import _native
from dstreams.core.closures.closure import dump_elements
from dstreams.core.rdd import RDD
from dstreams.core.rdds.partitioner import Partitioner, portable_hash
from dstreams.errors import IllegalArgumentException, PySparkException

__all__ = ["State", "StateSpec"]

S = TypeVar("S")
ABSENT: Any = object()
"""Stands for "no state": None is a state like any other."""
ATOMS = frozenset((int, float, str, bool, bytes, type(None)))
"""Values of these very types cannot change, so they need no copy; most states are of one of them."""


class NoSuchElementException(PySparkException, LookupError):
    """Something was asked for that is not there. Of Spark's JVM side; PySpark has no such class."""


class State(Generic[S]):
    """The state of the key whose record is being looked at. Good for the one call that it is given to.

    What `get` returns may be changed in place: the state keeps the change.
    """

    __slots__ = ("_owned", "_removed", "_timing_out", "_value")

    def __init__(self, value: Any = ABSENT, timing_out: bool = False) -> None:
        self._value = value
        self._timing_out = timing_out
        self._removed = False
        # Whether the batch may change the value: it made it, or has a copy of its own.
        self._owned = False

    def exists(self) -> bool:
        """Whether the key has a state."""
        return self._value is not ABSENT

    def get(self) -> S:
        """The state. Raises: NoSuchElementException when there is none."""
        value = self._value
        if type(value) in ATOMS:
            return value
        if value is ABSENT:
            raise NoSuchElementException("State is not set: ask exists() first, or use getOption()")
        if self._owned:
            return value
        self._value = own_copy(value)
        self._owned = self._value is not value
        return self._value

    def getOption(self) -> S | None:
        """The state, or None when there is none."""
        return None if self._value is ABSENT else self.get()

    def update(self, newState: S) -> None:
        """Sets the state. Raises: IllegalArgumentException after `remove`, and while it is timing out."""
        if self._removed or self._timing_out:
            raise _refused("update", self._timing_out, "after it has been removed")
        self._value = newState
        self._owned = True

    def remove(self) -> None:
        """Forgets the state. Raises: IllegalArgumentException the second time, and while it is timing out."""
        if self._removed or self._timing_out:
            raise _refused("remove", self._timing_out, "that has already been removed")
        self._value = ABSENT
        self._owned = self._removed = True

    def isTimingOut(self) -> bool:
        """Whether this call is the last one for the key, which was idle for longer than the timeout."""
        return self._timing_out

    def __repr__(self) -> str:
        return "<state not set>" if self._value is ABSENT else str(self._value)


def _refused(what: str, timing_out: bool, otherwise: str) -> IllegalArgumentException:
    why = "that is timing out" if timing_out else otherwise
    return IllegalArgumentException(f"requirement failed: Cannot {what} the state {why}")


def own_copy(value: Any) -> Any:
    """The value itself when nothing can change it, else a copy."""
    if type(value) in ATOMS or _native._is_immutable(value):
        return value
    try:
        return pickle.loads(dump_elements([value]))[0]
    except pickle.PicklingError as error:
        raise pickle.PicklingError(
            f"a state must be picklable, but a {type(value).__name__} is not ({error}); keep plain data in states"
        ) from error


class StateSpec:
    """What `mapWithState` does with each record. `StateSpec.function` makes it; the other methods return the spec.

    Source: org.apache.spark.streaming.StateSpec (3.5).
    """

    def __init__(self, function: Callable[..., Any], timed: bool) -> None:
        self._function = function
        self._with_time = timed
        self._partitioner: Partitioner | None = None
        self._timeout_ms: int | None = None
        self._initial: Any = None

    @staticmethod
    def function(mappingFunction: Callable[..., Any]) -> StateSpec:
        """A spec for a function of three or four arguments, called once for each record, in order of arrival.

        `f(key, value, state)`: what it returns is an element of the new stream, None too.
        `f(time, key, value, state)`: gets the batch's time as a datetime; returning None makes no element.
        These are Scala's two forms: the first returns a plain value there, the second an Option.
        `value` is None in the last call for a key that timed out: see `timeout`.
        Raises: TypeError when it takes neither three nor four arguments.
        """
        return StateSpec(mappingFunction, _takes_time(mappingFunction))

    def numPartitions(self, numPartitions: int) -> StateSpec:
        """Keys are spread over so many partitions by their hash (default: the context's parallelism)."""
        if type(numPartitions) is not int or numPartitions <= 0:
            raise ValueError(f"numPartitions: expected a positive whole number, got {numPartitions!r}")
        return self.partitioner(Partitioner(numPartitions, portable_hash))

    def partitioner(self, partitioner: Partitioner) -> StateSpec:
        """Keys are spread by a `pyspark.rdd.Partitioner`: a number of partitions and a function of the key."""
        if not isinstance(partitioner, Partitioner):
            raise TypeError(f"partitioner: expected a pyspark.rdd.Partitioner, got {partitioner!r:.80}")
        self._partitioner = partitioner
        return self

    def timeout(self, idleDuration: float) -> StateSpec:
        """Forgets a key that had no record for longer than so many seconds.

        Its function is called once more, with None as value and `state.isTimingOut()`. Idle keys are looked for in
        every tenth batch, as in Spark, or as often as `checkpoint` of the new stream says.
        """
        if isinstance(idleDuration, bool) or not isinstance(idleDuration, (int, float)):
            raise TypeError(f"idleDuration: expected a number of seconds, got {idleDuration!r}")
        if not 0 < idleDuration < float("inf"):
            raise ValueError(f"idleDuration: expected a positive number of seconds, got {idleDuration!r}")
        self._timeout_ms = int(idleDuration * 1000)
        return self

    def initialState(self, rdd: Any) -> StateSpec:
        """The states before the first batch: an RDD, or a list, of (key, state). Of equal keys the last one counts."""
        if not isinstance(rdd, (RDD, list, tuple)):
            raise TypeError(f"rdd: expected an RDD or a list of (key, state), got {rdd!r:.80}")
        self._initial = rdd
        return self


def _takes_time(function: Any) -> bool:
    """Whether a function has the form with the batch's time."""
    if not callable(function):
        raise TypeError(f"mappingFunction: expected a function, got {function!r:.80}")
    try:
        signature = inspect.signature(function)
    except ValueError:  # a builtin that does not say what it takes
        return False
    for wanted in (3, 4):
        try:
            signature.bind(*range(wanted))
        except TypeError:
            continue
        return wanted == 4
    raise TypeError(
        "mappingFunction: expected a function of (key, value, state) or (time, key, value, state), got "
        f"{getattr(function, '__name__', function)!s:.60}{signature}"
    )
