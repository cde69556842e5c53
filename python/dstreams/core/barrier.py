"""How does a stage run whose tasks may wait for each other? All at once, or not at all."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from dstreams.core.errors import java_error
from dstreams.core.meetings import run_in_room

if TYPE_CHECKING:
    from dstreams.core.rdd import RDD

__all__ = ["RDDBarrier"]

T = TypeVar("T")
U = TypeVar("U")
_steps = itertools.count()


class RDDBarrier(Generic[T]):
    """An RDD whose next step runs in all partitions at once. Made by `RDD.barrier`."""

    def __init__(self, rdd: RDD[T]) -> None:
        self.rdd = rdd

    def mapPartitions(self, f: Callable[[Iterable[T]], Iterable[U]], preservesPartitioning: bool = False) -> RDD[U]:
        """`f(iterator)` of each partition; `f` may use `BarrierTaskContext`.

        Raises: Py4JJavaError at once when there are more partitions than task threads.
        """
        return self.mapPartitionsWithIndex(partial(_without_index, f), preservesPartitioning)

    def mapPartitionsWithIndex(
        self, f: Callable[[int, Iterable[T]], Iterable[U]], preservesPartitioning: bool = False
    ) -> RDD[U]:
        """`f(index, iterator)` of each partition; `f` may use `BarrierTaskContext`.

        Raises: Py4JJavaError at once when there are more partitions than task threads.
        """
        tasks, threads = self.rdd.getNumPartitions(), self.rdd.ctx._running.threads
        if tasks > threads:
            raise java_error(
                "org.apache.spark.scheduler.BarrierJobSlotsNumberCheckFailed",
                "[SPARK-24819]: Barrier execution mode does not allow run a barrier stage that requires more slots "
                f"than the total number of slots: {tasks} tasks, {threads} threads",
            )
        return self.rdd.mapPartitionsWithIndex(partial(run_in_room, f, next(_steps), tasks), preservesPartitioning)


def _without_index(f: Callable[[Iterable[Any]], Iterable[Any]], index: int, elements: Iterable[Any]) -> Iterable[Any]:
    return f(elements)
