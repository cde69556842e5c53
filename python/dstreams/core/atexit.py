"""What must end before the interpreter does?

The engine's threads must not be inside Python code when the interpreter shuts down. At exit the contexts are stopped,
streams first, and code that still runs then is interrupted with SystemExit.
"""

from __future__ import annotations

import atexit
import logging
import time
from collections.abc import Callable

from dstreams import _native

_stops: list[Callable[[], None]] = []
_PATIENCE = 0.5  # seconds for interrupted code to end


def at_exit(stop: Callable[[], None]) -> None:
    """Calls `stop` at exit, once however often it is registered; the one registered last comes first."""
    if not _stops:
        atexit.register(_end)
    if stop not in _stops:
        _stops.append(stop)


def _end() -> None:
    # A batch that is cut short is no news.
    logging.getLogger("dstreams").disabled = True
    for stop in reversed(_stops):
        stop()
    deadline = time.monotonic() + _PATIENCE
    while _native.interrupt_threads() and time.monotonic() < deadline:
        time.sleep(0.01)
