"""Has somebody asked this process to end? Ctrl-C and SIGTERM are one question, which may be put again and again.

A handler runs in the main thread between any two of its steps: within `threading.Event.wait` or `set` too, whose lock
is not reentrant. So the handler takes no lock: it sets an attribute, and the waiting thread looks at it in short
slices.
"""

from __future__ import annotations

import signal
import time
from types import FrameType

_SLICE_SECONDS = 0.05


class Ending:
    """Takes SIGINT and SIGTERM over, from the main thread, for the rest of the process."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask)

    def wait(self, seconds: float) -> bool:
        """Sleep until the end is asked for (True) or `seconds` have passed (False)."""
        deadline = time.monotonic() + seconds
        while not self.asked and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, _SLICE_SECONDS))
        return self.asked

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
