"""Random pipelines of operations over random elements give what a model in plain Python gives.

Compared are all elements, their types (`repr` tells `1` from `True` and `-0.0` from `0.0`), their order, the partitions
they lie in, and the exceptions of what fails. The model is `tests/support/model_rdd.py`; a pipeline is a function that
builds the same thing from an RDD and from the model. NaN is left out of keys, where Spark's answer hangs on identity.
"""

from __future__ import annotations

import functools
import itertools
import operator
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from functions import FILTERS, FLAT_MAPS, MAPS, PLACES, REDUCERS, SORTERS, Odd, Reading, join_lists, spoil
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from model_rdd import BatchMisfit, JobFailed, ModelRDD, PerTask, portable_hash
from py4j.protocol import Py4JJavaError
from pyspark import RDD, SparkContext

MOST = 200  # elements; joins of joins grow

# The model's methods are an RDD's, so a step is written once for both.
AnyRDD = Any


@dataclass(frozen=True)
class Choice:
    """What was drawn for one step."""

    operation: int
    function: int
    number: int
    flag: bool
    reckless: bool  # whether functions may be used that fail


@dataclass(frozen=True)
class Step:
    """One operation: `build(rdd, other, function, choice)`."""

    name: str
    functions: list[Any]
    build: Callable[[AnyRDD, AnyRDD, Any, Choice], AnyRDD]
    keyed: bool = False  # compares elements or keys with each other


def real(f: Any) -> Any:
    return f.make() if isinstance(f, PerTask) else f


def placing(rdd: AnyRDD, c: Choice) -> Any:
    """How to spread keys: as usual, or by a function of the program."""
    usual = portable_hash if isinstance(rdd, ModelRDD) else _usual_hash()
    return usual if c.flag else PLACES[c.function % len(PLACES)]


def _usual_hash() -> Any:
    from pyspark.rdd import portable_hash as theirs

    return theirs


def pairs_of(rdd: AnyRDD) -> AnyRDD:
    """The other RDD's elements as keys of pairs."""
    return rdd.map(lambda x: (x, len(repr(x))))


def both_as_lists(sides: Any) -> tuple[list[Any], list[Any]]:
    return list(sides[0]), list(sides[1])


def some_of(rdd: AnyRDD, c: Choice) -> AnyRDD:
    return rdd.sample(False, 0.5, c.function)


def cached(r: AnyRDD, c: Choice) -> AnyRDD:
    r = r.cache()
    if c.flag:
        r.count()
    return r


def spoiled(r: AnyRDD) -> AnyRDD:
    """A job that changes every element it gets, whose changes are its own."""
    r.map(spoil).count()
    return r


def split_stream(index: int, part: Iterator[Any]) -> Iterator[Any]:
    return ((index, x) for x in part)


def backwards(part: Iterator[Any]) -> list[Any]:
    return list(part)[::-1]


def anew(rdd: AnyRDD) -> AnyRDD:
    """The same elements, in batches that follow from these alone: the model knows no others."""
    return rdd.filter(lambda x: True)


def all_pairs(lists: tuple[list[Any], list[Any]]) -> Iterable[Any]:
    return itertools.product(*lists)


