"""The resilient distributed dataset: a partitioned, immutable collection that is computed when an action asks.

The operations live in `rdds/`, one file per kind; here are the two classes that programs see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NoReturn, TypeVar

from dstreams import _native
from dstreams.core.engine import process, watch
from dstreams.core.engine.errors import java_error
from dstreams.core.engine.naming import named_as_one
from dstreams.core.rdds.approximate import BoundedFloat
from dstreams.core.rdds.barrier import RDDBarrier
from dstreams.core.rdds.base import RDDBase, frozen_steps
from dstreams.core.rdds.meetings import next_step, run_in_room
from dstreams.core.rdds.partitioner import Partitioner, portable_hash
from dstreams.core.rdds.ranges import Numbers
from dstreams.core.rdds.saving import Output
from dstreams.core.rdds.stepwise import Step, run_steps
from dstreams.core.resource import ResourceProfile
from dstreams.errors import PySparkRuntimeError

__all__ = ["RDD", "BoundedFloat", "Partitioner", "PipelinedRDD", "PythonEvalType", "RDDBarrier", "portable_hash"]

T = TypeVar("T")


class PythonEvalType:
    """Numbers of the kinds of functions that queries of Spark call. Kept for programs that name them."""

    NON_UDF = 0
    SQL_BATCHED_UDF = 100
    SQL_ARROW_BATCHED_UDF = 101
    SQL_SCALAR_PANDAS_UDF = 200
    SQL_GROUPED_MAP_PANDAS_UDF = 201
    SQL_GROUPED_AGG_PANDAS_UDF = 202
    SQL_WINDOW_AGG_PANDAS_UDF = 203
    SQL_SCALAR_PANDAS_ITER_UDF = 204
    SQL_MAP_PANDAS_ITER_UDF = 205
    SQL_COGROUPED_MAP_PANDAS_UDF = 206
    SQL_MAP_ARROW_ITER_UDF = 207
    SQL_GROUPED_MAP_PANDAS_UDF_WITH_STATE = 208
    SQL_TABLE_UDF = 300
    SQL_ARROW_TABLE_UDF = 301


@named_as_one
class RDD(Output[T]):
    """A partitioned collection. Made by a SparkContext, or from another RDD by a transformation."""

    def barrier(self) -> RDDBarrier[T]:
        """This RDD with a next step whose tasks run all at once and may wait for each other."""
        return RDDBarrier(self)

    def withResources(self, profile: ResourceProfile) -> RDD[T]:
        """Asks for resources of a cluster. Raises Py4JJavaError, as in a local Spark: there is no cluster."""
        if profile.executorResources:
            problem = (
                "ResourceProfiles are only supported on YARN and Kubernetes and Standalone with dynamic allocation "
                "enabled."
            )
        else:
            problem = (
                "TaskResourceProfiles are only supported for Standalone, Yarn and Kubernetes cluster for now when "
                "dynamic allocation is disabled."
            )
        raise java_error("org.apache.spark.SparkException", problem)

    def getResourceProfile(self) -> ResourceProfile | None:
        """What `withResources` asked for: nothing."""
        return None

    def toDF(self, schema: Any = None, sampleRatio: float | None = None) -> NoReturn:
        """Raises PySparkRuntimeError: there is no SparkSession, so there are no DataFrames."""
        told = {"func_name": "RDD.toDF", "object": "SparkSession"}
        raise PySparkRuntimeError(error_class="CALL_BEFORE_INITIALIZE", message_parameters=told)


class PipelinedRDD(RDD[T]):
    """Narrow steps over another RDD, run together in one task per partition."""

    def __init__(
        self,
        prev: RDDBase[Any],
        func: Step | Callable[[int, Iterable[Any]], Iterable[Any]],
        preservesPartitioning: bool = False,
        isFromBarrier: bool = False,
    ) -> None:
        super().__init__(None, prev.ctx)
        step = func if isinstance(func, tuple) else ("indexedPartitions", 0, (func,))
        self.is_barrier = isFromBarrier or prev.is_barrier
        barriers: tuple[int, ...] = ()
        if isFromBarrier:
            barriers = (next_step(),)
            tasks = prev.getNumPartitions()
            step = ("indexedPartitions", 0, (partial(run_in_room, step[2][0], barriers[0], tasks),))
        self._base: _native.Rdd
        # The steps are this one and those of the RDD below, if both run together: as a tuple in each RDD they would
        # take as much memory as the square of their number.
        self._step_here: Step | None = step
        self._below: PipelinedRDD[Any] | None = prev if isinstance(prev, PipelinedRDD) else None
        self._barriers: tuple[int, ...]
        self._over: Numbers | None
        self.preservesPartitioning: bool
        if isinstance(prev, PipelinedRDD) and prev._is_pipelinable():
            self._base = prev._base
            self._shown_base = prev._shown_base
            self._over = prev._over
            self._barriers = (*prev._barriers, *barriers)
            self.preservesPartitioning = prev.preservesPartitioning and preservesPartitioning
        else:
            self._base, self._below = prev._node, None
            self._shown_base = prev._show_parent()
            self._over = None
            self._barriers = barriers
            self.preservesPartitioning = preservesPartitioning
        self.prev = prev
        if preservesPartitioning:
            self.partitioner = prev.partitioner
        if watch.watcher is not None:
            watch.watcher.made(self)

    @classmethod
    def _of_numbers(cls, source: RDD[T], numbers: Numbers) -> PipelinedRDD[T]:
        """Numbers of a range, which Spark makes by a step on `source`, and the engine without one."""
        made = cls.__new__(cls)
        RDD.__init__(made, source._node, source.ctx)
        made._base, made._step_here, made._below, made._barriers = source._node, None, None, ()
        made.preservesPartitioning, made.prev = True, source
        made._shown_base, made._over = source._show(), numbers
        return made

    @property
    def _steps(self) -> tuple[Step, ...]:
        """The steps that run together, the first one first."""
        found: list[Step] = []
        at: PipelinedRDD[Any] = self
        while True:
            if at._step_here is not None:
                found.append(at._step_here)
            if at._below is None:
                return tuple(reversed(found))
            at = at._below

    def _is_pipelinable(self) -> bool:
        return not (self.is_cached or self.is_checkpointed)

    @property
    def func(self) -> Callable[[int, Iterable[Any]], Iterable[Any]]:
        """All steps since the last shuffle, persisted RDD or input, as one function of a partition."""
        return partial(run_steps, self._steps)

    def _freeze(self) -> _native.Rdd:
        number = lambda: self._show().number  # noqa: E731 - it is asked for under a profiler alone
        node = frozen_steps(self.ctx, self._base, self._steps, self.preservesPartitioning, number, self._over)
        if self._barriers:
            self.ctx._barriers[node.id] = self._barriers
        return node

    @property
    def _count(self) -> Callable[[], int]:
        return self._base.partitions

    def getNumPartitions(self) -> int:
        """Number of partitions, which narrow steps leave as it is."""
        process.check(self.ctx._process, "this RDD")
        return self._base.partitions()
