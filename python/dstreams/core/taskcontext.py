"""What may a task ask about itself?"""

from __future__ import annotations

from typing import Any

from dstreams import _native

__all__ = ["TaskContext"]


class TaskContext:
    """Numbers of the running task. `TaskContext.get()` gives None in the driver."""

    _info: tuple[int, int, int, int] = (0, 0, 0, 0)

    @classmethod
    def get(cls) -> TaskContext | None:
        """The context of the task that asks, or None in the driver."""
        info = _native.task_info()
        if info is None:
            return None
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
