"""What is an RDD to this package? A node of the engine's lineage, or steps that are not frozen yet.

1. `_node` is the engine's node. For a chain of narrow steps it is made on first use: that is when the functions of
   the whole chain become copies, and they stay these copies for this RDD.
2. A step on an unfrozen chain makes a longer chain with the same live functions; on a persisted RDD it is a new one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from dstreams import _native
from dstreams.core.closures.closure import freeze
from dstreams.core.engine import process, watch
from dstreams.core.engine.arguments import optional_text
from dstreams.core.engine.errors import java_error
from dstreams.core.engine.stopped import check_alive
from dstreams.core.profiler import run_profiled
from dstreams.core.rdds import lineage
from dstreams.core.rdds.lineage import Packing, Shown, draw
from dstreams.core.rdds.native import Form, forms_of
from dstreams.core.rdds.ranges import Numbers, on_range
from dstreams.core.rdds.stepwise import Step
from dstreams.core.serializers import Serializer, through
from dstreams.core.storagelevel import StorageLevel, check_level, refuse_level
from dstreams.errors import PySparkRuntimeError

if TYPE_CHECKING:
    from dstreams.core.context import SparkContext
    from dstreams.core.rdd import RDD
    from dstreams.core.rdds.partitioner import Partitioner

T = TypeVar("T")
# Steps by name, functions, native forms, and how worker processes get them.
ChainParts: TypeAlias = tuple[
    list[tuple[str, int]], "list[Any] | bytes", "list[Form] | None", "tuple[_native.Workers, bytes, list[bool]] | None"
]


class RDDBase(Generic[T]):
    """Identity, partitions and persistence of an RDD."""

    def __init__(self, node: _native.Rdd | None, ctx: SparkContext, jrdd_deserializer: Any = None) -> None:
        self.ctx = ctx
        self.is_cached = False
        self.is_checkpointed = False
        self.is_barrier = False
        self.has_resource_profile = False  # none is ever accepted: see `withResources`
        self.partitioner: Partitioner | None = None
        self._frozen_node = node
        self._jrdd_deserializer = jrdd_deserializer or ctx.serializer
        self._storage = StorageLevel.NONE
        # The node, while another one stands for it that fails because of a level that Spark's tasks would not take.
        self._not_refused: _native.Rdd | None = None
        self._checkpoint_file: str | None = None
        self._checkpoint_done = False
        self._locally_checkpointed = False
        self._packing: Packing = lineage.packing_of(ctx)
        self._shown: Shown | None = None
        # What a chain of Python steps is based on, if this is one to Spark.
        self._shown_base: Shown | None = None

    @property
    def _node(self) -> _native.Rdd:
        process.check(self.ctx._process, "this RDD")
        if self._frozen_node is None:
            self._frozen_node = self._freeze()
            if watch.watcher is not None:
                watch.watcher.frozen(self._self)
        return self._frozen_node

    def _freeze(self) -> _native.Rdd:
        raise NotImplementedError

    def _in_batches(self) -> _native.Rdd:
        """The node whose elements a shuffle takes: those of a stream's RDD have left Python's steps, batch by batch.

        What such steps make when they are part of the same chain is taken in one by one instead, as in Spark.
        """
        from dstreams.core.rdd import PipelinedRDD

        chain = None if isinstance(self, PipelinedRDD) else self._node.chain()
        if chain is None or not chain.ends_in_python:
            return self._node
        return self._step("filter", _any, preserves=True)._node

    def _step(self, name: str, *functions: Callable[..., Any], number: int = 0, preserves: bool = False) -> RDD[Any]:
        """This RDD with one more narrow step; `preserves` keeps the partitioner."""
        from dstreams.core.rdd import PipelinedRDD

        return PipelinedRDD(self, (name, number, functions), preserves)

    def __repr__(self) -> str:
        if not process.is_here(self.ctx._process):
            return f"<an RDD of process {self.ctx._process.number}>"
        shown = self._show()
        if shown.pairs:
            return f"org.apache.spark.api.java.JavaPairRDD@{id(shown) & 0x7FFFFFFF:x}"
        return str(shown)

    # -- as Spark shows it: see `lineage.py` ------------------------------------------------------
    def _show(self) -> Shown:
        """What Spark has for this RDD, made now unless it is there."""
        process.check(self.ctx._process, "this RDD")
        if self._shown is None:
            if self._shown_base is None:
                self._shown = lineage.of_engine(self.ctx, self._node)
            else:
                self._shown = lineage.python_rdd(self.ctx, self._shown_base, self._count)
        return self._shown

    @property
    def _count(self) -> Callable[[], int]:
        """Gives the number of partitions, and refers to nothing of Python's: this RDD refers to it in turn."""
        return self._node.partitions

    def _show_parent(self) -> Shown:
        """What a chain of Python steps on this RDD is based on."""
        chain = self._shown_base
        return self._show() if chain is None or self.is_cached or self.is_checkpointed else chain

    def _packed_as(self, packing: Packing) -> RDD[T]:
        """This RDD where its elements lie together like this, else one with a step for it."""
        if self._packing == packing:
            return self._self
        made = self._step("packed", number=lineage.number_in(packing), preserves=True)
        made._packing = packing
        return made

    def _show_packed(self) -> Shown:
        """What it is where its elements lie together as those that leave Python's steps."""
        return self._packed_as(lineage.packing_of(self.ctx))._show()

    def _shown_as(self, shown: Shown, packing: Packing | None = None, base: Shown | None = None) -> RDD[T]:
        """Says what Spark has for this RDD; with `base`, of a chain of Python steps on that one."""
        self._shown, self._shown_base = shown, base
        self._packing = lineage.packing_of(self.ctx) if packing is None else packing
        return self._self

    def __getnewargs__(self) -> Any:
        raise PySparkRuntimeError(error_class="RDD_TRANSFORM_ONLY_VALID_ON_DRIVER", message_parameters={})

    def id(self) -> int:
        """The RDD's number, from 0 in each context."""
        return self._show().number

    @property
    def context(self) -> SparkContext:
        """The context that made the RDD."""
        return self.ctx

    def name(self) -> str | None:
        """The name given by `setName`, or the path of a file."""
        return self._show().name

    def setName(self, name: str) -> RDD[T]:
        """Names the RDD."""
        self._node.label = self._show().name = optional_text("name", name)
        return self._self

    @property
    def _self(self) -> RDD[T]:
        return self  # type: ignore[return-value]

    def getNumPartitions(self) -> int:
        """Number of partitions."""
        return self._node.partitions()

    # -- persistence ----------------------------------------------------------------------------
    def cache(self) -> RDD[T]:
        """Keeps partitions in memory once computed, as far as there is room."""
        return self.persist(StorageLevel.MEMORY_ONLY)

    def persist(self, storageLevel: StorageLevel = StorageLevel.MEMORY_ONLY) -> RDD[T]:
        """Keeps partitions once computed. The level cannot be changed afterwards, unless it is NONE.

        In memory alone, partitions that do not fit are computed again when needed; with disk, they are in files, and so
        are those of an RDD that is checkpointed locally.
        Raises: Py4JJavaError when the RDD has another level. RDDs that a stream keeps have one.
        """
        check_level(storageLevel)
        level = storageLevel._on_disk_too if self._locally_checkpointed else storageLevel
        before = self.getStorageLevel()
        if before not in (StorageLevel.NONE, level) and not self._locally_checkpointed:
            raise java_error(
                "org.apache.spark.SparkUnsupportedOperationException",
                "Cannot change storage level of an RDD after it was already assigned a level: this one has "
                f"{before!r}, unpersist() takes it away",
            )
        self._keep(level)
        self.is_cached = True
        return self._self

    def _keep(self, level: StorageLevel) -> None:
        self._storage = level
        if self.ctx._engine is None:  # in Spark it is a note in the RDD
            return
        self._show().kept = self._node
        if level._place is not None and level._is_valid:
            self.ctx._running.persist(self._node, level._place)
        elif level != StorageLevel.NONE:
            self._not_refused = self._node
            steps: tuple[Step, ...] = (("partitions", 0, (partial(refuse_level, level),)),)
            self._frozen_node = frozen(self.ctx, self._node, steps, True)

    def unpersist(self, blocking: bool = False) -> RDD[T]:
        """Forgets kept partitions; they are computed again when needed."""
        check_alive(self.ctx)
        self.is_cached, self._storage = False, StorageLevel.NONE
        if self._not_refused is not None:
            self._frozen_node, self._not_refused = self._not_refused, None
        self._show().kept = None
        self.ctx._running.unpersist(self._node)
        return self._self

    def getStorageLevel(self) -> StorageLevel:
        """How partitions are kept."""
        if self._storage == StorageLevel.NONE and self._frozen_node is not None:
            # A stream may keep its RDDs, mostly in memory as far as Spark would say.
            place = self._frozen_node.place
            if place is not None:
                return StorageLevel.DISK_ONLY if place == "disk" else StorageLevel.MEMORY_ONLY
        return self._storage

    # -- lineage --------------------------------------------------------------------------------
    def toDebugString(self) -> bytes | None:
        """How the RDD is made from others, a line each, as text in UTF-8."""
        check_alive(self.ctx, "java.lang.IllegalStateException")
        storage = "" if self._storage == StorageLevel.NONE else str(self._storage).replace("OffHeap", "(off heap)")
        return draw(self.ctx, self._show(), storage).encode("utf-8")

    def explain(self) -> None:
        """Prints how the RDD is made, step by step, and of each function whether it runs natively, or why not.

        Runs no job and freezes no function. Not in PySpark. `dstreams.explain.explain_rdd(rdd)` gives the same as data.
        """
        from dstreams.explain import explain_rdd

        print(explain_rdd(self._self))

    def checkpoint(self) -> None:
        """Replaces the lineage by files in the checkpoint folder, after the next job that needs this RDD.

        That job is followed by one more, which computes the RDD again (cache it first to avoid that).
        Raises: Py4JJavaError when there is no checkpoint folder.
        """
        if self.ctx._checkpoint_dir is None:
            raise java_error(
                "org.apache.spark.SparkException", "Checkpoint directory has not been set in the SparkContext"
            )
        self.is_checkpointed = True
        self._show()
        self.ctx._checkpoints.mark(self)

    def localCheckpoint(self) -> None:
        """Replaces the lineage by data kept in this process, after the next job that needs this RDD.

        As in PySpark, Python steps on top of Python steps run as one and do not need the RDD between them: after
        `rdd = source.map(f)`, that is `rdd.collect()`, but not `rdd.map(g).collect()`. `persist` keeps it for both.
        """
        before = self.getStorageLevel()
        self._keep(StorageLevel.MEMORY_AND_DISK_DESER if before == StorageLevel.NONE else before._on_disk_too)
        self._locally_checkpointed = True
        self.ctx._checkpoints.mark(self)

    def isCheckpointed(self) -> bool:
        """Whether the lineage has been replaced by data."""
        return self._checkpoint_done

    def isLocallyCheckpointed(self) -> bool:
        """Whether `localCheckpoint` was called."""
        return self._locally_checkpointed

    def getCheckpointFile(self) -> str | None:
        """The folder with the checkpoint, as `file:` path, once it is written."""
        return self._checkpoint_file

    def cleanShuffleDependencies(self, blocking: bool = False) -> None:
        """Drops the results of shuffles that this RDD is made from, up to persisted RDDs; they are redone if needed."""
        self._node.forget_shuffles()

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

    def _reserialize(self, serializer: Serializer | None = None) -> RDD[T]:
        """The elements as they are after a way through a serializer (default: the context's own)."""
        return self.mapPartitions(partial(through, serializer or self.ctx.serializer), preservesPartitioning=True)

    def _collect_node(self, rdd: RDDBase[Any], partitions: list[int] | None = None) -> list[Any]:
        # The node first: a function that cannot travel must say so before anything else.
        if self.ctx._has_own_serializer:
            rdd = rdd.mapPartitions(partial(through, self.ctx.serializer))
        node = rdd._node
        rdd._show()
        return self.ctx._collect(node, partitions)


