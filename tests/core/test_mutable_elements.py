"""Mutable elements where they leave their chain: each is what it is when Spark pickles its batch, and one object in it.

The expectations were recorded with Apache Spark 3.5, or are those of the small model of its batches here.
"""

from __future__ import annotations

import collections
import copy
import datetime
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from pyspark import RDD, SparkConf, SparkContext

from dstreams.core.closures.owning import kind_of

Make = Callable[[Any], Iterator[Any]]


class Point:
    def __init__(self) -> None:
        self.at = [0]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Point) and other.at == self.at

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return f"Point{self.at}"


def one_dict(numbers: Iterable[int]) -> Iterator[Any]:
    record: dict[str, int] = {}
    for record["n"] in numbers:
        yield record


def one_list(numbers: Iterable[int]) -> Iterator[Any]:
    window: list[int] = []
    for n in numbers:
        window.append(n)
        del window[:-3]
        yield window


def one_point(numbers: Iterable[int]) -> Iterator[Any]:
    point = Point()
    for point.at[0] in numbers:
        yield point


def one_list_in_tuples(numbers: Iterable[int]) -> Iterator[Any]:
    inner: list[int] = []
    for n in numbers:
        inner[:] = [n] * (n % 3)
        yield n, inner


def now_and_then(numbers: Iterable[int]) -> Iterator[Any]:
    record: dict[str, int] = {}
    for n in numbers:
        record["n"] = n
        yield record if n % 3 else {"own": n}


def cleared(numbers: Iterable[int]) -> Iterator[Any]:
    for n in numbers:
        record = {"n": n}
        yield record
        record.clear()


def buffers(numbers: Iterable[int]) -> Iterator[Any]:
    buffer = bytearray(1)
    for n in numbers:
        buffer[0] = n % 256
        yield buffer


MADE: list[Make] = [one_dict, one_list, one_point, one_list_in_tuples, now_and_then, cleared, buffers]


def pickled(elements: Iterator[Any], sizes: Iterable[int]) -> list[Any]:
    found: list[Any] = []
    for size in sizes:
        batch = list(itertools.islice(elements, size))
        found += copy.deepcopy(batch)
        if len(batch) < size:
            break
    return found


def doubling() -> Iterator[int]:
    return (2**at for at in itertools.count())


@pytest.fixture(scope="module", params=["here", "in worker processes"])
def sc(request: pytest.FixtureRequest) -> Iterator[SparkContext]:
    conf = SparkConf().setMaster("local[2]").setAppName("mutable elements")
    if request.param != "here":
        conf.set("spark.dstreams.python.workers", "2")
    context = SparkContext(conf=conf)
    yield context
    context.stop()


@pytest.mark.parametrize("count", [1, 2, 3, 7, 20, 100])
@pytest.mark.parametrize("make", MADE)
def test_results_are_as_they_were_when_their_batch_was_pickled(sc: SparkContext, make: Make, count: int) -> None:
    numbers = sc.parallelize(range(count), 1)
    expected = pickled(make(range(count)), doubling())
    assert numbers.mapPartitions(make).collect() == expected
    assert list(numbers.mapPartitions(make).toLocalIterator()) == expected
    assert numbers.mapPartitions(make).cache().map(lambda one: one).collect() == expected
    assert numbers.mapPartitions(make).take(count + 1) == expected


def test_one_object_in_a_batch_is_one_object_in_the_results(sc: SparkContext) -> None:
    found = sc.parallelize(range(7), 1).mapPartitions(one_dict).collect()
    assert [[at for at, other in enumerate(found) if other is one] for one in found] == [
        [0],
        *[[1, 2]] * 2,
        *[[3, 4, 5, 6]] * 4,
    ]
    (pair,) = sc.parallelize([0], 1).mapPartitions(lambda _: iter([(d, d) for d in [{}]])).collect()
    assert pair[0] is pair[1]


@pytest.mark.parametrize(("length", "last"), [(200_000, 1), (20_000, 4)])
def test_batches_of_large_elements_are_smaller(sc: SparkContext, length: int, last: int) -> None:
    def large(_: Any) -> Iterator[dict[str, Any]]:
        record: dict[str, Any] = {}
        for n in range(40):
            record["n"], record["text"] = n, "x" * length + str(n)
            yield record

    found = [record["n"] for record in sc.parallelize([0], 1).mapPartitions(large).collect()]
    sizes = [len(list(same)) for _, same in itertools.groupby(found)]
    # A pickle holds the object once, however often it occurs: batches of what is small enough go on growing.
    assert sizes[:3] == ([1] * 3 if length > 65_536 else [1, 2, 4])
    assert last <= len(found)


