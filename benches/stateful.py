"""How long does a batch of a stateful job take, in plain PySpark code?

The same file runs on dstreams and on Apache Spark: the interpreter that runs it decides. Each case checks its answer
and prints one line of JSON.

    python benches/stateful.py [tiny|states|many_states|window|words ...]
"""

from __future__ import annotations

import os
import random
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from operator import add, sub
from pathlib import Path

from streaming import run, wait_until


def contexts(batch: float, partitions: int = 4):
    from pyspark import SparkConf, SparkContext
    from pyspark.streaming import StreamingContext

    conf = SparkConf().setMaster("local[2]").setAppName("bench").set("spark.ui.enabled", "false")
    sc = SparkContext(conf=conf.set("spark.default.parallelism", str(partitions)))
    sc.setLogLevel("OFF")
    ssc = StreamingContext(sc, batch)
    ssc.checkpoint(tempfile.mkdtemp())
    return sc, ssc


def timed_counts(ssc, stream, batches: int) -> tuple[list[int], list[float]]:
    """Runs so many batches: what `count` gave for each, and the milliseconds that it took."""
    counts: list[int] = []
    times: list[float] = []

    def count(rdd) -> None:
        begun = time.perf_counter()
        counts.append(rdd.count())
        times.append(1000 * (time.perf_counter() - begun))

    stream.foreachRDD(count)
    ssc.start()
    assert wait_until(lambda: len(times) >= batches, 300)
    ssc.stop(True, False)
    return counts[:batches], times[:batches]


def tiny() -> dict[str, float]:
    """Milliseconds from the begin of the first to the end of the last of three outputs of batches of four words."""
    _, ssc = contexts(0.5, partitions=2)
    batches, begun, took, states = 24, [0.0], [], []
    pairs = ssc.queueStream([["x y z x"]] * batches).flatMap(lambda line: line.split(" ")).map(lambda word: (word, 1))

    def first(rdd) -> None:
        begun[0] = time.perf_counter()
        rdd.collect()

    def last(rdd) -> None:
        states.append(dict(rdd.collect()))
        took.append(1000 * (time.perf_counter() - begun[0]))

    pairs.reduceByKey(add).foreachRDD(first)
    pairs.reduceByKeyAndWindow(add, sub, 5, 0.5).foreachRDD(lambda rdd: rdd.collect() and None)
    pairs.updateStateByKey(lambda new, old: sum(new) + (old or 0)).foreachRDD(last)
    ssc.start()
    assert wait_until(lambda: len(took) >= batches, 300)
    assert states[batches - 1] == {"x": 2 * batches, "y": batches, "z": batches}
    ssc.stop(True, False)
    return {"batch_ms": statistics.median(took)}


def states(keys: int = 100_000) -> dict[str, float]:
    """Milliseconds of a batch of `updateStateByKey` that touches 10,000 of so many keys."""
    sc, ssc = contexts(1.0)
    source = random.Random(5)
    everything = sc.parallelize(range(keys), 4).map(lambda key: (key, 1))
    some = [sc.parallelize([(source.randrange(keys), 1) for _ in range(10_000)], 4) for _ in range(8)]
    held = ssc.queueStream([everything, *some]).updateStateByKey(lambda new, old: sum(new) + (old or 0))
    counts, times = timed_counts(ssc, held, 9)
    assert counts == [keys] * 9
    return {"batch_ms": statistics.median(times[1:])}


def many_states() -> dict[str, float]:
    """The same with a million keys."""
    return states(1_000_000)


def window() -> dict[str, float]:
    """Milliseconds of a batch of 100,000 pairs with 50,000 keys in a window of 8 batches with an inverse."""
    sc, ssc = contexts(1.0)
    source = random.Random(5)
    batches = [[(f"key{source.randrange(50_000)}", 1) for _ in range(100_000)] for _ in range(12)]
    stream = ssc.queueStream([sc.parallelize(batch, 4) for batch in batches])
    counts, times = timed_counts(ssc, stream.reduceByKeyAndWindow(add, sub, 8, 1), 12)
    # An inverse leaves keys with a sum of zero.
    known = [len({key for batch in batches[: end + 1] for key, _ in batch}) for end in range(12)]
    assert counts == known
    return {"batch_ms": statistics.median(times)}


def words() -> dict[str, float]:
    """Megabytes of text per second that are split into words and counted."""
    vocabulary = [f"word{rank}" for rank in range(50_000)]
    weights = [1 / (rank + 1) for rank in range(50_000)]
    chosen = random.Random(5).choices(vocabulary, weights, k=4_000_000)
    path = Path(tempfile.mkdtemp(), "words.txt")
    path.write_text("".join(" ".join(chosen[at : at + 10]) + "\n" for at in range(0, len(chosen), 10)))
    megabytes = path.stat().st_size / 1e6
    sc, ssc = contexts(1.0)
    text = sc.textFile(str(path), 4)
    counted = ssc.queueStream([text] * 3).flatMap(lambda line: line.split(" ")).map(lambda word: (word, 1))
    tops: list[list[tuple[int, str]]] = []
    times: list[float] = []

    def top(rdd) -> None:
        begun = time.perf_counter()
        found = rdd.map(lambda pair: (pair[1], pair[0])).top(3)
        if found:
            tops.append(found)
            times.append(time.perf_counter() - begun)

    counted.reduceByKey(add).foreachRDD(top)
    ssc.start()
    assert wait_until(lambda: len(times) >= 3, 300)
    ssc.stop(True, False)
    assert tops[0] == [(count, word) for word, count in Counter(chosen).most_common(3)]
    return {"mb_per_s": megabytes / min(times)}


CASES: dict[str, Callable[[], dict[str, float]]] = {
    "tiny": tiny,
    "states": states,
    "many_states": many_states,
    "window": window,
    "words": words,
}


if __name__ == "__main__":
    run(os.path.abspath(__file__), CASES)