NONE: list[Any] = [None]
ON_ELEMENTS = [
    Step("map", MAPS, lambda r, o, f, c: r.map(f)),
    Step("map", MAPS, lambda r, o, f, c: r.map(f)),
    Step("filter", FILTERS, lambda r, o, f, c: r.filter(f)),
    Step("flatMap", FLAT_MAPS, lambda r, o, f, c: r.flatMap(f)),
    Step("keyBy", [f for f in MAPS if not isinstance(f, PerTask)], lambda r, o, f, c: r.keyBy(f)),
    Step("union", NONE, lambda r, o, f, c: r.union(pairs_of(o) if c.flag else o)),
    Step("unionSelf", NONE, lambda r, o, f, c: r.union(r)),
    Step("distinct", NONE, lambda r, o, f, c: r.distinct(c.number if c.flag else None), True),
    Step("sortBy", SORTERS, lambda r, o, f, c: r.sortBy(f, c.flag, c.number), True),
    Step("repartition", NONE, lambda r, o, f, c: anew(r).repartition(c.number)),
    Step("coalesce", NONE, lambda r, o, f, c: r.coalesce(c.number)),
    Step("subtract", NONE, lambda r, o, f, c: r.subtract(some_of(r, c).union(o), c.number if c.flag else None), True),
    Step("intersection", NONE, lambda r, o, f, c: r.intersection(o.union(some_of(r, c))), True),
    Step("zip", MAPS, lambda r, o, f, c: anew(r).zip(anew(o)) if c.reckless else r.zip(r.map(f))),
    Step("zipWithIndex", NONE, lambda r, o, f, c: r.zipWithIndex()),
    Step("glom", NONE, lambda r, o, f, c: r.glom()),
    Step("sample", NONE, lambda r, o, f, c: r.sample(False, c.number / 6, c.function)),
    Step("mapPartitions", NONE, lambda r, o, f, c: r.mapPartitions(backwards, c.flag)),
    Step("mapPartitionsWithIndex", NONE, lambda r, o, f, c: r.mapPartitionsWithIndex(split_stream)),
    Step("cartesian", NONE, lambda r, o, f, c: r.glom().cartesian(o.glom()).flatMap(all_pairs)),
    Step("cache", NONE, lambda r, o, f, c: cached(r, c)),
    Step("unpersist", NONE, lambda r, o, f, c: r.unpersist()),
    Step("spoil", NONE, lambda r, o, f, c: spoiled(r)),
    Step("groupBy", SORTERS, lambda r, o, f, c: r.groupBy(f, c.number).mapValues(list), True),
]
ON_PAIRS = [
    Step("mapValues", MAPS, lambda r, o, f, c: r.mapValues(f)),
    Step("flatMapValues", FLAT_MAPS, lambda r, o, f, c: r.flatMapValues(f)),
    Step("keys", NONE, lambda r, o, f, c: r.keys()),
    Step("values", NONE, lambda r, o, f, c: r.values()),
    Step("partitionBy", NONE, lambda r, o, f, c: r.partitionBy(c.number, placing(r, c)), True),
    Step("groupByKey", NONE, lambda r, o, f, c: r.groupByKey(c.number, placing(r, c)).mapValues(list), True),
    Step("groupByKey()", NONE, lambda r, o, f, c: r.groupByKey().mapValues(list), True),
    Step("groups", MAPS, lambda r, o, f, c: r.groupByKey(c.number).mapValues(list).mapValues(f), True),
    Step("reduceByKey", REDUCERS, lambda r, o, f, c: r.reduceByKey(f, c.number, placing(r, c)), True),
    Step("reduceByKey()", REDUCERS, lambda r, o, f, c: r.reduceByKey(f), True),
    Step("foldByKey", REDUCERS, lambda r, o, f, c: r.foldByKey(0 if c.flag else "", f, c.number), True),
    Step(
        "aggregateByKey",
        NONE,
        lambda r, o, f, c: r.aggregateByKey([], lambda xs, x: xs.append(x) or xs, join_lists, c.number),
        True,
    ),
    Step(
        "combineByKey",
        MAPS,
        lambda r, o, f, c: r.combineByKey(lambda v: 1, lambda n, v: n + 1, lambda n, m: n + m, c.number),
        True,
    ),
    Step("sortByKey", SORTERS, lambda r, o, f, c: r.sortByKey(c.flag, c.number, f), True),
    Step("sortByKey()", NONE, lambda r, o, f, c: r.sortByKey(), True),
    Step("join", NONE, lambda r, o, f, c: r.join(pairs_of(o), c.number), True),
    Step("joinSelf", NONE, lambda r, o, f, c: r.join(r.mapValues(str)), True),
    Step("leftOuterJoin", NONE, lambda r, o, f, c: r.leftOuterJoin(pairs_of(o)), True),
    Step("rightOuterJoin", NONE, lambda r, o, f, c: r.rightOuterJoin(pairs_of(o)), True),
    Step("fullOuterJoin", NONE, lambda r, o, f, c: r.fullOuterJoin(pairs_of(o), c.number), True),
    Step("cogroup", NONE, lambda r, o, f, c: r.cogroup(pairs_of(o), c.number).mapValues(both_as_lists), True),
    Step("subtractByKey", NONE, lambda r, o, f, c: r.subtractByKey(pairs_of(o), c.number), True),
    Step(
        "alignedUnion",
        NONE,
        lambda r, o, f, c: r.partitionBy(c.number, placing(r, c)).union(
            pairs_of(o).partitionBy(c.number, placing(r, c))
        ),
        True,
    ),
]


