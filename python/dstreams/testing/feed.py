"""`dstreams feed`: how does a program get a live stream on any platform, without netcat?

Serves a file's lines, or made-up ones, to whoever connects, until Ctrl-C or until the time is over. Each connection
begins at the first line.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from dstreams.testing.ending import Ending
from dstreams.testing.feeder import AtEnd, Feeder
from dstreams.testing.samples import KINDS, sample_lines

_LINES = 10_000
_LOOK_SECONDS = 0.2

EXAMPLES = """\
examples:
  dstreams feed                              words, 10 lines a second, to port 9999
  dstreams feed hashtags --rate 100          what people post, faster
  dstreams feed logs --seed 7 --seconds 60   the lines of a web server's log, others than without a seed
  dstreams feed book.txt --once              a file, and then the end of the connection
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `dstreams feed` takes."""
    kinds = ", ".join(KINDS)
    parser.add_argument("what", nargs="?", default="words", help=f"a file of UTF-8 text, or one of {kinds}")
    parser.add_argument("--host", default="127.0.0.1", help="the address to serve at (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=9999, help="0 takes a free one (default: 9999)")
    parser.add_argument("--rate", type=float, default=10.0, help="lines per second and connection (default: 10)")
    parser.add_argument("--seed", type=int, default=0, help="another seed makes other lines (default: 0)")
    parser.add_argument("--once", action="store_true", help="close each connection after the last line")
    parser.add_argument("--seconds", type=float, default=None, help="end after so long (default: at Ctrl-C)")


def feed(given: argparse.Namespace) -> int:
    """Serves until it is to end. Returns the exit code: 2 if it could not begin."""
    try:
        lines = _lines(given.what, given.seed)
        at_end: AtEnd = "close" if given.once else "repeat"
        feeder = Feeder(lines, rate=given.rate, at_end=at_end, host=given.host, port=given.port)
    except (OSError, OverflowError, ValueError) as problem:
        print(f"dstreams feed: {_explained(problem, given)}", file=sys.stderr)
        return 2
    ending = Ending()
    deadline = None if given.seconds is None else time.monotonic() + given.seconds
    with feeder:
        print(f"{given.what}: {given.rate:g} lines a second at {feeder.host} {feeder.port}", flush=True)
        while deadline is None or time.monotonic() < deadline:
            if ending.wait(_LOOK_SECONDS):
                break
    return 0


def _lines(what: str, seed: int) -> list[str] | list[bytes]:
    file = Path(what)
    # A file of that name is what is meant: whoever wants the made-up lines can give it another name.
    return file.read_bytes().splitlines() if file.is_file() or what not in KINDS else sample_lines(what, _LINES, seed)


def _explained(problem: Exception, given: argparse.Namespace) -> str:
    if isinstance(problem, FileNotFoundError):
        return f"there is no file {given.what!r}, and it is none of {', '.join(KINDS)}"
    if isinstance(problem, OSError) and problem.filename is None:
        return f"port {given.port} of {given.host} cannot be served ({problem}): see --host, and --port, which may be 0"
    return str(problem)
