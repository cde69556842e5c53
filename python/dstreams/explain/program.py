"""Which functions of a whole program run natively? `python -m dstreams explain PROGRAM` runs it and tells.

1. RDDs are computed as always: what the program prints, it prints. Each chain is looked at when it is frozen; one that
   is never used, at the end.
2. Streams are not started: their graphs are looked at instead, and the program ends where it would start one.
3. A function that runs in several places is native if it is so in all of them.
"""

from __future__ import annotations

import sys
import threading
import traceback
from typing import TYPE_CHECKING, Any

from dstreams.compat.run import run_program
from dstreams.core.engine import watch
from dstreams.explain.lineage import explain_rdd
from dstreams.explain.report import Line, Report, each_once, row, summary, widths_of
from dstreams.explain.streams import explain_context
from dstreams.udf.places import is_of_the_library

if TYPE_CHECKING:
    from dstreams.core.rdd import RDD, PipelinedRDD
    from dstreams.streaming.context import StreamingContext


class _Ended(SystemExit):
    """Where the program would start a stream. Its `finally` runs, and its `except Exception` does not."""


class _Collector(watch.Watcher):
    """Gathers what is to be said of everything that a program makes."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._lines: list[Line] = []
        self._notes: list[str] = []
        # Chains that nothing was made of and no job has used, by their identity.
        self._unused: dict[int, PipelinedRDD[Any]] = {}

    def made(self, rdd: PipelinedRDD[Any]) -> None:
        with self._lock:
            self._unused.pop(id(rdd.prev), None)
            self._unused[id(rdd)] = rdd

    def frozen(self, rdd: RDD[Any]) -> None:
        with self._lock:
            self._unused.pop(id(rdd), None)
        self._add(explain_rdd(rdd, with_partitions=False))

    def starting(self, ssc: StreamingContext) -> None:
        # Without an output the start fails, and says why.
        if ssc._graph.outputs():
            # What is made to explain the graph is told of by the graph itself, which knows best.
            watch.watcher = None
            try:
                self._add(explain_context(ssc))
            finally:
                watch.watcher = self
            raise _Ended(0)

    def finish(self) -> tuple[list[Line], list[str]]:
        """Each function once, by file and line; and notes."""
        with self._lock:
            for rdd in list(self._unused.values()):
                self._add(explain_rdd(rdd, with_partitions=False))
            return sorted(each_once(self._lines), key=_place), self._notes

    def _add(self, report: Report) -> None:
        with self._lock:
            # Only what is new, and what is worse: a program may make the same RDDs for hours.
            self._lines = each_once([*self._lines, *report.functions])
            self._notes += [note for note in report.notes if note not in self._notes]


def _place(line: Line) -> tuple[bool, str, int]:
    return line.file is None, line.file or "", line.line or 0


def explain_program(program: str, arguments: list[str]) -> int:
    """Runs a program and prints which of its functions run natively.

    Returns the exit code: 0, or what the program gave to `sys.exit`; 1 if it raised; 2 if there is no such program.
    """
    collector = _Collector()
    watch.watcher = collector
    code, failed = 0, False
    try:
        code = run_program(program, arguments)
        if code != 0:
            return code
    except _Ended:
        pass
    except SystemExit as ended:
        code = _exit_code(ended)
    except Exception as raised:
        print(_traceback(raised), end="", file=sys.stderr)
        code, failed = 1, True
    finally:
        watch.watcher = None
    lines, notes = collector.finish()
    sys.stdout.flush()
    if failed:
        made = "this is what it made before" if lines else "it made nothing before"
        print(f"dstreams: {program} failed; {made}", file=sys.stderr)
    if lines or not failed:
        print(_told(program, lines, notes), flush=True)
    return code


def _traceback(raised: BaseException) -> str:
    """As Python prints it, from the program's first line on."""
    at = raised.__traceback__
    while at is not None and is_of_the_library(at.tb_frame.f_code.co_filename):
        at = at.tb_next
    return "".join(traceback.format_exception(type(raised), raised, at))


def _exit_code(ended: SystemExit) -> int:
    if ended.code is None or isinstance(ended.code, int):
        return ended.code or 0
    print(ended.code, file=sys.stderr)
    return 1


def _told(program: str, lines: list[Line], notes: list[str]) -> str:
    if not lines:
        return f"{program} gives no function to an RDD or a stream."
    widths = widths_of(lines)
    text = [f"Functions of {program}:", *(f"Note: {note}" for note in notes)]
    return "\n".join([*text, *(f"  {row(line, widths)}" for line in lines), summary(lines)])
