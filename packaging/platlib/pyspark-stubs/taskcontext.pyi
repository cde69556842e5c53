"""The types of `dstreams.core.taskcontext`."""

# Written by scripts/stubs.py.
from dstreams.core.taskcontext import (
    BarrierTaskContext as BarrierTaskContext,
    BarrierTaskInfo as BarrierTaskInfo,
    PySparkRuntimeError as PySparkRuntimeError,
    Room as Room,
    TaskContext as TaskContext,
    next_round as next_round,
    room_of_this_task as room_of_this_task,
)
