"""Do native functions run while another task holds the interpreter?

One job of two partitions: functions that run natively, then one that Python must be called for. Prints seconds: each of
the two alone on one core, and the job on one core and on two; and how much of the shorter of both was hidden behind the
other: 0 if tasks wait for each other, 1 if nothing of it is left to be seen. Every count is checked.

    python benches/overlap.py [--lines 400000] [--rounds 5]
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

from pyspark import SparkConf, SparkContext


def plain(line: str) -> str:
    """Runs natively."""
    return " ".join(line.lower().replace("e", "E").replace("0", "zero").strip().split(" "))[-12:].upper()


def called(line: str) -> int:
    """Python must be called: `try` has no native form."""
    try:
        return int(line[-1], 36) + int(line[-2], 36)
    except ValueError:
        return -1


def seconds(cores: int, lines: int, job: Callable[[Any], Any], rounds: int) -> float:
    """The median of some runs."""
    conf = SparkConf().setMaster(f"local[{cores}]").setAppName("overlap").set("spark.ui.enabled", "false")
    sc = SparkContext(conf=conf)
    text = sc.parallelize([f"line {n} of some text with a few words, {n * 7919 % 1000}" for n in range(lines)], 2)
    text = text.persist()
    assert text.count() == lines
    found = []
    for _ in range(rounds + 1):
        begun = time.perf_counter()
        job(text)
        found.append(time.perf_counter() - begun)
    sc.stop()
    return statistics.median(found[1:])


def main() -> None:
    """Runs all, and prints one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=400_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()

    def native(text: Any) -> None:
        assert text.map(plain).map(len).max() == 12

    def python(text: Any) -> None:
        assert text.map(called).count() == options.lines

    def both(text: Any) -> None:
        assert text.map(plain).map(called).count() == options.lines

    def run(cores: int, job: Callable[[Any], Any]) -> float:
        return seconds(cores, options.lines, job, options.rounds)

    alone = run(1, native), run(1, python)
    one, two = run(1, both), run(2, both)
    figures = {
        "native_s": alone[0],
        "python_s": alone[1],
        "both_one_core_s": one,
        "both_two_cores_s": two,
        "hidden": (one - two) / min(alone),
    }
    print(json.dumps({name: round(figure, 3) for name, figure in figures.items()}))


if __name__ == "__main__":
    main()
