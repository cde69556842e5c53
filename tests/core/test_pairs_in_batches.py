"""`cartesian`, `zip`, `union` and `repartition` of batches: in Spark it is batches of pickled elements that meet.

`pairs_in_batches.txt` holds what Apache PySpark 3.5.9 gives as `cartesian` of pairs of the sources below.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from py4j.protocol import Py4JJavaError
from pyspark import RDD, SparkConf, SparkContext, StorageLevel

LINES = Path(__file__).with_name("pairs_in_batches.txt").read_text(encoding="utf-8").splitlines()
RECORDED = dict(line.split(" => ", 1) for line in LINES)
Source = Callable[[SparkContext, str], RDD[Any]]


def grown(sc: SparkContext, elements: Iterable[Any]) -> RDD[Any]:
    return sc.parallelize([0], 1).flatMap(lambda _: elements)


def lines(sc: SparkContext, path: str) -> RDD[str]:
    return sc.textFile(path, 1)


SOURCES: dict[str, Source] = {
    "p5": lambda sc, d: sc.parallelize(range(5), 1),
    "list5": lambda sc, d: sc.parallelize(list("abcde"), 1),
    "list7_3": lambda sc, d: sc.parallelize(list(range(7)), 3),
    "fm": lambda sc, d: grown(sc, range(5)),
    "fm2": lambda sc, d: sc.parallelize(["abc"], 1).flatMap(lambda x: x),
    "fm_obj": lambda sc, d: grown(sc, [[i] for i in range(4)]),
    "nat": lambda sc, d: sc.parallelize([3, 1, 2, 5], 1).map(lambda x: x * 2),
    "filt": lambda sc, d: sc.parallelize(list(range(9)), 2).filter(lambda x: x % 2 == 0),
    "range6": lambda sc, d: sc.range(6, numSlices=2),
    "text": lambda sc, d: lines(sc, d),
    "textmap": lambda sc, d: lines(sc, d).map(lambda s: s.upper()),
    "red": lambda sc, d: sc.parallelize([("a", 1), ("b", 2), ("a", 3), ("c", 4), ("d", 5)], 2).reduceByKey(
        lambda a, b: a + b, 1
    ),
    "pb": lambda sc, d: sc.parallelize([(i, i) for i in range(6)], 2).partitionBy(2),
    "pb1": lambda sc, d: sc.parallelize([(i, i) for i in range(6)], 3).partitionBy(1),
    "sorted": lambda sc, d: sc.parallelize([3, 1, 2, 5, 4], 1).sortBy(lambda x: x, numPartitions=1),
    "coal": lambda sc, d: sc.parallelize(list(range(7)), 3).coalesce(1),
    "un": lambda sc, d: sc.parallelize([1, 2, 3], 1).union(sc.parallelize([4, 5, 6], 1)),
    "un2": lambda sc, d: sc.parallelize([1, 2, 3], 1).union(sc.parallelize([4, 5], 1)),
    "uncoal": lambda sc, d: sc.parallelize([1, 2, 3], 1).union(sc.parallelize([4, 5], 1)).coalesce(1),
    "uncoal2": lambda sc, d: (
        sc.parallelize([1, 2, 3], 1).map(str).union(sc.parallelize([4, 5], 1).map(lambda x: x)).coalesce(1)
    ),
    "cachedfm": lambda sc, d: grown(sc, range(5)).cache(),
    "cachedcoal": lambda sc, d: sc.parallelize(list(range(7)), 3).coalesce(1).cache(),
    "cart": lambda sc, d: grown(sc, range(3)).cartesian(sc.parallelize(["a"], 1).flatMap(lambda x: "abc")),
    "cartp": lambda sc, d: sc.parallelize([1, 2, 3], 1).cartesian(sc.parallelize([4, 5], 1)),
    "zip": lambda sc, d: grown(sc, range(3)).zip(grown(sc, range(3))),
}


@pytest.fixture
def five_lines(tmp_path: Path) -> str:
    path = tmp_path / "t"
    path.write_text("".join(f"l{i}\n" for i in range(5)))
    return str(path)


@pytest.mark.parametrize("name", RECORDED)
def test_pairs_are_those_of_batches(sc: SparkContext, five_lines: str, name: str) -> None:
    _, one, two = name.split()
    left, right = SOURCES[one](sc, five_lines), SOURCES[two](sc, five_lines)
    assert repr(left.cartesian(right).collect()) == RECORDED[name]


# -- how often sides are computed -------------------------------------------------------------------
def counted(rdd: RDD[Any], calls: Any) -> RDD[Any]:
    def count(element: Any) -> Any:
        calls.add(1)
        return element

    return rdd.map(count)


# Left, right, and what Spark counts: pairs, elements of the left, elements of the right.
COMPUTED: list[tuple[Callable[[RDD[Any]], RDD[Any]], Callable[[RDD[Any]], RDD[Any]], tuple[int, int, int]]] = [
    (lambda r: r, lambda r: r, (25, 5, 15)),
    (lambda r: r, lambda r: r.cache(), (25, 5, 5)),
    (lambda r: r.cache(), lambda r: r, (25, 5, 15)),
    (lambda r: r.repartition(1), lambda r: r, (25, 5, 5)),
    (lambda r: r, lambda r: r.map(lambda x: (x, x)).reduceByKey(lambda a, b: a, 1), (25, 5, 5)),
]


@pytest.mark.parametrize("case", range(len(COMPUTED)))
def test_the_right_side_is_computed_for_each_batch_of_the_left(sc: SparkContext, case: int) -> None:
    left, right, expected = COMPUTED[case]
    lefts, rights = sc.accumulator(0), sc.accumulator(0)
    source = sc.parallelize(list(range(5)), 1)
    pairs = left(counted(source, lefts)).cartesian(right(counted(source, rights))).count()
    assert (pairs, lefts.value, rights.value) == expected


def test_pairs_of_batches_have_their_own_copies_of_elements(sc: SparkContext) -> None:
    def mark(pair: tuple[list[int], list[int]]) -> tuple[list[int], list[int]]:
        pair[0].append(1)
        pair[1].append(2)
        return list(pair[0]), list(pair[1])

    one_batch = sc.parallelize([[0]], 1)
    batches = grown(sc, [[i] for i in range(4)])
    found = one_batch.cartesian(batches).map(mark).collect()
    # 0 meets 0; then 1 and 2, as one batch; then 3.
    assert found == [([0, 1], [0, 2]), ([0, 1], [1, 2]), ([0, 1, 1], [2, 2]), ([0, 1], [3, 2])]


# -- against a model --------------------------------------------------------------------------------
Batches = list[list[Any]]


def doubling(elements: Iterable[Any]) -> Batches:
    """What leaves Python's steps: 1, 2, 4 ... elements."""
    left, made = list(elements), []
    for size in (2**n for n in itertools.count()):
        if not left:
            return made
        made.append(left[:size])
        left = left[size:]
    raise AssertionError


