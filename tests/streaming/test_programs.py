"""Ctrl-C and the end of the program while a stream runs: nothing hangs, and only the program's own errors are said."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")

PROGRAM = """
import sys, threading, time
from pyspark import SparkContext
from pyspark.streaming import StreamingContext

sc = SparkContext("local[2]", "test")
ssc = StreamingContext(sc, 0.05)
stream = ssc.queueStream([[1]] * 1000)

def sleep(rdd):
    print("running", flush=True)
    time.sleep(60)

def spin(rdd):
    def forever(x):
        print("running", flush=True, file=sys.__stdout__)  # a task's own prints go to standard error
        while True:
            pass
    rdd.foreach(forever)

def spin_in_the_driver(rdd):
    print("running", flush=True)
    while True:
        pass

def wait(rdd):
    print("running", flush=True)
    threading.Event().wait()

def idle(rdd):
    print("running", flush=True)

stream.foreachRDD({work})
ssc.start()
{end}
"""

WORK = ["idle", "sleep", "wait", "spin", "spin_in_the_driver"]
WAITS = ["ssc.awaitTermination()", "ssc.awaitTerminationOrTimeout(60)", "time.sleep(60)"]


@pytest.mark.parametrize("work", WORK)
def test_ctrl_c_ends_await_termination_at_once(program: Callable[[str], Any], work: str) -> None:
    child = program(
        PROGRAM.format(
            work=work,
            end="""
try:
    ssc.awaitTermination()
except KeyboardInterrupt:
    print("interrupted", flush=True)
""",
        )
    )
    child.wait_for("running")
    child.interrupt()
    sent = time.monotonic()
    child.wait_for("interrupted")
    assert time.monotonic() - sent < 1
    code, _, complaints = child.ended(6)
    assert (code, complaints) == (0, "")


@pytest.mark.parametrize(("work", "end"), [("sleep", WAITS[0]), ("spin", WAITS[0]), *(("idle", end) for end in WAITS)])
def test_ctrl_c_that_nobody_catches_ends_the_program(program: Callable[[str], Any], work: str, end: str) -> None:
    child = program(PROGRAM.format(work=work, end=end))
    child.wait_for("running")
    child.interrupt()
    sent = time.monotonic()
    code, _, complaints = child.ended(6)
    assert time.monotonic() - sent < (1 if work == "idle" else 6)
    assert code in (-2, 130)
    assert complaints.count("Traceback") == 1 and complaints.endswith("\nKeyboardInterrupt\n")


ENDS = {
    "the end of the script": ("", 0, ""),
    "an exit code": ("sys.exit(7)", 7, ""),
    "an error": ("raise ValueError('own')", 1, "ValueError: own\n"),
    "a stopped stream": ("ssc.stop() if {idle} else None", 0, ""),
}


@pytest.mark.parametrize(
    ("work", "end"),
    [
        *(("idle", end) for end in ENDS),
        *(("spin", end) for end in ENDS),
        *((work, "an exit code") for work in WORK if work not in ("idle", "spin")),
    ],
)
def test_a_program_with_a_running_stream_ends_with_its_own_exit_code(
    program: Callable[[str], Any], work: str, end: str
) -> None:
    text, code, complaint = ENDS[end]
    end = "sys.stdin.readline()\n" + text.replace("{idle}", str(work == "idle"))
    child = program(PROGRAM.format(work=work, end=end))
    child.wait_for("running")
    begun = time.monotonic()
    ended = child.ended(20)
    assert time.monotonic() - begun < 6
    assert (ended[0], ended[2].endswith(complaint)) == (code, True)
    assert ended[2].count("Traceback") == (1 if complaint else 0)
    assert bool(ended[2]) == bool(complaint)


TELLING = """
import sys, time
from pyspark import SparkContext
from pyspark.streaming import StreamingContext

class Slow(Exception):
    def __str__(self):
        print("telling", flush=True)
        time.sleep(0.2)
        print("told", flush=True)
        return "slow"

ssc = StreamingContext(SparkContext("local[2]", "test"), 0.05)

def fail(rdd):
    raise Slow

ssc.queueStream([[1]]).foreachRDD({output})
ssc.start()
sys.stdin.readline()
"""


@pytest.mark.parametrize("output", ["fail", "lambda rdd: rdd.foreach(fail)"], ids=["in the driver", "in a task"])
def test_the_end_of_a_program_does_not_cut_an_error_in_half(program: Callable[[str], Any], output: str) -> None:
    # Cut off while its lines are looked up, a traceback leaves the file open, which is a warning.
    child = program(TELLING.format(output=output))
    child.wait_for("telling")
    code, said, complaints = child.ended(20)
    lines = said.splitlines()
    assert code == 0 and lines.count("told") == lines.count("telling") + 1
    assert "Exception ignored" not in complaints
