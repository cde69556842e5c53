"""Type checkers know the names that programs import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import findspark
findspark.init()
from py4j.protocol import Py4JJavaError
from pyspark import SparkConf, SparkContext, StorageLevel
from pyspark.rdd import RDD
from pyspark.streaming import DStream, StreamingContext
from pyspark.streaming.listener import StreamingListener

sc = SparkContext(conf=SparkConf().setMaster("local[2]"))
ssc = StreamingContext(sc, 1)
lines = ssc.socketTextStream("localhost", 9999)
counts = lines.flatMap(lambda line: line.split(" ")).map(lambda word: (word, 1)).reduceByKey(lambda a, b: a + b)
reveal_type(lines)
reveal_type(sc.textFile("x").map(len))
"""
WRONG = """
sc.parallelize(1, "two")
SparkContext.nothing
"""


def checked(program: str, folder: Path) -> tuple[int, str]:
    file = folder / "program.py"
    file.write_text(program, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(folder / "cache"), file.name]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.timeout(300)
def test_a_type_checker_sees_the_types_of_programs(tmp_path: Path) -> None:
    code, said = checked(PROGRAM, tmp_path)
    assert code == 0, said
    assert 'Revealed type is "dstreams.streaming.dstream.DStream[str]"' in said
    assert 'Revealed type is "dstreams.core.rdd.RDD[int]"' in said
    code, said = checked(PROGRAM + WRONG, tmp_path)
    assert code == 1
    assert said.count("error: ") == 3, said


def test_the_stub_packages_are_those_of_the_code() -> None:
    script = Path(__file__).parents[1] / "scripts" / "stubs.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
