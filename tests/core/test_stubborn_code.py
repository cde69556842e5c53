"""Programs that end while code of theirs, which catches whatever is raised in it, goes on within the engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

START = """
import sys, threading, time
from pyspark import SparkContext
from pyspark.streaming import StreamingContext

inside = threading.Event()

def stubborn(*_):
    import sys, time
    sys.modules["__main__"].inside.set()
    while True:
        try:
            time.sleep(0.001)
        except BaseException:
            pass

class Key:
    __hash__ = __eq__ = __lt__ = __gt__ = stubborn

def generator(elements):
    for x in elements:
        yield x
        stubborn()

sc = SparkContext("local[2]", "test")
rdd = sc.parallelize(range(100), 2)
"""
JOBS = {
    "map": "rdd.map(stubborn).collect()",
    "foreach": "rdd.foreach(stubborn)",
    "a generator": "rdd.mapPartitions(generator).collect()",
    "a generator before a native step": "rdd.mapPartitions(generator).sum()",
    "reduce": "rdd.reduce(stubborn)",
    "fold": "rdd.fold(0, stubborn)",
    "aggregate": "rdd.aggregate(0, stubborn, stubborn)",
    "reduceByKey": "rdd.map(lambda x: (x % 3, x)).reduceByKey(stubborn).collect()",
    "sortBy": "rdd.sortBy(stubborn).collect()",
    "top": "rdd.top(2, key=stubborn)",
    "a partitioner": "rdd.map(lambda x: (x, x)).partitionBy(2, stubborn).collect()",
    "the hash of keys": "rdd.map(lambda x: (Key(), x)).groupByKey().collect()",
    "keys that are compared": "rdd.map(lambda x: Key()).max()",
}
STREAMS = {
    "foreachRDD": "foreachRDD(stubborn)",
    "transform": "transform(lambda rdd: stubborn()).pprint()",
    "a state": "map(lambda x: (x, x)).updateStateByKey(stubborn).pprint()",
}
END = """
inside.wait(30)
time.sleep(0.1)
print("end", flush=True)
sys.exit(3)
"""


@pytest.mark.parametrize("job", JOBS)
def test_a_job_does_not_change_how_its_program_ends(program: Callable[[str], Any], job: str) -> None:
    child = program(
        f"""{START}
def job():
    try:
        {JOBS[job]}
    except Exception:
        pass
threading.Thread(target=job, daemon=True).start()
{END}"""
    )
    assert child.ended(30) == (3, "end\n", "")


@pytest.mark.parametrize("steps", STREAMS)
def test_a_stream_does_not_change_how_its_program_ends(program: Callable[[str], Any], steps: str) -> None:
    child = program(
        f"""{START}
ssc = StreamingContext(sc, 0.1)
ssc.checkpoint(sys.argv[0] + ".checkpoint")
ssc.queueStream([[1]] * 10).{STREAMS[steps]}
ssc.start()
{END}"""
    )
    assert child.ended(30) == (3, "end\n", "")
