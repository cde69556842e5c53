"""What a task sees of the process it runs in: where its prints go, and its environment."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import time
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from pyspark import SparkContext

from dstreams.core.engine.surroundings import standing_for, take_away


def printed_by(sc: SparkContext, work: Callable[[Any], Any], capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    capsys.readouterr()
    sc.parallelize([1], 1).foreach(work)
    found = capsys.readouterr()
    return found.out, found.err


def test_what_tasks_print_goes_to_standard_error(sc: SparkContext, capsys: pytest.CaptureFixture[str]) -> None:
    assert printed_by(sc, lambda x: print("task", x), capsys) == ("", "task 1\n")
    assert printed_by(sc, lambda x: sys.stdout.write("written"), capsys) == ("", "written")
    assert printed_by(sc, lambda x: print("asked for", file=sys.stdout, flush=True), capsys) == ("", "asked for\n")


@pytest.mark.parametrize(
    "work",
    [
        lambda rdd: rdd.map(lambda x: print("x") or x).collect(),
        lambda rdd: rdd.foreachPartition(lambda it: print("x")),
        lambda rdd: rdd.map(lambda x: (1, x)).reduceByKey(lambda a, b: print("x") or a).collect(),
        lambda rdd: rdd.map(lambda x: (x, x)).partitionBy(2, lambda k: print("x") or k).collect(),
        lambda rdd: rdd.sortBy(lambda x: print("x") or x).collect(),
        lambda rdd: rdd.filter(lambda x: print("x")).count(),
    ],
)
def test_functions_of_tasks_are_those_of_all_kinds(
    sc: SparkContext, work: Callable[[Any], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    work(sc.parallelize([1, 2, 3], 2))
    found = capsys.readouterr()
    assert found.out == "" and set(found.err.split()) == {"x"}


def test_functions_of_the_driver_print_to_standard_output(sc: SparkContext, capsys: pytest.CaptureFixture[str]) -> None:
    sc.parallelize([1, 2], 2).aggregate(0, lambda a, b: a, lambda a, b: print("driver") or 0)
    assert capsys.readouterr() == ("driver\ndriver\n", "")


def test_standard_output_is_the_programs_own_again_after_a_job(sc: SparkContext) -> None:
    before = sys.stdout
    sc.parallelize([1, 2], 2).foreach(print)
    end = time.monotonic() + 30
    while sys.stdout is not before:  # the last task leaves Python code a moment after its job has ended
        assert time.monotonic() < end
        time.sleep(0.001)


def test_a_write_that_somebody_puts_into_standard_output_calls_the_one_it_found() -> None:
    # As IPython does while a cell runs; here while a task is inside Python code.
    class Stream(io.StringIO):
        pass  # its methods can be replaced

    stream = Stream()
    while_tasks_run: Any = standing_for(stream)
    found, copies = while_tasks_run.write, []
    while_tasks_run.write = lambda text: copies.append(text) or found(text)
    print("mine", file=while_tasks_run)
    assert (while_tasks_run.getvalue(), copies) == ("mine\n", ["mine", "\n"])


PRINTS_AS_THE_LAST_TASK_LEAVES = """
import sys, threading, time
from pyspark import SparkContext

class Stream:
    def write(self, text):
        if text == "x":
            sys.inside.set()
            while sys.stdout is not self:
                time.sleep(0.001)
            made.append([[None] * length for length in range(20) for _ in range(50)])
    def flush(self):
        flushed.append(1)

sc = SparkContext("local[1]", "test")
made, flushed, before = [], [], sys.stdout
for _ in range(50):
    sys.inside, sys.begun = threading.Event(), threading.Event()
    def job():
        sc.runJob(sc.parallelize([0], 1), lambda it: [sys.begun.set() or sys.inside.wait(30)])
    sc.parallelize([0], 1).foreach(id)
    sys.stdout = Stream()
    thread = threading.Thread(target=job)
    thread.start()
    sys.begun.wait(30)
    print("x", flush=True)
    thread.join()
    sys.stdout = before
print(len(flushed))
"""


def test_a_print_outlives_the_tasks_that_it_met(program: Callable[[str], Any]) -> None:
    assert program(PRINTS_AS_THE_LAST_TASK_LEAVES).ended() == (0, "50\n", "")


def test_a_stream_that_the_program_has_replaced_is_not_kept(sc: SparkContext) -> None:
    class Stream(io.StringIO):
        pass

    stream = Stream()
    gone = weakref.ref(stream)
    stands = standing_for(stream)
    assert standing_for(stream) is stands
    assert take_away(stands) is stream
    assert stands.write("late") == 4 and stream.getvalue() == "late"
    del stream
    assert gone() is None


def test_what_the_driver_redirects_is_the_drivers(sc: SparkContext, capsys: pytest.CaptureFixture[str]) -> None:
    with contextlib.redirect_stdout(io.StringIO()) as buffer:
        print("before")
        sc.parallelize([1], 1).foreach(lambda x: print("task"))
        print("after")
    assert buffer.getvalue() == "before\nafter\n"
    assert capsys.readouterr() == ("", "task\n")


def test_a_task_may_redirect_what_it_prints_across_its_blocks(sc: SparkContext) -> None:
    def captured(elements: Any) -> Any:
        with contextlib.redirect_stdout(io.StringIO()) as buffer:
            for x in elements:
                print(x)
                yield x
        yield buffer.getvalue()

    assert sc.parallelize(range(40), 1).mapPartitions(captured).collect()[-1] == "".join(f"{x}\n" for x in range(40))


def test_a_stream_prints_what_it_prints(sc: SparkContext, capsys: pytest.CaptureFixture[str]) -> None:
    from pyspark.streaming import StreamingContext

    ssc = StreamingContext(sc, 0.05)
    done: list[int] = []

    def output(rdd: Any) -> None:
        rdd.foreach(lambda x: print("task"))
        print("driver")
        done.append(1)

    ssc.queueStream([[1]]).foreachRDD(output)
    ssc._graph.start()
    while not done:
        ssc.awaitTerminationOrTimeout(0.02)
    ssc.stop(stopSparkContext=False)
    found = capsys.readouterr()
    assert set(found.out.split()) == {"driver"} and set(found.err.split()) == {"task"}


# -- environment --------------------------------------------------------------------------------------
def look(name: str) -> tuple[Any, ...]:
    return (
        os.environ.get(name),
        os.getenv(name),
        name in os.environ,
        dict(os.environ).get(name),
        name in list(os.environ),
    )


def test_tasks_find_the_hash_seed_of_sparks_workers_and_the_driver_does_not(
    sc: SparkContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "PYTHONHASHSEED"
    outside = look(name)
    assert sc.parallelize([0], 1).map(lambda _: look(name)).first() == ("0", "0", True, "0", True) or outside[2]
    assert look(name) == outside


def test_tasks_find_what_the_program_sets_for_them(spark: Callable[..., SparkContext]) -> None:
    sc = spark("local[1]", {"spark.executorEnv.OF_TASKS": "yes"})
    assert sc.parallelize([0], 1).map(lambda _: look("OF_TASKS")).first() == ("yes", "yes", True, "yes", True)
    assert look("OF_TASKS") == (None, None, False, None, False)

    def change(_: Any) -> str:
        os.environ["OF_TASKS"] = "changed"
        return os.environ["OF_TASKS"]

    try:
        assert sc.parallelize([0], 1).map(change).first() == "changed"
    finally:
        os.environ.pop("OF_TASKS", None)
