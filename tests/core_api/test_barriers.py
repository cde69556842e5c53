"""Barrier stages: tasks that meet, what cannot run so, and what happens when a task fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dstreams import RDD, BarrierTaskContext, SparkConf, SparkContext, TaskContext
from dstreams.core.engine.errors import Py4JJavaError


@pytest.fixture(params=["local[3]", "local[3, 3]"])
def sc(request: pytest.FixtureRequest) -> Iterator[SparkContext]:
    with SparkContext(request.param, "barriers", conf=SparkConf(loadDefaults=False)) as context:
        yield context


def same(elements: Iterable[Any]) -> Iterable[Any]:
    return elements


def meeting(sc: SparkContext) -> RDD[int]:
    return sc.parallelize(range(4), 2).barrier().mapPartitions(same)


def gather_twice(elements: Iterable[int]) -> Iterator[tuple[list[str], list[str], int]]:
    context = BarrierTaskContext.get()
    first = context.allGather(f"{context.partitionId()}: {sum(elements)}")
    context.barrier()
    yield first, context.allGather(), len(context.getTaskInfos())


def test_tasks_of_a_barrier_stage_meet(sc: SparkContext) -> None:
    found = sc.parallelize(range(6), 3).barrier().mapPartitions(gather_twice).collect()
    assert found == [(["0: 1", "1: 5", "2: 9"], ["", "", ""], 3)] * 3


def test_the_context_of_such_a_task_is_a_barrier_context(sc: SparkContext) -> None:
    kind = sc.parallelize([1], 1).barrier().mapPartitions(lambda _: [type(TaskContext.get()).__name__])
    assert kind.collect() == ["BarrierTaskContext"]
    assert sc.parallelize([1], 1).map(lambda _: type(TaskContext.get()).__name__).collect() == ["TaskContext"]


def test_a_task_has_one_context(sc: SparkContext) -> None:
    def same_twice(_: Iterable[int]) -> list[bool]:
        return [TaskContext.get() is TaskContext.get(), TaskContext.get() is not None]

    assert sc.parallelize([1], 1).mapPartitions(same_twice).collect() == [True, True]
    both = sc.parallelize([1, 2], 2).barrier().mapPartitions(lambda _: [TaskContext.get() is BarrierTaskContext.get()])
    assert both.collect() == [True, True]
    tasks = sc.parallelize(range(4), 4).map(lambda _: TaskContext.get().taskAttemptId()).collect()
    assert len(set(tasks)) == 4


def test_a_context_outside_its_task_says_so() -> None:
    alone = BarrierTaskContext()
    for ask in (alone.barrier, alone.allGather, alone.getTaskInfos):
        with pytest.raises(RuntimeError, match="before initialize BarrierTaskContext"):
            ask()


def test_steps_know_that_they_are_in_a_barrier_stage(sc: SparkContext) -> None:
    assert meeting(sc).is_barrier and meeting(sc).map(str).is_barrier
    assert not sc.parallelize([1]).map(str).is_barrier


def test_a_barrier_stage_needs_a_thread_per_task(sc: SparkContext) -> None:
    many = sc.parallelize(range(6), 4).barrier().mapPartitions(gather_twice)
    with pytest.raises(Py4JJavaError, match="SPARK-24819"):
        many.collect()


@pytest.mark.parametrize(
    "chain",
    [
        lambda sc: meeting(sc).coalesce(1).collect(),
        lambda sc: meeting(sc).first(),
        lambda sc: meeting(sc).union(sc.parallelize([1], 1)).collect(),
        lambda sc: meeting(sc).zip(meeting(sc)).collect(),
        lambda sc: sc.parallelize(range(4), 4).coalesce(2).barrier().mapPartitions(same).collect(),
    ],
)
def test_chains_that_a_barrier_stage_cannot_have(sc: SparkContext, chain: Callable[[SparkContext], Any]) -> None:
    with pytest.raises(Py4JJavaError, match=r"BarrierJobUnsupportedRDDChainException: \[SPARK-24820\]"):
        chain(sc)


def test_chains_that_it_can_have(sc: SparkContext) -> None:
    assert sorted(meeting(sc).repartition(3).collect()) == [0, 1, 2, 3]
    assert meeting(sc).map(str).barrier().mapPartitions(same).collect() == ["0", "1", "2", "3"]
    assert sorted(meeting(sc).keyBy(lambda n: n % 2).reduceByKey(lambda a, b: a + b, 1).collect()) == [(0, 2), (1, 4)]


def failing(log: Path, times: int) -> Callable[[int, Iterable[int]], Iterator[int]]:
    """A function whose task 1 fails so often while task 0 waits for it; each call leaves a line."""

    def run(index: int, elements: Iterable[int]) -> Iterator[int]:
        context = BarrierTaskContext.get()
        with log.open("a") as file:
            file.write(f"{index}\n")
        if index == 1 and log.read_text().count("1") <= times:
            raise ValueError("not yet")
        context.barrier()
        yield from elements

    return run


def test_a_stage_before_a_shuffle_is_tried_again_as_a_whole(sc: SparkContext, tmp_path: Path) -> None:
    log = tmp_path / "log"
    rdd = sc.parallelize(range(4), 2).barrier().mapPartitionsWithIndex(failing(log, 3))
    assert sorted(rdd.map(lambda n: (n % 2, n)).groupByKey().mapValues(sorted).collect()) == [(0, [0, 2]), (1, [1, 3])]
    # The other task may be stopped before its function begins, but not in the try that succeeds.
    assert log.read_text().count("1") == 4 and 1 <= log.read_text().count("0") <= 4


def test_a_stage_before_a_shuffle_is_tried_four_times(sc: SparkContext, tmp_path: Path) -> None:
    log = tmp_path / "log"
    rdd = sc.parallelize(range(4), 2).barrier().mapPartitionsWithIndex(failing(log, 9))
    with pytest.raises(Py4JJavaError, match="has failed the maximum allowable number of times: 4") as caught:
        rdd.map(lambda n: (n, n)).groupByKey().collect()
    assert log.read_text().count("1") == 4
    assert isinstance(caught.value.__cause__, ValueError)


def test_a_stage_of_results_is_not_tried_again(sc: SparkContext, tmp_path: Path) -> None:
    log = tmp_path / "log"
    rdd = sc.parallelize(range(4), 2).barrier().mapPartitionsWithIndex(failing(log, 1))
    with pytest.raises(Py4JJavaError, match="Could not recover from a failed barrier ResultStage") as caught:
        rdd.collect()
    assert log.read_text().count("1") == 1
    assert str(caught.value.__cause__) == "not yet"
    assert sc.parallelize(range(3), 3).count() == 3


def test_outside_a_barrier_stage_there_is_no_barrier(sc: SparkContext) -> None:
    with pytest.raises(RuntimeError, match="NOT_IN_BARRIER_STAGE"):
        BarrierTaskContext.get()
    with pytest.raises(Py4JJavaError, match="NOT_IN_BARRIER_STAGE"):
        sc.parallelize([1], 1).map(lambda _: BarrierTaskContext.get()).collect()


def test_messages_are_text(sc: SparkContext) -> None:
    with pytest.raises(Py4JJavaError, match="Argument `message` must be of type `str`"):
        sc.parallelize([1], 1).barrier().mapPartitions(lambda _: BarrierTaskContext.get().allGather(3)).collect()
