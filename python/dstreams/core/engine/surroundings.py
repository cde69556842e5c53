"""What does a task see of the process that it runs in? Where its prints go, and its environment variables.

Spark's workers are processes of their own: what a task prints is copied to standard error, standard output is the
program's, and their environment is the program's with some variables more. Here tasks run in the program's process, so
both depend on who asks:
1. While tasks run, `sys.stdout` is a `TaskStdout`: for a task it is `sys.stderr`, for everybody else what it was. The
   engine puts it there and takes it away (`src/object/threads/printed.rs`). `print` borrows what it finds there while
   it writes, so one that was there lives on as long as the stream of the program that it stands for.
2. From the first context on, `os.environ` shows tasks some variables more (`show_to_tasks`). What a task sets there the
   program sees too; a process that a task starts inherits the program's environment and its standard output.
3. Threads that a task starts count as the program's.
"""

from __future__ import annotations

import io
import os
import sys
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from dstreams import _native

# What tasks find in `os.environ` beside what is there.
_shown: dict[str, str] = {}


class _Nowhere(io.TextIOBase):
    """Standard error of a process that has none."""

    def write(self, text: str) -> int:
        return len(text)


class TaskStdout:
    """`sys.stdout` while tasks run: each thread's own.

    Methods are those of the caller's stream, too: IPython puts a `write` of its own into `sys.stdout` while a cell
    runs, which calls the one that it found there.
    """

    # The program's stream while tasks run, None afterwards; what finds it as long as somebody else keeps it.
    __slots__ = ("found", "program")

    def __init__(self, program: Any, found: Callable[[], Any]) -> None:
        object.__setattr__(self, "program", program)
        object.__setattr__(self, "found", found)

    def _own(self) -> Any:
        if _native.task_info() is not None:
            return sys.stderr or _Nowhere()
        program = self.program
        if program is None:
            # Whoever took this while tasks ran and still has it.
            program = self.found()
        return program if program is not None else (sys.__stdout__ or _Nowhere())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._own(), name, value)

    def __iter__(self) -> Iterator[str]:
        return iter(self._own())

    def __repr__(self) -> str:
        return repr(self._own())

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        # Code of the program may ask what kind of stream it has.
        return type(self._own())


# Those that are or were `sys.stdout`, by the identity of what they stand for.
_standing: dict[int, TaskStdout] = {}


def standing_for(program: Any) -> TaskStdout:
    """What is to be `sys.stdout` in the place of `program` while tasks run."""
    number = id(program)
    known = _standing.get(number)
    if known is not None and known.found() is program:
        object.__setattr__(known, "program", program)
        return known
    try:
        found: Callable[[], Any] = weakref.ref(program, lambda _: _standing.pop(number, None))
    except TypeError:

        def found() -> Any:
            return program

    _standing[number] = TaskStdout(program, found)
    return _standing[number]


def take_away(stdout: TaskStdout) -> Any:
    """The stream that `stdout` stands for. From now on none of them keeps its stream: no task is there."""
    program = stdout.program if stdout.program is not None else stdout.found()
    # A copy, which is made at once: a stream that goes takes its own out.
    for each in list(_standing.values()):
        object.__setattr__(each, "program", None)
    return program if program is not None else sys.__stdout__


class _Environ(os._Environ):  # type: ignore[type-arg]
    """`os.environ` with more in it for tasks."""

    def __getitem__(self, key: str) -> str:
        if key in _shown and _native.task_info() is not None:
            return _shown[key]
        return super().__getitem__(key)

    def __iter__(self) -> Iterator[str]:
        names = list(super().__iter__())
        if _native.task_info() is not None:
            names += [name for name in _shown if name not in names]
        return iter(names)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __setitem__(self, key: str, value: str) -> None:
        if _native.task_info() is not None:
            _shown.pop(key, None)
        super().__setitem__(key, value)


def show_to_tasks(variables: dict[str, str]) -> None:
    """Has tasks find these in `os.environ`, and no longer those of the context before."""
    _shown.clear()
    _shown.update(variables)
    if type(os.environ) is os._Environ:
        # Not another object: whoever has it already is to see the same.
        os.environ.__class__ = _Environ
