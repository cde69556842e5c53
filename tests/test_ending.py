"""Being asked to end, by signals that come at any time, and again and again."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends signals to a process of its own")

# A signal before every line of Python that the main thread runs while it waits.
AT_EVERY_LINE = """
import os, signal, sys
from dstreams.testing.ending import Ending
ending = Ending()
def trace(frame, event, argument):
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGTERM)
    return trace
sys.settrace(trace)
ended = ending.wait(60.0)
sys.settrace(None)  # a signal at a line that the interpreter runs on its way out finds no handler of Python's any more
print(ended)
"""

QUIET = """
import time
from dstreams.testing.ending import Ending
ending = Ending()
begun = time.monotonic()
print(ending.wait(0.12), time.monotonic() - begun >= 0.12, ending.asked)
"""


def run(program: str) -> tuple[str, str, int]:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    return done.stdout, done.stderr, done.returncode


def test_signals_at_any_line_end_it_and_do_not_block() -> None:
    assert run(AT_EVERY_LINE) == ("True\n", "", 0)


def test_without_a_signal_it_waits_for_the_whole_time() -> None:
    assert run(QUIET) == ("False True False\n", "", 0)
