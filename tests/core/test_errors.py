"""A task that fails: what the program catches, what the text says, and that the context goes on."""

from __future__ import annotations

import builtins
import pickle
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from py4j.protocol import Py4JError, Py4JJavaError
from pyspark import SparkContext


def fail(x):
    return 1 // (x - 2)


def test_it_is_a_py4j_error_that_except_exception_catches(sc: SparkContext) -> None:
    for kind in (Py4JJavaError, Py4JError, Exception):
        with pytest.raises(kind):
            sc.parallelize(range(4), 2).map(fail).collect()


def test_the_text_begins_with_the_users_traceback(sc: SparkContext) -> None:
    with pytest.raises(Py4JJavaError) as caught:
        sc.parallelize(range(4), 2).map(fail).collect()
    lines = str(caught.value).splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1].startswith(f'  File "{__file__}", line ') and lines[1].endswith(", in fail")
    text = "division by zero" if sys.version_info >= (3, 14) else "integer division or modulo by zero"
    assert f"ZeroDivisionError: {text}" in lines
    assert "Job aborted due to stage failure: Task 1 in stage" in lines[-1]
    assert caught.value.java_exception.getClass().getName() == "org.apache.spark.SparkException"
    assert "ZeroDivisionError" in caught.value.java_exception.getMessage()


