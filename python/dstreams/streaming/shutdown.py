"""What happens to a running stream when the process is told to end by SIGTERM?

Without a stream Python dies of the signal at once. With one, the stream is stopped first, gracefully if
`spark.streaming.stopGracefullyOnShutdown` is set; then the process dies of the same signal, so its exit status is the
usual one.
1. A handler that the program has set is left alone.
2. Signals are handled in the main thread; a stream started elsewhere changes nothing.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

from dstreams.streaming.log import logger

_stop: Callable[[], None] | None = None
_owner = 0  # the process in which the stream runs


def stop_on_sigterm(stop: Callable[[], None]) -> None:
    """Calls `stop` when a SIGTERM comes, before the process ends."""
    global _stop, _owner
    if threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGTERM) in (signal.SIG_DFL, _end):
        _stop, _owner = stop, os.getpid()
        signal.signal(signal.SIGTERM, _end)


def forget_sigterm(stop: Callable[[], None]) -> None:
    """Undoes `stop_on_sigterm` for the same function."""
    global _stop
    if _stop != stop:
        return
    _stop = None
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is _end:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _end(number: int, frame: FrameType | None) -> None:
    # A second signal, sent by somebody who has lost patience, ends the process at once.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        # A forked child has the handler but no stream: its threads are the parent's.
        if _stop is not None and os.getpid() == _owner:
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
