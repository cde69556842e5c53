"""How do the tasks of a barrier stage wait for each other?

They meet in a room that the first of them opens. A task that has ended comes to no further meeting, so the others are
told instead of waiting for ever. The first failure of a step is kept for the driver.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from dstreams import _native
from dstreams.core.engine import process
from dstreams.core.engine.errors import java_error

_POLL = 0.02  # seconds; between two polls a waiting task can be interrupted
# Seconds that a task which has failed gets to say so, before those that wait for it fail, too.
_LET_SPEAK = 0.5

next_step = itertools.count().__next__


class Failure(NamedTuple):
    """Why a barrier stage failed."""

    step: int
    stage: int
    partition: int
    cause: BaseException


class Room:
    """Where the tasks of one stage meet, round by round."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.changed = threading.Condition()
        self.messages: list[dict[int, str]] = []
        self.left = 0

    def meet(self, round_number: int, partition: int, message: str) -> list[str]:
        """Waits for all tasks in this round; their messages, by partition. Raises Py4JJavaError when one has ended."""
        with self.changed:
            while len(self.messages) <= round_number:
                self.messages.append({})
            arrived = self.messages[round_number]
            arrived[partition] = message
            self.changed.notify_all()
            while len(arrived) < self.size:
                # A task that has ended comes to no further meeting.
                if self.left:
                    # If it failed, that is the news, and this task is about to be stopped.
                    self.changed.wait(_LET_SPEAK)
                    problem = "The coordinator cannot get all barrier sync requests: another task has ended."
                    raise java_error("org.apache.spark.SparkException", problem)
                self.changed.wait(_POLL)
            return [arrived[at] for at in sorted(arrived)]

    def leave(self) -> bool:
        """Notes that a task has ended; whether it was the last one."""
        with self.changed:
            self.left += 1
            self.changed.notify_all()
            return self.left == self.size


# By the number of the step and of the stage: the latter alone begins anew with each context.
_rooms: dict[tuple[int, int], Room] = {}
_failures: dict[int, Failure] = {}
_lock = threading.Lock()


def _begin_anew() -> None:
    global _lock
    _lock = threading.Lock()
    _rooms.clear()


process.in_child(_begin_anew)
_here = threading.local()


def room_of_this_task() -> Room | None:
    """The room of the task that asks; None outside a barrier stage."""
    info = _native.task_info()
    # A thread may have been left by a task that did not come to its end.
    if info is None or getattr(_here, "task", None) != info[3]:
        return None
    room: Room | None = _here.room
    return room


def next_round() -> int:
    """How often the task that asks has met the others."""
    _here.round += 1
    return int(_here.round) - 1


def run_in_room(
    f: Callable[[int, Iterable[Any]], Iterable[Any]], step: int, size: int, index: int, elements: Iterable[Any]
) -> Iterator[Any]:
    """A function of a partition, run where all tasks of the stage can meet."""
    stage, _, attempt, task = _native.task_info() or (-1, index, 0, -1)
    place = (step, stage)
    with _lock:
        if attempt:  # nobody waits for a task that is tried again alone
            problem = "A task of a barrier stage has failed: the stage is not tried again task by task."
            raise _failures[step].cause if step in _failures else java_error("org.apache.spark.SparkException", problem)
        room = _rooms.setdefault(place, Room(size))
    _here.task, _here.room, _here.round = task, room, 0
    try:
        yield from f(index, elements)
    except Exception as error:
        with _lock:
            _failures.setdefault(step, Failure(step, stage, index, error))
        raise
    finally:
        if getattr(_here, "room", None) is room:
            _here.task = None
        if room.leave():
            with _lock:
                _rooms.pop(place, None)


def forget(steps: Iterable[int]) -> None:
    """Drops the failures of steps that are about to run."""
    with _lock:
        for step in steps:
            _failures.pop(step, None)


def take_failure(steps: Iterable[int]) -> Failure | None:
    """The first failure of one of the steps, if there is one."""
    with _lock:
        found = [_failures.pop(step) for step in steps if step in _failures]
    return found[0] if found else None
