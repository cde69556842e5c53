"""How does a big read-only value reach the tasks?

1. The value is pickled once, when it is broadcast: later changes of the original are not seen.
2. The driver's `value` and the tasks' `value` are two different copies, each loaded once.
"""

from __future__ import annotations

import itertools
import pickle
import threading
from typing import Any, Generic, TypeVar

from dstreams import _native
from dstreams.core.errors import java_error

__all__ = ["Broadcast"]

T = TypeVar("T")

_broadcastRegistry: dict[int, Broadcast[Any]] = {}
_next_id = itertools.count()


class Broadcast(Generic[T]):
    """A read-only value for all tasks. Made by `SparkContext.broadcast`."""

    def __init__(self, value: T) -> None:
        self._id = next(_next_id)
        self._lock = threading.Lock()
        self._copies: dict[str, T] = {}
        self._data: bytes | None = self._dump(value)
        _broadcastRegistry[self._id] = self

    @staticmethod
    def _dump(value: Any) -> bytes:
        try:
            return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
        except pickle.PickleError:
            raise
        except Exception as error:
            text = f"Could not serialize broadcast: {type(error).__name__}: {error}"
            raise pickle.PicklingError(text) from error

    def _get(self, side: str) -> T:
        with self._lock:
            if self._data is None:
                raise java_error(
                    "org.apache.spark.SparkException",
                    f"Attempted to use Broadcast({self._id}) after it was destroyed",
                )
            if side not in self._copies:
                self._copies[side] = pickle.loads(self._data)
            return self._copies[side]

    @property
    def value(self) -> T:
        """The value: a copy of what was broadcast."""
        return self._get("driver" if _native.task_info() is None else "task")

    def unpersist(self, blocking: bool = False) -> None:
        """Forget the tasks' copy; the next use loads it again."""
        with self._lock:
            self._copies.pop("task", None)

    def destroy(self, blocking: bool = False) -> None:
        """Forget everything; using it afterwards fails."""
        with self._lock:
            self._copies.clear()
            self._data = None

    def dump(self, value: T, f: Any) -> None:
        """Write a value the way broadcasts are stored."""
        f.write(self._dump(value))
        f.close()

    def load(self, file: Any) -> T:
        """Read what `dump` wrote."""
        loaded: T = pickle.load(file)
        return loaded

    def load_from_path(self, path: str) -> T:
        """Read what `dump` wrote into a file."""
        with open(path, "rb") as file:
            return self.load(file)

    def __reduce__(self) -> tuple[Any, ...]:
        return _from_id, (self._id,)


def _from_id(bid: int) -> Broadcast[Any]:
    if bid not in _broadcastRegistry:
        raise RuntimeError(f"Broadcast variable '{bid}' not loaded!")
    return _broadcastRegistry[bid]
