"""What goes wrong around a stream: each has one outcome, and a message."""

from __future__ import annotations

import logging
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from notes import SEEN
from py4j.protocol import Py4JJavaError
from pyspark import SparkConf, SparkContext, TaskContext
from pyspark.streaming import StreamingContext
from pyspark.streaming.receiver import Receiver


@pytest.fixture
def hand() -> Iterator[SparkContext]:
    """A context whose streams' clocks are turned by hand."""
    SEEN.clear()
    conf = SparkConf().setMaster("local[2]").setAppName("test").set("spark.streaming.clock", "manual")
    conf.set("spark.streaming.receiverRestartDelay", "0")
    context = SparkContext(conf=conf)
    yield context
    active = StreamingContext.getActive()
    if active is not None:
        active.stop(stopSparkContext=False)
    context.stop()


def note(rdd: object) -> None:
    """Notes what a batch holds."""
    from notes import SEEN as noted

    noted.append(("batch", rdd.collect()))


def seen() -> list:
    return [elements for _, elements in SEEN]


def test_a_poisoned_batch_stops_neither_later_ones_nor_a_restart(hand: SparkContext, tmp_path: Path) -> None:
    def setup() -> StreamingContext:
        ssc = StreamingContext(hand, 1)
        ssc.checkpoint(str(tmp_path))
        ssc.queueStream([[1], [0], [2], [4]]).map(lambda x: 8 // x).foreachRDD(note)
        return ssc

    ssc = StreamingContext.getOrCreate(str(tmp_path), setup)
    ssc.start()
    ssc.advance()
    with pytest.raises(Py4JJavaError, match="ZeroDivisionError"):
        ssc.advance()
    ssc.advance()
    ssc.stop(stopSparkContext=False)
    ssc = StreamingContext.getOrCreate(str(tmp_path), setup)
    ssc.start()
    ssc.advance()
    ssc.stop(stopSparkContext=False)
    assert seen() == [[8], [4], [2]]


def test_a_clock_that_jumps_leaves_no_batch_out_and_makes_none_twice(hand: SparkContext, tmp_path: Path) -> None:
    ssc = StreamingContext(hand, 1)
    ssc.checkpoint(str(tmp_path))
    ssc.queueStream([[n] for n in range(6)]).foreachRDD(note)
    ssc.start()
    ssc.advance(2)
    clock = ssc._jssc.scheduler().clock()
    clock.setTime(500)  # back: the next batch waits for its time
    ssc.advance(1)  # to 1 s, which was done long ago
    assert seen() == [[0], [1]]
    clock.setTime(5000)  # forth: all that were missed are made
    ssc.advance(1)
    assert seen() == [[n] for n in range(6)]


class Moody(Receiver[int]):
    """Raises at random, in `onStart` and while it receives; stores each number once."""

    def __init__(self) -> None:
        super().__init__()
        self.random, self.next = random.Random(5), 0

    def onStart(self) -> None:
        """Fails one time in three."""
        if self.random.random() < 0.3:
            raise OSError("no connection today")
        threading.Thread(target=self.run, daemon=True).start()

    def onStop(self) -> None:
        """Nothing to end."""

    def run(self) -> None:
        """Stores until it fails, or has stored all."""
        while self.next < 200 and not self.isStopped():
            self.next += 1
            self.store(self.next - 1)
            if self.random.random() < 0.05:
                self.restart("lost the connection", OSError("reset"))
                return


def test_a_receiver_that_raises_at_random_loses_nothing(
    hand: SparkContext, tmp_path: Path, eventually: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, logger="dstreams")
    ssc = StreamingContext(hand, 1)
    ssc.checkpoint(str(tmp_path))
    receiver = Moody()
    ssc.receiverStream(receiver).foreachRDD(note)
    ssc.start()
    eventually(lambda: (ssc.advance(), receiver.next >= 200)[1], 30)
    ssc.stop(stopSparkContext=False, stopGraceFully=True)
    assert [number for batch in seen() for number in batch] == list(range(200))
    messages = [record.getMessage() for record in caplog.records]
    assert any("lost the connection - OSError: reset" in text for text in messages)
    assert any("no connection today" in text for text in messages)


def test_a_slow_output_delays_batches_and_loses_none(tmp_path: Path) -> None:
    SEEN.clear()
    with SparkContext("local[2]", "test") as sc:
        ssc = StreamingContext(sc, 0.05)
        ssc.checkpoint(str(tmp_path))

        def slow(rdd: object) -> None:
            time.sleep(0.1)
            note(rdd)

        ssc.queueStream([[n] for n in range(8)]).foreachRDD(slow)
        ssc.start()
        ssc.awaitTerminationOrTimeout(0.6)
        ssc.stop(stopSparkContext=False, stopGraceFully=True)
    numbers = [number for batch in seen() for number in batch]
    assert numbers == list(range(len(numbers))) and len(numbers) >= 5


def test_a_watched_folder_that_goes_away_is_told_once_and_watched_again(
    hand: SparkContext, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, logger="dstreams")
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    ssc = StreamingContext(hand, 1)
    ssc.checkpoint(str(tmp_path / "checkpoint"))
    ssc.textFileStream(str(inbox)).foreachRDD(note)
    ssc.start()
    inbox.rmdir()
    ssc.advance(3)
    told = [record.getMessage() for record in caplog.records if "cannot list" in record.getMessage()]
    assert len(told) == 1 and "trying again with each batch" in told[0]
    inbox.mkdir()
    file = inbox / "file"
    file.write_text("back\n")
    os.utime(file, (3.5, 3.5))
    ssc.advance()
    assert seen() == [[], [], [], ["back"]]


def attempts_of(element: int) -> int:
    """Fails in the first two attempts of a task."""
    if TaskContext.get().attemptNumber() < 2:
        raise OSError("not yet")
    return element


@pytest.mark.parametrize(("master", "outcome"), [("local[2, 3]", [[1], [2]]), ("local[2, 2]", [])])
def test_failing_tasks_are_tried_again_as_often_as_configured(
    master: str, outcome: list[list[int]], tmp_path: Path
) -> None:
    SEEN.clear()
    conf = SparkConf().setMaster(master).setAppName("test").set("spark.streaming.clock", "manual")
    with SparkContext(conf=conf) as sc:
        ssc = StreamingContext(sc, 1)
        ssc.checkpoint(str(tmp_path))
        ssc.queueStream([[1], [2]]).map(attempts_of).foreachRDD(note)
        ssc.start()
        for _ in range(2):
            if outcome:
                ssc.advance()
            else:
                with pytest.raises(Py4JJavaError, match="failed 2 times"):
                    ssc.advance()
        ssc.stop(stopSparkContext=False)
    assert seen() == outcome


HUNDRED_THOUSAND = 100_000


@pytest.mark.timeout(600)  # each file is a task: some tens of seconds where nothing else runs
def test_a_watched_folder_with_a_hundred_thousand_files(tmp_path: Path) -> None:
    SEEN.clear()
    inbox, checkpoints = tmp_path / "inbox", tmp_path / "checkpoint"
    inbox.mkdir()
    for number in range(HUNDRED_THOUSAND):
        path = inbox / f"{number}"
        with path.open("w") as file:
            file.write(f"{number}\n")
        os.utime(path, (0.5, 0.5))
    conf = SparkConf().setMaster("local[2]").setAppName("test").set("spark.streaming.clock", "manual")
    conf.set("spark.streaming.fileStream.minRememberDuration", "2s")

    def setup() -> StreamingContext:
        ssc = StreamingContext(SparkContext(conf=conf), 1)
        ssc.checkpoint(str(checkpoints))
        lines = ssc.textFileStream(str(inbox)).map(int)
        lines.map(lambda n: (n % 2, n)).reduceByKey(lambda a, b: a + b).foreachRDD(note)
        return ssc

    def newest() -> Path:
        return max(checkpoints.glob("checkpoint-*.2"), key=lambda path: int(path.stem.rpartition("-")[2]))

    ssc = StreamingContext.getOrCreate(str(checkpoints), setup)
    ssc.start()
    ssc.advance()
    ssc.stop()
    ssc = StreamingContext.getOrCreate(str(checkpoints), setup)
    ssc.start()
    (inbox / "late").write_text("7\n")
    os.utime(inbox / "late", (1.5, 1.5))
    ssc.advance(5)
    ssc.stop()
    evens = HUNDRED_THOUSAND // 2
    sums = [(0, evens * (evens - 1)), (1, evens * evens)]
    assert [sorted(pairs) for pairs in seen()] == [sums, [(1, 7)], [], [], [], []]
    # Files that are too old to be new are not remembered any more.
    assert newest().stat().st_size < 10_000
    assert b"late" not in newest().read_bytes()


LOST_PERMISSION = """
import os, sys
from pyspark import SparkConf, SparkContext
from pyspark.streaming import StreamingContext

conf = SparkConf().setMaster("local[2]").setAppName("denied").set("spark.streaming.clock", "manual")
folder = sys.argv[1]

def setup():
    ssc = StreamingContext(SparkContext(conf=conf), 1)
    ssc.checkpoint(folder)
    sums = ssc.queueStream([[("a", n)] for n in range(1, 6)]).updateStateByKey(lambda new, old: sum(new) + (old or 0))
    sums.foreachRDD(lambda rdd: print(rdd.values().sum(), flush=True))
    return ssc

if os.geteuid() == 0:
    os.chown(folder, 65534, 65534)
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
ssc = StreamingContext.getOrCreate(folder, setup)
ssc.start()
ssc.advance()
os.chmod(folder, 0o500)
ssc.advance()
os.chmod(folder, 0o700)
ssc.advance()
ssc.stop(False)
ssc = StreamingContext.getOrCreate(folder, setup)
ssc.start()
ssc.advance()
os.chmod(folder, 0o000)
try:
    StreamingContext.getOrCreate(folder, setup)
except Exception as error:
    print("refused:", error)
os.chmod(folder, 0o700)
ssc.stop()
"""


def run_program(text: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a program of its own in a folder."""
    (folder / "program.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "program.py", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=50, check=False)


def test_a_folder_whose_permission_is_lost_is_told_and_made_up_for(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="dstreams-denied-") as folder:
        ended = run_program(LOST_PERMISSION, tmp_path, folder)
    assert ended.stdout.split("\n")[:4] == ["1", "3", "6", "10"], ended.stderr
    told = [line for line in ended.stderr.splitlines() if "could not be written" in line]
    assert len(told) == 1 and "after the batch of 2000 ms" in told[0] and "Permission denied" in told[0]
    assert "refused:" in ended.stdout and "Permission denied" in ended.stdout


FULL_LOG = """
import resource, signal, sys, threading
from pyspark import SparkConf, SparkContext
from pyspark.streaming import StreamingContext
from pyspark.streaming.receiver import Receiver

conf = SparkConf().setMaster("local[2]").setAppName("full").set("spark.streaming.clock", "manual")
conf.set("spark.streaming.receiver.writeAheadLog.enable", "true")
STARTED, STORED = threading.Event(), threading.Event()

class Lines(Receiver):
    def onStart(self):
        threading.Thread(target=self.run, daemon=True).start()

    def onStop(self):
        pass

    def run(self):
        import __main__ as program
        import resource
        self.store_many(["first"])
        program.STARTED.wait()  # the first checkpoint is written while receivers run: it is not to meet the limit
        soft = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
        try:
            self.store_many(["too much " * 1000])
        except Exception as error:
            print("refused:", " ".join(str(error).split()), flush=True)
        resource.setrlimit(resource.RLIMIT_FSIZE, soft)
        self.store_many(["last"])
        program.STORED.set()

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
ssc = StreamingContext(SparkContext(conf=conf), 1)
ssc.checkpoint("checkpoint")
ssc.receiverStream(Lines()).foreachRDD(lambda rdd: print([line.strip()[:5] for line in rdd.collect()], flush=True))
ssc.start()
STARTED.set()
STORED.wait()
ssc.advance()
ssc.stop()
"""


def test_a_block_that_cannot_be_logged_is_refused_to_the_receiver(tmp_path: Path) -> None:
    ended = run_program(FULL_LOG, tmp_path)
    refused, *batches = ended.stdout.splitlines() or [ended.stderr]
    assert refused.startswith("refused: ") and "too large" in refused.lower(), ended.stderr
    assert "journal" in refused
    assert batches and "first" in batches[0] and "last" in batches[0], ended.stderr
