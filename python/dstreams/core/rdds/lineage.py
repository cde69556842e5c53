"""What does an RDD look like to Spark: its number, what it is called, and from which others it is made?

Spark's JVM has RDDs of its own for those of Python, and other ones than our engine has nodes: a `partitionBy` makes
four. Programs see their numbers and names, so here is one `Shown` for each of them, made when PySpark would make it.
1. Numbers rise by one from 0 in each context, in the order in which Spark's RDDs are made.
2. A chain of Python steps is one RDD, which is made on first use; a step on it is another chain, with the same parent.
3. A `Shown` refers to its parents and to how many partitions it has, to no data.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dstreams.core.engine import callsite

if TYPE_CHECKING:
    from dstreams import _native
    from dstreams.core.context import SparkContext

GATEWAY = "NativeMethodAccessorImpl.java:0"
OF_PYTHON = "RDD at PythonRDD.scala:53"
OF_LIST = "readRDDFromFile at PythonRDD.scala:289"

# How Spark declares that elements lie together: `_packing` of RDDs. It decides whether two of them are put together as
# they are. Batches have a number of elements; 0: of as many as are worth it, -1: of any number.
Packing = tuple[Any, ...]
UNLIMITED: Packing = ("batch", -1)
ONE: Packing = ("batch", 1)
TEXT: Packing = ("text",)
RAW: Packing = ("raw",)


def packing_of(ctx: SparkContext) -> Packing:
    """How elements lie that leave Python's steps."""
    return ("batch", ctx._batchSize)


def number_in(packing: Packing) -> int:
    """The number of elements in batches, as the engine takes it: it knows no batches of any number."""
    number: int = packing[1]
    return number if number >= 0 else 2**31


class Shown:
    """An RDD of Spark's."""

    __slots__ = ("__weakref__", "count", "kept", "kind", "name", "number", "pairs", "parents", "place", "wide")

    def __init__(
        self,
        ctx: SparkContext,
        kind: str,
        place: str,
        parents: tuple[Shown, ...],
        count: Callable[[], int],
        *,
        name: str | None = None,
        wide: bool = False,
        pairs: bool = False,
    ) -> None:
        self.number = ctx._next_rdd()
        self.kind, self.place, self.parents, self.count, self.name = kind, place, parents, count, name
        self.wide = wide  # the parent is read through a shuffle
        self.pairs = pairs  # Python holds a JavaPairRDD, which has no text of its own
        self.kept: _native.Rdd | None = None  # the engine's node, if it is persisted

    def __str__(self) -> str:
        name = f"{self.name} " if self.name else ""
        return f"{name}{self.kind}[{self.number}] at {self.place}"


def by(method: str) -> str:
    """The place of an RDD that a method of the JVM made, when Python called it."""
    return f"{method} at {GATEWAY}"


def python_rdd(ctx: SparkContext, parent: Shown, count: Callable[[], int], place: str = OF_PYTHON) -> Shown:
    """A chain of Python steps."""
    return Shown(ctx, "PythonRDD", place, (parent,), count)


def placed(ctx: SparkContext, parent: Shown, before: Callable[[], int], shuffle: _native.Rdd) -> Shown:
    """The pairs of a parent placed by their keys."""
    site, after = callsite.short(), shuffle.partitions
    shuffle.set_site(site)
    keyed = python_rdd(ctx, parent, before, site)
    pairs = Shown(ctx, "PairwiseRDD", site, (keyed,), before)
    shuffled = Shown(ctx, "ShuffledRDD", by("partitionBy"), (pairs,), after, wide=True)
    return Shown(ctx, "MapPartitionsRDD", "mapPartitions at PythonRDD.scala:160", (shuffled,), after)


def dealt(ctx: SparkContext, parent: Shown, before: Callable[[], int], shuffle: _native.Rdd) -> Shown:
    """The elements of a parent dealt out."""
    after = shuffle.partitions
    shuffle.set_site(by("coalesce"))
    numbered = Shown(ctx, "MapPartitionsRDD", by("coalesce"), (parent,), before)
    shuffled = Shown(ctx, "ShuffledRDD", by("coalesce"), (numbered,), after, wide=True)
    merged = Shown(ctx, "CoalescedRDD", by("coalesce"), (shuffled,), after)
    return Shown(ctx, "MapPartitionsRDD", by("coalesce"), (merged,), after)


