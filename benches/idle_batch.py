"""What does a batch without data cost?

Runs a graph on a stream that gets no data any more, and prints milliseconds per batch: the processor time of the whole
process, the time that the outputs take, and the time from the moment a batch is due to the end of its last output.

    python benches/idle_batch.py [--graph words|window] [--batches 200] [--interval 0.02]

words: a word count with two outputs that never had data. window: sums by key over eight batches with an inverse
function, which had eight batches of 100,000 events on 50,000 keys before, and holds these keys.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from operator import add
from typing import Any

from pyspark import SparkConf, SparkContext
from pyspark.streaming import StreamingContext

FULL = 8


class Times:
    """Milliseconds of the idle batches."""

    def __init__(self) -> None:
        self.outputs: list[float] = []
        self.late: list[float] = []

    def output(self, compute: Callable[[Any], Any], last: bool) -> Callable[[Any, Any], None]:
        """An output that does this with each RDD."""

        def timed(due: Any, rdd: Any) -> None:
            begun = time.perf_counter()
            compute(rdd)
            self.outputs.append((time.perf_counter() - begun) * 1000)
            if last:
                self.late.append((time.time() - due.timestamp()) * 1000)

        return timed


def words(sc: SparkContext, ssc: StreamingContext, interval: float, times: Times) -> int:
    pairs = ssc.queueStream([[]]).flatMap(lambda line: line.split(" ")).map(lambda word: (word, 1))
    pairs.reduceByKey(add).foreachRDD(times.output(lambda rdd: rdd.take(11), last=False))
    pairs.reduceByKey(lambda a, b: a + b).foreachRDD(times.output(lambda rdd: rdd.collect(), last=True))
    return 0


def window(sc: SparkContext, ssc: StreamingContext, interval: float, times: Times) -> int:
    rng = random.Random(1)
    batches = [sc.parallelize([(f"k{rng.randrange(50_000)}", 1) for _ in range(100_000)], 4) for _ in range(FULL)]
    ssc.checkpoint(tempfile.mkdtemp())
    sums = ssc.queueStream(batches).reduceByKeyAndWindow(
        lambda x, y: x + y, lambda x, y: x - y, FULL * interval, interval
    )
    sums.foreachRDD(times.output(lambda rdd: rdd.count(), last=True))
    return 2 * FULL  # until the last of the events has left the window


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--graph", choices=["words", "window"], default="words")
    parser.add_argument("--batches", type=int, default=200)
    parser.add_argument("--interval", type=float, default=0.02)
    options = parser.parse_args()

    sc = SparkContext(conf=SparkConf().setMaster("local[2]").setAppName("idle").set("spark.default.parallelism", "4"))
    ssc = StreamingContext(sc, options.interval)
    times = Times()
    before = {"words": words, "window": window}[options.graph](sc, ssc, options.interval, times) + 10
    ssc.start()
    while len(times.late) < before:  # the first batches import what the rest uses, too
        time.sleep(0.01)
    times.late.clear()
    times.outputs.clear()
    begun = time.process_time()
    while len(times.late) < options.batches:
        time.sleep(0.1)
    used, batches = time.process_time() - begun, len(times.late)
    outputs = sum(times.outputs) / batches
    ssc.stop(stopSparkContext=True, stopGraceFully=False)
    figures = {
        "processor_ms_per_batch": used * 1000 / batches,
        "outputs_ms_mean": outputs,
        "due_to_done_ms_median": statistics.median(times.late),
        "due_to_done_ms_p99": sorted(times.late)[int(len(times.late) * 0.99)],
        "batches": batches,
    }
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
