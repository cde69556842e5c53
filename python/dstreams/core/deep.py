"""How do threads of Python that run functions of the program get as much stack as those of the engine?"""

from __future__ import annotations

import threading

from dstreams import _native

_starting = threading.Lock()  # the size is the interpreter's, not the thread's


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
