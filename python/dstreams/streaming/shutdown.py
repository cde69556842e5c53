"""What happens to a running stream when the process is told to end by SIGTERM?

Without a stream Python dies of the signal at once. With one, the stream is stopped first, gracefully if
`spark.streaming.stopGracefullyOnShutdown` is set; then the process dies of the same signal, so its exit status is the
usual one.
1. A handler that the program has set is left alone.
2. A forked child has no stream: a SIGTERM ends it as it would without one.
3. Signals are handled in the main thread; a stream started elsewhere changes nothing.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

from dstreams import _native
from dstreams.core.engine import process
from dstreams.streaming.log import logger

_stop: Callable[[], None] | None = None


def stop_on_sigterm(stop: Callable[[], None]) -> None:
    """Calls `stop` when a SIGTERM comes, before the process ends."""
    global _stop
    if threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGTERM) in (signal.SIG_DFL, _end):
        _stop = stop
        signal.signal(signal.SIGTERM, _end)


def forget_sigterm(stop: Callable[[], None]) -> None:
    """Undoes `stop_on_sigterm` for the same function."""
    global _stop
    if _stop != stop:
        return
    _stop = None
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is _end:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _forget_in_child() -> None:
    global _stop
    _stop = None
    if signal.getsignal(signal.SIGTERM) is _end:
        with contextlib.suppress(ValueError):  # in an interpreter that has no say about signals
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


process.in_child(_forget_in_child)


def _end(number: int, frame: FrameType | None) -> None:
    # A second signal, sent by somebody who has lost patience, ends the process at once.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _native.process_ends()
    try:
        if _stop is not None:
            _stop()
    except Exception:
        logger.exception("the stream could not be stopped in order")
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (AttributeError, OSError, ValueError):
                pass  # closed, or there is none: nothing is lost
        os.kill(os.getpid(), signal.SIGTERM)
