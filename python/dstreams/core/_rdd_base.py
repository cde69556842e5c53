"""What is an RDD to this package? A node of the engine's lineage, or steps that are not frozen yet.

1. `_node` is the engine's node. For a chain of narrow steps it is made on first use: that is when the functions of
   the whole chain become copies, and they stay these copies for this RDD.
2. A step on an unfrozen chain makes a longer chain with the same live functions; on a persisted RDD it is a new one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from dstreams import _native
from dstreams.core.closure import freeze
from dstreams.core.errors import PySparkRuntimeError, java_error
from dstreams.core.storagelevel import StorageLevel

if TYPE_CHECKING:
    from dstreams.core.context import SparkContext
    from dstreams.core.partitioner import Partitioner
    from dstreams.core.rdd import RDD

T = TypeVar("T")

# Name, number, functions: see src/object/step.rs.
Step = tuple[str, int, tuple[Callable[..., Any], ...]]


class RDDBase(Generic[T]):
    """Identity, partitions and persistence of an RDD."""

    def __init__(self, node: _native.Rdd | None, ctx: SparkContext, jrdd_deserializer: Any = None) -> None:
        self.ctx = ctx
        self.is_cached = False
        self.is_checkpointed = False
        self.has_transient_parent = False
        self.partitioner: Partitioner | None = None
        self._frozen_node = node
        self._name: str | None = None
        self._storage = StorageLevel.NONE

    @property
    def _node(self) -> _native.Rdd:
        if self._frozen_node is None:
            self._frozen_node = self._freeze()
        return self._frozen_node

    def _freeze(self) -> _native.Rdd:
        raise NotImplementedError

    def _step(self, name: str, *functions: Callable[..., Any], number: int = 0, preserves: bool = False) -> RDD[Any]:
        """This RDD with one more narrow step; `preserves` keeps the partitioner."""
        from dstreams.core.rdd import PipelinedRDD

        return PipelinedRDD(self, (name, number, functions), preserves)

    def __repr__(self) -> str:
        kind = "ParallelCollectionRDD" if type(self).__name__ == "RDD" else "PythonRDD"
        return f"{kind}[{self.id()}] at RDD at dstreams" if self._name is None else f"{self._name} {kind}[{self.id()}]"

    def __getnewargs__(self) -> Any:
        raise PySparkRuntimeError(
            "[RDD_TRANSFORM_ONLY_VALID_ON_DRIVER] It appears that you are attempting to broadcast an RDD or reference "
            "an RDD from an action or transformation. RDD transformations and actions can only be invoked by the "
            "driver, not inside of other transformations; for example, rdd1.map(lambda x: rdd2.values.count() * x) is "
            "invalid because the values transformation and count action cannot be performed inside of the rdd1.map "
            "transformation. For more information, see SPARK-5063."
        )

    def id(self) -> int:
        """The RDD's number, from 0 in each context."""
        return self._node.id - self.ctx._first_rdd

    @property
    def context(self) -> SparkContext:
        """The context that made the RDD."""
        return self.ctx

    def name(self) -> str | None:
        """The name given by `setName`."""
        return self._name

    def setName(self, name: str) -> RDD[T]:
        """Names the RDD."""
        self._name = name
        return self._self

    @property
    def _self(self) -> RDD[T]:
        return self  # type: ignore[return-value]

    def getNumPartitions(self) -> int:
        """Number of partitions."""
        return self._node.partitions()

    # -- persistence ----------------------------------------------------------------------------
    def cache(self) -> RDD[T]:
        """Keeps partitions in memory once computed."""
        return self.persist(StorageLevel.MEMORY_ONLY)

    def persist(self, storageLevel: StorageLevel = StorageLevel.MEMORY_ONLY) -> RDD[T]:
        """Keeps partitions once computed. The level cannot be changed afterwards."""
        if self.is_cached and storageLevel != self._storage:
            raise java_error(
                "java.lang.UnsupportedOperationException",
                "Cannot change storage level of an RDD after it was already assigned a level",
            )
        self.ctx._running.persist(self._node)
        self.is_cached, self._storage = True, storageLevel
        return self._self

    def unpersist(self, blocking: bool = False) -> RDD[T]:
        """Forgets kept partitions; they are computed again when needed."""
        self.is_cached, self._storage = False, StorageLevel.NONE
        self.ctx._running.unpersist(self._node)
        return self._self

    def getStorageLevel(self) -> StorageLevel:
        """How partitions are kept."""
        return self._storage

    # -- the steps that everything else is made of ------------------------------------------------
    def mapPartitions(self, f: Callable[[Iterable[T]], Iterable[Any]], preservesPartitioning: bool = False) -> RDD[Any]:
        """`f(iterator)` of each partition: an iterable of new elements."""
        return self._step("partitions", f, preserves=preservesPartitioning)

    def mapPartitionsWithIndex(
        self, f: Callable[[int, Iterable[T]], Iterable[Any]], preservesPartitioning: bool = False
    ) -> RDD[Any]:
        """`f(index, iterator)` of each partition: an iterable of new elements."""
        return self._step("indexedPartitions", f, preserves=preservesPartitioning)

    def _defaultReducePartitions(self) -> int:
        if self.ctx._conf.contains("spark.default.parallelism"):
            return self.ctx.defaultParallelism
        return self.getNumPartitions()

    def _collect_node(self, rdd: RDDBase[Any], partitions: list[int] | None = None) -> list[Any]:
        # The node first: a function that cannot travel must say so before anything else.
        node = rdd._node
        return self.ctx._running.collect(node, partitions)


def frozen_steps(base: _native.Rdd, steps: tuple[Step, ...], keeps_partitioner: bool) -> _native.Rdd:
    """The engine's node for a chain of steps, its functions frozen now."""
    functions = [function for _, _, used in steps for function in used]
    return base.narrow([(name, number) for name, number, _ in steps], freeze(functions), keeps_partitioner)
