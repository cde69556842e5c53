"""What must end before the interpreter does?

The engine's threads must not be inside Python code when the interpreter shuts down. At exit the contexts are stopped,
streams first, and code that still runs then is interrupted with SystemExit. If that does not end it and Ctrl-C ends the
program, the process dies of the signal here, after the other functions for the exit have run. A forked
child has nothing of its parent's to end.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable

from dstreams import _native
from dstreams.core.engine import process

_stops: list[Callable[[], None]] = []
_thread_stops: list[Callable[[], None]] = []
_PATIENCE = 0.5  # seconds for interrupted code to end


def at_exit(stop: Callable[[], None]) -> None:
    """Calls `stop` at exit, once however often it is registered; the one registered last comes first."""
    atexit.unregister(_end)
    atexit.register(_end)
    if stop not in _stops:
        _stops.append(stop)


def at_thread_exit(stop: Callable[[], None]) -> None:
    """Calls `stop` when the main thread has ended, before the program waits for its other threads."""
    if stop not in _thread_stops:
        # Not public, but the way of concurrent.futures; after the end there is nothing to register for.
        try:
            threading._register_atexit(stop)  # type: ignore[attr-defined]
        except RuntimeError:
            return
        _thread_stops.append(stop)


def _forget() -> None:
    _stops.clear()
    _thread_stops.clear()


process.in_child(_forget)


def _end() -> None:
    _native.process_ends()
    if not _stops:
        return
    # A batch that is cut short is no news.
    logging.getLogger("dstreams").disabled = True
    for stop in reversed(_stops):
        stop()
    deadline = time.monotonic() + _PATIENCE
    while _native.interrupt_threads() and time.monotonic() < deadline:
        time.sleep(0.01)
    if time.monotonic() >= deadline and _is_ctrl_c():
        _die_of_ctrl_c()


def _is_ctrl_c() -> bool:
    # At a prompt, the last exception is not what ends the program.
    last = getattr(sys, "last_type", None)
    return isinstance(last, type) and issubclass(last, KeyboardInterrupt) and not hasattr(sys, "ps1")


def _die_of_ctrl_c() -> None:
    """What the interpreter would do next, but for taking itself apart under code that does not end."""
    atexit.unregister(_end)
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):  # closed, or there is none: nothing is lost
            stream.flush()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)