# -- what to do next, from what the elements are ---------------------------------------------------------
def has_nan(x: Any) -> bool:
    if isinstance(x, (tuple, list)):
        return any(map(has_nan, x))
    return has_nan(x.value) if isinstance(x, Odd) else x != x


def is_pair(x: Any) -> bool:
    return type(x) is tuple and len(x) == 2


def works(f: Any, step: Step, elements: list[Any]) -> bool:
    """Whether the function takes these elements (a reducing one: in this order)."""
    if isinstance(f, PerTask) or f is None:
        return True
    try:
        if step.functions is REDUCERS:
            functools.reduce(f, [x[1] for x in elements] or [0])
        elif step.functions is FLAT_MAPS:
            arguments = [x[1] for x in elements] if step.name.endswith("Values") else elements
            [list(f(x)) for x in arguments]
        else:
            part = {"mapValues": 1, "sortByKey": 0}.get(step.name)
            [f(x if part is None else x[part]) for x in elements]
    except Exception:  # whatever the function raises
        return False
    return True


def chosen(model: ModelRDD, other: ModelRDD, choice: Choice) -> tuple[Step, Any]:
    """The step and the function that a choice means for these elements."""
    elements = model.collect()
    pairs = bool(elements) and all(map(is_pair, elements))
    steps = ON_PAIRS + ON_PAIRS + ON_ELEMENTS if pairs or (choice.reckless and choice.flag) else ON_ELEMENTS
    step = steps[choice.operation % len(steps)]
    if step.keyed and any(map(has_nan, elements + other.collect())):
        step = Step("repr", NONE, lambda r, o, f, c: r.map(repr))
    usable = [f for f in step.functions if choice.reckless or works(f, step, elements)] or step.functions
    return step, usable[choice.function % len(usable)]


Build = Callable[[AnyRDD, AnyRDD], AnyRDD]


def applied(step: Step, f: Any, choice: Choice, rdd: AnyRDD, other: AnyRDD) -> AnyRDD:
    """The step on an RDD or on the model."""
    return step.build(rdd, other, f if isinstance(rdd, ModelRDD) else real(f), choice)


def pipeline(model: ModelRDD, other: ModelRDD, choices: list[Choice]) -> tuple[list[str], list[Build]]:
    """Names and functions of the steps, until one fails; steps that would make too many elements are left out."""
    names: list[str] = []
    builds: list[Build] = []
    for choice in choices:
        step, f = chosen(model, other, choice)
        size = len(model.collect())
        if step.name == "cartesian" and size * len(other.collect()) > MOST:
            continue
        build = functools.partial(applied, step, f, choice)
        try:
            after = build(model, other)
            if len(after.collect()) > MOST:
                continue
            model = after
        except Exception:  # the comparison will show that the engine raises it too
            choices = []
        names.append(f"{step.name}:{choice}")
        builds.append(build)
        if not choices:
            break
    return names, builds


def built(rdd: AnyRDD, other: AnyRDD, builds: list[Build]) -> AnyRDD:
    for build in builds:
        rdd = build(rdd, other)
    return rdd


# -- comparing -------------------------------------------------------------------------------------------
Outcome = tuple[str, Any]
ACTIONS: dict[str, Callable[[AnyRDD], Any]] = {
    "glom": lambda r: r.glom().collect(),
    "collect": lambda r: r.collect(),
    "count": lambda r: r.count(),
    "take": lambda r: r.take(3),
    "first": lambda r: r.first(),
    "toLocalIterator": lambda r: list(r.toLocalIterator()),
}
LAZY = {"take", "first"}