def _any(element: object) -> bool:
    return True


def frozen_steps(
    ctx: SparkContext,
    base: _native.Rdd,
    steps: tuple[Step, ...],
    keeps_partitioner: bool,
    number: Callable[[], int],
    numbers: Numbers | None,
) -> _native.Rdd:
    """The engine's node for a chain of steps, its functions frozen now, for worker processes too if there are any.

    Under a profiler it is a single step, and the RDD has to have its `number`. `numbers` are those of `base`, if that
    is a range.
    """
    if ctx._batchSize and not (steps and steps[-1][0] == "packed"):
        steps = (*steps, ("packed", lineage.number_in(lineage.packing_of(ctx)), ()))
    if numbers is not None and steps[0][2] and forms_of(steps[:1]) in (None, [None]):
        steps = (on_range(numbers, steps[0]), *steps[1:])
    profilers = ctx.profiler_collector
    if profilers is None or not is_profiled(ctx):
        return frozen(ctx, base, steps, keeps_partitioner)
    profiler = profilers.new_profiler(ctx)
    packed = tuple(step for step in steps[-1:] if step[0] == "packed")
    node = frozen(ctx, base, (profiled(profiler, steps), *packed), keeps_partitioner)
    profilers.add_profiler(number(), profiler)
    return node


def is_profiled(ctx: SparkContext) -> bool:
    """Whether the context's steps run under a profiler."""
    return ctx.profiler_collector is not None and ctx._conf.get("spark.python.profile") == "true"


def profiled(profiler: Any, steps: tuple[Step, ...]) -> Step:
    """Steps as one, under a profiler."""
    return ("indexedPartitions", 0, (partial(run_profiled, profiler, steps),))


def frozen(ctx: SparkContext, base: _native.Rdd, steps: tuple[Step, ...], keeps_partitioner: bool) -> _native.Rdd:
    """As `frozen_steps`, without a profiler."""
    named, functions, forms, remote = chain_parts(ctx, steps)
    return base.narrow(named, functions, forms, keeps_partitioner, remote)


def chain_parts(ctx: SparkContext, steps: tuple[Step, ...]) -> ChainParts:
    """What the engine's chain of these steps is made of, frozen now."""
    functions = [function for _, _, used in steps for function in used]
    named = [(name, number) for name, number, _ in steps]
    forms = forms_of(steps)
    remote = ctx._workers.remote_form(named, functions, forms)
    return named, freeze(functions), forms, remote
