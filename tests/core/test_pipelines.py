"""Random pipelines over random elements and partitions, against a model in plain Python lists.

The model knows the elements and whether their order is fixed: a shuffle by hash gives up the order (then both sides are
compared as multisets), sorting fixes it again. Elements are compared by `repr`, so types count: `1` is not `True`.
"""

from __future__ import annotations

import operator
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark import RDD, SparkContext

MOST = 400  # elements; joins of joins grow


def size(x: Any) -> int:
    """A number that depends on the value only, whatever the hash seed."""
    return len(repr(x))


def by_repr(elements: Any) -> list[Any]:
    return sorted(elements, key=repr)


def by_key(pairs: list[Any]) -> dict[Any, list[Any]]:
    """The values of each key, keys in order of appearance."""
    found: dict[Any, list[Any]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return found


@dataclass(frozen=True)
class Both:
    """An RDD and what it should hold."""

    rdd: RDD
    model: list[Any]
    ordered: bool
    pairs: bool
    other: RDD
    other_model: list[Any]
    number: int

    def then(self, rdd: RDD, model: list[Any], ordered: bool | None = None, pairs: bool | None = None) -> Both:
        return replace(
            self,
            rdd=rdd,
            model=model,
            ordered=self.ordered if ordered is None else ordered,
            pairs=self.pairs if pairs is None else pairs,
        )

    def other_pairs(self) -> tuple[RDD, list[Any]]:
        return self.other.map(lambda x: (x, size(x))), [(x, size(x)) for x in self.other_model]


# -- elements: hashable values ------------------------------------------------------------------
def map_(b: Both) -> Both:
    return b.then(b.rdd.map(lambda x: (x, None)), [(x, None) for x in b.model])


def map_with_closure(b: Both) -> Both:
    calls: list[Any] = []
    rdd = b.rdd.map(lambda x: calls.append(x) or (x, "seen"))
    return b.then(rdd, [(x, "seen") for x in b.model])


def flat_map(b: Both) -> Both:
    return b.then(b.rdd.flatMap(lambda x: [x] * (size(x) % 3)), [x for x in b.model for _ in range(size(x) % 3)])


def filter_(b: Both) -> Both:
    return b.then(b.rdd.filter(lambda x: size(x) % 4), [x for x in b.model if size(x) % 4])


def distinct(b: Both) -> Both:
    return b.then(b.rdd.distinct(b.number), list(dict.fromkeys(b.model)), ordered=False)


def sort_by(b: Both) -> Both:
    ascending = b.number % 2 == 0
    rdd = b.rdd.sortBy(repr, ascending, b.number)
    return b.then(rdd, sorted(b.model, key=repr, reverse=not ascending), ordered=True)


def subtract(b: Both) -> Both:
    return b.then(b.rdd.subtract(b.other), [x for x in b.model if x not in b.other_model], ordered=False)


def intersection(b: Both) -> Both:
    both = [x for x in dict.fromkeys(b.model) if x in b.other_model]
    return b.then(b.rdd.intersection(b.other), both, ordered=False)


def key_by(b: Both) -> Both:
    rdd = b.rdd.keyBy(lambda x: size(x) % 5)
    return b.then(rdd, [(size(x) % 5, x) for x in b.model], pairs=True)


def to_pairs(b: Both) -> Both:
    return b.then(b.rdd.map(lambda x: (x, 1)), [(x, 1) for x in b.model], pairs=True)


def group_by(b: Both) -> Both:
    rdd = b.rdd.groupBy(lambda x: (size(x) % 3, "group")).mapValues(by_repr)
    groups = by_key([((size(x) % 3, "group"), x) for x in b.model])
    return b.then(rdd, [(key, by_repr(values)) for key, values in groups.items()], ordered=False, pairs=True)


# -- pairs --------------------------------------------------------------------------------------
def map_values(b: Both) -> Both:
    return b.then(b.rdd.mapValues(lambda v: [v]), [(k, [v]) for k, v in b.model])


def flat_map_values(b: Both) -> Both:
    return b.then(b.rdd.flatMapValues(lambda v: (v, "copy")), [(k, w) for k, v in b.model for w in (v, "copy")])


def keys(b: Both) -> Both:
    return b.then(b.rdd.keys(), [k for k, _ in b.model], pairs=False)


def values(b: Both) -> Both:
    return b.then(b.rdd.values().map(repr), [repr(v) for _, v in b.model], pairs=False)


def partition_by(b: Both) -> Both:
    return b.then(b.rdd.partitionBy(b.number), b.model, ordered=False)


def reduce_by_key(b: Both) -> Both:
    # Tuples are joined in the order of the elements, as long as those have one.
    arrange = tuple if b.ordered else by_repr
    rdd = b.rdd.mapValues(lambda v: (v,)).reduceByKey(operator.add, b.number).mapValues(arrange)
    return b.then(rdd, [(k, arrange(v)) for k, v in by_key(b.model).items()], ordered=False)


def group_by_key(b: Both) -> Both:
    arrange = list if b.ordered else by_repr
    rdd = b.rdd.groupByKey(b.number).mapValues(arrange)
    return b.then(rdd, [(k, arrange(v)) for k, v in by_key(b.model).items()], ordered=False)


def combine_by_key(b: Both) -> Both:
    rdd = b.rdd.combineByKey(lambda v: 1, lambda n, v: n + 1, lambda n, m: n + m, b.number)
    return b.then(rdd, [(k, len(v)) for k, v in by_key(b.model).items()], ordered=False)


def join(b: Both) -> Both:
    other, other_model = b.other_pairs()
    joined = [(k, (v, w)) for k, v in b.model for key, w in other_model if key == k]
    return b.then(b.rdd.join(other, b.number), joined, ordered=False)


def join_oneself(b: Both) -> Both:
    joined = [(k, (v, w)) for k, v in b.model for key, w in b.model if key == k]
    return b.then(b.rdd.join(b.rdd), joined, ordered=False)


def left_outer_join(b: Both) -> Both:
    other, other_model = b.other_pairs()
    table = by_key(other_model)
    joined = [(k, (v, w)) for k, v in b.model for w in table.get(k, [None])]
    return b.then(b.rdd.leftOuterJoin(other), joined, ordered=False)


def cogroup(b: Both) -> Both:
    other, other_model = b.other_pairs()
    left, right = by_key(b.model), by_key(other_model)
    model = [(k, (by_repr(left.get(k, [])), by_repr(right.get(k, [])))) for k in {**left, **right}]
    rdd = b.rdd.cogroup(other, b.number).mapValues(lambda sides: (by_repr(sides[0]), by_repr(sides[1])))
    return b.then(rdd, model, ordered=False)


# -- both -----------------------------------------------------------------------------------------
def union_with_oneself(b: Both) -> Both:
    return b.then(b.rdd.union(b.rdd), b.model + b.model)


def union(b: Both) -> Both:
    other, other_model = b.other_pairs() if b.pairs else (b.other, b.other_model)
    return b.then(b.rdd.union(other), b.model + other_model)


def coalesce(b: Both) -> Both:
    return b.then(b.rdd.coalesce(b.number), b.model)


def repartition(b: Both) -> Both:
    return b.then(b.rdd.repartition(b.number), b.model, ordered=False)


def glom(b: Both) -> Both:
    return b.then(b.rdd.glom().flatMap(lambda part: part), b.model)


def map_partitions(b: Both) -> Both:
    return b.then(b.rdd.mapPartitionsWithIndex(lambda index, part: (x for x in part)), b.model)


def zip_with_index(b: Both) -> Both:
    indexed = b.rdd.zipWithIndex()
    if b.ordered:
        return b.then(indexed.map(lambda pair: pair[::-1]), list(enumerate(b.model)), pairs=True)
    assert sorted(indexed.values().collect()) == list(range(len(b.model)))
    return b.then(indexed.keys(), b.model)


def zip_(b: Both) -> Both:
    rdd = b.rdd.zip(b.rdd.map(repr)).map(lambda pair: pair[0] if repr(pair[0]) == pair[1] else "torn apart")
    return b.then(rdd, b.model)


def cache(b: Both) -> Both:
    b.rdd.cache().count()
    return b


ON_BOTH = [union, union_with_oneself, coalesce, repartition, glom, map_partitions, zip_with_index, zip_, cache]
ON_ELEMENTS = [
    *(map_, map_with_closure, flat_map, filter_, distinct, sort_by, subtract, intersection, key_by, to_pairs, group_by),
    *ON_BOTH,
]
ON_PAIRS = [
    *(map_values, flat_map_values, keys, values, partition_by, reduce_by_key, group_by_key, combine_by_key),
    *(join, join_oneself, left_outer_join, cogroup),
    *ON_BOTH,
]

characters = st.characters(exclude_categories=())  # astral ones and lone surrogates included
texts = st.text(characters, max_size=4)
floats = st.floats(allow_nan=False).filter(lambda x: not x.is_integer())  # 1.0 and 1 would be one key
small, big = st.integers(-5, 5), st.integers(-(2**70), 2**70)
scalars = st.one_of(small, big, floats, texts, st.none(), st.binary(max_size=3))
mixed = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=4)
kinds = st.sampled_from(
    [small, big, floats, texts, st.tuples(texts, small), st.tuples(small, floats), st.none(), mixed]
)
elements = kinds.flatmap(lambda kind: st.lists(kind, max_size=25))
steps = st.lists(st.tuples(st.integers(0, 99), st.integers(1, 7)), max_size=7)


