"""What may a task ask about itself?"""

from __future__ import annotations

from dstreams import _native

__all__ = ["TaskContext"]


class TaskContext:
    """Numbers of the running task. `TaskContext.get()` gives None in the driver."""

    def __init__(self, stage: int, partition: int, attempt: int, number: int) -> None:
        self._stage, self._partition, self._attempt, self._number = stage, partition, attempt, number

    @classmethod
    def get(cls) -> TaskContext | None:
        """The context of the task that asks, or None in the driver."""
        info = _native.task_info()
        return None if info is None else cls(*info)

    def stageId(self) -> int:
        """Number of the stage."""
        return self._stage

    def partitionId(self) -> int:
        """Index of the partition."""
        return self._partition

    def attemptNumber(self) -> int:
        """0 for the first try."""
        return self._attempt

    def taskAttemptId(self) -> int:
        """Number of this attempt in its context."""
        return self._number
