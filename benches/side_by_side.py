"""How much better than Apache Spark, on this machine, in the same run?

Runs benches/streaming.py and benches/stateful.py with this interpreter and with one that has real PySpark, in turn, and
prints the medians and their ratio. Without --spark it prints our figures alone.

    python benches/side_by_side.py --spark PYTHON_WITH_PYSPARK [--rounds 3] [--only startup,window]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

# (program, case, figure, whether smaller is better)
FIGURES = [
    ("streaming.py", "startup", "first_result_s", True),
    ("streaming.py", "socket", "records_per_s", False),
    ("streaming.py", "memory", "resident_mb", True),
    ("stateful.py", "tiny", "batch_ms", True),
    ("stateful.py", "words", "mb_per_s", False),
    ("stateful.py", "states", "batch_ms", True),
    ("stateful.py", "many_states", "batch_ms", True),
    ("stateful.py", "window", "batch_ms", True),
]


def measure(python: str, program: str, case: str, figure: str) -> float:
    path = Path(__file__).with_name(program)
    done = subprocess.run([python, str(path), case], capture_output=True, text=True, timeout=600, check=True)
    return float(json.loads(done.stdout.strip().splitlines()[-1])[figure])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--spark", help="a Python interpreter with real PySpark")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", help="some of the cases, by name, with commas between them")
    options = parser.parse_args()
    chosen = options.only.split(",") if options.only else [case for _, case, _, _ in FIGURES]
    for program, case, figure, smaller in (row for row in FIGURES if row[1] in chosen):
        ours, theirs = [], []
        for _ in range(options.rounds):
            ours.append(measure(sys.executable, program, case, figure))
            if options.spark:
                theirs.append(measure(options.spark, program, case, figure))
        line = f"{case:12} {figure:16} dstreams {statistics.median(ours):12.4g}"
        if theirs:
            a, b = statistics.median(ours), statistics.median(theirs)
            line += f"   PySpark {b:12.4g}   {b / a if smaller else a / b:6.1f} times better"
        print(line, flush=True)


if __name__ == "__main__":
    main()