@pytest.mark.parametrize("make", MADE)
def test_pairs_of_a_shuffle_are_as_they_were_when_spark_sends_them(sc: SparkContext, make: Make) -> None:
    # With two targets it sends after 21 elements, then after 31, then after 46.
    count = 90
    pairs = sc.parallelize([0], 1).mapPartitions(lambda _: enumerate(make(range(count))))
    expected = pickled(iter(enumerate(make(range(count)))), [21, 31, 46])
    parts = pairs.partitionBy(2).glom().collect()
    assert parts == [expected[::2], expected[1::2]]


@pytest.mark.parametrize("make", MADE)
def test_what_is_gathered_by_key_is_what_it_is_in_the_end(sc: SparkContext, make: Make) -> None:
    count = 9

    def keyed(_: Any) -> Iterator[tuple[int, Any]]:
        return ((0, one) for one in make(range(count)))

    elements = list(make(range(count)))
    pairs = sc.parallelize([0], 1).mapPartitions(keyed)
    assert pairs.groupByKey(1).mapValues(list).collect() == [(0, elements)]
    assert pairs.combineByKey(lambda v: [v], lambda c, v: [*c, v], lambda a, b: a + b, 1).collect() == [(0, elements)]
    assert pairs.reduceByKey(lambda a, b: a, 1).collect() == [(0, elements[0])]
    assert pairs.reduceByKey(lambda a, b: b, 1).collect() == [(0, elements[-1])]
    assert pairs.values().reduce(lambda a, b: a) == elements[0]
    assert pairs.values().glom().collect() == [elements]


@pytest.mark.parametrize("make", MADE)
def test_elements_that_are_dealt_or_paired_come_in_tens_and_hundreds(sc: SparkContext, make: Make) -> None:
    made = sc.parallelize(range(25), 1).mapPartitions(make)
    dealt = made.repartition(1).collect()
    assert dealt == pickled(make(range(25)), itertools.repeat(10))
    assert made.zip(sc.parallelize(range(25), 1)).keys().collect() == list(make(range(25)))


def test_a_partition_function_is_asked_about_a_key_when_it_comes_by(sc: SparkContext) -> None:
    def points(numbers: Iterable[int]) -> Iterator[tuple[Point, int]]:
        point = Point()
        for n in numbers:
            point.at[0] = n
            yield point, n

    placed = sc.parallelize(range(12), 1).mapPartitions(points).partitionBy(3, lambda point: point.at[0])
    assert placed.values().glom().collect() == [[0, 3, 6, 9], [1, 4, 7, 10], [2, 5, 8, 11]]


def test_a_list_may_be_a_pair_again_and_again(sc: SparkContext) -> None:
    def pairs(numbers: Iterable[int]) -> Iterator[Any]:
        pair = [0, 0]
        for n in numbers:
            pair[:] = [n % 3, n]
            yield pair

    made: RDD[Any] = sc.parallelize(range(12), 1).mapPartitions(pairs)
    assert made.partitionBy(1).collect() == [(n % 3, n) for n in range(12)]
    assert made.groupByKey(1).mapValues(list).collect() == [(k, list(range(k, 12, 3))) for k in range(3)]
    assert made.reduceByKey(lambda a, b: a + b, 1).collect() == [(0, 18), (1, 22), (2, 26)]


class Numbered:
    """Goes to the partition that its number says at that moment."""

    def __init__(self, at: int) -> None:
        self.at = at

    def __hash__(self) -> int:
        return self.at


def reused_keys(numbers: Iterable[int]) -> Iterator[Any]:
    key = Numbered(0)
    for key.at in numbers:
        yield key, [key.at]


def keys_cleared(numbers: Iterable[int]) -> Iterator[Any]:
    for n in numbers:
        key = Numbered(n)
        yield key, [n]
        key.at = 1


def keys_in_lists(numbers: Iterable[int]) -> Iterator[Any]:
    pair: list[Any] = [Numbered(0), 0]
    for n in numbers:
        pair[0].at, pair[1] = n, [n]
        yield pair


