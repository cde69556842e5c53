"""What do worker processes gain, and what do they cost?

Runs the same jobs without worker processes and with two: a function that only computes, which they run side by side,
and one that does next to nothing, where moving the elements to and fro is the work. Prints seconds, and the ratio.

    python benches/worker_processes.py [--workers 2] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

from pyspark import SparkConf, SparkContext


def steps_to_one(start: int) -> int:
    """How long the Collatz sequence of a number is."""
    steps = 0
    while start != 1:
        start = 3 * start + 1 if start % 2 else start // 2
        steps += 1
    return steps


def computing(sc: SparkContext) -> int:
    return sc.parallelize(range(1, 300_001), 8).map(steps_to_one).sum()


def moving(sc: SparkContext) -> int:
    return sc.parallelize(range(1_000_000), 8).map(lambda x: x + 1).sum()


def seconds(job: Callable[[SparkContext], Any], workers: int, rounds: int, answer: int) -> float:
    conf = SparkConf().setMaster(f"local[{max(workers, 2)}]").set("spark.dstreams.python.workers", workers)
    with SparkContext(conf=conf) as sc:
        sc.parallelize(range(8), 8).map(lambda x: x).collect()  # starts the workers
        taken = []
        for _ in range(rounds):
            begun = time.perf_counter()
            found = job(sc)
            taken.append(time.perf_counter() - begun)
            assert found == answer, (found, answer)
    return statistics.median(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    answers = {computing: sum(map(steps_to_one, range(1, 300_001))), moving: 500_000_500_000}
    for job, answer in answers.items():
        without = seconds(job, 0, options.rounds, answer)
        with_workers = seconds(job, options.workers, options.rounds, answer)
        figures = {"without_s": without, "with_s": with_workers, "times_faster": without / with_workers}
        print(job.__name__, json.dumps({name: round(value, 2) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
