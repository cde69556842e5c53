"""How does a newcomer see a streaming program at work? Feeds a program with text and lets it run for a while.

`python -m dstreams demo PROGRAM` starts a feeder and then `PROGRAM localhost PORT` in a second interpreter.
1. The program is a child in a session of its own: a Ctrl-C reaches it once, through this process, and not
   twice.
2. Ctrl-C, SIGTERM and the end of the time are the same event: the program gets one SIGINT and time to stop.
3. The exit code is 0 whenever the program stopped in order; a program that failed by itself is a failure.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from dstreams.testing.ending import Ending
from dstreams.testing.feeder import Feeder

_LOOK_SECONDS = 0.1
_STOP_SECONDS = 15.0


def run_demo(program: Path, seconds: float | None, rate: float) -> int:
    """Run `program` on fed text until Ctrl-C or until `seconds` have passed; return the exit code."""
    if not program.is_file():
        print(
            f"demo: there is no program {program}: name a Python file that takes HOST and PORT",
            file=sys.stderr,
        )
        return 2
    ending = Ending()
    with Feeder(rate=rate, at_end="repeat") as feeder:
        until = "Ctrl-C" if seconds is None else f"Ctrl-C or {seconds:g} s have passed"
        print(f"{program} counts {rate:g} lines a second from port {feeder.port} until {until}.", flush=True)
        child = subprocess.Popen(
            [sys.executable, str(program), "localhost", str(feeder.port)],
            env={**os.environ, "DSTREAMS_ENGINE": "dstreams", "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            ended_itself = _wait(child, ending, seconds)
            code = child.returncode if ended_itself else _stop(child)
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
    if code != 0:
        print(f"demo: {program} ended with exit code {code}", file=sys.stderr)
        return 1
    print("The demo has ended.", flush=True)
    return 0


def _wait(child: subprocess.Popen[bytes], ending: Ending, seconds: float | None) -> bool:
    """Until the program ends (True), or is to be ended (False)."""
    deadline = None if seconds is None else time.monotonic() + seconds
    while child.poll() is None:
        if ending.wait(_LOOK_SECONDS) or (deadline is not None and time.monotonic() >= deadline):
            return False
    return True


def _stop(child: subprocess.Popen[bytes]) -> int:
    """Ask the program to stop as Ctrl-C does; a program that does not is killed."""
    if os.name == "posix":
        child.send_signal(signal.SIGINT)
    else:
        child.terminate()  # no way to send a Ctrl-C to one process there
    try:
        code = child.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()
    return code if os.name == "posix" else 0
