"""Programs with receivers written in Python: they end when they should, also while a receiver does not."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")

PROGRAM = """
import threading, time
from pyspark import SparkContext
from pyspark.streaming import StreamingContext
from pyspark.streaming.receiver import Receiver

class Endless(Receiver):
    max_pending_bytes = 10000
    def onStart(self):
        threading.Thread(target=self.run).start()  # no daemon: the program waits for it
    def run(self):
        while not self.is_stopped():
            self.store("x" * 100)

ssc = StreamingContext(SparkContext("local[2]", "test"), 0.05)
ssc.receiverStream(Endless()).foreachRDD(lambda rdd: rdd.count() and None)
ssc.start()
time.sleep(0.3)
print("running")
{wait}
"""


def test_a_program_ends_with_its_last_line(program: Callable) -> None:
    assert program(PROGRAM.format(wait="")).ended() == (0, "running\n", "")


def test_ctrl_c_ends_a_program_with_a_receiver(program: Callable) -> None:
    child = program(PROGRAM.format(wait="ssc.awaitTermination()"))
    child.wait_for("running")
    child.interrupt()
    code, _, complaints = child.ended()
    assert code != 0 and complaints.endswith("KeyboardInterrupt\n") and complaints.count("Traceback") == 1


HANGING = """
import threading
from pyspark import SparkContext
from pyspark.streaming import StreamingContext
from pyspark.streaming.receiver import Receiver

class Hanging(Receiver):
    def onStart(self):
        started.set()
    def onStop(self):
        print("stopping")
        threading.Event().wait()

started = threading.Event()
ssc = StreamingContext(SparkContext("local[2]", "test"), 0.05)
ssc.receiverStream(Hanging()).foreachRDD(lambda rdd: rdd.count() and None)
ssc.start()
started.wait()
try:
    ssc.stop(stopGraceFully=True)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_ctrl_c_ends_the_wait_for_a_receiver(program: Callable) -> None:
    child = program(HANGING)
    child.wait_for("stopping")
    child.interrupt()
    code, output, complaints = child.ended()
    assert (code, output) == (0, "interrupted\n"), complaints
