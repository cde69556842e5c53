"""Files that travel between dstreams and a real Spark, both ways.

Runs where DSTREAMS_TEST_SPARK_PYTHON names the interpreter of an environment with PySpark, and Java is there.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from dstreams import SparkContext

SPARK_PYTHON = os.environ.get("DSTREAMS_TEST_SPARK_PYTHON")
pytestmark = pytest.mark.skipif(not SPARK_PYTHON, reason="DSTREAMS_TEST_SPARK_PYTHON is not set")

CODEC = "org.apache.hadoop.io.compress.DefaultCodec"
LINES = ["one", "", "dr\u00e9i", "x" * 1000]
PAIRS: dict[str, list[Any]] = {
    "text": [("k\u00e9y", "v\u00e4lue"), ("", "x" * 70_000)],
    "ints": [(1, 2**31 - 1), (-(2**31), 0)],
    "longs": [(2**31, 2**40), (2**62, -(2**63))],
    "floats": [(1.5, -0.25), (1e300, 5e-324)],
    "mixed": [("a", True), ("b", False)],
    "nulls": [(None, "a"), (None, "b")],
    "many": [(n, str(n) * 20) for n in range(5000)],
}
PICKLED = [1, "two", (3, None), {"four": [4.0]}, b"5"]

CODECS = ("GzipCodec", "BZip2Codec", "DefaultCodec")


def kinds_of(name: str) -> list[tuple[str, str | None]]:
    """How the pairs of a name are written: as they are, and some compressed too."""
    return [("plain", None), ("packed", CODEC)] if name in ("text", "many") else [("plain", None)]


WORK = """
import ast, sys
from pyspark import SparkConf, SparkContext
_, folder = sys.argv
pairs, lines, pickled, codec = ast.literal_eval(open(folder + "/given", encoding="utf-8").read())
conf = SparkConf().set("spark.ui.enabled", "false").set("spark.driver.bindAddress", "127.0.0.1")
sc = SparkContext("local[1]", "both ways", conf=conf.set("spark.driver.host", "127.0.0.1"))
for name, wanted in pairs.items():
    for kind, used in (("plain", None), ("packed", codec)) if name in ("text", "many") else (("plain", None),):
        found = sc.sequenceFile(f"{folder}/ours/{name}-{kind}").collect()
        assert found == wanted, (name, kind, found[:3])
        assert [list(map(type, pair)) for pair in found] == [list(map(type, pair)) for pair in wanted], (name, kind)
        sc.parallelize(wanted, 1).saveAsSequenceFile(f"{folder}/theirs/{name}-{kind}", used)
assert sc.pickleFile(f"{folder}/ours/pickles").collect() == pickled
sc.parallelize(pickled, 1).saveAsPickleFile(f"{folder}/theirs/pickles")
for used in ("GzipCodec", "BZip2Codec", "DefaultCodec"):
    assert sc.textFile(f"{folder}/ours/{used}").collect() == lines, used
    sc.parallelize(lines, 1).saveAsTextFile(f"{folder}/theirs/{used}", "org.apache.hadoop.io.compress." + used)
print("read all")
"""


@pytest.mark.timeout(600)  # a JVM has to start
def test_files_travel_both_ways(sc: SparkContext, tmp_path: Path) -> None:
    ours, theirs = f"{tmp_path}/ours", f"{tmp_path}/theirs"
    for name, pairs in PAIRS.items():
        for kind, codec in kinds_of(name):
            sc.parallelize(pairs, 1).saveAsSequenceFile(f"{ours}/{name}-{kind}", codec)
    sc.parallelize(PICKLED, 1).saveAsPickleFile(f"{ours}/pickles")
    for used in CODECS:
        sc.parallelize(LINES, 1).saveAsTextFile(f"{ours}/{used}", "org.apache.hadoop.io.compress." + used)
    (tmp_path / "given").write_text(repr((PAIRS, LINES, PICKLED, CODEC)), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "DSTREAMS"))}
    environment["PYSPARK_PYTHON"] = str(SPARK_PYTHON)
    told = subprocess.run(
        [str(SPARK_PYTHON), "-c", WORK, str(tmp_path)],
        env=environment, capture_output=True, text=True, timeout=540, check=False,
    )  # fmt: skip
    assert told.returncode == 0 and "read all" in told.stdout, told.stderr[-3000:]
    for name, pairs in PAIRS.items():
        for kind, _ in kinds_of(name):
            found = sc.sequenceFile(f"{theirs}/{name}-{kind}").collect()
            assert found == pairs, (name, kind)
            assert [tuple(map(type, pair)) for pair in found] == [tuple(map(type, pair)) for pair in pairs]
    assert sc.pickleFile(f"{theirs}/pickles").collect() == PICKLED
    for used in CODECS:
        assert sc.textFile(f"{theirs}/{used}").collect() == LINES
