"""The resilient distributed dataset: a partitioned, immutable collection that is computed when an action asks.

The operations live in the files `_rdd_*.py`, one per kind; here are the two classes that programs see.
"""

from __future__ import annotations

from typing import Any, TypeVar

from dstreams import _native
from dstreams.core._rdd_base import RDDBase, Step, frozen_steps
from dstreams.core._rdd_output import Output
from dstreams.core.approximate import BoundedFloat
from dstreams.core.barrier import RDDBarrier
from dstreams.core.partitioner import Partitioner, portable_hash

__all__ = ["RDD", "BoundedFloat", "Partitioner", "PipelinedRDD", "RDDBarrier", "portable_hash"]

T = TypeVar("T")


class RDD(Output[T]):
    """A partitioned collection. Made by a SparkContext, or from another RDD by a transformation."""

    def barrier(self) -> RDDBarrier[T]:
        """This RDD with a next step whose tasks run all at once and may wait for each other."""
        return RDDBarrier(self)


class PipelinedRDD(RDD[T]):
    """Narrow steps over another RDD, run together in one task per partition."""

    def __init__(self, prev: RDDBase[Any], step: Step, preservesPartitioning: bool = False) -> None:
        super().__init__(None, prev.ctx)
        self._base: _native.Rdd
        self._steps: tuple[Step, ...]
        self.preservesPartitioning: bool
        if isinstance(prev, PipelinedRDD) and prev._is_pipelinable():
            self._base, self._steps = prev._base, (*prev._steps, step)
            self.preservesPartitioning = prev.preservesPartitioning and preservesPartitioning
        else:
            self._base, self._steps = prev._node, (step,)
            self.preservesPartitioning = preservesPartitioning
        self.prev = prev
        if preservesPartitioning:
            self.partitioner = prev.partitioner

    def _is_pipelinable(self) -> bool:
        return not (self.is_cached or self.is_checkpointed)

    def _freeze(self) -> _native.Rdd:
        return frozen_steps(self._base, self._steps, self.preservesPartitioning)

    def getNumPartitions(self) -> int:
        """Number of partitions, which narrow steps leave as it is."""
        return self._base.partitions()
