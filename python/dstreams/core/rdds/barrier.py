"""How does a stage run whose tasks may wait for each other? All at once, or not at all; tried again as a whole.

1. An action checks the stages it needs before it begins: each task of a barrier stage has a thread, and all RDDs of the
   stage have as many partitions as the stage has tasks.
2. A barrier stage that fails before a shuffle is run again, four times in all; one whose results the action asked for
   fails the job, since results may have been seen. Its tasks are never tried again one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from dstreams import _native
from dstreams.core.engine.errors import Py4JJavaError, java_error, user_traceback
from dstreams.core.rdds.meetings import Failure, forget, take_failure

if TYPE_CHECKING:
    from dstreams.core.context import SparkContext
    from dstreams.core.rdd import RDD

__all__ = ["RDDBarrier"]

T = TypeVar("T")
U = TypeVar("U")

_STAGE_ATTEMPTS = 4
_CHAIN = (
    "[SPARK-24820][SPARK-24821]: Barrier execution mode does not allow the following pattern of RDD chain within a "
    "barrier stage:\n1. Ancestor RDDs that have different number of partitions from the resulting RDD (e.g. "
    "union()/coalesce()/first()/take()/PartitionPruningRDD). A workaround for first()/take() can be "
    "barrierRdd.collect().head (scala) or barrierRdd.collect()[0] (python).\n2. An RDD that depends on multiple "
    "barrier RDDs (e.g. barrierRdd1.zip(barrierRdd2))."
)
_SLOTS = (
    "[SPARK-24819]: Barrier execution mode does not allow run a barrier stage that requires more slots than the total "
    "number of slots in the cluster currently. Please init a new cluster with more resources(e.g. CPU, GPU) or "
    "repartition the input RDD(s) to reduce the number of slots required to run this barrier stage."
)


class RDDBarrier(Generic[T]):
    """An RDD whose next step runs in all partitions at once. Made by `RDD.barrier`."""

    def __init__(self, rdd: RDD[T]) -> None:
        self.rdd = rdd

    def mapPartitions(self, f: Callable[[Iterable[T]], Iterable[U]], preservesPartitioning: bool = False) -> RDD[U]:
        """`f(iterator)` of each partition; `f` may use `BarrierTaskContext`."""
        return self.mapPartitionsWithIndex(partial(_without_index, f), preservesPartitioning)

    def mapPartitionsWithIndex(
        self, f: Callable[[int, Iterable[T]], Iterable[U]], preservesPartitioning: bool = False
    ) -> RDD[U]:
        """`f(index, iterator)` of each partition; `f` may use `BarrierTaskContext`."""
        from dstreams.core.rdd import PipelinedRDD

        return PipelinedRDD(self.rdd, f, preservesPartitioning, isFromBarrier=True)


def _without_index(f: Callable[[Iterable[Any]], Iterable[Any]], index: int, elements: Iterable[Any]) -> Iterable[Any]:
    return f(elements)


class _Stage(NamedTuple):
    """A stage that a job may run: its last RDD, how many tasks it has, and which barrier steps are in it."""

    root: _native.Rdd
    tasks: int
    nodes: list[_native.Rdd]
    steps: set[int]


def collect(ctx: SparkContext, node: _native.Rdd, partitions: list[int] | None) -> list[Any]:
    """Runs a job that may have barrier stages. Raises Py4JJavaError when they cannot run so, or fail."""
    stages = _stages_of(ctx, node, partitions)
    _check(ctx, stages)
    steps = set().union(*(stage.steps for stage in stages))
    for attempt in range(1, _STAGE_ATTEMPTS + 1):
        forget(steps)
        try:
            return ctx._running.collect(node, partitions)
        except Py4JJavaError:
            failure = take_failure(steps)
            if failure is None:
                raise
            if failure.step in stages[0].steps:
                raise _lost(
                    "Could not recover from a failed barrier ResultStage.", "ResultTask", failure
                ) from failure.cause
            if attempt == _STAGE_ATTEMPTS:
                reason = (
                    f"ShuffleMapStage {failure.stage} has failed the maximum allowable number of times: "
                    f"{_STAGE_ATTEMPTS}."
                )
                raise _lost(reason, "ShuffleMapTask", failure) from failure.cause
    raise AssertionError("the last attempt returns or raises")


def _lost(reason: str, kind: str, failure: Failure) -> Py4JJavaError:
    message = (
        f"Job aborted due to stage failure: {reason} Most recent failure reason: Stage failed because barrier task "
        f"{kind}({failure.stage}, {failure.partition}) finished unsuccessfully.\n"
        f"org.apache.spark.api.python.PythonException: {user_traceback(failure.cause)}"
    )
    return java_error("org.apache.spark.SparkException", message)


def _stages_of(ctx: SparkContext, node: _native.Rdd, partitions: list[int] | None) -> list[_Stage]:
    """The stages of a job, that of its results first."""
    found: list[_Stage] = []
    seen = {node.id}
    roots = [(node, len(partitions) if partitions is not None else node.partitions())]
    while roots:
        root, tasks = roots.pop()
        stage = _Stage(root, tasks, [], set())
        found.append(stage)
        pending = [root]
        while pending:
            one = pending.pop()
            stage.nodes.append(one)
            stage.steps.update(ctx._barriers.get(one.id, ()))
            for parent in one.parents():
                if parent.id in seen:
                    continue
                seen.add(parent.id)
                if one.kind == "ShuffledRDD":
                    roots.append((parent, parent.partitions()))
                else:
                    pending.append(parent)
    return found


def _check(ctx: SparkContext, stages: list[_Stage]) -> None:
    for stage in stages:
        if not stage.steps:
            continue
        if len(stage.steps) > 1 and any(_barriers_above(ctx, one) > 1 for one in stage.nodes):
            raise java_error("org.apache.spark.scheduler.BarrierJobUnsupportedRDDChainException", _CHAIN)
        if any(one.partitions() != stage.tasks for one in stage.nodes):
            raise java_error("org.apache.spark.scheduler.BarrierJobUnsupportedRDDChainException", _CHAIN)
        if stage.tasks > ctx._running.threads:
            raise java_error("org.apache.spark.scheduler.BarrierJobSlotsNumberCheckFailed", _SLOTS)


def _barriers_above(ctx: SparkContext, node: _native.Rdd) -> int:
    """How many of a node's parents are in a barrier stage."""
    return sum(_is_barrier(ctx, parent) for parent in node.parents())


def _is_barrier(ctx: SparkContext, node: _native.Rdd) -> bool:
    pending = [node]
    while pending:
        one = pending.pop()
        if one.id in ctx._barriers:
            return True
        if one.kind != "ShuffledRDD":
            pending += one.parents()
    return False
