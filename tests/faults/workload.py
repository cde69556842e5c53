"""The stream that is killed: file words and logged records, states, windows, tables and file outputs.

Run as `workload.py FOLDER SECONDS`, with the batch interval. Goes on from the checkpoint in `FOLDER/checkpoint`, if
there is one. Every output is a folder per batch, so that what each batch saw can be compared later. It ends gracefully
when `FOLDER/finish` appears, and with the error when a batch fails or another process takes the folder.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from operator import add, sub
from typing import Any

from pyspark import SparkConf, SparkContext
from pyspark.streaming import StateSpec, StreamingContext
from pyspark.streaming.receiver import Receiver

WINDOW = 5
IDLE, SCAN = 6, 2


class Numbers(Receiver[str]):
    """Stores numbers, each once, and notes in a file which of them were acknowledged: `store_many` has returned."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self.folder = folder

    def onStart(self) -> None:
        """Begins behind the last number that an earlier run may have stored."""
        threading.Thread(target=self.run, daemon=True).start()

    def onStop(self) -> None:
        """Nothing to do: the thread looks."""

    def run(self) -> None:
        """Stores three numbers at a time until the end is near."""
        sent, acked = os.path.join(self.folder, "sent"), os.path.join(self.folder, "acked")
        with open(sent, "a+") as sending, open(acked, "a") as acking:
            sending.seek(0)
            number = len(sending.read().split())
            while not self.isStopped() and not os.path.exists(os.path.join(self.folder, "enough")):
                records = [f"n{number + at}" for at in range(3)]
                number += 3
                sending.write("\n".join(records) + "\n")
                sending.flush()
                self.store_many(records)
                acking.write("\n".join(records) + "\n")
                acking.flush()
                time.sleep(0.01)


def count(key: str, value: int | None, state: Any) -> tuple[str, int]:
    """Adds to the state of a word."""
    if not state.isTimingOut():
        state.update((state.getOption() or 0) + value)
    return key, state.get()


def setup(folder: str, seconds: float) -> StreamingContext:
    """The graph."""
    conf = SparkConf().setMaster("local[2]").setAppName("crashes")
    conf.set("spark.streaming.receiver.writeAheadLog.enable", "true").set("spark.streaming.blockInterval", "20ms")
    ssc = StreamingContext(SparkContext(conf=conf), seconds)
    ssc.checkpoint(os.path.join(folder, "checkpoint"))
    out = os.path.join(folder, "out")
    words = ssc.textFileStream(os.path.join(folder, "inbox")).flatMap(lambda line: line.split())
    words.saveAsTextFiles(f"{out}/words")
    pairs = words.map(lambda word: (word.partition("-")[0], 1))
    pairs.updateStateByKey(lambda new, old: sum(new) + (old or 0), 2).saveAsTextFiles(f"{out}/state")
    pairs.reduceByKeyAndWindow(add, sub, WINDOW * seconds, seconds, 2).saveAsTextFiles(f"{out}/inverse")
    pairs.window(WINDOW * seconds).reduceByKey(add, 2).saveAsTextFiles(f"{out}/window")
    pairs.mapWithState(StateSpec.function(count).numPartitions(2)).stateSnapshots().saveAsTextFiles(f"{out}/table")
    timed = pairs.mapWithState(StateSpec.function(count).numPartitions(2).timeout(IDLE * seconds))
    timed.checkpoint(SCAN * seconds)
    timed.stateSnapshots().saveAsTextFiles(f"{out}/timed")
    ssc.receiverStream(Numbers(folder)).saveAsTextFiles(f"{out}/logged")
    return ssc


def main(folder: str, seconds: float) -> None:
    """Runs until `finish` is there, or somebody kills it."""
    ssc = StreamingContext.getOrCreate(os.path.join(folder, "checkpoint"), lambda: setup(folder, seconds))
    ssc.start()
    print("started", flush=True)
    while not os.path.exists(os.path.join(folder, "finish")):
        ssc.awaitTerminationOrTimeout(0.02)
    ssc.stop(stopSparkContext=True, stopGraceFully=True)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