@pytest.mark.parametrize("make", [reused_keys, keys_cleared, keys_in_lists])
def test_keys_place_pairs_by_what_they_are_when_they_come_by(sc: SparkContext, make: Make) -> None:
    made = sc.parallelize(range(200), 1).mapPartitions(make)
    expected = [[[n] for n in range(at, 200, 3)] for at in range(3)]
    assert made.partitionBy(3).values().glom().collect() == expected
    assert made.partitionBy(3, lambda key: key.at).values().glom().collect() == expected
    # What is sent is the key as it is when its batch is: after 31 elements, 46 more, 68 more.
    last = {reused_keys: {30, 76, 144, 199}, keys_cleared: {1, 30, 76, 144, 199}, keys_in_lists: {30, 76, 144, 199}}
    assert {key.at for key in made.partitionBy(3).keys().collect()} <= last[make]


def test_what_goes_wrong_first_is_what_fails(sc: SparkContext) -> None:
    def ends(numbers: Iterable[int]) -> Iterator[Any]:
        for n in numbers:
            if n == 15:
                raise LookupError("the elements")
            yield n, n

    def place(key: int) -> int:
        if key == 3:
            raise ValueError("the key")
        return key

    made: RDD[Any] = sc.parallelize(range(40), 1).mapPartitions(ends)
    with pytest.raises(Exception, match="the key"):
        made.partitionBy(2, place).count()
    for fails in (made.partitionBy(2), made.repartition(2), made.zip(sc.parallelize(range(40), 1))):
        with pytest.raises(Exception, match="the elements"):
            fails.count()
    with pytest.raises(Exception, match="too many values to unpack"):
        made.map(lambda pair: (*pair, 1)).partitionBy(2).count()


@pytest.mark.parametrize("make", MADE)
def test_many_elements_are_dealt_and_paired_as_few(sc: SparkContext, make: Make) -> None:
    # Elements that native steps made come before the others, and count.
    before = 7
    made: RDD[Any] = sc.parallelize(range(2500), 1).mapPartitions(make)
    dealt = made.repartition(1).collect()
    assert dealt == pickled(make(range(2500)), itertools.repeat(10))
    assert made.zip(sc.parallelize(range(2500), 1)).keys().collect() == pickled(
        make(range(2500)), itertools.repeat(100)
    )

    def mixed(numbers: Iterable[int]) -> Iterator[Any]:
        yield from range(before)
        yield from make(numbers)

    some = sc.parallelize(range(50), 1).mapPartitions(mixed).repartition(1).collect()
    assert some == pickled(mixed(range(50)), itertools.repeat(10))


@pytest.mark.parametrize(
    ("count", "slices", "expected"),
    [(2, 1, [2, 3]), (4, 2, [2, 3, 2, 3]), (3, 2, [2, 2, 2]), (7, 3, [2, 3, 2, 3, 2, 3, 2])],
)
@pytest.mark.parametrize("more", [False, True])
def test_one_object_of_the_input_is_one_object_in_its_batch(
    sc: SparkContext, count: int, slices: int, expected: list[int], more: bool
) -> None:
    shared = [0, {}] if more else [0]
    grown = sc.parallelize([shared] * count, slices).map(lambda one: one.append(1) or len(one))
    assert grown.collect() == [length + more for length in expected]
    assert shared == ([0, {}] if more else [0])


def test_batches_of_the_input_have_1024_elements(sc: SparkContext) -> None:
    shared = [0]
    grown = sc.parallelize([shared] * 2050, 1).map(lambda one: one.append(1) or len(one)).collect()
    assert grown == [*range(2, 1026), *range(2, 1026), 2, 3]
    matrix = sc.parallelize([[[0] * 2] * 2], 1).map(lambda rows: rows[0].append(5) or rows)
    assert matrix.collect() == [[[0, 0, 5], [0, 0, 5]]]


def test_objects_stay_one_through_a_shuffle(sc: SparkContext) -> None:
    shared = [0]
    pairs = sc.parallelize([(1, shared), (1, shared), (2, shared)], 1)
    grown = pairs.groupByKey(1).mapValues(lambda vs: [v.append(1) or len(v) for v in vs])
    assert grown.collect() == [(1, [2, 3]), (2, [4])]
    assert pairs.partitionBy(1).map(lambda p: p[1].append(1) or len(p[1])).collect() == [2, 3, 4]


# -- what functions of partitions get ---------------------------------------------------------------
RANGES: dict[str, Callable[[SparkContext], RDD[int]]] = {
    "parallelize": lambda sc: sc.parallelize(range(7), 3),
    "range": lambda sc: sc.range(3, 20, 4, 2),
    "falling": lambda sc: sc.parallelize(range(10, 0, -3), 2),
    "one": lambda sc: sc.parallelize(range(5, 6), 2),
    "large": lambda sc: sc.parallelize(range(2**70, 2**70 + 5), 2),
}


