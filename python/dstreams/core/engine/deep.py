"""How do Python's threads that run functions of the program get as much stack as the engine's, and not run over it?

Before CPython 3.12 `sys.setrecursionlimit` counts calls that C code makes, too (`sorted` with a key, say), and a limit
that the stack has no room for ends the process. So it is kept at what there is room for, once there is a context:
beyond it functions get their RecursionError. Later versions bound calls through C by themselves.
"""

from __future__ import annotations

import functools
import sys
import threading
from typing import Any

from dstreams import _native

_starting = threading.Lock()  # the size is the interpreter's, not the thread's


def bound_calls() -> None:
    """From now on no recursion limit is higher than what the engine's threads have room for."""
    original = sys.setrecursionlimit
    if sys.version_info >= (3, 12) or hasattr(original, "__wrapped__"):
        return
    most = _native.stack_calls()

    @functools.wraps(original)
    def setrecursionlimit(limit: Any, /) -> None:
        original(min(limit, most) if isinstance(limit, int) else limit)

    sys.setrecursionlimit = setrecursionlimit
    if sys.getrecursionlimit() > most:
        original(most)


def start(thread: threading.Thread) -> None:
    """Starts a thread with a deep stack, or with a usual one where the system has none so deep."""
    with _starting:
        before = threading.stack_size(_native.stack_size())
        try:
            thread.start()
            return
        except RuntimeError:
            pass  # tried again: it says the same if it is not for want of addresses
        finally:
            threading.stack_size(before)
    thread.start()
