"""Ctrl-C and SIGTERM end a program whatever it does, and take nothing from a program that handles them itself."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from child import Child
from pyspark import SparkContext
from pyspark.errors import PySparkException
from pyspark.streaming import StreamingContext

Program = Callable[[str], Child]

# `hold` keeps the interpreter for itself, as a long regular expression does, but for a known time.
BEGIN = """
import ctypes, os, signal, sys, threading, time
from pyspark import SparkContext
from pyspark.streaming import StreamingContext

def hold(seconds):
    os.write(1, b"holding\\n")  # what tasks print goes to stderr
    ctypes.PyDLL(None).sleep(int(seconds))
    return seconds
"""
JOB = """
sc = SparkContext("local[2]", "held")
sc.parallelize([600], 1).map(lambda seconds: hold(seconds)).collect()
"""
STREAM = """
sc = SparkContext("local[2]", "held")
ssc = StreamingContext(sc, 0.1)
stream = ssc.queueStream([[600]])
{output}
ssc.start()
ssc.awaitTermination()
"""
PATIENCE = 30.0  # five seconds on a machine that has nothing else to do


def ended_by(child: Child, *numbers: int) -> str:
    """Sends signals a moment apart. What it said; it must have died of the first of them."""
    child.wait_for("holding")
    for number in numbers:
        child.process.send_signal(number)
        time.sleep(0.2)
    code, _, complaints = child.ended(PATIENCE)
    assert code == -numbers[0], (code, complaints)
    return complaints


@pytest.mark.parametrize("times", [1, 2])
def test_a_task_that_keeps_the_interpreter_does_not_keep_ctrl_c(program: Program, times: int) -> None:
    said = ended_by(program(BEGIN + JOB), *[signal.SIGINT] * times)
    assert "SIGINT (Ctrl-C) has not been answered" in said
    assert "runs <lambda> (" in said and "program0.py:12)" in said, said
    assert "in hold" in said, "and the stacks of all threads"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("output", "name"),
    [
        ("stream.map(hold).pprint()", "runs hold ("),
        ("stream.foreachRDD(lambda rdd: hold(600))", "runs an output: <lambda> ("),
        ("stream.transform(lambda rdd: hold(600) or rdd).pprint()", "runs the function of a transformation <lambda> ("),
    ],
    ids=["task", "output", "transform"],
)
def test_nor_does_a_function_of_a_stream(program: Program, output: str, name: str, number: int) -> None:
    assert name in ended_by(program(BEGIN + STREAM.format(output=output)), number)


# Code that nothing ends, in calls of C that come back to an interpreter on its way out; a lot of them, so that some do.
ENDLESS = """
def endless(given):
    os.write(1, b"holding\\n")
    while True:
        try:
            while True:
                time.sleep(0.0005)
        except BaseException:
            pass
"""


@pytest.mark.parametrize(
    "output",
    ["stream.foreachRDD(endless)", "stream.transform(endless).pprint()", "stream.map(endless).pprint()"],
    ids=["output", "transform", "task"],
)
def test_code_that_swallows_all_exceptions_ends_with_the_interpreter(program: Program, output: str) -> None:
    # What the interpreter does last takes a while, in which such code comes back to it.
    slow = """
class Slow:
    def __del__(self, sleep=time.sleep):
        sleep(0.3)
sys.modules["slow"] = Slow()
"""
    said = ended_by(program(BEGIN + ENDLESS + slow + STREAM.format(output=output)), signal.SIGINT)
    assert "KeyboardInterrupt" in said
    assert "Fatal Python error" not in said


def test_a_handler_that_the_program_set_later_is_no_escape(program: Program) -> None:
    handler = """
sc = SparkContext("local[2]", "held")
signal.signal(signal.SIGTERM, lambda *_: print("handled", flush=True))
sc.parallelize([600], 1).map(hold).collect()
"""
    assert "SIGTERM has not been answered" in ended_by(program(BEGIN + handler), signal.SIGTERM)


def test_a_context_made_in_another_thread_is_watched_too(program: Program) -> None:
    text = """
def work():
    sc = SparkContext("local[2]", "held")
    time.sleep(0.5)
    sc.parallelize([600], 1).map(hold).collect()

threading.Thread(target=work, daemon=True).start()
while True:
    time.sleep(0.01)
"""
    ended_by(program(BEGIN + text), signal.SIGINT)


def test_an_ignored_signal_stays_ignored(program: Program) -> None:
    text = """
signal.signal(signal.SIGINT, signal.SIG_IGN)
sc = SparkContext("local[2]", "held")
print(sc.parallelize([5], 1).map(hold).collect(), flush=True)
sc.stop()
"""
    child = program(BEGIN + text)
    child.wait_for("holding")
    child.interrupt()
    child.interrupt()
    assert child.ended(PATIENCE) == (0, "[5]\n", "")


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_handler_of_the_program_decides_however_long_it_takes(program: Program, when: str) -> None:
    handler = """
def handle(number, frame):
    print("handling", flush=True)
    time.sleep(5)
    heard.append(number)

heard = []
signal.signal(signal.SIGTERM, handle)
"""
    context = 'sc = SparkContext("local[2]", "handled")\n'
    body = """
job = threading.Thread(target=lambda: sc.parallelize([12], 1).map(time.sleep).collect(), daemon=True)
job.start()
print("begun", flush=True)
while not heard:
    time.sleep(3600) if len(sys.argv) > 1 else time.sleep(0.1)
