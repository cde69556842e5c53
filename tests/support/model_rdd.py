"""What does an RDD do, in plain Python lists? A model with the methods of `pyspark.RDD`, for tests to compare with.

1. A partition is a function that gives a new iterator over copies of its elements: nothing one reader does to an
   element is seen by another, and what is not pulled is not computed.
2. Operations by key are composed of partition functions, unions and shuffles as Spark composes them, so partitions and
   the order in them are part of the answer.
3. A job that fails raises `JobFailed`, which names all exceptions it may fail with: which task fails first is open.
4. Functions that keep a state of their own are given as `PerTask`: a task begins with a new copy.
"""

from __future__ import annotations

import bisect
import copy
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice, pairwise, product
from typing import Any

from dstreams import _native

Part = Callable[[], Iterator[Any]]
Function = Callable[..., Any]
# How keys are spread unless the program has a function of its own.
portable_hash: Function = _native.portable_hash


class JobFailed(Exception):
    """Some tasks of a stage raised one of these."""

    def __init__(self, names: set[str]) -> None:
        super().__init__(names)
        self.names = names


class ZipMisfit(Exception):
    """A side of a zip has more batches than the other. Spark's engine tells: no exception of Python's is the cause."""


class BatchMisfit(ValueError):
    """Two batches of a zip are of different lengths: told by who reads them, another task or the driver."""


def name_of(error: Exception) -> str:
    return type(None).__name__ if isinstance(error, ZipMisfit) else type(error).__name__


class PerTask:
    """A function with a state: `make()` gives it as a task first sees it."""

    def __init__(self, make: Callable[[], Function]) -> None:
        self.make = make


def for_task(f: Function | PerTask) -> Function:
    return f.make() if isinstance(f, PerTask) else f


class Shuffle:
    """Map outputs by target: `route(element)` of each element of each partition, in order; done once."""

    def __init__(self, before: list[Shuffle], parts: list[Part], targets: int, route: Function) -> None:
        self.before, self.parts, self.targets, self.route = before, parts, targets, route
        self.outputs: list[list[Any]] | None = None

    def run(self) -> None:
        if self.outputs is None:
            run_all(self.before)
            outputs: list[list[Any]] = [[] for _ in range(self.targets)]
            for index, elements in enumerate(run_tasks(self.parts)):
                if self.targets:
                    for target, element in self.route(index, elements):
                        outputs[target].append(element)
            self.outputs = outputs

    def read(self, target: int) -> Iterator[Any]:
        assert self.outputs is not None
        return iter(copy.deepcopy(self.outputs[target]))


def run_all(shuffles: Iterable[Shuffle]) -> None:
    """Runs shuffles; when several fail, any of them may be the first."""
    names: set[str] = set()
    for shuffle in shuffles:
        try:
            shuffle.run()
        except JobFailed as failed:
            names |= failed.names
    if names:
        raise JobFailed(names)


def run_tasks(parts: Iterable[Part]) -> list[list[Any]]:
    """All elements of all partitions."""
    results, names = [], set()
    for part in parts:
        try:
            results.append(list(part()))
        except Exception as error:  # what a function of the test raised
            names.add(name_of(error))
    if names:
        raise JobFailed(names)
    return results


