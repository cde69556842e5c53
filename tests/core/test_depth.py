"""How deep may functions of a program go, and what they nest and chain? As deep as on Spark; the process never dies."""

from __future__ import annotations

import operator
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from child import Child
from pyspark import SparkContext

BEGIN = """
import operator, sys, time
from functools import lru_cache
from pyspark import SparkConf, SparkContext
from pyspark.streaming import StreamingContext, StreamingListener

sc = SparkContext("local[2]", "depth", conf=SparkConf().set("spark.dstreams.python.workers", "{workers}"))
sc.setLogLevel("OFF")

def nested(depth, kind=tuple):
    value = ()
    for _ in range(depth):
        value = (value,) if kind is tuple else [value] if kind is list else {{1: value}}
    return value

def by_cache(depth):
    sys.setrecursionlimit(10**6)
    @lru_cache(maxsize=None)
    def f(k):
        return 0 if k == 0 else 1 + f(k - 1)
    return f(depth)

def by_key(depth):
    sys.setrecursionlimit(10**6)
    def f(k):
        return 0 if k == 0 else (sorted([k - 1], key=f) and 1)
    return f(depth)

def by_map(depth):
    sys.setrecursionlimit(10**6)
    def f(k):
        return 0 if k == 0 else 1 + max(map(f, [k - 1]))
    return f(depth)

def tried(question):
    try:
        return question()
    except Exception as error:
        return type(error).__name__
"""
END = """
sc.stop()
print("alive")
"""
Program = Callable[[str], Child]


def answer(program: Program, text: str, workers: int = 0) -> list[str]:
    code, printed, complaints = program(BEGIN.format(workers=workers) + text + END).ended(60)
    assert code == 0, (code, printed, complaints)
    *lines, last = printed.splitlines()
    assert last == "alive"
    return lines


@pytest.mark.parametrize("workers", [0, 1])
def test_a_task_calls_itself_through_c_as_deep_as_on_spark(program: Program, workers: int) -> None:
    text = """
for f in (by_cache, by_map):
    print(sc.parallelize([6000], 1).map(f).collect())
"""
    assert answer(program, text, workers) == ["[6000]", "[6000]"]


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="CPython bounds calls through C by itself")
def test_a_limit_is_no_higher_than_what_the_stack_has_room_for(program: Program) -> None:
    text = """
from dstreams import _native

sys.setrecursionlimit(10**9)
print(sys.getrecursionlimit() == _native.stack_calls())
sys.setrecursionlimit(5000)
print(sys.getrecursionlimit())
for wrong in (0, "many", 10**30):
    print(tried(lambda: sys.setrecursionlimit(wrong)))
print(sys.getrecursionlimit() in (5000, _native.stack_calls()))
"""
    assert answer(program, text) == ["True", "5000", "ValueError", "TypeError", "None", "True"]


def test_endless_calls_raise_and_deep_ones_fit(program: Program) -> None:
    text = """
def endless(kind):
    sys.setrecursionlimit(100_000)
    @lru_cache(maxsize=None)
    def f(k):
        return f(k + 1) if kind else max(map(f, [k + 1]))
    return f(0)

for kind in (0, 1):
    print(tried(lambda: sc.parallelize([kind], 1).map(endless).collect()))
print(tried(lambda: sc.parallelize([50_000], 1).map(by_key).collect()))
"""
    *endless, deep = answer(program, text)
    assert endless == ["Py4JJavaError"] * 2
    # From 3.12 on calls through C have a limit of their own, which nobody raises.
    assert deep in ("[1]", "Py4JJavaError")


@pytest.mark.parametrize(
    "body",
    [
        "stream.foreachRDD(lambda rdd: seen.append(tried(work)))",
        "stream.transform(lambda rdd: (seen.append(tried(work)), rdd)[1]).pprint()",
        "stream.map(lambda x: by_cache(15000)).foreachRDD(lambda rdd: seen.append(tried(rdd.collect)))",
        "stream.updateStateByKey(lambda new, old: work()).foreachRDD(lambda rdd: seen.append(tried(rdd.collect)))",
        "ssc.addStreamingListener(Listener()); stream.pprint()",
    ],
    ids=["foreachRDD", "transform", "task", "state", "listener"],
)
def test_functions_of_a_stream_go_as_deep(program: Program, tmp_path: Any, body: str) -> None:
    text = f"""
import contextlib, io
seen = []
work = lambda: by_cache(15000)

class Listener(StreamingListener):
    def onBatchCompleted(self, batch):
        seen.append(tried(work))

ssc = StreamingContext(sc, 0.1)
ssc.checkpoint({str(tmp_path)!r})
stream = ssc.queueStream([[("a", 1)]] * 20)
with contextlib.redirect_stdout(io.StringIO()):
    {body}
    ssc.start()
    while not seen:
        ssc.awaitTerminationOrTimeout(0.1)
    ssc.stop(False)
print(type(seen[0]).__name__, "15000" in str(seen[0]) or seen[0])
"""
    (line,) = answer(program, text)
    assert line.endswith(("True", "RecursionError", "Py4JJavaError"))


