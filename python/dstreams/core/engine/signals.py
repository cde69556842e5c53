"""Which signals does the watch use that ends a process which cannot react? What are functions called in its report?

The watch itself is `src/watch`: it hooks Python's handlers of SIGINT and SIGTERM, whoever set them, and asks the main
thread by a signal of its own. Two real-time signals are taken for that, the highest ones that nobody uses; where there
are none, or the main thread never runs Python code, signals work as they do without the watch.
"""

from __future__ import annotations

import faulthandler
import functools
import signal
import sys
import threading
from typing import Any

from dstreams import _native
from dstreams.core.engine import process

_begun = False


def begin() -> None:
    """Has signals watched from now on, in this process."""
    if _begun or not hasattr(signal, "SIGRTMAX"):
        return
    if threading.current_thread() is threading.main_thread():
        watch()
    else:
        _native.in_main_thread()


def watch() -> None:
    """The same, in the main thread."""
    global _begun
    if _begun:
        return
    unused = (n for n in range(signal.SIGRTMAX, signal.SIGRTMIN, -1) if signal.getsignal(n) is signal.SIG_DFL)
    probe, tracer = next(unused, 0), next(unused, 0)
    if not probe:
        return
    _begun = True
    signal.signal(probe, _native.answer_probe)
    try:
        faulthandler.register(tracer, file=2, all_threads=True)
    except (OSError, RuntimeError, ValueError):
        tracer = 0  # a process without stderr has nobody to show its stacks to
    _native.watch_signals(probe, tracer, "ipykernel" in sys.modules)


def _begin_in_child() -> None:
    global _begun
    if _begun:
        _begun = False
        # Its own watch begins with its own context; until then signals are answered without one.


process.in_child(_begin_in_child)


def describe(functions: list[Any]) -> str:
    """The program's functions among those of a chain, by name, file and line."""
    names = [name for name in map(_name, functions) if name is not None]
    return ", ".join(dict.fromkeys(names)) or "a function of dstreams"


def _name(function: Any) -> str | None:
    while type(function) is functools.partial:
        inner = [part for part in function.args if callable(part)]
        function = inner[0] if inner else function.func
    function = getattr(function, "__func__", function)
    code = getattr(function, "__code__", None)
    if code is None:
        return getattr(function, "__qualname__", type(function).__qualname__)
    if str(getattr(function, "__module__", "")).startswith("dstreams."):
        return None
    return f"{function.__qualname__} ({code.co_filename}:{code.co_firstlineno})"
