"""Accumulators count what succeeded, broadcasts are copies made once."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from py4j.protocol import Py4JJavaError
from pyspark import AccumulatorParam, Broadcast, SparkContext, TaskContext


class ListParam(AccumulatorParam):
    """Lists that are appended to."""

    def zero(self, value):
        return []

    def addInPlace(self, value1, value2):
        value1.extend(value2)
        return value1


@pytest.mark.parametrize(("start", "step", "end"), [(10, 1, 14), (0.5, 0.25, 1.5), (1j, 1j, 5j)])
def test_numbers_add_up(sc: SparkContext, start: complex, step: complex, end: complex) -> None:
    total = sc.accumulator(start)
    sc.parallelize(range(4), 3).foreach(lambda _: total.add(step))
    assert total.value == end


def test_a_list_gathers_what_tasks_add(sc: SparkContext) -> None:
    found = sc.accumulator([7.0], ListParam())
    sc.parallelize([8.0, 9.0], 2).foreach(lambda x: found.add([x]))
    assert sorted(found.value) == [7.0, 8.0, 9.0]


def test_a_type_without_a_param_is_refused(sc: SparkContext) -> None:
    with pytest.raises(TypeError, match="No default accumulator param for type <class 'str'>"):
        sc.accumulator("text")


def test_the_driver_may_set_and_add(sc: SparkContext) -> None:
    total = sc.accumulator(1)
    total += 2
    total.add(3)
    assert (total.value, str(total)) == (6, "6")
    total.value = 0
    assert total.value == 0


def test_a_task_cannot_read(sc: SparkContext) -> None:
    total = sc.accumulator(0)
    with pytest.raises(Py4JJavaError, match="cannot be accessed inside tasks"):
        sc.parallelize([1], 1).foreach(lambda _: total.value)


def test_every_run_of_a_task_counts_once(sc: SparkContext) -> None:
    total = sc.accumulator(0)
    numbers = sc.parallelize([1, 2, 3], 2).map(lambda x: total.add(x) or x)
    assert (numbers.count(), numbers.count(), total.value) == (3, 3, 12)


def test_a_failed_task_counts_nothing_and_its_neighbours_do(spark: Callable[..., SparkContext]) -> None:
    # task   0   1   2
    # adds   1   2   4, then fails
    sc = spark("local[1]")
    total = sc.accumulator(0)

    def work(x):
        total.add(x)
        if x == 4:
            raise ValueError("too late")

    with pytest.raises(Py4JJavaError):
        sc.parallelize([1, 2, 4], 3).foreach(work)
    assert total.value == 3


def test_failed_attempts_are_dropped(spark: Callable[..., SparkContext]) -> None:
    sc = spark("local[2,3]")
    total = sc.accumulator(0)

    def work(x):
        total.add(x)
        if TaskContext.get().attemptNumber() < 2:
            raise ValueError("try again")

    sc.parallelize([1, 10], 2).foreach(work)
    assert total.value == 11


def test_tasks_of_all_stages_of_a_job_count(sc: SparkContext) -> None:
    before, after = sc.accumulator(0), sc.accumulator(0)
    pairs = sc.parallelize(range(6), 2).map(lambda x: before.add(1) or (x % 2, x)).groupByKey(2)
    pairs.foreach(lambda _: after.add(1))
    assert (before.value, after.value) == (6, 2)


def test_two_accumulators_of_one_closure_stay_apart(sc: SparkContext) -> None:
    even, odd = sc.accumulator(0), sc.accumulator(0)
    counters = [even, odd]
    sc.parallelize(range(5), 2).foreach(lambda x: counters[x % 2].add(1))
    assert (even.value, odd.value) == (3, 2)


def test_a_param_that_fails_leaves_the_context_usable(sc: SparkContext) -> None:
    class Broken(ListParam):
        def addInPlace(self, value1, value2):
            raise ValueError("broken param")

    found = sc.accumulator([], Broken())
    with pytest.raises(Exception, match="broken param"):
        sc.parallelize([1], 1).foreach(lambda x: found.add([x]))
    assert sc.parallelize([1], 1).count() == 1


def test_a_broadcast_value_reaches_all_tasks(sc: SparkContext) -> None:
    table = sc.broadcast({"a": 1, "b": 2})
    assert sc.parallelize(["a", "b", "c"], 3).map(lambda k: table.value.get(k)).collect() == [1, 2, None]


def test_a_broadcast_is_a_snapshot(sc: SparkContext) -> None:
    original = [1]
    shared = sc.broadcast(original)
    original.append(2)
    assert (shared.value, sc.parallelize([0], 1).map(lambda _: list(shared.value)).collect()) == ([1], [[1]])


def test_the_drivers_copy_is_not_the_tasks_copy(sc: SparkContext) -> None:
    shared = sc.broadcast([1])
    shared.value.append(2)
    assert sc.parallelize([0], 1).map(lambda _: list(shared.value)).collect() == [[1]]
    sc.parallelize([0], 1).foreach(lambda _: shared.value.append(3))
    assert shared.value == [1, 2]


def test_a_value_is_loaded_once_for_many_tasks(sc: SparkContext) -> None:
    shared = sc.broadcast(list(range(1000)))
    used = sc.parallelize(range(20), 4).map(lambda _: id(shared.value)).distinct().count()
    assert 1 <= used <= 4


def test_an_unpersisted_broadcast_works_on(sc: SparkContext) -> None:
    shared = sc.broadcast([1])
    shared.unpersist()
    assert sc.parallelize([0], 1).map(lambda _: shared.value).collect() == [[1]]


def test_a_destroyed_broadcast_fails_the_job(sc: SparkContext) -> None:
    shared = sc.broadcast([1])
    shared.destroy()
    with pytest.raises(Py4JJavaError, match=r"Attempted to use Broadcast\(\d+\) after it was destroyed"):
        sc.parallelize([0], 1).map(lambda _: shared.value).collect()


@pytest.mark.parametrize("what", ["lambda", "context", "rdd"])
def test_what_plain_pickle_refuses_cannot_be_broadcast(sc: SparkContext, what: str) -> None:
    values = {"lambda": lambda x: x, "context": sc, "rdd": sc.parallelize([1])}
    # Since 3.14 pickle says PicklingError itself, which is passed on as it is.
    of_lambda = "Can't pickle local" if sys.version_info >= (3, 14) else "Could not serialize broadcast: AttributeError"
    text = of_lambda if what == "lambda" else "Could not serialize broadcast: (?s:.*)SPARK-5063"
    with pytest.raises(pickle.PicklingError, match=text):
        sc.broadcast(values[what])


def test_what_was_read_of_a_broadcast_variable_outlives_it_in_the_driver(sc: SparkContext) -> None:
    read, unread = sc.broadcast([1]), sc.broadcast([2])
    assert read.value == [1]
    for each in (read, unread):
        each.destroy()
        with pytest.raises(Py4JJavaError, match="after it was destroyed"):
            sc.parallelize([1]).map(lambda _, each=each: each.value).collect()
        with pytest.raises(Py4JJavaError, match="after it was destroyed"):
            each.unpersist()
        with pytest.raises(Py4JJavaError, match="after it was destroyed"):
            each.destroy()
    assert read.value == [1]
    for _ in range(2):
        with pytest.raises(FileNotFoundError, match="destroyed before its value was read"):
            unread.value  # noqa: B018


def test_a_function_has_no_say_when_its_broadcast_is_gone(sc: SparkContext) -> None:
    shared = sc.broadcast([1])
    read_before = sc.parallelize([0], 1).map(lambda _: shared.value)

    def careful(_: int) -> object:
        try:
            return shared.value
        except Exception:
            return "excuse"

    assert read_before.first() == [1]
    shared.destroy()
    for job in (read_before, sc.parallelize([0], 1).map(careful)):
        with pytest.raises(Py4JJavaError, match="after it was destroyed"):
            job.collect()


def test_a_broadcast_without_a_context_reads_what_was_dumped(sc: SparkContext, tmp_path: Path) -> None:
    path = tmp_path / "value"
    shared = sc.broadcast({"a": [1]})
    shared.dump(shared.value, path.open("wb"))
    assert Broadcast(path=str(path)).value == {"a": [1]} == shared.load_from_path(str(path))
    with path.open("rb") as file:
        reader = Broadcast(sock_file=file)
    assert reader.value == {"a": [1]}
    for operation in (reader.unpersist, reader.destroy, lambda: pickle.dumps(reader)):
        with pytest.raises(RuntimeError, match=r"Broadcast can only be \w+ in driver"):
            operation()
    with pytest.raises(AssertionError, match="sc, path or sock_file"):
        Broadcast()