def of_file(ctx: SparkContext, kinds: tuple[str, ...], method: str, path: str, count: Callable[[], int]) -> Shown:
    """What is read from files: the kinds of RDDs, the first one first; those marked by `*` have the path as a name."""
    made: Shown | None = None
    for kind in kinds:
        parents = () if made is None else (made,)
        made = Shown(ctx, kind.strip("*"), by(method), parents, count, name=path if kind.endswith("*") else None)
    assert made is not None, "kinds: there is at least one"
    return made


_OF_ENGINE = {
    "EmptyRDD": by("emptyRDD"),
    "ParallelCollectionRDD": OF_LIST,
    "UnionRDD": by("union"),
    "PartitionerAwareUnionRDD": by("union"),
    "CoalescedRDD": by("coalesce"),
    "CartesianRDD": by("cartesian"),
    "ZippedPartitionsRDD2": by("zip"),
    "HadoopRDD": by("textFile"),
}


def of_engine(ctx: SparkContext, node: _native.Rdd) -> Shown:
    """An RDD that the engine made: of a stream, say. Its parents are unknown."""
    kind = node.kind
    if kind not in _OF_ENGINE:
        return Shown(ctx, "PythonRDD", OF_PYTHON, (), node.partitions, name=node.label)
    return Shown(ctx, kind, _OF_ENGINE[kind], (), node.partitions, name=node.label)


# -- drawing ----------------------------------------------------------------------------------------
def draw(ctx: SparkContext, shown: Shown, storage: str) -> str:
    """The lineage of an RDD, a line each; `storage` tells how its partitions are kept.

    A shuffle's input is set off by `+-(partitions)`; other parents stand below each other.
    """
    count = f"({shown.count()})"
    below = _below(count)
    first, *more = _lines(ctx, shown, storage)
    lines = [f"{count} {first}", *(f"{below} {line}" for line in more)]
    # (RDD, how its first line begins, how its other ones and its parents begin); the last one is drawn next.
    pending = _parents(shown, below)
    while pending:
        shown, begin, below = pending.pop()
        first, *more = _lines(ctx, shown, storage)
        lines += [f"{begin}{first}", *(f"{below}{line}" for line in more)]
        pending += _parents(shown, below)
    return "\n".join(lines)


def _lines(ctx: SparkContext, shown: Shown, storage: str) -> list[str]:
    lines = [f"{shown} [{storage}]"]
    if shown.kept is not None:
        partitions, memory, disk = ctx._running.kept(shown.kept)
        if partitions:
            sizes = f"MemorySize: {_in_words(memory)}; DiskSize: {_in_words(disk)}"
            lines.append(f"    CachedPartitions: {partitions}; {sizes}")
    return lines


def _in_words(size: int) -> str:
    for power, unit in ((4, "TiB"), (3, "GiB"), (2, "MiB"), (1, "KiB")):
        if size >= 2 * 1024**power:
            return f"{size / 1024**power:.1f} {unit}"
    return f"{size:.1f} B"


def _parents(shown: Shown, prefix: str) -> list[tuple[Shown, str, str]]:
    """The parents of an RDD that is drawn under `prefix`, the first one at the end."""
    if not shown.wide:
        return [(parent, prefix, prefix) for parent in reversed(shown.parents)]
    (parent,) = shown.parents
    count = f"({parent.count()})"
    outer = prefix.rstrip().removesuffix("|")
    return [(parent, f"{outer}+-{count} ", outer + "  " + _below(count))]


def _below(count: str) -> str:
    """A bar under the middle of a number of partitions."""
    left = (len(count) - 1) // 2
    return " " * left + "|" + " " * (len(count) - left)


def numbers() -> Callable[[], int]:
    """The numbers of a context's RDDs."""
    return itertools.count().__next__
