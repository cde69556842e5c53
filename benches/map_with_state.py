"""What does a batch of `mapWithState` cost when few of many keys are touched?

Holds a million keys with a number each, then adds to 10,000 of them per batch. Prints milliseconds per batch: from
the moment its first job begins to the end of its last, as a listener hears it, and processor time; beside it, what
copying all states into a snapshot takes when one is asked for. Every count is checked.

    python benches/map_with_state.py [--keys 1000000] [--touched 10000] [--batches 30] [--timeout]
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import threading
import time

from pyspark import SparkConf, SparkContext
from pyspark.streaming import State, StateSpec, StreamingContext, StreamingListener


def count(key: int, value: int | None, state: State) -> tuple[int, int] | None:
    """Adds to a key's number."""
    if state.isTimingOut():
        return None
    total = (state.get() if state.exists() else 0) + value
    state.update(total)
    return key, total


SNAPSHOTS: list = []
UPDATES: list[int] = []


def keep_snapshot(rdd) -> None:
    """Keeps an RDD in the program itself: variables of functions are in checkpoints, where none can be."""
    import __main__ as program

    program.SNAPSHOTS.append(rdd)


def note_updates(rdd) -> None:
    """Notes how many elements came."""
    import __main__ as program

    program.UPDATES.append(rdd.count())


class Durations(StreamingListener):
    """How long each batch took, and how much of the processor had been used after it."""

    def __init__(self, wanted: int) -> None:
        self.found: list[int] = []
        self.used: list[float] = []
        self.done = threading.Event()
        self.wanted = wanted

    def onBatchCompleted(self, batchCompleted) -> None:
        """Called by the stream."""
        self.found.append(batchCompleted.batchInfo().processingDelay())
        self.used.append(time.process_time())
        if len(self.found) >= self.wanted:
            self.done.set()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--touched", type=int, default=10_000)
    parser.add_argument("--batches", type=int, default=30)
    parser.add_argument("--timeout", action="store_true", help="keys can time out (an hour)")
    options = parser.parse_args()

    sc = SparkContext(conf=SparkConf().setMaster("local[2]").setAppName("mapWithState"))
    ssc = StreamingContext(sc, 0.1)
    ssc.checkpoint(tempfile.mkdtemp())
    pick = random.Random(7)
    touched = [pick.sample(range(options.keys), options.touched) for _ in range(options.batches)]
    initial = sc.parallelize([(n, 0) for n in range(options.keys)], 2)
    spec = StateSpec.function(count).numPartitions(2).initialState(initial)
    if options.timeout:
        spec.timeout(3600)
    counted = ssc.queueStream([[(n, 1) for n in batch] for batch in touched]).mapWithState(spec)
    counted.stateSnapshots().foreachRDD(keep_snapshot)
    counted.foreachRDD(note_updates)
    durations = Durations(options.batches)
    ssc.addStreamingListener(durations)
    ssc.start()
    assert durations.done.wait(120)
    begun = time.perf_counter()
    total = SNAPSHOTS[-1].values().sum()
    copied = (time.perf_counter() - begun) * 1000
    ssc.stop(stopSparkContext=True, stopGraceFully=False)
    assert UPDATES[: options.batches] == [options.touched] * options.batches
    assert total == options.batches * options.touched
    used = durations.used[options.batches - 1] - durations.used[0]
    # The first batch loads the initial states.
    figures = {
        "touched_ms_median": statistics.median(durations.found[1 : options.batches]),
        "processor_ms": round(used * 1000 / (options.batches - 1), 1),
        "touched_ms_max": max(durations.found[1 : options.batches]),
        "first_batch_ms": durations.found[0],
        "snapshot_ms": round(copied, 1),
        "keys": options.keys,
        "touched": options.touched,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
