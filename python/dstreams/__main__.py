"""`python -m dstreams`: run a program on dstreams, or see one run.

  run PROGRAM [ARGUMENT ...]   the program as `python PROGRAM` would run it, with `pyspark` meaning dstreams
  demo PROGRAM                 the program on text from a bundled server (see `dstreams.testing.demo`)

Owns the command line; how a program is run is `dstreams.compat.run`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dstreams.compat.run import run_program


def main() -> int:
    """Read the command line and do what it says; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m dstreams", description="Spark Streaming without a JVM.")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run a Spark program on dstreams, also where PySpark is installed")
    run.add_argument("program", help="a Python file")
    run.add_argument("arguments", nargs=argparse.REMAINDER, help="what the program finds in sys.argv")
    demo = commands.add_parser("demo", help="run a program that takes HOST and PORT on text from a bundled server")
    demo.add_argument("program", nargs="?", type=Path, default=Path("examples", "network_word_count.py"))
    demo.add_argument("--seconds", type=float, default=None, help="end by itself after so long (default: at Ctrl-C)")
    demo.add_argument("--rate", type=float, default=20.0, help="lines per second (default: 20)")
    given = parser.parse_args()
    if given.command == "demo":
        from dstreams.testing.demo import run_demo

        return run_demo(given.program, given.seconds, given.rate)
    return run_program(given.program, given.arguments)


if __name__ == "__main__":
    sys.exit(main())