@pytest.mark.parametrize("depth", [100_000, 1_000_000])
def test_nested_keys_and_values_never_end_the_process(program: Program, depth: int) -> None:
    text = f"""
one = sc.parallelize([1], 1)
pairs = one.map(lambda _: (nested({depth}), 1))
for question in (
    lambda: pairs.reduceByKey(operator.add).count(),
    lambda: pairs.groupByKey().count(),
    lambda: pairs.keys().distinct().count(),
    lambda: pairs.keys().countByValue(),
    lambda: pairs.cache().count(),
    lambda: one.map(lambda _: nested({depth}, list)).collect(),
    lambda: one.map(lambda _: nested({depth}, dict)).collect(),
    lambda: one.map(lambda _: len(repr(nested({depth})))).collect(),
    lambda: one.map(lambda _: nested({depth}) == nested({depth})).collect(),
):
    print(tried(question))
print(one.map(lambda _: nested({depth})).count())
"""
    *failed, counted = answer(program, text)
    assert failed == ["Py4JJavaError"] * 9
    assert counted == "1"


def test_nested_keys_under_a_raised_limit_are_keys(program: Program) -> None:
    text = """
def key(_):
    sys.setrecursionlimit(10**6)
    return nested(70_000), 1

print(sc.parallelize([1, 2], 1).map(key).reduceByKey(operator.add).values().collect())
"""
    assert answer(program, text)[0] in ("[2]", "Py4JJavaError")


def test_long_lineages_are_computed(sc: SparkContext) -> None:
    long = sc.parallelize(range(4), 2)
    for _ in range(5000):
        long = long.mapPartitions(lambda elements: elements)
    assert long.sum() == 6

    united = sc.parallelize([0], 1)
    for number in range(2000):
        united = united.union(sc.parallelize([number], 1))
    assert united.count() == 2001
    assert sc.union([sc.parallelize([number], 1) for number in range(5000)]).count() == 5000

    merged = sc.parallelize(range(4), 4)
    for step in range(5000):
        merged = merged.coalesce(3 + step % 2).map(lambda x: x)
    assert merged.collect() == [0, 1, 2, 3]


def test_iterative_programs_take_thousands_of_steps(sc: SparkContext) -> None:
    kept = sc.parallelize([(1, 1), (2, 2)], 2)
    for _ in range(3000):
        kept = kept.mapValues(lambda value: value + 1).persist()
    assert kept.collect() == [(1, 3001), (2, 3002)]

    shuffled = sc.parallelize([(1, 1), (2, 2)], 2)
    for _ in range(1000):
        shuffled = shuffled.reduceByKey(operator.add, 2).map(lambda pair: (pair[1], pair[0]))
    assert sorted(shuffled.collect()) == [(1, 1), (2, 2)]


def test_chains_of_many_steps_that_are_looked_at_one_by_one_take_little_memory(sc: SparkContext) -> None:
    tracemalloc.start()
    try:
        rdd = sc.parallelize([1], 1)
        for _ in range(5000):
            rdd = rdd.map(operator.neg)
            rdd.id()
        assert b"PythonRDD" in rdd.toDebugString()
        # A tuple of the steps in each of them would be 100 MB.
        assert tracemalloc.get_traced_memory()[1] < 30 << 20
    finally:
        tracemalloc.stop()
    assert rdd.map(lambda x: x + 1).collect() == [2]


def test_keys_that_are_nested_very_deep_fail_their_job_in_worker_processes_and_the_next_one_runs(
    program: Callable[[str], Child],
) -> None:
    child = program(
        BEGIN.format(workers=1)
        + """
for depth in (200_000, 1_000_000):
    for use in (
        lambda pairs: pairs.reduceByKey(operator.add).count(),
        lambda pairs: pairs.groupByKey().count(),
        lambda pairs: pairs.keys().distinct().count(),
    ):
        pairs = sc.parallelize([1, 2], 2).map(lambda i, depth=depth: (nested(depth), i))
        try:
            print(use(pairs))
        except Exception as error:
            print("RecursionError" in str(error), "worker exited" in str(error))
        print(sc.parallelize([1, 2], 2).map(lambda x: x + 1).count())
"""
    )
    assert child.ended()[:2] == (0, "True False\n2\n" * 6)
