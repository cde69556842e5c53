"""What a task's context tells when it has left its task, and addresses of tasks that run together."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pyspark import BarrierTaskContext, SparkContext, TaskContext


@pytest.mark.parametrize("workers", ["0", "1"])
def test_a_context_that_comes_back_knows_what_it_knew(spark: Callable[..., SparkContext], workers: str) -> None:
    sc = spark("local[2]", {"spark.dstreams.python.workers": workers})
    sc.setLocalProperty("key", "value")
    first, second = sc.parallelize([1, 2], 2).map(lambda _: TaskContext.get()).collect()
    sc.setLocalProperty("key", "another")
    for at, context in enumerate((first, second)):
        assert type(context) is TaskContext
        assert (context.getLocalProperty("key"), context.getLocalProperty("none")) == ("value", None)
        assert (context.partitionId(), context.attemptNumber(), context.cpus(), context.resources()) == (at, 0, 1, {})
    assert first.stageId() == second.stageId() and first.taskAttemptId() != second.taskAttemptId()
    # And when it travels on.
    told = sc.parallelize([first], 1).map(lambda context: context.getLocalProperty("key")).collect()
    assert told == ["value"]


def test_one_of_a_barrier_stage_comes_back_as_a_usual_one(sc: SparkContext) -> None:
    sc.setLocalProperty("key", "value")
    (context,) = sc.parallelize([1], 1).barrier().mapPartitions(lambda _: [BarrierTaskContext.get()]).collect()
    assert type(context) is TaskContext and context.getLocalProperty("key") == "value"


def test_addresses_have_a_host_and_a_port(sc: SparkContext) -> None:
    def addresses(_: object) -> list[list[str]]:
        return [[one.address for one in BarrierTaskContext.get().getTaskInfos()]]

    found = sc.parallelize([1, 2], 2).barrier().mapPartitions(addresses).collect()
    (address,) = {address for told in found for address in told}
    host, port = address.split(":")
    assert len(found[0]) == 2 and host == "localhost" and 0 < int(port) < 65536
