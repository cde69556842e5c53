"""What goes wrong around a stream: each has one outcome, and a message."""

from __future__ import annotations

import logging
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from notes import SEEN
from py4j.protocol import Py4JJavaError
from pyspark import SparkConf, SparkContext
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
