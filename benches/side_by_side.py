"""How much better than Apache Spark, on this machine, in the same run?

Runs benches/streaming.py with this interpreter and with one that has real PySpark, in turn, and prints the medians and
their ratio. Without --spark it prints our figures alone.

    python benches/side_by_side.py --spark PYTHON_WITH_PYSPARK [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).with_name("streaming.py")
# (case, figure, whether smaller is better)
FIGURES = [
    ("startup", "first_result_s", True),
    ("socket", "records_per_s", False),
    ("memory", "resident_mb", True),
]


def measure(python: str, case: str, figure: str) -> float:
    done = subprocess.run([python, str(PROGRAM), case], capture_output=True, text=True, timeout=300, check=True)
    return float(json.loads(done.stdout.strip().splitlines()[-1])[figure])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--spark", help="a Python interpreter with real PySpark")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    for case, figure, smaller in FIGURES:
        ours, theirs = [], []
        for _ in range(options.rounds):
            ours.append(measure(sys.executable, case, figure))
            if options.spark:
                theirs.append(measure(options.spark, case, figure))
        line = f"{case:8} {figure:16} dstreams {statistics.median(ours):12.4g}"
        if theirs:
            a, b = statistics.median(ours), statistics.median(theirs)
            line += f"   PySpark {b:12.4g}   {b / a if smaller else a / b:6.1f} times better"
        print(line, flush=True)


if __name__ == "__main__":
    main()
