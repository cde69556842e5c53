"""Who carries out a stop that its caller must not wait for?

A caller within the stream would wait for itself: a function of a batch, a listener, a receiver's `onStart` or `onStop`.
Owns `Stops`, those of one StreamingContext.
1. What is asked for again while it is under way is done once.
2. The thread that carries it out calls nothing of the program and holds no lock that such a caller may have.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from dstreams.core.engine import deep


class Stops:
    """The stops of one context that go on in the background."""

    def __init__(self) -> None:
        self._threads: dict[tuple[bool, bool], threading.Thread] = {}

    def begin(self, stop: Callable[[bool, bool], None], with_context: bool, graceful: bool) -> None:
        """Calls `stop(with_context, graceful)` in a thread of its own, unless that has been asked for."""
        wish = with_context, graceful
        thread = threading.Thread(target=stop, args=wish, name="streaming-stop", daemon=True)
        if self._threads.setdefault(wish, thread) is thread:
            deep.start(thread)

    def wait(self, seconds: float | None) -> None:
        """Waits until none is under way, at most for so many seconds."""
        deadline = None if seconds is None else time.monotonic() + seconds
        for thread in list(self._threads.values()):
            if thread.is_alive() and thread is not threading.current_thread():
                thread.join(None if deadline is None else max(deadline - time.monotonic(), 0.0))
