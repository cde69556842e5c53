"""What may a task ask about itself?"""

from __future__ import annotations

from typing import Any

from dstreams import _native
from dstreams.core.meetings import Room, next_round, room_of_this_task, room_that_must_be

__all__ = ["BarrierTaskContext", "BarrierTaskInfo", "TaskContext"]


class TaskContext:
    """Numbers of the running task. `TaskContext.get()` gives None in the driver."""

    _info: tuple[int, int, int, int] = (0, 0, 0, 0)

    @classmethod
    def get(cls) -> TaskContext | None:
        """The context of the task that asks, or None in the driver. In a barrier stage it is a BarrierTaskContext."""
        info = _native.task_info()
        if info is None:
            return None
        if room_of_this_task() is not None:
            return BarrierTaskContext.get()
        context = cls()
        context._info = info
        return context

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
        return _native.task_property(key)

    def cpus(self) -> int:
        """Processors of the task."""
        return 1

    def resources(self) -> dict[str, Any]:
        """Other resources of the task, such as GPUs: none."""
        return {}


class BarrierTaskInfo:
    """A task of a barrier stage. Made by `BarrierTaskContext.getTaskInfos`."""

    def __init__(self, address: str) -> None:
        self.address = address


class BarrierTaskContext(TaskContext):
    """What a task of a barrier stage may ask, and how it waits for the others."""

    _room: Room

    @classmethod
    def get(cls) -> BarrierTaskContext:
        """The context of the task that asks. Raises PySparkRuntimeError outside a barrier stage."""
        context = cls()
        context._room = room_that_must_be()
        context._info = _native.task_info() or context._info
        return context

    def barrier(self) -> None:
        """Waits until all tasks of the stage are here. All of them have to call it, equally often."""
        self.allGather()

    def allGather(self, message: str = "") -> list[str]:
        """Waits for all tasks of the stage; their messages, in the order of the partitions.

        Raises: TypeError for a message that is no text, Py4JJavaError when a task has ended instead of coming.
        """
        if not isinstance(message, str):
            raise TypeError("Argument `message` must be of type `str`")
        return self._room.meet(next_round(), self.partitionId(), message)

    def getTaskInfos(self) -> list[BarrierTaskInfo]:
        """All tasks of the stage, in the order of the partitions: all on this machine."""
        return [BarrierTaskInfo("localhost") for _ in range(self._room.size)]
