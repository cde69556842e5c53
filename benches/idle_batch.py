"""What does a batch without data cost?

Runs a word count with two outputs on a stream that gets no data, and prints milliseconds per batch: the processor time
of the whole process, and the time from the moment a batch is due to the end of its last output.

    python benches/idle_batch.py [--batches 200] [--interval 0.02]
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from operator import add

from pyspark import SparkConf, SparkContext
from pyspark.streaming import StreamingContext


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=200)
    parser.add_argument("--interval", type=float, default=0.02)
    options = parser.parse_args()

    sc = SparkContext(conf=SparkConf().setMaster("local[2]").setAppName("idle"))
    ssc = StreamingContext(sc, options.interval)
    late: list[float] = []

    def last_output(due, rdd) -> None:
        assert rdd.collect() == []
        late.append((time.time() - due.timestamp()) * 1000)

    words = ssc.queueStream([[]]).flatMap(lambda line: line.split(" ")).map(lambda word: (word, 1))
    words.reduceByKey(add).foreachRDD(lambda rdd: rdd.take(11))
    words.reduceByKey(lambda a, b: a + b).foreachRDD(last_output)
    ssc.start()
    while len(late) < 10:  # the first batches import what the rest uses
        time.sleep(0.01)
    late.clear()
    begun = time.process_time()
    while len(late) < options.batches:
        time.sleep(0.1)
    used, batches = time.process_time() - begun, len(late)
    ssc.stop(stopSparkContext=True, stopGraceFully=False)
    figures = {
        "processor_ms_per_batch": used * 1000 / batches,
        "due_to_done_ms_median": statistics.median(late),
        "due_to_done_ms_p99": sorted(late)[int(len(late) * 0.99)],
        "batches": batches,
    }
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