def in_batches(elements: list[Any], size: int) -> Batches:
    return [elements[at : at + size] for at in range(0, len(elements), size)]


def flat(batches: Batches) -> list[Any]:
    return list(itertools.chain.from_iterable(batches))


class Side:
    """An RDD of one partition, and the batches in which Spark has it."""

    def __init__(self, rdd: RDD[Any], batches: Batches) -> None:
        self.rdd, self.batches = rdd, batches


def cartesian(one: Side, two: Side) -> Side:
    batches = [[(x, y) for x in a for y in b] for a in one.batches for b in two.batches]
    return Side(one.rdd.cartesian(two.rdd), batches)


def sides(sc: SparkContext) -> st.SearchStrategy[Side]:
    elements = st.lists(st.integers(-3, 300), min_size=1, max_size=9)
    lists = elements.map(lambda made: Side(sc.parallelize(made, 1), [made]))
    steps = elements.map(lambda made: Side(grown(sc, made), doubling(made)))
    rows = elements.map(lambda made: Side(sc.parallelize(made, 1).map(lambda x: x + 1), doubling(x + 1 for x in made)))
    ranges = st.integers(1, 9).map(lambda n: Side(sc.range(n, numSlices=1), doubling(range(n))))
    merged = st.lists(st.integers(0, 9), min_size=6, max_size=6).map(
        lambda made: Side(sc.parallelize(made, 3).coalesce(1), in_batches(made, 2))
    )
    dealt = st.lists(st.integers(0, 9), min_size=1, max_size=25).map(
        lambda made: Side(sc.parallelize(made, 1).repartition(1), in_batches(made, 10))
    )
    simple = st.one_of(lists, steps, rows, ranges, merged, dealt)

    def more(inner: st.SearchStrategy[Side]) -> st.SearchStrategy[Side]:
        small = inner.filter(lambda side: len(flat(side.batches)) < 40)
        return st.one_of(
            st.builds(cartesian, small, small),
            inner.map(lambda side: Side(side.rdd.map(lambda x: (x,)), doubling((x,) for x in flat(side.batches)))),
            inner.map(lambda side: Side(side.rdd.cache(), side.batches)),
            inner.map(lambda side: Side(side.rdd.union(side.rdd).coalesce(1), side.batches * 2)),
            inner.map(lambda side: Side(side.rdd.zip(side.rdd), zipped(side))),
        )

    return st.recursive(simple, more, max_leaves=4)


