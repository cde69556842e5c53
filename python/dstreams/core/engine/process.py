"""Which process is this, and what does one that was forked from another one begin with?

A forked child owns nothing of its parent's: contexts, RDDs, streams, files and other processes stay the parent's, and
the child has none of the threads. It may make a context of its own. The engine's part of this is in `src/process.rs`.
1. Each process has one `Process`; what belongs to one remembers it. `current` is this process's.
2. What must be made anew in a child (a lock that a thread of the parent may have, say) is told to `in_child`.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn


class Process:
    """A process."""

    def __init__(self) -> None:
        self.number = os.getpid()


current = Process()
_renewals: list[Callable[[], object]] = []


def in_child(renew: Callable[[], object]) -> None:
    """Calls `renew` in each child, right after the fork, when there are no other threads yet."""
    _renewals.append(renew)


def is_here(owner: Process) -> bool:
    """Whether that is this process."""
    return owner is current


def check(owner: Process, what: str) -> None:
    """Raises: RuntimeError, in a child of the owner."""
    if owner is not current:
        raise RuntimeError(
            f"{what} belongs to process {owner.number}; this is process {current.number}, which was forked from it and "
            "has none of its jobs, streams and threads. Make a new SparkContext here, and RDDs with it (the parent's "
            "need not be stopped), or leave the work to the parent"
        )


def leave(raised: BaseException | None) -> NoReturn:
    """Ends a child that was forked in code which the engine called, as that code ended."""
    code = 0
    try:
        if isinstance(raised, SystemExit):
            code = _exit_code(raised)
        elif raised is not None:
            code = 1
            traceback.print_exception(raised)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    except (AttributeError, OSError, ValueError):
        pass  # a stream is closed, or there is none: nobody is left to tell
    finally:
        os._exit(code)


def _exit_code(raised: SystemExit) -> int:
    if raised.code is None:
        return 0
    if isinstance(raised.code, int):
        return raised.code & 0xFF
    print(raised.code, file=sys.stderr)
    return 1


def _begin() -> None:
    global current
    current = Process()
    for renew in _renewals:
        renew()


os.register_at_fork(after_in_child=_begin)