def outcome(make: Callable[[], Any]) -> Outcome:
    """The value's text, or where the exception comes from and its possible names."""
    try:
        return "value", repr(make())
    except Py4JJavaError as error:
        return "task", {type(error.__cause__).__name__}
    except JobFailed as failed:
        return "task", failed.names
    except Exception as error:  # raised in the driver
        return "driver", {type(error).__name__}


def agrees(found: Outcome, expected: Outcome) -> bool:
    if expected[0] == "task" and BatchMisfit.__name__ in expected[1] and found[1] == {"ValueError"}:
        return found[0] in ("task", "driver")  # whoever reads the batches
    if found[0] != expected[0] or expected[0] == "value":
        return found == expected
    return bool(found[1] <= expected[1])


def check(rdd: Callable[[], RDD], model: Callable[[], ModelRDD], first: int, told: Any) -> None:
    """All actions on one RDD, beginning with the `first`-th, against the model's."""
    made, expected_made = outcome(rdd), outcome(model)
    if expected_made[0] != "value":
        assert agrees(made, expected_made), (told, made, expected_made)
        return
    assert made[0] == "value", (told, made)
    real_rdd, model_rdd = rdd(), model()
    whole = outcome(model_rdd.collect)
    names = list(ACTIONS)
    for name in names[first % len(names) :] + names[: first % len(names)]:
        found = outcome(functools.partial(ACTIONS[name], real_rdd))
        expected = outcome(functools.partial(ACTIONS[name], model_rdd))
        # How much is computed beyond what is asked for is open, and so whether a later element's failure shows.
        fails_later = name in LAZY and agrees(found, whole) and whole[0] == "task"
        assert agrees(found, expected) or fails_later, (told, name, found, expected)
    assert real_rdd.getNumPartitions() == model_rdd.getNumPartitions(), told


# -- elements --------------------------------------------------------------------------------------------
characters = st.one_of(st.sampled_from("ab ,1é"), st.characters(exclude_categories=()))  # lone surrogates too
texts = st.text(characters, max_size=6)
small = st.integers(-5, 40)
edges = st.one_of(
    small, st.sampled_from([s * 2**n + d for n in (31, 53, 62, 63, 64) for d in (-1, 0, 1) for s in (1, -1)])
)
floats = st.one_of(st.floats(), st.sampled_from([0.0, -0.0, 1.0, float("nan"), float("inf"), -float("inf"), 2.5]))
plain_floats = st.floats(-100, 100)
numbers = st.one_of(small, st.booleans(), plain_floats)
readings = st.builds(Reading, texts, plain_floats, st.booleans())
scalars = st.one_of(edges, floats, texts, st.none(), st.binary(max_size=3), st.booleans())
hashable = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=4)
lists = st.lists(st.one_of(small, texts), max_size=3)
kinds = st.sampled_from(
    [
        *(small, edges, floats, texts, numbers, st.one_of(st.booleans(), small), st.one_of(st.none(), small)),
        *(st.tuples(texts, small), st.tuples(small, plain_floats), st.tuples(numbers, small), st.tuples(texts, lists)),
        *(st.tuples(small, edges), st.tuples(st.tuples(small, texts), small), st.tuples(st.none(), texts)),
        *(st.binary(max_size=4), st.lists(small, max_size=4), readings, hashable, st.tuples(hashable, hashable)),
        *(st.builds(Odd, small), st.tuples(small, st.builds(Odd, lists)), st.one_of(hashable, lists)),
    ]
)
elements = kinds.flatmap(lambda kind: st.lists(kind, min_size=30, max_size=30))


@dataclass(frozen=True)
class Drawn:
    """Numbers drawn evenly from a seed: hypothesis itself would draw short lists and first choices far more often."""

    rand: random.Random

    def plan(self, most: int) -> list[Choice]:
        number = self.rand.randrange
        steps = self.rand.randint(1, most)
        return [Choice(number(1000), number(1000), number(5) + 1, number(2) > 0, number(20) == 7) for _ in range(steps)]

    def some_of(self, data: list[Any]) -> list[Any]:
        return data[: self.rand.choice([0, 1, 2, 5, 10, 20, 30])]


draws = st.integers(0, 2**32).map(lambda seed: Drawn(random.Random(seed)))