def zipped(side: Side) -> Batches:
    """Of an RDD with itself: Spark packs it anew, in hundreds, unless it declares a size of batches."""
    declared = side.rdd._packing
    batches = in_batches(flat(side.batches), 100) if declared == ("batch", 0) else side.batches
    return [[(x, x) for x in batch] for batch in batches]


def test_pairs_are_those_of_a_model_of_batches(sc: SparkContext) -> None:
    @settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(sides(sc), sides(sc))
    def check(one: Side, two: Side) -> None:
        pairs = cartesian(one, two)
        assert pairs.rdd.collect() == flat(pairs.batches)
        assert pairs.rdd.take(5) == flat(pairs.batches)[:5]

    check()


# -- objects that occur twice -----------------------------------------------------------------------
def numbered(elements: Iterable[Any]) -> Iterator[int]:
    """Which of the elements before it each one is, by identity."""
    kept = list(elements)
    first: dict[int, int] = {}
    return iter([first.setdefault(id(element), len(first)) for element in kept])


def same(sc: SparkContext, count: int) -> RDD[list[int]]:
    return sc.parallelize(_copies(count), 1)


def _copies(count: int) -> list[list[int]]:
    one = [1]
    return [one] * count


def test_unions_of_unlike_batches_are_pickled_anew(sc: SparkContext) -> None:
    alike, unlike = same(sc, 5).union(same(sc, 5)), same(sc, 5).union(same(sc, 3))
    assert alike.mapPartitions(numbered).collect() == [0] * 10
    assert unlike.mapPartitions(numbered).collect() == [0, 1, 1, 2, 2, 0, 1, 1]
    merged = same(sc, 5).union(same(sc, 3)).coalesce(1)
    assert merged.mapPartitions(numbered).collect() == [0, 1, 1, 2, 2, 3, 4, 4]


def test_a_repartition_deals_out_batches_as_they_lie(sc: SparkContext) -> None:
    dealt = sc.parallelize(list(range(25)), 1).repartition(2).repartition(3).glom().collect()
    assert dealt == [list(range(10, 20)), list(range(10)), list(range(20, 25))]
    merged = sc.parallelize(list(range(25)), 1).repartition(3).coalesce(1).repartition(2).glom().collect()
    assert merged == [list(range(10, 20)), [*range(10), *range(20, 25)]]
    objects = sc.parallelize(_copies(25), 1).repartition(1).mapPartitions(numbered).collect()
    assert objects == [0] * 10 + [1] * 10 + [2] * 5


