"""A function in a task is a copy: what the copy changes, and when it is taken."""

from __future__ import annotations

import functools
import random

import pytest
from pyspark import SparkContext


def counter():
    """A function that counts its calls in a variable, and that variable."""
    seen = [0]

    def count(_):
        seen[0] += 1
        return seen[0]

    return count, seen


def test_what_a_task_changes_stays_in_the_task(sc: SparkContext) -> None:
    count, seen = counter()
    assert sc.parallelize(range(6), 3).map(count).collect() == [1, 2, 1, 2, 1, 2]
    assert seen == [0]


def test_every_job_begins_with_the_same_copy(sc: SparkContext) -> None:
    count, _ = counter()
    counted = sc.parallelize(range(4), 2).map(count)
    assert [counted.collect() for _ in range(3)] == [[1, 2, 1, 2]] * 3


def test_two_functions_of_a_chain_share_their_variables_within_a_task(sc: SparkContext) -> None:
    # element      1    2    3
    # first call   1    3    5
    # second call  2    4    6
    count, _ = counter()
    assert sc.parallelize([1, 2, 3], 1).map(count).map(count).collect() == [2, 4, 6]


def test_functions_of_two_stages_share_nothing(sc: SparkContext) -> None:
    count, _ = counter()
    counted = sc.parallelize([1, 2, 3], 1).map(lambda x: (count(x), x)).partitionBy(1).map(lambda pair: count(pair))
    assert counted.collect() == [1, 2, 3]


def test_a_function_is_frozen_when_its_rdd_first_runs(sc: SparkContext) -> None:
    factor = 1
    scaled = sc.parallelize([1, 2], 1).map(lambda x: x * factor)
    assert scaled.getNumPartitions() == 1
    factor = 10
    assert scaled.collect() == [10, 20]
    factor = 100
    assert scaled.collect() == [10, 20]


def test_a_longer_chain_freezes_anew(sc: SparkContext) -> None:
    factor = 1
    scaled = sc.parallelize([1, 2], 1).map(lambda x: x * factor)
    assert scaled.collect() == [1, 2]
    factor = 10
    assert scaled.map(lambda x: x).collect() == [10, 20]
    assert scaled.collect() == [1, 2]


def test_a_shuffle_freezes_what_it_is_built_on(sc: SparkContext) -> None:
    factor = 1
    scaled = sc.parallelize([("k", 1)], 1).mapValues(lambda v: v * factor)
    summed = scaled.reduceByKey(lambda a, b: a + b)
    factor = 10
    assert summed.collect() == [("k", 1)]
    assert scaled.collect() == [("k", 10)]


def test_a_loop_variable_is_seen_as_it_is_when_the_action_runs(sc: SparkContext) -> None:
    numbers, made = sc.parallelize([0], 1), []
    for step in range(3):
        made.append(numbers.map(lambda x: x + step))  # noqa: B023 - this is the claim
    assert [rdd.collect() for rdd in made] == [[2], [2], [2]]


def test_functions_of_the_driver_are_no_copies(sc: SparkContext) -> None:
    calls = []

    def add(a, b):
        calls.append((a, b))
        return a + b

    assert sc.parallelize([1, 2, 3], 3).reduce(add) == 6
    assert calls == [(1, 2), (3, 3)]


def test_aggregate_changes_the_zero_of_the_caller(sc: SparkContext) -> None:
    zero: list[int] = []
    combined = sc.parallelize([1, 2], 2).aggregate(zero, lambda a, x: a + [x], lambda a, b: a.extend(b) or a)
    assert (combined, zero) == ([1, 2], [1, 2])


def test_nonlocal_counts_in_the_task_only(sc: SparkContext) -> None:
    total = 0

    def add(x):
        nonlocal total
        total += x
        return total

    assert sc.parallelize([1, 2, 3, 4], 2).map(add).collect() == [1, 3, 3, 7]
    assert total == 0


def test_a_mutable_default_is_copied_too(sc: SparkContext) -> None:
    def remember(x, seen=[]):  # noqa: B006 - this is the claim
        seen.append(x)
        return len(seen)

    remembered = sc.parallelize([1, 2, 3, 4], 2).map(remember)
    assert (remembered.collect(), remembered.collect()) == ([1, 2, 1, 2], [1, 2, 1, 2])
    assert remember.__defaults__ == ([],)


def test_an_attribute_of_a_function_is_copied_too(sc: SparkContext) -> None:
    def count(_):
        count.calls += 1
        return count.calls

    count.calls = 0
    assert sc.parallelize([1, 2, 3, 4], 2).map(count).collect() == [1, 2, 1, 2]
    assert count.calls == 0


def test_callable_objects_are_copied(sc: SparkContext) -> None:
    class Count:
        def __init__(self) -> None:
            self.calls = 0

        def __call__(self, _):
            self.calls += 1
            return self.calls

    count = Count()
    assert sc.parallelize([1, 2, 3, 4], 2).map(count).collect() == [1, 2, 1, 2]
    assert count.calls == 0


