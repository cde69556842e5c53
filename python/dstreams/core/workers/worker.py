"""What does a worker process do? It runs tasks of its driver, one at a time, until the driver is gone.

Its side of the conversation in `src/object/workers/remote.rs`. stdin is the driver's socket at first and empty for the
program; stdout and stderr are the driver's, and are flushed before each message, so that what a task prints is there
when its job ends. Started by `core/workers/crew.py`.
"""

from __future__ import annotations

import importlib
import io
import os
import pickle
import sys
import tempfile
import threading
from functools import partial
from typing import Any

from dstreams import _native
from dstreams.core import broadcast, files
from dstreams.core.broadcast import Broadcast
from dstreams.core.engine import deep, process
from dstreams.core.workers import travel
from dstreams.errors import PySparkRuntimeError


class _Driver:
    """The other end."""

    def __init__(self, descriptor: int) -> None:
        self._link, self._process = _native.WorkerLink(descriptor), process.current

    def say(self, kind: str, data: bytes = b"") -> None:
        process.check(self._process, "the task of this worker")
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:  # closed, or replaced by something of the program's own: no task fails for it here
                continue
        self._link.send(kind, data)

    def hear(self) -> tuple[str, bytes]:
        return self._link.receive()

    def ask(self, *question: Any) -> Any:
        process.check(self._process, "the task of this worker")
        answer, error = pickle.loads(self._link.ask(pickle.dumps(question)))
        if error is not None:
            raise error
        return answer

    def pull(self) -> list[Any] | None:
        """The next block of input."""
        self.say("need")
        kind, data = self.hear()
        return pickle.loads(data) if kind == "input" else None


def main(limits: tuple[int, int | None]) -> None:
    """Takes the socket from stdin and serves. Does not return: the process ends with its driver.

    `limits`: bytes that a task may hold, and that it may hold for one thing that it gathers.
    """
    driver = _Driver(os.dup(0))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    # Standard output is the program's: what tasks and the processes they start print goes to standard error.
    os.dup2(2, 1)
    # What is printed shows up even if the process is killed a moment later.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True)
    values = _Values(driver)
    broadcast.fetch_with(values)
    files.ask_with(lambda: driver.ask("files"))
    memory = _native.WorkerMemory(limits[0], limits[1] or sys.maxsize, partial(_own_folders, driver))
    # Not in this thread, whose stack is the system's: nested tuples are hashed without any limit.
    serving = threading.Thread(target=_serve, args=(driver, values, memory), name="tasks", daemon=True)
    deep.bound_calls()
    deep.start(serving)
    serving.join()


def _serve(driver: _Driver, values: _Values, memory: _native.WorkerMemory) -> None:
    while True:
        _, order = driver.hear()
        _run(driver, values, memory, order)


def _own_folders(driver: _Driver) -> list[str]:
    """A folder of this process in each of the driver's local folders, with which it is removed."""
    return [tempfile.mkdtemp(prefix="worker-", dir=folder) for folder in driver.ask("folders")]


def _run(driver: _Driver, values: _Values, memory: _native.WorkerMemory, order: bytes) -> None:
    try:
        chain, index, numbers, taker, properties, path, folder, forgotten = pickle.loads(order)
        values.forget(forgotten)
        if path is not None:
            sys.path[:] = path
            importlib.invalidate_caches()
        if folder is not None:
            os.chdir(folder)
        steps, functions = pickle.loads(chain)
        run = _native.TaskRun(steps, functions, index, numbers, properties, memory, taker, driver.pull)
        for block in run:
            driver.say("block", travel.dump_home(block))
            if driver.hear()[0] == "stop":
                break
        updates = run.end()
        left = travel.dump_home(travel.values_of(updates)) if updates else b""
    except BaseException as raised:  # SystemExit fails the task, not the worker
        if raised.__traceback__ is not None:
            raised.__traceback__ = raised.__traceback__.tb_next  # without this function
        driver.say("failed", travel.dump_failure(raised))
        return
    driver.say("done", left)


class _Values(dict[int, Broadcast[Any]]):
    """Broadcasts by number, as far as this worker has heard of them."""

    def __init__(self, driver: _Driver) -> None:
        self._driver = driver

    def __missing__(self, number: int) -> Broadcast[Any]:
        made = self[number] = _Remote(number, self._driver)
        return made

    def forget(self, numbers: list[int]) -> None:
        """Drops the values that the driver has unpersisted or destroyed."""
        for number in numbers:
            if number in self:
                self[number]._copies.clear()


class _Remote(Broadcast[Any]):
    """A broadcast of the driver's. Its value comes when it is first asked for, and stays for the tasks to follow."""

    def __init__(self, number: int, driver: _Driver) -> None:
        self._id = number
        self._lock = threading.Lock()
        self._copies = {}
        self._driver = driver

    def _is_gone(self) -> bool:
        return False  # only the driver knows; it says so when the value is asked for

    def _loaded(self) -> Any:
        return pickle.loads(self._driver.ask("broadcast", self._id))

    def unpersist(self, blocking: bool = False) -> None:
        """Raises: only the driver can."""
        raise _only_in_driver("unpersisted")

    def destroy(self, blocking: bool = False) -> None:
        """Raises: only the driver can."""
        raise _only_in_driver("destroyed")


def _only_in_driver(what: str) -> PySparkRuntimeError:
    return PySparkRuntimeError(error_class="INVALID_BROADCAST_OPERATION", message_parameters={"operation": what})
