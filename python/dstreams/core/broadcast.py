"""How does a big read-only value reach the tasks?

1. The value is pickled once, when it is broadcast: later changes of the original are not seen.
2. The driver's `value` and the tasks' `value` are two different copies, each loaded once. Without a context there is
   but one.
3. A forked child has copies of its own of what its parent has.
"""

from __future__ import annotations

import errno
import itertools
import os
import pickle
import threading
import weakref
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any, Generic, TypeVar

from dstreams import _native
from dstreams.core.engine import process
from dstreams.core.engine.arguments import java_bool
from dstreams.core.engine.errors import Py4JJavaError, java_error
from dstreams.core.engine.stopped import check_alive
from dstreams.errors import PySparkRuntimeError

if TYPE_CHECKING:
    from dstreams.core.context import SparkContext

__all__ = ["Broadcast"]

T = TypeVar("T")

_broadcastRegistry: dict[int, Broadcast[Any]] = {}
_next_id = itertools.count()
# Whether this thread reads the value of a broadcast for the driver.
_reading = threading.local()
# Numbers of broadcasts whose copies in worker processes are to be dropped, in the order of the calls.
forgotten: list[int] = []


class Broadcast(Generic[T]):
    """A read-only value for all tasks. Made by `SparkContext.broadcast`.

    Without a context it only reads what `dump` wrote: from the file at `path` when the value is first asked for, or at
    once from the open file `sock_file`. Such a one is no shared variable: tasks cannot have it.
    """

    def __init__(
        self,
        sc: SparkContext | None = None,
        value: T | None = None,
        pickle_registry: Any = None,
        path: str | None = None,
        sock_file: IO[bytes] | None = None,
    ) -> None:
        self._lock = threading.Lock()
        self._copies: dict[str, Any] = {}
        self._path = path
        self._data: bytes | None = None
        self._id = -1
        self._context: Callable[[], SparkContext | None] = _no_context
        if sc is not None:
            sc._running  # noqa: B018 - a stopped context, or what is none, must say so
            self._context = weakref.ref(sc)
            self._id = next(_next_id)
            self._data = _pickled(value)
            _broadcastRegistry[self._id] = self
        elif sock_file is not None:
            self._copies["driver"] = self.load(sock_file)
        elif path is None:
            raise AssertionError("a Broadcast needs sc, path or sock_file")

    @property
    def value(self) -> T:
        """The value: a copy of what was broadcast.

        Raises: FileNotFoundError, as in Spark, in the driver after `destroy` if it was not read before;
            Py4JJavaError in a task after `destroy`.
        """
        side = "driver" if _native.task_info() is None or self._id < 0 else "task"
        with self._lock:
            if side not in self._copies:
                self._copies[side] = self._loaded()
            found: T = self._copies[side]
            return found

    def _loaded(self) -> Any:
        if self._data is not None:
            return _loaded(self._data)
        if self._path is not None:
            return self.load_from_path(self._path)
        if _native.task_info() is None:
            problem = f"Broadcast({self._id}) was destroyed before its value was read"
            raise FileNotFoundError(errno.ENOENT, f"{os.strerror(errno.ENOENT)}: {problem}")
        raise self._destroyed()

    def _check_usable(self) -> None:
        """Raises Py4JJavaError when the tasks' copies cannot be told of anything any more."""
        if self._data is None:
            raise self._destroyed()
        context = self._context()
        if context is not None:
            check_alive(context)

    def _is_gone(self) -> bool:
        return self._data is None and self._path is None

    def _destroyed(self) -> Py4JJavaError:
        problem = f"[INTERNAL_ERROR_BROADCAST] Attempted to use Broadcast({self._id}) after it was destroyed"
        return java_error("org.apache.spark.SparkException", problem)

    def unpersist(self, blocking: bool = False) -> None:
        """Forget the tasks' copy; the next use loads it again. Raises Py4JJavaError after `destroy`."""
        self._check_shared("unpersisted")
        java_bool("blocking", blocking)
        with self._lock:
            self._check_usable()
            self._copies.pop("task", None)
            forgotten.append(self._id)

    def destroy(self, blocking: bool = False) -> None:
        """Forget all but what the driver has read; tasks cannot use it then. Raises Py4JJavaError when repeated."""
        self._check_shared("destroyed")
        java_bool("blocking", blocking)
        with self._lock:
            self._check_usable()
            self._copies.pop("task", None)
            self._data = None
            forgotten.append(self._id)

    def dump(self, value: T, f: IO[bytes]) -> None:
        """Write a value the way broadcasts are stored, and close the file."""
        data = _pickled(value)
        if not hasattr(f, "write"):
            raise pickle.PicklingError(
                "Could not serialize broadcast: f: expected a file, which has a 'write' attribute"
            )
        f.write(data)
        f.close()

    def load(self, file: IO[bytes]) -> T:
        """Read what `dump` wrote."""
        loaded: T = pickle.load(file)
        return loaded

    def load_from_path(self, path: str) -> T:
        """Read what `dump` wrote into a file."""
        with open(path, "rb") as file:
            return self.load(file)

    def _check_shared(self, operation: str) -> None:
        # In a task it is a copy, which can be read and sent on alone.
        if self._id < 0 or (operation != "serialized" and _native.task_info() is not None):
            raise PySparkRuntimeError(
                error_class="INVALID_BROADCAST_OPERATION", message_parameters={"operation": operation}
            )

    def __reduce__(self) -> tuple[Any, ...]:
        self._check_shared("serialized")
        return _from_id, (self._id,)


def _no_context() -> None:
    return None


def _pickled(value: Any) -> bytes:
    try:
        return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    except pickle.PickleError:
        raise
    except Exception as error:
        text = f"Could not serialize broadcast: {type(error).__name__}: {error}"
        raise pickle.PicklingError(text) from error


def _loaded(data: bytes) -> Any:
    # Spark's driver has no broadcasts by their numbers: its workers have.
    before, _reading.in_driver = getattr(_reading, "in_driver", False), _native.task_info() is None
    try:
        return pickle.loads(data)
    finally:
        _reading.in_driver = before


def _from_id(bid: int) -> Broadcast[Any]:
    try:
        if getattr(_reading, "in_driver", False):
            raise KeyError(bid)
        found = _broadcastRegistry[bid]
    except KeyError:
        raise PySparkRuntimeError(
            error_class="BROADCAST_VARIABLE_NOT_LOADED", message_parameters={"variable": str(bid)}
        ) from None
    # A task that would get it fails as a whole, as in Spark: its functions have no say.
    if found._is_gone() and _native.task_info() is not None:
        raise found._destroyed()
    return found


def data_of(bid: int) -> bytes:
    """The pickled value of a broadcast. Raises Py4JJavaError when it was destroyed."""
    found = _from_id(bid)
    with found._lock:
        if found._data is None:
            raise found._destroyed()
        return found._data


def _renew_locks() -> None:
    for broadcast in list(_broadcastRegistry.values()):
        broadcast._lock = threading.Lock()


process.in_child(_renew_locks)


def fetch_with(registry: dict[int, Broadcast[Any]]) -> None:
    """Makes this a process whose broadcasts are another one's: `registry` finds them."""
    global _broadcastRegistry
    _broadcastRegistry = registry