def test_a_function_that_travels_by_value_keeps_its_lines_in_tracebacks(sc: SparkContext) -> None:
    from pyspark.serializers import CloudPickleSerializer

    seen: list[int] = []

    def outer(x):
        seen.append(x)
        return [1 // (y - 2) for y in [x]]

    with pytest.raises(Py4JJavaError) as caught:
        sc.parallelize(range(4), 2).map(outer).collect()
    assert seen == []  # it was a copy
    lines = str(caught.value).splitlines()
    assert lines[1].startswith(f'  File "{__file__}", line ') and lines[1].endswith(", in outer")
    assert "return [1 // (y - 2) for y in [x]]" in lines[2]
    pickled = CloudPickleSerializer()
    copy = pickled.loads(pickled.dumps(outer))
    assert copy.__code__.co_filename == __file__
    inner = [part for part in copy.__code__.co_consts if hasattr(part, "co_filename")]
    assert all(code.co_filename == __file__ for code in inner)


def test_the_cause_is_the_users_exception_itself(sc: SparkContext) -> None:
    class Own(Exception):
        def __init__(self, first, second):
            super().__init__(first)
            self.second = second

    def f(x):
        error = Own(x, threading.Lock())
        raise error from KeyError("inner")

    with pytest.raises(Py4JJavaError) as caught:
        sc.parallelize([7], 1).map(f).collect()
    cause = caught.value.__cause__
    assert (type(cause).__name__, cause.args) == ("Own", (7,))
    assert type(cause.second) is type(threading.Lock())
    assert isinstance(cause.__cause__, KeyError)


def test_the_error_can_be_pickled(sc: SparkContext) -> None:
    with pytest.raises(Py4JJavaError) as caught:
        sc.parallelize([2], 1).map(fail).collect()
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (type(copy), str(copy)) == (type(caught.value), str(caught.value))


ACTIONS: dict[str, Callable] = {
    "collect": lambda rdd: rdd.collect(),
    "count": lambda rdd: rdd.count(),
    "take": lambda rdd: rdd.take(4),
    "reduce": lambda rdd: rdd.reduce(lambda a, b: a + b),
    "foreach": lambda rdd: rdd.foreach(lambda x: None),
    "reduceByKey": lambda rdd: rdd.map(lambda x: (x, 1)).reduceByKey(lambda a, b: a + b).collect(),
    "after a shuffle": lambda rdd: rdd.repartition(3).collect(),
    "sortBy": lambda rdd: rdd.sortBy(lambda x: x),
    "zipWithIndex": lambda rdd: rdd.zipWithIndex().collect(),
    "union": lambda rdd: rdd.union(rdd).collect(),
    "cache": lambda rdd: rdd.cache().collect(),
    "coalesce": lambda rdd: rdd.coalesce(1).collect(),
    "glom": lambda rdd: rdd.glom().collect(),
}


@pytest.mark.parametrize("action", ACTIONS)
def test_after_any_failed_action_the_context_works(sc: SparkContext, action: str) -> None:
    numbers = sc.parallelize(range(4), 2)
    with pytest.raises(Py4JJavaError, match="ZeroDivisionError") as caught:
        ACTIONS[action](numbers.map(fail))
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert numbers.map(lambda x: x + 1).collect() == [1, 2, 3, 4]


@pytest.mark.parametrize("error", [SystemExit, GeneratorExit, MemoryError, RecursionError])
def test_errors_of_the_interpreter_fail_the_job_only(sc: SparkContext, error: type[BaseException]) -> None:
    name = error.__name__

    def f(x):
        raise getattr(builtins, name)("from a task")

    with pytest.raises(Py4JJavaError, match=name) as caught:
        sc.parallelize([1], 1).map(f).collect()
    assert isinstance(caught.value.__cause__, error)
    assert sc.parallelize([1], 1).collect() == [1]


def test_sys_exit_in_a_task_does_not_end_the_program(sc: SparkContext) -> None:
    with pytest.raises(Py4JJavaError, match="SystemExit: 3"):
        sc.parallelize([1], 1).foreach(lambda x: sys.exit(3))


def stop(*_):
    raise StopIteration("from user code")


STOPPING: dict[str, Callable] = {
    "map": lambda rdd: rdd.map(stop).collect(),
    "flatMap": lambda rdd: rdd.flatMap(stop).collect(),
    "filter": lambda rdd: rdd.filter(stop).collect(),
    "mapValues": lambda rdd: rdd.mapValues(stop).collect(),
    "flatMapValues": lambda rdd: rdd.flatMapValues(stop).collect(),
    "keyBy": lambda rdd: rdd.keyBy(stop).collect(),
    "groupBy": lambda rdd: rdd.groupBy(stop).collect(),
    "sortBy": lambda rdd: rdd.sortBy(stop).collect(),
    "reduceByKey": lambda rdd: rdd.reduceByKey(stop).collect(),
    "combineByKey": lambda rdd: rdd.combineByKey(stop, stop, stop).collect(),
    "aggregateByKey": lambda rdd: rdd.aggregateByKey(0, stop, stop).collect(),
    "foreach": lambda rdd: rdd.foreach(stop),
    "reduce": lambda rdd: rdd.reduce(stop),
    "fold": lambda rdd: rdd.fold(0, stop),
    "aggregate": lambda rdd: rdd.aggregate(0, stop, stop),
    "max": lambda rdd: rdd.max(stop),
}


@pytest.mark.parametrize("operation", STOPPING)
def test_stop_iteration_from_user_code_fails_the_task(sc: SparkContext, operation: str) -> None:
    text = "Caught StopIteration thrown from user's code; failing the task"
    with pytest.raises(Py4JJavaError, match=text):
        STOPPING[operation](sc.parallelize([(1, 1), (1, 2), (2, 3)], 1))


def test_stop_iteration_in_a_reduction_of_the_driver_is_named_too(sc: SparkContext) -> None:
    with pytest.raises(RuntimeError, match="Caught StopIteration thrown from user's code"):
        sc.parallelize([1, 2], 2).reduce(stop)


@pytest.mark.parametrize("operation", ["map", "flatMap", "filter", "mapPartitions"])
@pytest.mark.parametrize(("wrong", "text"), [(5, "'int' object is not callable"), (None, "not callable")])
def test_what_is_no_function_fails_when_it_is_called(
    sc: SparkContext, operation: str, wrong: object, text: str
) -> None:
    made = getattr(sc.parallelize([1], 1), operation)(wrong)
    with pytest.raises(Py4JJavaError, match=text) as caught:
        made.collect()
    assert isinstance(caught.value.__cause__, TypeError)


@pytest.mark.parametrize(
    ("use", "text"),
    [
        (lambda rdd: rdd.flatMap(lambda x: 5), "'int' object is not iterable"),
        (lambda rdd: rdd.mapPartitions(lambda x: None), "'NoneType' object is not iterable"),
        (lambda rdd: rdd.keys(), "'int' object is not subscriptable"),
        (lambda rdd: rdd.reduceByKey(max), "cannot unpack non-iterable int object"),
        (lambda rdd: rdd.map(lambda x: (1, 2, 3)).groupByKey(), "too many values to unpack"),
        (lambda rdd: rdd.map(lambda x: ([x], 1)).groupByKey(), "unhashable type: 'list'"),
        (lambda rdd: rdd.map(lambda x: undefined), "name 'undefined' is not defined"),  # noqa: F821
    ],
)
def test_misuse_gives_the_errors_of_python(sc: SparkContext, use: Callable, text: str) -> None:
    with pytest.raises(Py4JJavaError, match=text):
        use(sc.parallelize([1], 1)).collect()


def test_a_context_in_a_closure_is_refused(sc: SparkContext) -> None:
    with pytest.raises(pickle.PicklingError, match="SPARK-5063"):
        sc.parallelize([1], 1).map(lambda x: sc.defaultParallelism).collect()


def test_an_rdd_in_a_closure_is_refused(sc: SparkContext) -> None:
    numbers = sc.parallelize([1], 1)
    for use in (lambda x: numbers.count(), lambda x: [numbers], lambda x, held=(numbers,): held):
        with pytest.raises(pickle.PicklingError, match="SPARK-5063"):
            numbers.map(use).collect()


def test_what_cannot_be_pickled_cannot_be_in_a_closure(sc: SparkContext) -> None:
    lock = threading.Lock()
    with pytest.raises(pickle.PicklingError, match=r"cannot pickle '_thread\.lock' object"):
        sc.parallelize([1], 1).map(lambda x: lock.locked()).collect()


def test_a_closure_that_cannot_travel_fails_before_any_task(sc: SparkContext) -> None:
    ran, lock = sc.accumulator(0), threading.Lock()
    with pytest.raises(pickle.PicklingError):
        sc.parallelize([1], 1).map(lambda x: ran.add(1)).map(lambda x: lock).collect()
    assert ran.value == 0


def test_what_cannot_be_pickled_cannot_be_parallelized(sc: SparkContext) -> None:
    with pytest.raises(pickle.PicklingError, match=r"cannot pickle '_thread\.lock' object"):
        sc.parallelize([threading.Lock()], 1).collect()


LEAVING: dict[str, Callable] = {
    "collected": lambda rdd: rdd.collect(),
    "collected inside of something": lambda rdd: rdd.map(lambda one: (1, one)).collect(),
    "cached": lambda rdd: rdd.cache().count(),
    "shuffled": lambda rdd: rdd.map(lambda one: (1, one)).groupByKey().count(),
}


@pytest.mark.parametrize("way", LEAVING)
def test_what_cannot_be_pickled_cannot_leave_its_task(sc: SparkContext, way: str) -> None:
    with pytest.raises(Py4JJavaError, match="cannot pickle"):
        LEAVING[way](sc.parallelize([1], 1).map(lambda x: threading.Lock()))


def test_what_cannot_be_pickled_may_stay_in_its_task(sc: SparkContext) -> None:
    locks = sc.parallelize([1], 1).map(lambda x: threading.Lock())
    assert locks.map(lambda lock: lock.locked()).collect() == [False]
    assert locks.count() == 1


def test_a_context_in_a_task_is_refused(sc: SparkContext) -> None:
    with pytest.raises(Py4JJavaError, match="CONTEXT_ONLY_VALID_ON_DRIVER"):
        sc.parallelize([1], 1).map(lambda x: SparkContext("local")).collect()


def test_the_first_failure_tells_the_other_tasks_to_stop(
    sc: SparkContext, eventually: Callable[..., None], tmp_path: Path
) -> None:
    # task 0   waits until all others run, then fails
    # others   would run for a minute
    folder, wait = str(tmp_path), eventually

    def work(x: int) -> None:
        if x == 0:
            wait(lambda: len(list(Path(folder).glob("began*"))) == 3)
            raise ValueError("enough")
        try:
            Path(folder, f"began{x}").touch()
            end = time.monotonic() + 60
            while time.monotonic() < end:
                pass
        finally:
            Path(folder, f"ended{x}").touch()

    begun = time.monotonic()
    with pytest.raises(Py4JJavaError, match="enough"):
        sc.parallelize(range(4), 4).foreach(work)
    assert time.monotonic() - begun < 5
    eventually(lambda: len(list(tmp_path.glob("ended*"))) == 3)
    assert sc.parallelize(range(4), 4).count() == 4


def test_tasks_that_did_not_begin_never_do(spark: Callable[..., SparkContext], tmp_path: Path) -> None:
    # One thread runs the tasks in order; the sixth fails.
    folder = str(tmp_path)

    def work(x: int) -> float:
        Path(folder, f"{x:02}").touch()
        return 1 / (5 - x)

    with pytest.raises(Py4JJavaError, match="ZeroDivisionError"):
        spark("local[1]").parallelize(range(50), 50).foreach(work)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["00", "01", "02", "03", "04", "05"]


def test_a_failed_task_is_tried_as_often_as_the_master_says(spark: Callable[..., SparkContext], tmp_path: Path) -> None:
    folder = str(tmp_path)

    def work(x: int) -> None:
        tries = len(list(Path(folder).iterdir()))
        Path(folder, str(tries)).touch()
        raise ValueError(f"try {tries}")

    with pytest.raises(Py4JJavaError, match="ValueError: try 2") as caught:
        spark("local[2,3]").parallelize([1], 1).foreach(work)
    assert "failed 3 times" in str(caught.value)
    assert len(list(tmp_path.iterdir())) == 3


def test_a_later_attempt_may_succeed(spark: Callable[..., SparkContext], tmp_path: Path) -> None:
    from pyspark import TaskContext

    def work(x: int) -> tuple[int, int]:
        attempt = TaskContext.get().attemptNumber()
        if attempt < 2:
            raise ValueError("not yet")
        return x, attempt

    assert spark("local[2,3]").parallelize([5, 6], 2).map(work).collect() == [(5, 2), (6, 2)]