@settings(max_examples=500, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(data=elements, parts=st.integers(1, 8), more=elements, more_parts=st.integers(1, 4), plan=steps)
def test_a_pipeline_gives_what_plain_python_gives(
    sc: SparkContext, data: list[Any], parts: int, more: list[Any], more_parts: int, plan: list[tuple[int, int]]
) -> None:
    both = Both(sc.parallelize(data, parts), data, True, False, sc.parallelize(more, more_parts), more, 1)
    names = []
    for choice, number in plan:
        operations: list[Callable[[Both], Both]] = ON_PAIRS if both.pairs else ON_ELEMENTS
        operation = operations[choice % len(operations)]
        after = operation(replace(both, number=number))
        if len(after.model) <= MOST:
            both = after
            names.append(operation.__name__)
    found = both.rdd.collect()
    if both.ordered:
        assert repr(found) == repr(both.model), names
    else:
        assert sorted(map(repr, found)) == sorted(map(repr, both.model)), names
    assert repr(both.rdd.take(3)) == repr(found[:3]), names
    assert (both.rdd.count(), repr(both.rdd.collect())) == (len(both.model), repr(found)), names


@pytest.mark.parametrize("same", [(1, 1.0, True), (0, False, 0.0), ((1, "a"), (True, "a"), (1.0, "a"))])
def test_equal_keys_of_different_types_are_one_key_and_the_first_is_kept(sc: SparkContext, same: tuple) -> None:
    pairs = sc.parallelize([(key, number) for number, key in enumerate(same)], 3)
    assert repr(pairs.reduceByKey(operator.add).collect()) == repr([(same[0], 3)])
    assert repr(pairs.keys().distinct().collect()) == repr([same[0]])
    assert repr(pairs.groupByKey().mapValues(list).collect()) == repr([(same[0], [0, 1, 2])])