def start_of_dealing(partition: int, targets: int) -> int:
    """Where `repartition` begins: `nextInt` of Spark's xorshift generator, seeded with the partition's number."""

    def murmur3(data: bytes, seed: int) -> int:
        state = seed
        for at in (0, 4):
            word = int.from_bytes(data[at : at + 4], "little") * 0xCC9E2D51 & 0xFFFFFFFF
            state ^= (word << 15 | word >> 17) * 0x1B873593 & 0xFFFFFFFF
            state = ((state << 13 | state >> 19) & 0xFFFFFFFF) * 5 + 0xE6546B64 & 0xFFFFFFFF
        state ^= 8
        state = (state ^ state >> 16) * 0x85EBCA6B & 0xFFFFFFFF
        state = (state ^ state >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
        return state ^ state >> 16

    seed = partition.to_bytes(8, "big")
    low = murmur3(seed, 0x3C074A61)
    state = murmur3(seed, low) << 32 | low
    state ^= state << 21 & 0xFFFFFFFFFFFFFFFF
    state ^= state >> 35
    state ^= state << 4 & 0xFFFFFFFFFFFFFFFF
    bits = state & 0x7FFFFFFF
    return targets * bits >> 31 if targets & (targets - 1) == 0 else bits % targets


class ModelRDD:
    """An RDD as a list of partitions, the shuffles they read from, and the partitioner: (targets, function) or None."""

    def __init__(self, parts: list[Part], shuffles: list[Shuffle], partitioner: tuple[int, Function] | None) -> None:
        self.parts, self.shuffles, self.partitioner = parts, shuffles, partitioner

    @classmethod
    def of(cls, slices: list[list[Any]]) -> ModelRDD:
        """An RDD of these partitions."""
        return cls([lambda s=s: iter(copy.deepcopy(s)) for s in slices], [], None)

    @classmethod
    def parallelize(cls, data: list[Any], slices: int) -> ModelRDD:
        """The elements cut into batches of `len(data) // slices`, and those spread evenly."""
        size = max(1, min(len(data) // slices, 1024))
        batches = -(-len(data) // size)
        cuts = [min(i * batches // slices * size, len(data)) for i in range(slices + 1)]
        return cls.of([data[a:b] for a, b in pairwise(cuts)])

    def getNumPartitions(self) -> int:
        return len(self.parts)

    def settled(self) -> ModelRDD:
        """The same elements and partitioner without the lineage."""
        return ModelRDD(ModelRDD.of(self.glom().collect()).parts, [], self.partitioner)

    def cache(self) -> ModelRDD:
        return self

    def unpersist(self) -> ModelRDD:
        return self

    # -- partition by partition -------------------------------------------------------------------
    def mapPartitionsWithIndex(self, f: Function, preservesPartitioning: bool = False) -> ModelRDD:
        parts = [lambda i=i, part=part: iter(f(i, part())) for i, part in enumerate(self.parts)]
        return ModelRDD(parts, self.shuffles, self.partitioner if preservesPartitioning else None)

    def mapPartitions(self, f: Function, preservesPartitioning: bool = False) -> ModelRDD:
        return self.mapPartitionsWithIndex(lambda _, part: for_task(f)(part), preservesPartitioning)

    def map(self, f: Function) -> ModelRDD:
        return self.mapPartitions(lambda part: map(for_task(f), part))

    def filter(self, f: Function) -> ModelRDD:
        return self.mapPartitions(lambda part: filter(for_task(f), part), True)

    def flatMap(self, f: Function) -> ModelRDD:
        return self.mapPartitions(lambda part: chain.from_iterable(map(for_task(f), part)))

    def mapValues(self, f: Function) -> ModelRDD:
        def values(part: Iterator[Any]) -> Iterator[Any]:
            g = for_task(f)
            return ((kv[0], g(kv[1])) for kv in part)

        return self.mapPartitions(values, True)

    def flatMapValues(self, f: Function) -> ModelRDD:
        def values(part: Iterator[Any]) -> Iterator[Any]:
            g = for_task(f)
            return ((kv[0], value) for kv in part for value in g(kv[1]))

        return self.mapPartitions(values, True)

    def keys(self) -> ModelRDD:
        return self.map(lambda kv: kv[0])

    def values(self) -> ModelRDD:
        return self.map(lambda kv: kv[1])

    def keyBy(self, f: Function) -> ModelRDD:
        return self.map(lambda x: (f(x), x))

    def glom(self) -> ModelRDD:
        return self.mapPartitions(lambda part: [list(part)])

    def sample(self, withReplacement: bool, fraction: float, seed: int) -> ModelRDD:
        assert not withReplacement

        def drawn(index: int, part: Iterator[Any]) -> Iterator[Any]:
            rand = random.Random(seed ^ index)
            for _ in range(10):
                rand.randint(0, 1)
            return (x for x in part if rand.random() < fraction)

        return self.mapPartitionsWithIndex(drawn, True)

    def zipWithIndex(self) -> ModelRDD:
        counts = [len(part) for part in self.glom().collect()] if len(self.parts) > 1 else [0]
        return self.mapPartitionsWithIndex(
            lambda index, part: ((x, i) for i, x in enumerate(part, sum(counts[:index])))
        )

    # -- several RDDs, or other partitions --------------------------------------------------------------
    @classmethod
    def together(cls, rdds: list[ModelRDD]) -> ModelRDD:
        """Their union: partition by partition where all that have some are partitioned alike."""
        filled, shuffles = [rdd for rdd in rdds if rdd.parts], [shuffle for rdd in rdds for shuffle in rdd.shuffles]
        if filled and filled[0].partitioner and all(rdd.partitioner == filled[0].partitioner for rdd in filled):
            aligned = zip(*[rdd.parts for rdd in filled], strict=True)
            parts: list[Part] = [lambda ps=ps: (x for part in ps for x in part()) for ps in aligned]
            return cls(parts, shuffles, filled[0].partitioner)
        return cls([part for rdd in rdds for part in rdd.parts], shuffles, None)

    def union(self, other: ModelRDD) -> ModelRDD:
        return self.together([self, other])

    def zip(self, other: ModelRDD) -> ModelRDD:
        if len(self.parts) != len(other.parts):
            raise ValueError("Can only zip with RDD which has the same number of partitions")

        def pairs(left: Part, right: Part) -> Iterator[Any]:
            # Both sides run to their end, or fail, before the first batches of so few elements are looked at.
            ones, others = list(left()), list(right())
            # Batches of 1, 2, 4 ... elements.
            if len(ones).bit_length() != len(others).bit_length():
                raise ZipMisfit
            if len(ones) != len(others):
                raise BatchMisfit
            return iter(list(zip(ones, others, strict=True)))

        parts = [lambda a=a, b=b: pairs(a, b) for a, b in zip(self.parts, other.parts, strict=True)]
        return ModelRDD(parts, self.shuffles + other.shuffles, None)

    def cartesian(self, other: ModelRDD) -> ModelRDD:
        parts = [lambda a=a, b=b: product(a(), b()) for a in self.parts for b in other.parts]
        return ModelRDD(parts, self.shuffles + other.shuffles, None)

    def coalesce(self, count: int) -> ModelRDD:
        groups = min(count, len(self.parts))
        cuts = [i * len(self.parts) // groups for i in range(groups + 1)] if groups else []
        merged = [self.parts[a:b] for a, b in pairwise(cuts)]
        parts: list[Part] = [lambda ps=ps: (x for part in ps for x in part()) for ps in merged]
        return ModelRDD(parts, self.shuffles, None)

    def repartition(self, count: int) -> ModelRDD:
        def deal(index: int, elements: list[Any]) -> Iterator[tuple[int, Any]]:
            start = start_of_dealing(index, count)
            return ((((start + 1 + at // 10) % count), x) for at, x in enumerate(elements))

        return self._shuffled(count, deal, None)

    def _shuffled(self, count: int, route: Function, partitioner: tuple[int, Function] | None) -> ModelRDD:
        shuffle = Shuffle(self.shuffles, self.parts, count, route)
        return ModelRDD([lambda i=i: shuffle.read(i) for i in range(count)], [shuffle], partitioner)

    # -- by key -----------------------------------------------------------------------------------------
    def partitionBy(self, count: int, f: Function = portable_hash) -> ModelRDD:
        if self.partitioner == (count, f):
            return self

        # Routing is part of the task that makes the elements, so it fails as one of its functions does.
        def routed(part: Iterator[Any]) -> Iterator[Any]:
            g = for_task(f)
            return ((g(k) % count, (k, v)) for k, v in part)

        return self.mapPartitions(routed)._shuffled(count, lambda _, routes: routes, (count, f))

    def combineByKey(
        self, create: Function, merge: Function, join: Function, count: int | None = None, f: Function = portable_hash
    ) -> ModelRDD:
        def combined(part: Iterator[Any]) -> Iterator[Any]:
            found: dict[Any, Any] = {}
            for k, v in part:
                found[k] = merge(found[k], v) if k in found else create(v)
            return iter(found.items())

        def joined(part: Iterator[Any]) -> Iterator[Any]:
            found: dict[Any, Any] = {}
            for k, v in part:
                found[k] = join(found[k], v) if k in found else v
            return iter(found.items())

        placed = self.mapPartitions(combined, True).partitionBy(len(self.parts) if count is None else count, f)
        return placed.mapPartitions(joined, True)

    def reduceByKey(self, f: Function, count: int | None = None, place: Function = portable_hash) -> ModelRDD:
        return self.combineByKey(lambda v: v, f, f, count, place)

    def aggregateByKey(self, zero: Any, seq: Function, comb: Function, count: int | None = None) -> ModelRDD:
        return self.combineByKey(lambda v: seq(copy.deepcopy(zero), v), seq, comb, count)

    def foldByKey(self, zero: Any, f: Function, count: int | None = None) -> ModelRDD:
        return self.aggregateByKey(zero, f, f, count)

    def groupByKey(self, count: int | None = None, f: Function = portable_hash) -> ModelRDD:
        """The groups are lists here."""
        return self.combineByKey(lambda v: [v], lambda vs, v: [*vs, v], lambda vs, more: vs + more, count, f)

    def groupBy(self, f: Function, count: int | None = None) -> ModelRDD:
        return self.keyBy(f).groupByKey(count)

    def distinct(self, count: int | None = None) -> ModelRDD:
        return self.map(lambda x: (x, None)).reduceByKey(lambda x, _: x, count).keys()

    def cogroup(self, other: ModelRDD, count: int | None = None) -> ModelRDD:
        both = self.mapValues(lambda v: (0, v)).union(other.mapValues(lambda v: (1, v)))
        return both.groupByKey(count).mapValues(
            lambda vs: tuple([v for tag, v in vs if tag == side] for side in (0, 1))
        )

    def _join(self, other: ModelRDD, count: int | None, absent: Function) -> ModelRDD:
        def pairs(sides: tuple[list[Any], list[Any]]) -> Iterator[Any]:
            left, right = absent(*sides)
            return product(left, right)

        return self.cogroup(other, count).flatMapValues(pairs)

    def join(self, other: ModelRDD, count: int | None = None) -> ModelRDD:
        return self._join(other, count, lambda a, b: (a, b))

    def leftOuterJoin(self, other: ModelRDD, count: int | None = None) -> ModelRDD:
        return self._join(other, count, lambda a, b: (a, b or [None]))

    def rightOuterJoin(self, other: ModelRDD, count: int | None = None) -> ModelRDD:
        return self._join(other, count, lambda a, b: (a or [None], b))

    def fullOuterJoin(self, other: ModelRDD, count: int | None = None) -> ModelRDD:
        return self._join(other, count, lambda a, b: (a or [None], b or [None]))

    def subtractByKey(self, other: ModelRDD, count: int | None = None) -> ModelRDD:
        alone = self.cogroup(other, count).filter(lambda kv: kv[1][0] and not kv[1][1])
        return alone.flatMapValues(lambda sides: sides[0])

    def subtract(self, other: ModelRDD, count: int | None = None) -> ModelRDD:
        marked = other.map(lambda x: (x, None))
        return self.map(lambda x: (x, None)).subtractByKey(marked, count).keys()

    def intersection(self, other: ModelRDD) -> ModelRDD:
        both = self.map(lambda x: (x, None)).cogroup(other.map(lambda x: (x, None)))
        return both.filter(lambda kv: all(kv[1])).keys()

    def sortByKey(self, ascending: bool = True, count: int | None = None, keyfunc: Function = lambda k: k) -> ModelRDD:
        count = len(self.parts) if count is None else count

        def in_order(part: Iterator[Any]) -> list[Any]:
            return sorted(part, key=lambda kv: keyfunc(kv[0]), reverse=not ascending)

        if count == 1:
            return (self.coalesce(1) if len(self.parts) > 1 else self).mapPartitions(in_order, True)
        size = self.count()
        if not size:
            return self
        samples = sorted(self.sample(False, min(count * 20 / size, 1.0), 1).keys().collect(), key=keyfunc)
        bounds = [samples[len(samples) * i // count] for i in range(1, count)]

        def range_of(key: Any) -> int:
            at = bisect.bisect_left(bounds, keyfunc(key))
            return at if ascending else len(bounds) - at

        return self.partitionBy(count, range_of).mapPartitions(in_order, True)

    def sortBy(self, f: Function, ascending: bool = True, count: int | None = None) -> ModelRDD:
        return self.keyBy(f).sortByKey(ascending, count).values()

    # -- actions ----------------------------------------------------------------------------------------
    def collect(self) -> list[Any]:
        run_all(self.shuffles)
        return list(chain.from_iterable(run_tasks(self.parts)))

    def count(self) -> int:
        return len(self.collect())

    def take(self, n: int) -> list[Any]:
        """At least as lazy as any engine: nothing behind the n-th element is computed."""
        run_all(self.shuffles)
        found: list[Any] = []
        for part in self.parts:
            if (missing := n - len(found)) > 0:
                found += run_tasks([lambda part=part, missing=missing: islice(part(), missing)])[0]
        return found

    def first(self) -> Any:
        found = self.take(1)
        if not found:
            raise ValueError("RDD is empty")
        return found[0]

    def toLocalIterator(self) -> Iterator[Any]:
        run_all(self.shuffles)
        return chain.from_iterable(run_tasks([part])[0] for part in self.parts)

    def countByValue(self) -> dict[Any, int]:
        counts: dict[Any, int] = defaultdict(int)
        for x in self.collect():
            counts[x] += 1
        return counts
