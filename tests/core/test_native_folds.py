"""Folds and actions give the same natively as in Python: values, types, order, and the exception of the first bad row.

What decides is CPython: every case runs once with native functions and once without, and both with small and with large
partitions, whose rows differ where native code must hand over (an int beyond 64 bits, None, another type, NaN).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from functions import Reading
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from pyspark import SparkContext

NAN = float("nan")


@pytest.fixture(scope="module")
def sc() -> Iterator[SparkContext]:
    context = SparkContext("local[1]", "native folds")
    yield context
    context.stop()


def later_of(a: Any, b: Any) -> Any:
    """With early returns, as programs write it."""
    if b > a:
        return b
    return a


def merged(a: tuple[Any, Any, Any], v: Any) -> tuple[Any, Any, Any]:
    count, low, high = a
    count += 1
    low = v if low is None or v < low else low
    return (count, low, max(high, v))


MERGES: list[Callable[[Any, Any], Any]] = [
    *(lambda a, b: a * 10 + b, lambda a, b: a - b, lambda a, b: (a + b) % 1000, lambda a, b: a * b + 1),
    *(lambda a, b: a // b, lambda a, b: a % b, lambda a, b: a / b, lambda a, b: a**2 - b, lambda a, b: -a + abs(b)),
    *(lambda a, b: a & b, lambda a, b: a | b, lambda a, b: a ^ b, lambda a, b: a << 1 ^ b, lambda a, b: a >> 1),
    *(lambda a, b: a and b, lambda a, b: a or b, lambda a, b: not a, lambda a, b: a == b, lambda a, b: a < b),
    *(max, min, operator.add, operator.mul, operator.sub, lambda a, b: a + b, lambda a, b: b, lambda a, b: a),
    *(lambda a, b: max(a, b, 3), lambda a, b: a if a >= b else b, later_of, lambda a, b: b if b else a),
    *(lambda a, b: int(a + b), lambda a, b: float(a) + b, lambda a, b: round(a + b, 1), lambda a, b: round(a)),
    *(lambda a, b: a + "," + b, lambda a, b: a if len(a) > len(b) else b, lambda a, b: b + a, lambda a, b: a[:2] + b),
    *(lambda a, b: (a[0] + b[0], a[1] + b[1]), lambda a, b: (a[1], b[0]), lambda a, b: a if a[1] >= b[1] else b),
    *(lambda a, b: (a[0], max(a[1], b[1])), lambda a, b: (b[0], a[0]), lambda a, b: (a[0] + b[1], b[1] * 2)),
    *(lambda a, b: a[1] if a[0] else b, lambda a, b: a if b is None else b, lambda a, b: (a, b), lambda a, b: None),
    *(lambda a, b: a if a.celsius > b.celsius else b, lambda a, b: min([a, b]), lambda a, b: sum([a, b])),
    *(lambda a, b: a.lower() + b, lambda a, b: f"{a}|{b}"[-9:], lambda a, b: a if a.strip() else b),
    *(lambda a, b: sorted([a, b])[0], lambda a, b: [x for x in a if x] + b, lambda a, b: (a[0] + b[0], str(a[1])[:3])),
    *(
        lambda a, b: a.replace("a", b),
        lambda a, b: sorted(a + b, reverse=True)[:2],
        lambda a, b: {0: 1, 1: 2}.get(a, b),
    ),
    *(lambda a, b: divmod(a, b)[1], lambda a, b: a + b[0], lambda a, b: (a != b and a) or b),
]
# (create, merge of a value, merge of two): for combineByKey.
COMBINES: list[tuple[Any, Any, Any]] = [
    (lambda v: (v, 1), lambda a, v: (a[0] + v, a[1] + 1), lambda a, b: (a[0] + b[0], a[1] + b[1])),
    (lambda v: (1, v, v), lambda a, v: (a[0] + 1, min(a[1], v), max(a[2], v)), lambda a, b: (a[0] + b[0], *b[1:])),
    (lambda v: 1, lambda n, v: n + 1, operator.add),
    (lambda v: v * 2, lambda a, v: a - v, lambda a, b: a * b),
    (lambda v: 1.0 / v, lambda a, v: a + 1.0 / v, lambda a, b: a + b),
    (lambda v: len(v), lambda a, v: a + len(v), lambda a, b: max(a, b)),
    (lambda v: (v, ""), lambda a, v: (v, a[0]), lambda a, b: (b[1], a[1])),
    (lambda v: [v], lambda a, v: [*a, v], lambda a, b: a + b),
    (lambda v: v, lambda a, v: a * 10 + v, lambda a, b: a - b),
    (lambda v: [v], lambda a, v: a + [v], lambda a, b: a + b),
    (lambda v: str(v), lambda a, v: a + "," + str(v), lambda a, b: a + ";" + b),
    (lambda v: v.split(","), lambda a, v: a + v.split(" "), lambda a, b: a + b),
]
# (zero, merge of a value, merge of two): for aggregateByKey and aggregate.
AGGREGATES: list[tuple[Any, Any, Any]] = [
    ((0, 0), lambda a, v: (a[0] + v, a[1] + 1), lambda a, b: (a[0] + b[0], a[1] + b[1])),
    ((0.0, 0), lambda a, v: (a[0] + v, a[1] + 1), lambda a, b: (a[0] + b[0], a[1] + b[1])),
    ((0, None, float("-inf")), merged, lambda a, b: a if a[0] > b[0] else b),
    (0, operator.add, operator.add),
    (1, lambda a, v: a * 2 - v, lambda a, b: a - b),
    ("", lambda a, v: a + str(v), lambda a, b: a + b),
    (None, lambda a, v: v if a is None else max(a, v), lambda a, b: b if a is None else max(a, b)),
    ([], lambda a, v: [*a, v], lambda a, b: a + b),
    (False, lambda a, v: a or v == 1, lambda a, b: a or b),
    (-0.0, lambda a, v: a + v, lambda a, b: a + b),
    (2**63 - 3, lambda a, v: a + 1, lambda a, b: a + b),
    (2**80, lambda a, v: a + v, lambda a, b: a + b),
]
KEYS: list[Any] = [None, lambda x: -x, lambda x: x % 3, lambda x: x[1], lambda x: len(x), lambda x: (x, 1), lambda x: 0]

small = st.integers(-4, 9)
edges = st.sampled_from([s * 2**n + d for n in (53, 62, 63) for d in (-1, 0, 1) for s in (1, -1)])
floats = st.one_of(
    st.floats(-100, 100), st.floats(), st.sampled_from([0.0, -0.0, NAN, float("inf"), -float("inf"), 1e16])
)
texts = st.text(st.sampled_from("ab ,é\ud800"), max_size=3)
pairs_of_small = st.tuples(small, small)
readings = st.builds(Reading, texts, st.floats(-9, 9), st.booleans())
KINDS: list[Any] = [
    *(small, small, st.one_of(small, edges), floats, st.floats(-10, 10), texts, st.booleans(), pairs_of_small),
    *(st.tuples(st.integers(0, 3), st.floats(-3, 3)), st.tuples(texts, small), st.tuples(floats, texts), readings),
    *(st.tuples(st.none(), small), st.none(), st.lists(small, max_size=2), st.binary(max_size=2)),
]
odd_ones = st.one_of(st.none(), edges, floats, texts, st.booleans(), pairs_of_small, st.just(2**90))
columns = st.sampled_from(range(len(KINDS))).flatmap(lambda at: st.lists(KINDS[at], min_size=1, max_size=25))
keys = st.one_of(st.just("k"), st.integers(0, 3), st.sampled_from(["a", "é", ""]), st.sampled_from([0.0, -0.0, 1.0]))


def outcome(make: Callable[[], Any]) -> str:
    """What came of it, types included."""
    try:
        return repr(make())
    except Exception as error:
        cause = error.__cause__ or error
        return f"{type(cause).__name__}: {cause}"


def check_both_ways(monkeypatch: pytest.MonkeyPatch, make: Callable[[], Any]) -> str:
    with monkeypatch.context() as patch:
        patch.setenv("DSTREAMS_NATIVE", "1")
        native = outcome(make)
        patch.setenv("DSTREAMS_NATIVE", "0")
        assert native == outcome(make)
    return native


# No shrinking: it would take longer than the tests.
careful = settings(
    deadline=None,
    database=None,
    derandomize=True,
    max_examples=100,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def with_odd(values: list[Any], odd: Any, at: int, times: int) -> list[Any]:
    """The values again and again, with another one among them where `at` says so."""
    values = values * times
    if at >= 0:
        values.insert(at % (len(values) + 1), odd)
    return values


@careful
@given(
    st.sampled_from(MERGES), columns, odd_ones, st.integers(-20, 25), st.lists(keys, min_size=1, max_size=5), st.data()
)
def test_any_function_folds_by_key(
    sc: SparkContext, monkeypatch: pytest.MonkeyPatch, merge: Any, values: Any, odd: Any, at: int, some: Any, data: Any
) -> None:
    values = with_odd(values, odd, at, data.draw(st.sampled_from([1, 1, 40])))
    many = data.draw(st.sampled_from([1, 1, 90]))
    pairs = [((some[(i * 7 + i // 5) % len(some)], i % many), value) for i, value in enumerate(values)]
    if many == 1:
        pairs = [(key[0], value) for key, value in pairs]
    parts = data.draw(st.integers(1, 2))
    given_pairs = sc.parallelize(pairs, parts)
    check_both_ways(monkeypatch, lambda: given_pairs.reduceByKey(merge, 2).glom().collect())
    check_both_ways(monkeypatch, lambda: given_pairs.foldByKey(values[0], merge, 1).collect())
    check_both_ways(monkeypatch, lambda: given_pairs.reduceByKeyLocally(merge))


@careful
@given(st.sampled_from(COMBINES), st.sampled_from(AGGREGATES), columns, odd_ones, st.integers(-20, 25), st.data())
def test_any_functions_combine_and_aggregate(
    sc: SparkContext, monkeypatch: pytest.MonkeyPatch, one: Any, other: Any, values: Any, odd: Any, at: int, data: Any
) -> None:
    values = with_odd(values, odd, at, data.draw(st.sampled_from([1, 1, 40])))
    count = data.draw(st.sampled_from([1, 2, 7, 100, 400]))
    given_pairs = sc.parallelize([(i % count, value) for i, value in enumerate(values)], data.draw(st.integers(1, 2)))
    check_both_ways(monkeypatch, lambda: given_pairs.combineByKey(*one, 2).glom().collect())
    check_both_ways(monkeypatch, lambda: given_pairs.aggregateByKey(*other, 1).collect())
    check_both_ways(monkeypatch, lambda: given_pairs.values().aggregate(*other))


@careful
@given(columns, odd_ones, st.integers(-20, 25), st.data())
def test_the_first_of_an_order(
    sc: SparkContext, monkeypatch: pytest.MonkeyPatch, values: Any, odd: Any, at: int, data: Any
) -> None:
    values = with_odd(values, odd, at, data.draw(st.sampled_from([1, 1, 40])))
    rdd = sc.parallelize(values, data.draw(st.integers(1, 3)))
    number, key = data.draw(st.sampled_from([0, 1, 2, 5, 10**6])), data.draw(st.sampled_from(KEYS))
    check_both_ways(monkeypatch, lambda: rdd.top(number, key))
    check_both_ways(monkeypatch, lambda: rdd.takeOrdered(number, key))
    check_both_ways(monkeypatch, lambda: rdd.max(key))
    check_both_ways(monkeypatch, lambda: rdd.min(key))


@careful
@given(st.sampled_from(MERGES), columns, odd_ones, st.integers(-20, 25), st.data())
def test_actions_that_fold_and_count(
    sc: SparkContext, monkeypatch: pytest.MonkeyPatch, merge: Any, values: Any, odd: Any, at: int, data: Any
) -> None:
    values = with_odd(values, odd, at, data.draw(st.sampled_from([1, 1, 40])))
    rdd = sc.parallelize(values, data.draw(st.integers(1, 3)))
    check_both_ways(monkeypatch, lambda: rdd.reduce(merge))
    check_both_ways(monkeypatch, lambda: rdd.fold(values[0], merge))
    check_both_ways(monkeypatch, lambda: rdd.countByValue())
    check_both_ways(monkeypatch, lambda: rdd.map(lambda x: (x, 1)).countByKey())


@careful
@given(st.lists(st.one_of(small, floats, edges), max_size=60), st.sampled_from([int, float, None]), st.integers(1, 3))
@example([1e16, 1.0, 1.0, -1e16], float, 1)
@example([0.0, -0.0], None, 1)
@example([-0.0, 0.0], None, 1)
def test_sums_and_statistics(
    sc: SparkContext, monkeypatch: pytest.MonkeyPatch, values: list[Any], kind: Any, parts: int
) -> None:
    if kind is not None:
        values = [value for value in values if type(value) is kind]
    rdd = sc.parallelize(values, parts)
    check_both_ways(monkeypatch, lambda: rdd.sum())
    for name in ("stats", "mean", "variance", "sampleStdev"):
        check_both_ways(monkeypatch, lambda name=name: getattr(rdd, name)())
    check_both_ways(monkeypatch, lambda: [type(x) for x in rdd.stats().asDict().values()])


def test_a_known_answer_of_each(sc: SparkContext) -> None:
    pairs = sc.parallelize([("a", 3), ("b", 1), ("a", 4), ("a", 5)], 1)
    assert pairs.reduceByKey(lambda a, b: a * 10 + b).collect() == [("a", 345), ("b", 1)]
    assert pairs.foldByKey(1, lambda a, b: a * 10 + b, 1).collect() == [("a", 1345), ("b", 11)]
    assert pairs.aggregateByKey((0, 0), lambda a, v: (a[0] + v, a[1] + 1), lambda a, b: a).collect() == [
        ("a", (12, 3)),
        ("b", (1, 1)),
    ]
    assert pairs.combineByKey(str, lambda a, v: a + str(v), lambda a, b: a + b).collect() == [("a", "345"), ("b", "1")]
    assert pairs.reduceByKeyLocally(lambda a, b: a - b) == {"a": -6, "b": 1}
    assert pairs.map(lambda kv: (kv[1], kv[0])).top(2) == [(5, "a"), (4, "a")]
    assert pairs.takeOrdered(2, key=lambda kv: -kv[1]) == [("a", 5), ("a", 4)]
    assert dict(pairs.countByKey()) == {"a": 3, "b": 1}
    assert pairs.values().stats().asDict(True)["mean"] == 3.25
    assert pairs.max(key=lambda kv: kv[1]) == ("a", 5)


def test_a_fold_that_must_go_on_in_python_keeps_its_sequence(sc: SparkContext) -> None:
    # Not associative: the answer tells whether every value was folded once, in order.
    numbers = [7] * 30
    folded = sc.parallelize([("k", n) for n in numbers], 1).reduceByKey(lambda a, b: a * 10 + b).collect()
    assert folded == [("k", int("7" * 30))]
    counted = sc.parallelize([("k", n) for n in numbers], 1).combineByKey(
        lambda v: v * 100, lambda a, v: a * 10 + v, lambda a, b: a
    )
    assert counted.collect() == [("k", int("700" + "0" * 29) + int("7" * 29))]


def test_ties_keep_the_order_of_the_elements(sc: SparkContext) -> None:
    words = sc.parallelize([(1, "c"), (2, "x"), (1, "a"), (2, "y"), (1, "b")] * 5000, 2)
    assert words.top(3, key=lambda kv: kv[0]) == [(2, "x"), (2, "y"), (2, "x")]
    assert words.takeOrdered(4, key=lambda kv: kv[0]) == [(1, "c"), (1, "a"), (1, "b"), (1, "c")]
