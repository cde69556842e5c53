"""`dstreams` (`python -m dstreams`): run a program on dstreams, see one run, or see what of it runs natively.

  run PROGRAM [ARGUMENT ...]       the program as `python PROGRAM` would run it, with `pyspark` meaning dstreams
  explain PROGRAM [ARGUMENT ...]   the program up to the start of its stream, and then which functions run natively
  demo [PROGRAM]                   the program on text from a bundled server (see `dstreams.testing.demo`)
  feed [FILE or KIND]              a server of lines, for programs that read a socket (see `dstreams.testing.feed`)
  doctor                           what is installed here, who answers to `pyspark`, and what to do about problems

Owns the command line. How a program is run is `dstreams.compat.run`, how it is explained `dstreams.explain.program`,
what is wrong here `dstreams.compat.doctor`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dstreams.compat.run import run_program
from dstreams.core.version import SPARK_API_VERSION, __version__
from dstreams.testing.feed import EXAMPLES, add_arguments, feed

_EXAMPLE = Path(__file__).parent / "examples" / "network_word_count.py"


def _own_name() -> str:
    # As it was called: the console script has the name of the package, `python -m dstreams` that of this file.
    return "dstreams" if Path(sys.argv[0]).stem == "dstreams" else "python -m dstreams"


def main() -> int:
    """Read the command line and do what it says; return the exit code."""
    parser = argparse.ArgumentParser(prog=_own_name(), description="Spark Streaming without a JVM.")
    version = f"dstreams {__version__} (answers as Apache Spark {SPARK_API_VERSION})"
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run a Spark program on dstreams, also where PySpark is installed")
    run.add_argument("program", help="a Python file")
    run.add_argument("arguments", nargs=argparse.REMAINDER, help="what the program finds in sys.argv")
    explain = commands.add_parser("explain", help="tell which functions of a Spark program run natively, and why not")
    explain.add_argument("program", help="a Python file; it runs, but for its streams")
    explain.add_argument("arguments", nargs=argparse.REMAINDER, help="what the program finds in sys.argv")
    demo = commands.add_parser("demo", help="run a program that takes HOST and PORT on text from a bundled server")
    demo.add_argument("program", nargs="?", type=Path, default=_EXAMPLE)
    demo.add_argument("--seconds", type=float, default=None, help="end by itself after so long (default: at Ctrl-C)")
    demo.add_argument("--rate", type=float, default=20.0, help="lines per second (default: 20)")
    fed = commands.add_parser("feed", help="serve lines of a file, or made-up ones, to programs that read a socket")
    add_arguments(fed)
    fed.epilog, fed.formatter_class = EXAMPLES, argparse.RawDescriptionHelpFormatter
    commands.add_parser("doctor", help="tell what is installed here, who answers to `pyspark`, and what is wrong")
    given = parser.parse_args()
    if given.command == "feed":
        return feed(given)
    if given.command == "doctor":
        from dstreams.compat.doctor import examine

        return examine()
    if given.command == "demo":
        from dstreams.testing.demo import run_demo

        return run_demo(given.program, given.seconds, given.rate)
    if given.command == "explain":
        from dstreams.explain.program import explain_program

        return explain_program(given.program, given.arguments)
    return run_program(given.program, given.arguments)


if __name__ == "__main__":
    sys.exit(main())