def test_batches_that_do_not_fit_cannot_be_zipped(sc: SparkContext, five_lines: str) -> None:
    text, numbers = lines(sc, five_lines), grown(sc, range(5))
    with pytest.raises(
        (ValueError, Py4JJavaError), match=r"(?i)only zip RDDs with same number|number of items in batches"
    ):
        text.cartesian(numbers).zip(numbers.cartesian(text)).collect()


@pytest.fixture
def sized() -> Iterator[Callable[[int], SparkContext]]:
    def make(size: int) -> SparkContext:
        return SparkContext("local[2]", "sized", batchSize=size)

    yield make
    if SparkContext._active_spark_context is not None:
        SparkContext._active_spark_context.stop()


def test_a_context_may_have_batches_of_one_size(sized: Callable[[int], SparkContext]) -> None:
    sc = sized(2)
    letters = grown(sc, "abc")
    expected = [(0, "a"), (0, "b"), (1, "a"), (1, "b"), (0, "c"), (1, "c"), (2, "a"), (2, "b"), (2, "c")]
    assert grown(sc, range(3)).cartesian(letters).collect() == expected
    united = sc.parallelize([1, 2, 3], 1).union(sc.parallelize([4], 1)).coalesce(1).cartesian(letters).collect()
    assert [pair[0] for pair in united] == [1, 1, 2, 2, 1, 2, 3, 3, 3, 4, 4, 4]
    dealt = sc.parallelize(list(range(25)), 1).repartition(2).glom().collect()
    assert dealt[0] == [2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23]


def test_a_context_may_have_one_batch_for_each_partition(sized: Callable[[int], SparkContext]) -> None:
    sc = sized(-1)
    pairs = grown(sc, range(3)).cartesian(grown(sc, "abc")).collect()
    assert pairs == [(x, y) for x in range(3) for y in "abc"]
    assert sc.parallelize(list(range(25)), 1).map(str).repartition(2).map(int).glom().collect() == [[], list(range(25))]


@pytest.mark.parametrize(
    "read",
    [
        lambda rdd: rdd.collect(),
        lambda rdd: rdd.take(2),
        lambda rdd: rdd.glom().collect(),
        lambda rdd: rdd.mapPartitions(list).count(),
        lambda rdd: list(rdd.toLocalIterator()),
    ],
)
def test_batches_without_partners_fail_the_job_and_no_function_of_the_program(sc: SparkContext, read: Any) -> None:
    # Spark's JVM notices, also where Python code reads the pairs.
    zipped = sc.parallelize([], 1).map(abs).zip(sc.parallelize([1, 2], 1).map(abs))
    with pytest.raises(Py4JJavaError, match="SparkException: Can only zip RDDs with same number of elements") as raised:
        read(zipped)
    assert raised.value.__cause__ is None


def test_batches_are_the_same_where_there_is_no_room_to_keep_them() -> None:
    answers = []
    for memory in ("1g", "1m"):
        with SparkContext(
            conf=SparkConf().setAll(
                [("spark.master", "local[1]"), ("spark.app.name", "test"), ("spark.executor.memory", memory)]
            )
        ) as sc:
            large = grown(sc, [str(number) * 200 for number in range(3000)])
            kept = large.union(large).coalesce(1).persist(StorageLevel.MEMORY_ONLY)
            first = kept.cartesian(grown(sc, "xy")).map(lambda pair: (pair[0][:6], pair[1])).collect()
            answers.append((first, kept.zip(large.union(large).coalesce(1)).count()))
    assert answers[0] == answers[1]
    assert answers[0][1] == 6000
