"""How much faster than Apache Spark, and than loops over lists, are the usual operations on RDDs?

Runs benches/rdd.py case by case with this interpreter, with one that has real PySpark, and in plain Python; checks that
all give the same rows, and prints a table in Markdown. A ratio above 1 says that dstreams is that many times faster.
Spark's lines of an earlier run can be given instead of an interpreter, since measuring Spark takes long.

    python benches/rdd_side_by_side.py [--spark PYTHON_WITH_PYSPARK | --spark-lines FILE] [--only pairs.] [--scale 0.1]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from rdd import CASES

PROGRAM = Path(__file__).with_name("rdd.py")
Line = dict[str, Any]


def measure(python: str, case: str, options: argparse.Namespace, *more: str) -> Line:
    command = [python, str(PROGRAM), "--case", case, f"--scale={options.scale}", f"--rounds={options.rounds}", *more]
    # Spark starts its workers with the `python3` it finds unless told otherwise.
    environment = {**os.environ, "PYSPARK_PYTHON": python, "PYSPARK_DRIVER_PYTHON": python}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, timeout=1800, check=True)
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def earlier(file: str, scale: float) -> dict[str, Line]:
    """The lines of a file by case; those of another scale are of no use."""
    lines = [json.loads(line) for line in Path(file).read_text().splitlines() if line.startswith("{")]
    return {line["case"]: line for line in lines if line["scale"] == scale}


def check_alike(lines: list[Line]) -> None:
    """Raises unless all engines gave the same rows."""
    answers = {(line["rows"], line["checksum"]) for line in lines}
    if len(answers) > 1:
        told = ", ".join(f"{line['engine']}: {line['rows']} rows, checksum {line['checksum']}" for line in lines)
        raise SystemExit(f"{lines[0]['case']}: the answers differ: {told}")


def compared(other: Line | None, ours: Line) -> str:
    if other is None:
        return "|  |  "
    return f"| {other['seconds']:.3f} | {other['seconds'] / max(ours['seconds'], 1e-4):.1f} "


def row(ours: Line, spark: Line | None, plain: Line | None) -> str:
    """A line of the table."""
    memory = f"{ours['peak_with_children_mb']:.0f}"
    theirs = f"{spark['peak_with_children_mb']:.0f}" if spark else ""
    figures = f"| `{ours['case']}` | {ours['rows']:,} | {ours['seconds']:.3f} "
    return f"{figures}{compared(spark, ours)}{compared(plain, ours)}| {memory} | {theirs} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    spark = parser.add_mutually_exclusive_group()
    spark.add_argument("--spark", help="a Python interpreter with real PySpark")
    spark.add_argument("--spark-lines", help="a file with what benches/rdd.py printed with real PySpark")
    parser.add_argument("--only", nargs="*", default=[""], help="beginnings of the names of cases")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-plain", action="store_true", help="leave the loops over lists out")
    parser.add_argument("--json", help="a file for all lines")
    options = parser.parse_args()

    before = earlier(options.spark_lines, options.scale) if options.spark_lines else {}
    print("| case | rows | dstreams, s | Spark, s | ratio | lists, s | ratio | dstreams, MB | Spark, MB |")
    print("|---|---|---|---|---|---|---|---|---|")
    everything: list[Line] = []
    for case in [name for name in CASES if name.startswith(tuple(options.only))]:
        ours = measure(sys.executable, case, options)
        theirs = measure(options.spark, case, options) if options.spark else before.get(case)
        plain = None if options.no_plain else measure(sys.executable, case, options, "--plain")
        lines = [line for line in (ours, theirs, plain) if line]
        check_alike(lines)
        print(row(ours, theirs, plain), flush=True)
        everything += lines
    if options.json:
        Path(options.json).write_text("".join(json.dumps(line) + "\n" for line in everything))


if __name__ == "__main__":
    main()
