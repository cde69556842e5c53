"""How does the cost of a batch grow: with its records, with the keys that it touches, with the keys that are held?

    python benches/growth.py

Turns the clock by hand, so batches follow one another at once. Prints the median of the time that the output of a batch
takes, in milliseconds, a JSON line per case. Answers are checked.
"""

from __future__ import annotations

import json
import random
import tempfile
import time
from typing import Any

from pyspark import SparkConf, SparkContext
from pyspark.streaming import StateSpec, StreamingContext

BATCHES = 15
TIMED = "mapWithState, keys can time out"


def count(key: int, one: int, state: Any) -> int:
    state.update((state.getOption() or 0) + one)
    return key


def median_ms(sc: SparkContext, name: str, batches: list[Any], expected: int) -> float:
    """The time of the outputs of all batches but the first."""
    ssc = StreamingContext(sc, 1)
    ssc.checkpoint(tempfile.mkdtemp())
    times: list[float] = []
    found: list[int] = []

    def timed(rdd: Any) -> None:
        begun = time.perf_counter()
        found.append(rdd.count())
        times.append(time.perf_counter() - begun)

    pairs = ssc.queueStream(batches)
    if name == "reduceByKey":
        pairs.reduceByKey(lambda a, b: a + b).foreachRDD(timed)
    elif name == "updateStateByKey":
        pairs.updateStateByKey(lambda new, old: sum(new) + (old or 0)).foreachRDD(timed)
    else:
        spec = StateSpec.function(count)
        pairs.mapWithState(spec.timeout(3600) if name == TIMED else spec).foreachRDD(timed)
    ssc.start()
    ssc.advance(len(batches))
    ssc.stop(stopSparkContext=False)
    assert found[-1] == expected, (name, found[-1], expected)
    return sorted(times[1:])[len(times[1:]) // 2] * 1e3


def main() -> None:
    conf = SparkConf().setMaster("local[2]").setAppName("growth").set("spark.streaming.clock", "manual")
    sc = SparkContext(conf=conf)
    rng = random.Random(1)
    for records in (1_000, 10_000, 100_000, 1_000_000):
        pairs = sc.parallelize([(rng.randrange(50_000), 1) for _ in range(records)], 2)
        keys = pairs.keys().distinct().count()
        ms = median_ms(sc, "reduceByKey", [pairs] * BATCHES, keys)
        print(json.dumps({"case": "reduceByKey", "records": records, "ms": round(ms, 2)}), flush=True)
    for name in ("updateStateByKey", "mapWithState", TIMED):
        for held, touched in ((1_000_000, 1_000), (1_000_000, 10_000), (1_000_000, 100_000), (100_000, 10_000)):
            first = sc.range(held, numSlices=2).map(lambda key: (key, 1))
            some = [sc.parallelize([(rng.randrange(held), 1) for _ in range(touched)], 2) for _ in range(BATCHES)]
            ms = median_ms(sc, name, [first, *some], held if name == "updateStateByKey" else touched)
            print(json.dumps({"case": name, "held": held, "touched": touched, "ms": round(ms, 2)}), flush=True)
    sc.stop()


if __name__ == "__main__":
    main()
