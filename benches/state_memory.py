"""How much memory do the states of many keys take?

Gives so many keys an int with `updateStateByKey`, then adds to 10,000 of them per batch. Prints megabytes resident of
the whole process: before the stream is built, at the peak and after the last batch; and the peak's bytes per key.
Every count is checked. The same file runs on Apache Spark, where it sees the driver's Python alone.

    python benches/state_memory.py [--keys 1000000] [--batches 12]
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from pathlib import Path

from pyspark import SparkConf, SparkContext
from pyspark.streaming import StreamingContext


def resident(field: str) -> float:
    """Megabytes, as Linux says: `VmRSS` for now, `VmHWM` for the most there was."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--batches", type=int, default=12)
    options = parser.parse_args()

    conf = SparkConf().setMaster("local[2]").setAppName("memory").set("spark.default.parallelism", "4")
    sc = SparkContext(conf=conf)
    ssc = StreamingContext(sc, 1.0)
    ssc.checkpoint(tempfile.mkdtemp())
    before = resident("VmRSS")
    source = random.Random(5)
    everything = sc.parallelize(range(options.keys), 4).map(lambda key: (key, 1))
    some = [
        sc.parallelize([(source.randrange(options.keys), 1) for _ in range(10_000)], 4)
        for _ in range(options.batches - 1)
    ]
    counts: list[int] = []
    states = ssc.queueStream([everything, *some]).updateStateByKey(lambda new, old: sum(new) + (old or 0))
    states.foreachRDD(lambda rdd: counts.append(rdd.count()))
    ssc.start()
    while len(counts) < options.batches:
        time.sleep(0.05)
    peak, after = resident("VmHWM"), resident("VmRSS")
    ssc.stop(True, False)
    assert counts[: options.batches] == [options.keys] * options.batches
    figures = {
        "before_mb": before,
        "peak_mb": peak,
        "after_mb": after,
        "peak_bytes_per_key": (peak - before) * 2**20 / options.keys,
    }
    print(json.dumps({name: round(figure, 1) for name, figure in figures.items()}))


if __name__ == "__main__":
    main()
