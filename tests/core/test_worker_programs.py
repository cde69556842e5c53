"""Whole programs with worker processes: their own classes, what they print, Ctrl-C, and their end."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends signals")

START = """
import collections, enum, functools, os, sys, time
from pyspark import SparkConf, SparkContext
sc = SparkContext("local[2]", "test", conf=SparkConf().set("spark.dstreams.python.workers", 2))
"""


def test_results_are_instances_of_the_programs_own_classes(program: Callable[[str], Any]) -> None:
    text = """
Pair = collections.namedtuple("Pair", "left right")
class Colour(enum.Enum):
    RED = 1
class Base:
    made = 0
    def __init__(self, x):
        self.x = x
class Point(Base):
    def moved(self):
        return Point(self.x + Point.made)
def both(p):
    return [p.moved(), Pair(p.x, Colour.RED), type(p)]
points = sc.parallelize([Point(1), Point(2)], 2)
for step in (10, 20):
    Point.made = step
    for moved, pair, kind in points.map(both).collect():
        print(type(moved) is Point, moved.x, type(pair) is Pair, pair.right is Colour.RED, kind is Point)
print(Point.made)
shared = sc.broadcast({"at": Point(5)})
print(sc.parallelize([1, 2], 2).map(lambda x: shared.value["at"].moved().x + x).collect())
local = sc.parallelize([1], 1).map(lambda x: collections.namedtuple("Local", "a")(x)).collect()
print(local, sc.parallelize(local, 1).map(lambda l: l.a + 1).collect())
"""
    expected = "".join(f"True {x + step} True True True\n" for step in (10, 20) for x in (1, 2))
    assert program(START + text).ended() == (0, expected + "20\n[26, 27]\n[Local(a=1)] [2]\n", "")


def test_cached_and_recursive_functions_travel(program: Callable[[str], Any]) -> None:
    text = """
@functools.lru_cache(maxsize=100)
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
def even(n): return n == 0 or odd(n - 1)
def odd(n): return n != 0 and even(n - 1)
print(sc.parallelize([10, 80], 2).map(fib).collect(), fib.cache_info().misses)
print(sc.parallelize([10, 7], 2).map(even).collect())
"""
    assert program(START + text).ended() == (0, "[55, 23416728348467685] 0\n[True, False]\n", "")


def test_what_tasks_print_is_there_when_the_job_ends_on_standard_error(program: Callable[[str], Any]) -> None:
    text = """
def tell(x):
    sys.stdout.write(f"task {x}")
    sys.stderr.write("!")
    return sys.stdin.read()
print(sc.parallelize([1], 1).map(tell).collect(), flush=True)
"""
    assert program(START + text).ended() == (0, "['']\n", "task 1!")


def test_a_traceback_shows_lines_that_no_file_has(program: Callable[[str], Any]) -> None:
    text = """
import linecache
lines = "def cell(x):\\n    return 1 // x  # of a notebook\\n"
linecache.cache["<cell 1>"] = (len(lines), None, lines.splitlines(True), "<cell 1>")
exec(compile(lines, "<cell 1>", "exec"))
try:
    sc.parallelize([0], 1).map(cell).collect()
except Exception as error:
    print(str(error).splitlines()[2])
"""
    assert program(START + text).ended() == (0, "    return 1 // x  # of a notebook\n", "")


WORK = """
def sleep(x):
    print("running\\n", end="", flush=True)
    time.sleep(60)
def spin(x):
    print("running\\n", end="", flush=True)
    while True:
        pass
"""


@pytest.mark.parametrize("work", ["sleep", "spin"])
def test_ctrl_c_ends_a_job_and_the_next_job_works(program: Callable[[str], Any], work: str) -> None:
    text = f"""
try:
    sc.parallelize([0], 1).map({work}).collect()
except KeyboardInterrupt:
    print("interrupted", flush=True)
print(sc.parallelize(range(4), 2).map(lambda x: x + 1).reduce(lambda a, b: a + b), flush=True)
"""
    child = program(START + WORK + text)
    child.wait_for_task("running")
    child.interrupt()
    sent = time.monotonic()
    child.wait_for("interrupted")
    assert time.monotonic() - sent < 5
    assert child.ended() == (0, "10\n", "")


def test_a_cancelled_job_lets_go_of_its_workers(program: Callable[[str], Any]) -> None:
    text = """
import threading
threading.Thread(target=lambda: (sys.stdin.readline(), sc.cancelAllJobs())).start()
try:
    sc.parallelize([0, 1], 2).map(sleep).collect()
except Exception as error:
    print("cancelled" in str(error), flush=True)
print(sc.parallelize(range(4), 2).map(lambda x: x + 1).collect(), flush=True)
"""
    child = program(START + WORK + text)
    child.wait_for_task("running")
    child.wait_for_task("running")
    assert child.ended() == (0, "True\n[1, 2, 3, 4]\n", "")


@pytest.mark.parametrize("work", ["sleep", "spin"])
def test_workers_end_with_a_driver_that_is_killed(program: Callable[[str], Any], work: str) -> None:
    child = program(START + WORK + f"sc.parallelize([0, 1], 2).map({work}).collect()")
    child.wait_for_task("running")
    child.wait_for_task("running")
    child.process.kill()
    # The workers hold the other end of its stdout: this waits until the last of them is gone.
    assert child.ended() == (-9, "", "")


def test_workers_end_with_a_driver_that_just_ends(program: Callable[[str], Any]) -> None:
    assert program(START + "print(sc.parallelize([0, 1], 2).map(lambda x: x).collect())").ended() == (0, "[0, 1]\n", "")
