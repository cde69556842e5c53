"""Ctrl-C in a running job, and programs that end while something runs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")

# What tasks print goes to standard error, unless they ask for the process's own standard output.
START = """
import sys, threading, time
from pyspark import SparkContext
sc = SparkContext("local[2]", "test")

def sleep(x):
    print("running\\n", end="", flush=True, file=sys.__stdout__)
    time.sleep(60)

def spin(x):
    print("running\\n", end="", flush=True, file=sys.__stdout__)
    while True:
        pass

def count(x):
    print("running\\n", end="", flush=True, file=sys.__stdout__)
    return sum(1 for _ in iter(int, 1))
"""

INTERRUPTED = (
    START
    + """
try:
    sc.parallelize([0], 1).map({work}).collect()
except KeyboardInterrupt:
    print("interrupted", flush=True)
print(sc.parallelize(range(4), 2).map(lambda x: x + 1).reduce(lambda a, b: a + b), flush=True)
"""
)


@pytest.mark.parametrize("work", ["sleep", "spin", "count"])
def test_ctrl_c_ends_a_job_and_the_next_job_works(program: Callable[[str], Any], work: str) -> None:
    child = program(INTERRUPTED.format(work=work))
    child.wait_for("running")
    child.interrupt()
    sent = time.monotonic()
    child.wait_for("interrupted")
    assert time.monotonic() - sent < 1
    assert child.ended(6) == (0, "10\n", "")


def test_ctrl_c_may_come_again_and_again(program: Callable[[str], Any]) -> None:
    child = program(
        START
        + """
def spin_in(job):
    def spin(x):
        print(f"running {job}\\n", end="", flush=True, file=sys.__stdout__)
        while True:
            pass
    return spin

for job in range(5):
    try:
        sc.parallelize(range(4), 4).map(spin_in(job)).collect()
    except KeyboardInterrupt:
        # One write: a task may still be about to say that it runs.
        print("interrupted\\n", end="", flush=True)
print(f"{sc.parallelize(range(4), 4).count()}\\n", end="", flush=True)
"""
    )
    for job in range(5):
        # Not what a second task of the job before has said.
        child.wait_for(f"running {job}")
        child.interrupt()
        child.wait_for("interrupted")
    code, output, complaints = child.ended(6)
    assert (code, output.replace("running 4\n", ""), complaints) == (0, "4\n", "")


def test_ctrl_c_that_nobody_catches_ends_the_program(program: Callable[[str], Any]) -> None:
    child = program(START + "sc.parallelize([0], 1).map(spin).collect()")
    child.wait_for("running")
    child.interrupt()
    code, output, complaints = child.ended(6)
    assert (code, output) == (-2, "")
    assert complaints.endswith("\nKeyboardInterrupt\n")
    assert complaints.count("Traceback") == 1


def test_tasks_asleep_do_not_hold_up_the_next_job(program: Callable[[str], Any]) -> None:
    child = program(INTERRUPTED.format(work="sleep").replace("parallelize([0], 1)", "parallelize([0, 1], 2)"))
    child.wait_for("running")
    child.wait_for("running")
    child.interrupt()
    child.wait_for("interrupted")
    assert child.ended(10) == (0, "10\n", "")


def test_ctrl_c_during_a_shuffle_leaves_no_half_result(program: Callable[[str], Any]) -> None:
    child = program(
        START
        + """
import os
def slow_first_time(x):
    if x == 3 and not os.path.exists("again"):
        print("running\\n", end="", flush=True, file=sys.__stdout__)
        while True:
            pass
    return x % 2, x
pairs = sc.parallelize(range(4), 2).map(slow_first_time).groupByKey(2).mapValues(sorted).cache()
try:
    pairs.collect()
except KeyboardInterrupt:
    print("interrupted", flush=True)
open("again", "w").close()
print(sorted(pairs.collect()), flush=True)
"""
    )
    child.wait_for("running")
    child.interrupt()
    child.wait_for("interrupted")
    assert child.ended(6) == (0, "[(0, [0, 2]), (1, [1, 3])]\n", "")


def test_a_keyboard_interrupt_raised_by_a_task_fails_the_job(program: Callable[[str], Any]) -> None:
    child = program(
        START
        + """
