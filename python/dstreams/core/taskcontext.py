"""What may a task ask about itself?"""

from __future__ import annotations

import os
import socket
import threading
from functools import cache
from typing import Any

from dstreams import _native
from dstreams.core.rdds.meetings import Room, next_round, room_of_this_task
from dstreams.errors import PySparkRuntimeError

__all__ = ["BarrierTaskContext", "BarrierTaskInfo", "TaskContext"]

CPUS = "DSTREAMS_TASK_CPUS"  # tells tasks what `spark.task.cpus` is, unless that is 1

_last = threading.local()


class TaskContext:
    """Numbers of the running task. `TaskContext.get()` gives None in the driver."""

    _info: tuple[int, int, int, int] = (0, 0, 0, 0)
    _room: Room | None = None
    # Of one that has left its task: what it could have asked there.
    _properties: dict[str, str] | None = None
    _cpus: int | None = None

    def __new__(cls) -> TaskContext:
        """In a task, the task's own context: `TaskContext()` and `TaskContext.get()` are the same object there."""
        found = _current() if cls is TaskContext else None
        return object.__new__(cls) if found is None else found

    @classmethod
    def get(cls) -> TaskContext | None:
        """The context of the task that asks, or None in the driver. In a barrier stage it is a BarrierTaskContext.

        A task that asks twice gets the same object.
        """
        return _current()

    def __reduce__(self) -> tuple[Any, ...]:
        properties = _native.task_properties() if self._properties is None else self._properties
        return _of_a_task, (self._info, properties, self.cpus())

    def stageId(self) -> int:
        """Number of the stage."""
        return self._info[0]

    def partitionId(self) -> int:
        """Index of the partition."""
        return self._info[1]

    def attemptNumber(self) -> int:
        """0 for the first try."""
        return self._info[2]

    def taskAttemptId(self) -> int:
        """Number of this attempt in its context."""
        return self._info[3]

    def getLocalProperty(self, key: str) -> str | None:
        """A property of the thread that started the job, or None."""
        return _native.task_property(key) if self._properties is None else self._properties.get(key)

    def cpus(self) -> int:
        """Processors of the task: `spark.task.cpus`."""
        return int(os.environ.get(CPUS, "1")) if self._cpus is None else self._cpus

    def resources(self) -> dict[str, Any]:
        """Other resources of the task, such as GPUs: none."""
        return {}


def _of_a_task(info: tuple[int, int, int, int], properties: dict[str, str], cpus: int) -> TaskContext:
    """The context of a task as it is elsewhere. As in Spark, one of a barrier stage cannot meet the others there."""
    context = object.__new__(TaskContext)
    context._info, context._properties, context._cpus = info, properties, cpus
    return context


def _current() -> TaskContext | None:
    info = _native.task_info()
    if info is None:
        return None
    room = room_of_this_task()
    context: TaskContext | None = getattr(_last, "context", None)
    if context is None or context._info != info or context._room is not room:
        context = object.__new__(TaskContext if room is None else BarrierTaskContext)
        context._info, context._room = info, room
        _last.context = context
    return context


@cache
def _port() -> int:
    """A free port, for addresses; Spark's have one. All tasks of barrier stages are in the driver's process."""
    with socket.socket() as tried:
        tried.bind(("localhost", 0))
        return int(tried.getsockname()[1])


class BarrierTaskInfo:
    """A task of a barrier stage: `address` is its host and a port. Made by `BarrierTaskContext.getTaskInfos`."""

    def __init__(self, address: str) -> None:
        self.address = address


class BarrierTaskContext(TaskContext):
    """What a task of a barrier stage may ask, and how it waits for the others."""

    @classmethod
    def get(cls) -> BarrierTaskContext:
        """The context of the task that asks. Raises PySparkRuntimeError outside a barrier stage."""
        context = _current()
        if not isinstance(context, BarrierTaskContext):
            raise PySparkRuntimeError(error_class="NOT_IN_BARRIER_STAGE", message_parameters={})
        return context

    def _meet(self, what: str, message: str) -> list[str]:
        if self._room is None:
            told = {"func_name": what, "object": "BarrierTaskContext"}
            raise PySparkRuntimeError(error_class="CALL_BEFORE_INITIALIZE", message_parameters=told)
        return self._room.meet(next_round(), self.partitionId(), message)

    def barrier(self) -> None:
        """Waits until all tasks of the stage are here. All of them have to call it, equally often."""
        self._meet("barrier", "")

    def allGather(self, message: str = "") -> list[str]:
        """Waits for all tasks of the stage; their messages, in the order of the partitions.

        Raises: TypeError for a message that is no text, Py4JJavaError when a task has ended instead of coming.
        """
        if not isinstance(message, str):
            raise TypeError("Argument `message` must be of type `str`")
        return self._meet("allGather", message)

    def getTaskInfos(self) -> list[BarrierTaskInfo]:
        """All tasks of the stage, in the order of the partitions: all on this machine."""
        if self._room is None:
            told = {"func_name": "getTaskInfos", "object": "BarrierTaskContext"}
            raise PySparkRuntimeError(error_class="CALL_BEFORE_INITIALIZE", message_parameters=told)
        return [BarrierTaskInfo(f"localhost:{_port()}") for _ in range(self._room.size)]
