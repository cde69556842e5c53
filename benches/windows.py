"""What does a window cost that shares most of its panes with the one before? In plain PySpark code.

The same file runs on dstreams and on Apache Spark: the interpreter that runs it decides. Each case fills a window, and
takes the median time of one output over the next ones; the answer is checked. Prints a line of JSON per case.

    python benches/windows.py [partials|parsed|counted ...] [--windows 10] [--spark PYTHON_WITH_PYSPARK]

partials: `reduceByKeyAndWindow` without an inverse, 60 panes of 50,000 keys each.
parsed:   `window(20).map(parse).reduceByKey(add)` over 20,000 lines per batch.
counted:  `window(20).countByValue()` over the same lines.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from operator import add
from typing import Any

INTERVAL = 0.2
KEYS, KEYED_PANES = 50_000, 60
LINES, PANES, SENSORS = 20_000, 20, 500


def parse(line: str) -> tuple[str, int]:
    fields = line.split(",")
    return fields[1], int(fields[2])


def partials(sc: Any, ssc: Any, windows: int) -> tuple[Any, int, Callable[[list], bool]]:
    keys = sc.parallelize(range(KEYS), 2)
    pairs = ssc.queueStream([keys] * (KEYED_PANES + windows)).map(lambda n: (n, n % 7))
    stream = pairs.reduceByKeyAndWindow(lambda a, b: a + b, None, KEYED_PANES * INTERVAL, INTERVAL, 2)
    return stream, KEYED_PANES, lambda found: sum(v for _, v in found) == KEYED_PANES * sum(n % 7 for n in range(KEYS))


def lines_of(sc: Any, ssc: Any, batches: int) -> Any:
    lines = [f"2026-11-21,sensor{n % SENSORS},{n % 1000}" for n in range(LINES)]
    return ssc.queueStream([sc.parallelize(lines, 2) for _ in range(batches)])


def parsed(sc: Any, ssc: Any, windows: int) -> tuple[Any, int, Callable[[list], bool]]:
    window = lines_of(sc, ssc, PANES + windows).window(PANES * INTERVAL, INTERVAL)
    whole = PANES * sum(n % 1000 for n in range(LINES))
    return window.map(parse).reduceByKey(add, 2), PANES, lambda found: sum(v for _, v in found) == whole


def counted(sc: Any, ssc: Any, windows: int) -> tuple[Any, int, Callable[[list], bool]]:
    window = lines_of(sc, ssc, PANES + windows).window(PANES * INTERVAL, INTERVAL)
    return window.countByValue(), PANES, lambda found: sum(v for _, v in found) == PANES * LINES


CASES = {"partials": partials, "parsed": parsed, "counted": counted}


def run(case: str, windows: int) -> None:
    from pyspark import SparkConf, SparkContext
    from pyspark.streaming import StreamingContext

    conf = SparkConf().setMaster("local[2]").setAppName("windows").set("spark.ui.enabled", "false")
    sc = SparkContext(conf=conf)
    sc.setLogLevel("OFF")
    ssc = StreamingContext(sc, INTERVAL)
    stream, panes, is_right = CASES[case](sc, ssc, windows)
    taken: list[float] = []
    wrong: list[int] = []

    def measure(rdd: Any) -> None:
        begun = time.perf_counter()
        found = rdd.collect()
        taken.append(time.perf_counter() - begun)
        if panes <= len(taken) <= panes + windows and not is_right(found):
            wrong.append(len(taken))

    stream.foreachRDD(measure)
    ssc.start()
    end = time.monotonic() + 900
    while len(taken) < panes + windows and time.monotonic() < end:
        time.sleep(0.05)
    ssc.stop(True, False)
    assert len(taken) >= panes + windows and not wrong, (len(taken), wrong)
    full = [seconds * 1000 for seconds in taken[panes : panes + windows]]
    print(json.dumps({"case": case, "median_ms": statistics.median(full), "worst_ms": max(full)}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("cases", nargs="*", choices=[*CASES, []], default=list(CASES))
    parser.add_argument("--windows", type=int, default=10, help="windows that are measured")
    parser.add_argument("--spark", help="a Python interpreter with real PySpark, to run each case there too")
    options = parser.parse_args()
    for case in options.cases:
        if len(options.cases) == 1 and not options.spark:
            run(case, options.windows)
            continue
        for name, python in (("dstreams", sys.executable), ("PySpark", options.spark)):
            if python:
                command = [python, __file__, case, "--windows", str(options.windows)]
                done = subprocess.run(command, capture_output=True, text=True, timeout=1000, check=True)
                print(f"{name:9}{done.stdout.strip().splitlines()[-1]}", flush=True)


if __name__ == "__main__":
    main()