def test_bound_methods_take_a_copy_of_their_object_along(sc: SparkContext) -> None:
    class Sum:
        total = 0

        def add(self, x):
            self.total += x
            return self.total

    own = Sum()
    assert sc.parallelize([1, 2, 3, 4], 2).map(own.add).collect() == [1, 3, 3, 7]
    assert own.total == 0


def test_methods_of_builtin_objects_act_on_a_copy(sc: SparkContext) -> None:
    kept: list[int] = []
    assert sc.parallelize([1, 2, 3], 1).map(kept.append).collect() == [None] * 3
    assert kept == []


@pytest.mark.parametrize("keyword", [False, True])
def test_partials_copy_their_arguments(sc: SparkContext, keyword: bool) -> None:
    def put(seen, x):
        seen.append(x)
        return len(seen)

    seen: list[int] = []
    bound = functools.partial(lambda x, seen: put(seen, x), seen=seen) if keyword else functools.partial(put, seen)
    assert sc.parallelize([1, 2, 3, 4], 2).map(bound).collect() == [1, 2, 1, 2]
    assert seen == []


def test_functions_that_call_functions_take_them_along(sc: SparkContext) -> None:
    count, seen = counter()

    def outer(x):
        return inner(x) + 10

    def inner(x):
        return count(x)

    assert sc.parallelize([0, 0, 0], 1).map(outer).collect() == [11, 12, 13]
    assert seen == [0]


def test_a_recursive_function_works(sc: SparkContext) -> None:
    def factorial(n):
        return 1 if n == 0 else n * factorial(n - 1)

    assert sc.parallelize([0, 5, 25], 2).map(factorial).collect() == [1, 120, 15511210043330985984000000]


def test_generators_and_comprehensions_see_their_variables(sc: SparkContext) -> None:
    table = {"a": [1, 2], "b": [3]}

    def look_up(keys):
        for key in keys:
            yield from (x * 10 for x in table[key])

    assert sc.parallelize(["a", "b"], 2).mapPartitions(look_up).collect() == [10, 20, 30]


def test_an_iterator_in_a_closure_is_copied_at_its_position(sc: SparkContext) -> None:
    numbers = iter([10, 20, 30, 40])
    assert next(numbers) == 10
    assert sc.parallelize([1, 2, 3, 4], 2).map(lambda x: x + next(numbers)).collect() == [21, 32, 23, 34]
    assert list(numbers) == [20, 30, 40]


def test_a_random_generator_in_a_closure_is_copied(sc: SparkContext) -> None:
    own = random.Random(7)
    first = random.Random(7).random()
    assert sc.parallelize([1, 2], 2).map(lambda _: own.random()).collect() == [first, first]
    assert own.random() == first


def test_parallelize_takes_a_snapshot(sc: SparkContext) -> None:
    inner, numbers = [1], [1, 2]
    rdd, nested = sc.parallelize(numbers, 1), sc.parallelize([inner], 1)
    numbers.append(3)
    inner.append(2)
    assert (rdd.collect(), nested.collect()) == ([1, 2], [[1]])


def test_parallelize_reads_an_iterator_once_and_now(sc: SparkContext) -> None:
    numbers = iter([1, 2, 3])
    rdd = sc.parallelize(numbers, 2)
    assert list(numbers) == []
    assert (rdd.collect(), rdd.collect()) == ([1, 2, 3], [1, 2, 3])


@pytest.mark.parametrize("cached", [False, True])
def test_what_a_job_does_to_elements_the_next_job_does_not_see(sc: SparkContext, cached: bool) -> None:
    lists = sc.parallelize([[1], [2]], 2)
    if cached:
        lists.cache().count()
    assert lists.map(lambda one: one.append(0) or one).collect() == [[1, 0], [2, 0]]
    lists.foreach(lambda one: one.clear())
    assert lists.collect() == [[1], [2]]


@pytest.mark.parametrize("cached", [False, True])
def test_what_the_driver_does_to_collected_elements_no_job_sees(sc: SparkContext, cached: bool) -> None:
    lists = sc.parallelize([[1]], 1).map(lambda one: one)
    if cached:
        lists.cache()
    lists.collect()[0].append(2)
    lists.first().append(3)
    assert lists.collect() == [[1]]


def test_grouped_values_in_the_cache_are_copies_too(sc: SparkContext) -> None:
    grouped = sc.parallelize([("k", 1), ("k", 2)], 1).groupByKey().mapValues(list).cache()
    assert grouped.collect() == [("k", [1, 2])]
    assert grouped.mapValues(lambda values: values.pop()).collect() == [("k", 2)]
    assert grouped.collect() == [("k", [1, 2])]


def test_two_names_for_one_object_stay_two_names_in_the_task(sc: SparkContext) -> None:
    shared = [0]
    pairs = sc.parallelize([(shared, shared)], 1)
    assert pairs.map(lambda pair: pair[0].append(1) or pair).collect() == [([0, 1], [0, 1])]
    shared.append(shared)
    assert sc.parallelize([shared], 1).map(lambda one: one[1] is one).collect() == [True]