from py4j.protocol import Py4JJavaError
def interrupt(x):
    raise KeyboardInterrupt
try:
    sc.parallelize([0], 1).map(interrupt).collect()
except Py4JJavaError as error:
    print(type(error.__cause__).__name__)
"""
    )
    assert child.ended() == (0, "KeyboardInterrupt\n", "")


@pytest.mark.parametrize("tasks", [1, 2])
def test_stopping_the_context_ends_jobs_of_other_threads(program: Callable[[str], Any], tasks: int) -> None:
    child = program(
        START
        + f"""
def job():
    try:
        sc.parallelize(range({tasks}), {tasks}).map(spin).collect()
    except Exception as error:
        print(type(error).__name__, "shut down" in str(error), flush=True)
thread = threading.Thread(target=job)
thread.start()
sys.stdin.readline()
sc.stop()
thread.join()
"""
    )
    for _ in range(tasks):
        child.wait_for("running")
    assert child.ended(6) == (0, "Py4JJavaError True\n", "")


ENDINGS = {
    "the end of the script": ("", 0, ""),
    "an exit code": ("sys.exit(7)", 7, ""),
    "an error": ("raise ValueError('own')", 1, "ValueError: own\n"),
}
JOBS = {
    "nothing": "",
    "a finished job": "print(sc.parallelize([0], 1).count())",
    "an iterator half way": "kept = sc.parallelize(range(9), 3).toLocalIterator(); next(kept)",
    "a sleeping job in a thread": "threading.Thread(target=job, args=[sleep], daemon=True).start(); started()",
    "a spinning job in a thread": "threading.Thread(target=job, args=[spin], daemon=True).start(); started()",
}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("job", JOBS)
def test_a_program_ends_with_its_own_exit_code(program: Callable[[str], Any], job: str, ending: str) -> None:
    text, code, complaint = ENDINGS[ending]
    begun = time.monotonic()
    child = program(
        f"""{START}
def job(work):
    try:
        sc.parallelize([0], 1).map(work).collect()
    except Exception:
        pass
def started():
    sys.stdin.readline()
{JOBS[job]}
{text}
"""
    )
    if "started()" in JOBS[job]:
        child.wait_for("running")
    ended = child.ended(20)
    assert time.monotonic() - begun < 6
    assert ended[0] == code
    assert ended[2].endswith(complaint) and ended[2].count("Traceback") == (1 if complaint else 0)
    if not complaint:
        assert ended[2] == ""


FAILING = """
import functools, operator, sys, threading, time
from pyspark import SparkContext

sc = SparkContext("local[2]", "test")

def fail_or_spin(number):
    if number == 0:
        time.sleep(0.1)
        raise ValueError("no")
    until = time.monotonic() + 0.4
    while time.monotonic() < until:
        pass

try:
    sc.parallelize([0, 1], 2).map(fail_or_spin).collect()
except Exception as error:
    print(type(error).__name__, flush=True)
time.sleep(0.2)
"""


def test_a_program_whose_tasks_were_interrupted_still_closes_its_files(
    program: Callable[[str], Any], tmp_path: Path
) -> None:
    file = tmp_path / "open.txt"
    child = program(FAILING + f"left_open = open({str(file)!r}, 'w')\nleft_open.write('a line')\n")
    code, output, _ = child.ended()
    assert (code, output) == (0, "Py4JJavaError\n")
    assert file.read_text(encoding="utf-8") == "a line"


@pytest.mark.parametrize("delay", [0.02, 0.05])
def test_a_program_may_end_while_a_task_leaves_python(program: Callable[[str], Any], delay: float) -> None:
    child = program(
        FAILING
        + f"""
slow = functools.partial(operator.countOf, range(1_500_000))
rdd = sc.parallelize([0.15] * 50, 50).map(time.sleep).map(slow)

def job():
    try:
        rdd.collect()
    except BaseException:
        pass

threading.Thread(target=job, daemon=True).start()
time.sleep(0.3 + {delay})
sys.late = type("Late", (), {{"__del__": lambda self, wait=time.sleep: wait(0.2)}})()
"""
    )
    code, output, complaints = child.ended()
    assert (code, output) == (0, "Py4JJavaError\n"), complaints
    assert "Fatal" not in complaints