# No shrinking: most of an example comes from its seed, and what failed tells its steps.
careful = settings(
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@settings(careful, max_examples=600)
@given(elements, elements, draws)
def test_a_pipeline_gives_what_the_model_gives(sc: SparkContext, data: list[Any], more: list[Any], draw: Drawn) -> None:
    data, parts = draw.some_of(data), draw.rand.randint(1, 5)
    more, more_parts = draw.some_of(more), draw.rand.choice([1, 3, parts])
    model, other = ModelRDD.parallelize(data, parts), ModelRDD.parallelize(more, more_parts)
    names, builds = pipeline(model, other, draw.plan(7))

    def rdd() -> RDD:
        return built(sc.parallelize(data, parts), sc.parallelize(more, more_parts), builds)

    check(rdd, lambda: built(model, other, builds), draw.rand.randrange(6), names)


@pytest.fixture
def one_thread(spark: Callable[..., SparkContext]) -> SparkContext:
    """A context that runs one task at a time, so that always the same task is the first to fail."""
    return spark("local[1]")


@contextmanager
def native(monkeypatch: pytest.MonkeyPatch, on: bool) -> Iterator[None]:
    """Whether plain functions may run natively: read when an RDD is frozen, at its first action at the latest."""
    with monkeypatch.context() as patch:
        patch.setenv("DSTREAMS_NATIVE", "1" if on else "0")
        yield


def outcomes(rdd: Callable[[], RDD]) -> dict[str, Outcome]:
    """What all actions give on one RDD."""
    made = outcome(rdd)
    if made[0] != "value":
        return {"made": made}
    one = rdd()
    return {name: outcome(functools.partial(action, one)) for name, action in ACTIONS.items()}


def alike(one: dict[str, Outcome], two: dict[str, Outcome], name: str) -> bool:
    """Whether both gave the same; a failure behind the elements that were asked for may show in one of them alone."""
    if one[name] == two[name]:
        return True
    return name in LAZY and one["collect"] == two["collect"] in (one[name], two[name])


@settings(careful, max_examples=150)
@given(elements, hashable, draws)
def test_native_or_not_gives_the_same(
    one_thread: SparkContext, monkeypatch: pytest.MonkeyPatch, data: list[Any], odd: Any, draw: Drawn
) -> None:
    # Long partitions of alike elements, with one in some of them that may be of another kind.
    size, parts = draw.rand.choice([20, 1500, 5000]), draw.rand.randint(1, 3)
    many = (data * (size // len(data) + 1))[:size]
    if draw.rand.random() < 0.5:
        many[draw.rand.randrange(size)] = odd
        data = [*data, odd]
    sketch = ModelRDD.parallelize(data, parts)
    names, builds = pipeline(sketch, sketch, draw.plan(4))
    wide = ("join", "leftOuter", "rightOuter", "fullOuter", "cartesian")  # would grow with the square of the size
    kept = [(name, build) for name, build in zip(names, builds, strict=True) if not name.startswith(wide)]

    def rdd() -> RDD:
        given, other = one_thread.parallelize(many, parts), one_thread.parallelize(data, parts)
        return built(given, other, [build for _, build in kept])

    with native(monkeypatch, True):
        with_native = outcomes(rdd)
    with native(monkeypatch, False):
        without = outcomes(rdd)
    assert with_native.keys() == without.keys()
    for action in with_native:
        told = [name for name, _ in kept], action, with_native[action], without[action]
        assert alike(with_native, without, action), told


@pytest.mark.parametrize("same", [(1, 1.0, True), (0, False, 0.0), ((1, "a"), (True, "a"), (1.0, "a"))])
def test_equal_keys_of_different_types_are_one_key_and_the_first_is_kept(sc: SparkContext, same: tuple) -> None:
    pairs = sc.parallelize([(key, number) for number, key in enumerate(same)], 3)
    assert repr(pairs.reduceByKey(operator.add).collect()) == repr([(same[0], 3)])
    assert repr(pairs.keys().distinct().collect()) == repr([same[0]])
    assert repr(pairs.groupByKey().mapValues(list).collect()) == repr([(same[0], [0, 1, 2])])