print(heard, flush=True)
sc.stop()
sys.exit(7)
"""
    child = program(BEGIN + (handler + context if when == "before" else context + handler) + body)
    child.wait_for("begun")
    child.process.send_signal(signal.SIGTERM)
    child.wait_for("handling")
    child.process.send_signal(signal.SIGTERM)
    code, printed, complaints = child.ended(PATIENCE)
    assert (code, printed.splitlines()[-1]) == (7, "[15, 15]"), complaints


def test_an_interrupt_that_python_handles_ends_nothing_else(program: Program) -> None:
    text = """
sc = SparkContext("local[2]", "cells")
for cell in range(2):
    try:
        print("holding", flush=True)
        sc.parallelize([60], 1).map(time.sleep).collect()
    except KeyboardInterrupt:
        print("interrupted", flush=True)
print(sc.parallelize([1]).count(), flush=True)
"""
    child = program(BEGIN + text)
    for _ in range(2):
        child.wait_for("holding")
        time.sleep(0.3)
        child.interrupt()
        child.wait_for("interrupted")
    code, printed, _ = child.ended(PATIENCE)
    assert (code, printed) == (0, "1\n")


@pytest.mark.parametrize("how", ["", "stopGraceFully=True"])
def test_waiting_for_a_stream_to_stop_is_interrupted_twice(program: Program, how: str) -> None:
    text = f"""
sc = SparkContext("local[2]", "sleeps")
ssc = StreamingContext(sc, 0.1)
ssc.queueStream([[600]]).map(time.sleep).foreachRDD(lambda rdd: (print("holding", flush=True), rdd.collect()))
ssc.start()
try:
    ssc.awaitTermination()
except KeyboardInterrupt:
    print("stopping", flush=True)
    ssc.stop({how})
"""
    child = program(BEGIN + text)
    child.wait_for("holding")
    child.interrupt()
    child.wait_for("stopping")
    time.sleep(0.3)
    child.interrupt()
    code, _, complaints = child.ended(PATIENCE)
    assert code != 0 or not how, complaints


# -- what is no file -------------------------------------------------------------------------------
@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "inbox" / "fifo"
    path.parent.mkdir()
    os.mkfifo(path)
    return path


@pytest.mark.parametrize(
    "read",
    [
        lambda sc, path: sc.textFile(path),
        lambda sc, path: sc.wholeTextFiles(path),
        lambda sc, path: sc.binaryFiles(path),
        lambda sc, path: sc.binaryRecords(path, 4),
        lambda sc, path: sc.pickleFile(path),
        lambda sc, path: sc.sequenceFile(path),
        lambda sc, path: sc.textFile(os.path.dirname(path)),
        lambda sc, path: sc.textFile(os.path.dirname(path) + "/f*"),
    ],
    ids=["text", "whole", "binary", "records", "pickle", "sequence", "folder", "glob"],
)
def test_a_fifo_is_refused_at_once(sc: SparkContext, fifo: Path, read: Callable[[SparkContext, str], object]) -> None:
    with pytest.raises(Exception, match="a FIFO cannot be read as a file") as raised:
        read(sc, str(fifo)).collect()  # type: ignore[attr-defined]
    assert type(raised.value).__name__ == "Py4JJavaError" or isinstance(raised.value, PySparkException)


@pytest.mark.parametrize("kind", ["text", "records"])
def test_a_fifo_in_a_watched_folder_is_left_out_with_one_warning(
    sc: SparkContext, tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture, eventually: Callable[..., None]
) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    ssc = StreamingContext(sc, 0.1)
    seen: list[object] = []
    stream = ssc.textFileStream(str(inbox)) if kind == "text" else ssc.binaryRecordsStream(str(inbox), 2)
    stream.foreachRDD(lambda rdd: seen.extend(rdd.collect()))
    batches: list[int] = []
    stream.foreachRDD(lambda rdd: batches.append(1))
    ssc.start()
    eventually(lambda: batches)
    os.mkfifo(inbox / "fifo")
    eventually(lambda: "a FIFO and left out" in caplog.text, 20)
    (tmp_path / "ab").write_text("ab")
    (tmp_path / "ab").rename(inbox / "ab")
    os.utime(inbox / "ab")
    eventually(lambda: seen, 20)
    ssc.stop(False)
    assert seen == ["ab"] if kind == "text" else [b"ab"]
    assert caplog.text.count("a FIFO and left out") == 1


def test_the_watch_costs_nothing_while_nothing_happens(program: Program) -> None:
    child = program(BEGIN + 'sc = SparkContext("local[2]", "idle")\nprint("idle", flush=True)\nsys.stdin.read()\n')
    child.wait_for("idle")

    def switches() -> int:
        for task in Path(f"/proc/{child.process.pid}/task").iterdir():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread that has just ended
                if (task / "comm").read_text() == "dstreams-watch\n":
                    status = (task / "status").read_text()
                    return int(status.rpartition("\nvoluntary_ctxt_switches:")[2].split()[0])
        return -1

    begun = time.monotonic()
    while (before := switches()) < 0:
        assert time.monotonic() - begun < PATIENCE
        time.sleep(0.05)
    begun = time.monotonic()
    time.sleep(4)
    found = switches()
    # It looks every two seconds, and the borders may fall within the time.
    assert found - before <= 2 + (time.monotonic() - begun) / 2
    assert child.ended(PATIENCE)[0] == 0
