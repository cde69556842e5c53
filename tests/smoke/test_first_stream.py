"""Does an installed dstreams work at all? Import, an RDD, and the example of `make demo` on a real socket."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from dstreams.testing.feeder import Feeder

EXAMPLE = Path(__file__).parents[2] / "examples" / "network_word_count.py"


def test_pyspark_means_dstreams() -> None:
    import pyspark
    import pyspark.streaming

    import dstreams

    assert pyspark.SparkContext is dstreams.SparkContext
    assert pyspark.streaming.DStream is dstreams.streaming.DStream


def test_a_word_count_on_an_rdd() -> None:
    from pyspark import SparkContext

    with SparkContext("local[2]", "smoke") as sc:
        words = sc.parallelize(["to be or", "not to be"], 2).flatMap(lambda line: line.split(" "))
        counts = words.map(lambda word: (word, 1)).reduceByKey(lambda a, b: a + b)
        assert sorted(counts.collect()) == [("be", 2), ("not", 1), ("or", 1), ("to", 2)]


@pytest.mark.skipif(os.name != "posix", reason="ends the program by SIGINT")
def test_the_example_counts_what_a_socket_sends_until_interrupted(tmp_path: Path) -> None:
    printed = tmp_path / "printed"
    with Feeder(["to be or", "not to be"], at_end="wait") as feeder, printed.open("w") as output:
        program = subprocess.Popen(
            [sys.executable, EXAMPLE, "localhost", str(feeder.port)],
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            deadline = time.monotonic() + 20
            while sum(counts_in(printed).values()) < 6 and program.poll() is None and time.monotonic() < deadline:
                time.sleep(0.1)
            program.send_signal(signal.SIGINT)
            _, complaints = program.communicate(timeout=20)
        finally:
            program.kill()
            program.wait()
    assert counts_in(printed) == {"to": 2, "be": 2, "or": 1, "not": 1}, complaints
    assert "Traceback" not in complaints
    assert program.returncode == 0


def counts_in(printed: Path) -> Counter[str]:
    """The pairs of all batches printed so far, added up."""
    counts: Counter[str] = Counter()
    for word, count in re.findall(r"^\('(\w+)', (\d+)\)$", printed.read_text(), flags=re.MULTILINE):
        counts[word] += int(count)
    return counts
