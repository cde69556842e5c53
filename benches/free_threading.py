"""Do functions that stay Python run on all cores where Python has no global lock?

Parses lines of a web server's log and adds up by key, all in Python (`DSTREAMS_NATIVE=0`), with
`local[1]` and with `local[2]` in turn, each in a process of its own; beside it the same loop on plain threads, without
dstreams. Prints seconds (the best of some rounds), how many times faster two threads are than one, and how many times
the processor seconds of one thread they need together: on a machine that does other things too, this is the figure to
look at.

    PYTHON benches/free_threading.py [--lines 400000] [--rounds 3] [--threads 2]

On an ordinary interpreter two threads gain nothing; on a free-threaded one they should.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import threading
import time
from typing import Any

LINE = re.compile(r'^(\S+) (\S+) (\S+) \[([\w:/]+\s[+\-]\d{4})\] "(\S+) (\S+)\s*(\S*)" (\d{3}) (\S+)')
PARTITIONS = 8
# On the clock, and of the processors.
Seconds = tuple[float, float]


def log_lines(count: int) -> list[str]:
    """Lines of a log, the same in every run."""
    chance = random.Random(3)
    return [
        f"10.0.{chance.randrange(16)}.{chance.randrange(256)} - - [07/Mar/2004:16:05:49 -0800] "
        f'"GET /p/{chance.randrange(1000)} HTTP/1.1" {chance.choice((200, 200, 404))} {chance.randrange(99999)}'
        for _ in range(count)
    ]


def parse(line: str) -> tuple[str, int] | None:
    """Who asked, and how many bytes the answer had."""
    found = LINE.match(line)
    return (found.group(1), int(found.group(9))) if found else None


def on_threads(lines: list[str], threads: int) -> dict[str, int]:
    """The sums by key, on plain threads: part by part, the parts added up at the end."""
    parts = [lines[at::threads] for at in range(threads)]
    sums: list[dict[str, int]] = [{} for _ in parts]

    def work(part: list[str], found: dict[str, int]) -> None:
        for line in part:
            pair = parse(line)
            if pair is not None:
                found[pair[0]] = found.get(pair[0], 0) + pair[1]

    workers = [threading.Thread(target=work, args=each) for each in zip(parts, sums, strict=True)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    total = sums[0]
    for other in sums[1:]:
        for key, value in other.items():
            total[key] = total.get(key, 0) + value
    return total


def timed(work: Any, rounds: int, answer: dict[str, int]) -> Seconds:
    taken, computed = [], []
    for _ in range(rounds):
        begun, used = time.perf_counter(), time.process_time()
        found = work()
        taken.append(time.perf_counter() - begun)
        computed.append(time.process_time() - used)
        assert found == answer, "a wrong answer"
    return min(taken), min(computed)


def measure(what: str, threads: int, count: int, rounds: int) -> Seconds:
    """The seconds of one way with so many threads."""
    lines = log_lines(count)
    answer = on_threads(lines, 1)
    if what == "threads":
        return timed(lambda: on_threads(lines, threads), rounds, answer)
    from pyspark import SparkContext

    with SparkContext(f"local[{threads}]") as sc:
        kept = sc.parallelize(lines, PARTITIONS).cache()
        assert kept.count() == count

        def job() -> dict[str, int]:
            pairs = kept.map(parse).filter(lambda pair: pair is not None)
            return dict(pairs.reduceByKey(lambda one, other: one + other).collect())

        return timed(job, rounds, answer)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=400_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        what, threads = options.only
        print(*measure(what, int(threads), options.lines, options.rounds))
        return
    locked = getattr(sys, "_is_gil_enabled", lambda: True)()
    print(sys.version.split(" (")[0], "with a global lock" if locked else "without a global lock")
    for what in ("threads", "dstreams"):
        one, many = (apart(what, threads, options.lines, options.rounds) for threads in (1, options.threads))
        figures = {"1_s": one[0], f"{options.threads}_s": many[0], "ratio": one[0] / many[0], "work": many[1] / one[1]}
        print(what, json.dumps({name: round(value, 2) for name, value in figures.items()}))


def apart(what: str, threads: int, lines: int, rounds: int) -> Seconds:
    """`measure` in a process of its own."""
    numbers = ["--lines", str(lines), "--rounds", str(rounds), "--only", what, str(threads)]
    called = {**os.environ, "DSTREAMS_NATIVE": "0"}
    command = [sys.executable, __file__, *numbers]
    ended = subprocess.run(command, check=True, capture_output=True, text=True, env=called)
    taken, computed = map(float, ended.stdout.split())
    return taken, computed


if __name__ == "__main__":
    main()