@pytest.mark.parametrize("numbers", RANGES)
def test_functions_of_partitions_of_numbers_get_the_range(sc: SparkContext, numbers: str) -> None:
    rdd = RANGES[numbers](sc)
    parts = rdd.glom().collect()
    twice = [part + part for part in parts]
    assert rdd.mapPartitions(lambda part: [list(part) + list(part)]).collect() == twice
    assert rdd.mapPartitionsWithIndex(lambda at, part: [(at, type(part), len(part))]).collect() == [
        (at, range, len(part)) for at, part in enumerate(parts)
    ]
    assert rdd.mapPartitions(lambda part: part).mapPartitions(lambda part: [list(part) + list(part)]).collect() == twice
    total = sc.accumulator(0)
    rdd.foreachPartition(lambda part: total.add(sum(part) + sum(part)))
    assert total.value == 2 * rdd.sum()
    assert (
        rdd.barrier().mapPartitions(lambda part: [list(part) + list(part)]).collect() == twice if len(parts) < 3 else 1
    )


@pytest.mark.parametrize("numbers", RANGES)
def test_after_anything_else_they_get_an_iterator(sc: SparkContext, numbers: str) -> None:
    def both(part: Any) -> list[list[int]]:
        return [list(part), list(part)]

    rdd = RANGES[numbers](sc)
    parts = rdd.glom().collect()
    once = [half for part in parts for half in (part, [])]
    kept = RANGES[numbers](sc).cache()
    for other in (rdd.map(lambda x: x), rdd.filter(lambda x: True), rdd.union(rdd), kept):
        assert other.mapPartitions(both).collect()[: len(once)] == once
    assert rdd.coalesce(1).mapPartitions(both).collect() == [rdd.collect(), []]


def test_what_a_function_of_a_partition_returned_is_handed_on_as_it_is(sc: SparkContext) -> None:
    lists = sc.parallelize([1, 2, 3], 1).mapPartitions(list)
    assert lists.mapPartitions(lambda part: [type(part), len(part), *part, *part]).collect() == [
        list,
        3,
        *[1, 2, 3] * 2,
    ]
    assert lists.map(lambda x: x).mapPartitions(lambda part: [*part, *part]).collect() == [1, 2, 3]


def test_what_is_known_of_classes() -> None:
    class Slotted:
        __slots__ = ("x",)

    Named = collections.namedtuple("Named", "x")
    kinds = {cls: kind_of(cls) for cls in (datetime.date, Point, Slotted, Named, collections.deque)}
    assert kinds[datetime.date] == ("value", [])
    assert kinds[collections.deque] == ("container", [])
    assert (kinds[Point], kinds[Slotted]) == (("container", [Point]), ("container", [Slotted]))
    assert kinds[Named] == ("frozen", [Named])


@pytest.mark.parametrize("make", [lambda n: {n: [n]}, lambda _: Point(), lambda n: [(n, [n])], lambda _: bytearray()])
def test_what_nobody_else_has_is_handed_on_without_a_copy(sc: SparkContext, make: Callable[[int], Any]) -> None:
    # What cannot be seen from outside: it takes no pickle. A class that counts its pickles tells.
    if sc.getConf().get("spark.dstreams.python.workers", "0") != "0":
        pytest.skip("all that comes from worker processes is pickled")
    pickles = sc.accumulator(0)

    class Counting:
        def __init__(self, held: Any) -> None:
            self.held = held

        def __reduce__(self) -> Any:
            pickles.add(1)
            return Counting, (self.held,)

    made = sc.parallelize(range(1000), 1).map(lambda n: Counting(make(n)))
    assert len(made.collect()) == 1000
    # In each of the batches one element is pickled for trial, in two ways, as no name leads to its class.
    assert pickles.value <= 22

    def held(numbers: Iterable[int]) -> Iterator[Any]:
        for n in numbers:
            one = Counting(make(n))
            yield one

    # A generator holds the last element of a batch: that one is pickled, and the 15 of the first batches.
    before = pickles.value
    assert len(sc.parallelize(range(1000), 1).mapPartitions(held).collect()) == 1000
    assert pickles.value - before <= 2 * 15 + 22 + 2 * 7
