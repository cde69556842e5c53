"""Chains at random over elements that are used again give what Python makes of them, element by element."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark import RDD, SparkContext

from dstreams.core.rdds.stepwise import run_steps

Step = tuple[str, int, tuple[Callable[..., Any], ...]]


class Cell:
    """What is yielded again and again."""

    def __init__(self) -> None:
        self.row: tuple[int, int] = (0, 0)


# -- from rows to elements that are used again, and back ---------------------------------------------
def as_cells(rows: Iterable[Any]) -> Iterator[Any]:
    cell = Cell()
    for row in rows:
        cell.row = row
        yield cell


def as_dicts(rows: Iterable[Any]) -> Iterator[Any]:
    record: dict[str, Any] = {}
    for row in rows:
        record["row"] = row
        yield record
        record.clear()


def as_lists(rows: Iterable[Any]) -> Iterator[Any]:
    record: list[Any] = []
    for row in rows:
        record[:] = row
        yield record


def as_buffers(rows: Iterable[Any]) -> Iterator[Any]:
    buffer = bytearray()
    for row in rows:
        buffer[:] = b"%d %d" % row
        yield buffer


def as_groups(rows: Iterable[Any]) -> Iterator[Any]:
    return itertools.groupby(rows, key=lambda row: row)


def in_pairs(rows: Iterable[Any]) -> Iterator[Any]:
    record: list[Any] = []
    for row in rows:
        record[:] = row
        yield 0, record


def row_of_buffer(buffer: bytearray) -> tuple[int, ...]:
    return tuple(int(number) for number in buffer.split())


def rows_of_group(group: Any) -> list[Any]:
    return [next(iter(group[1]))]


def opaque_row(row: Any) -> Any:
    for _ in range(1):
        row = row[0], row[1] + 1
    return row


REUSED: dict[str, list[Step]] = {
    "cells": [("partitions", 0, (as_cells,)), ("map", 0, (operator.attrgetter("row"),))],
    "dicts": [("partitions", 0, (as_dicts,)), ("map", 0, (lambda record: record["row"],))],
    "lists": [("partitions", 0, (as_lists,)), ("map", 0, (lambda record: (record[0], record[1]),))],
    "lists, kept": [
        ("partitions", 0, (as_lists,)),
        ("filter", 0, (lambda record: len(record) > 1,)),
        ("map", 0, (tuple,)),
    ],
    "buffers": [("partitions", 0, (as_buffers,)), ("map", 0, (row_of_buffer,))],
    "groups": [("partitions", 0, (as_groups,)), ("flatMap", 0, (rows_of_group,))],
    "values": [("partitions", 0, (in_pairs,)), ("mapValues", 0, (tuple,)), ("values", 0, ())],
}
PLAIN: dict[str, list[Step]] = {
    "native map": [("map", 0, (lambda row: (row[0], row[1] * 2),))],
    "native filter": [("filter", 0, (lambda row: row[1] % 3 != 0,))],
    "native mapValues": [("mapValues", 0, (lambda value: value - 1,))],
    "opaque map": [("map", 0, (opaque_row,))],
    "opaque mapValues": [("mapValues", 0, (int.__neg__,))],
    "too large": [("map", 0, (lambda row: (row[0], row[1] * 10**17),))],
    "twice": [("flatMap", 0, (lambda row: [row, row],))],
}


def add(a: Any, b: Any) -> Any:
    return a + b


OPERATIONS: dict[str, Callable[[RDD[Any]], Any]] = {
    "collect": lambda r: r.collect(),
    "reduceByKey": lambda r: r.reduceByKey(add).collect(),
    "groupByKey": lambda r: r.groupByKey().mapValues(list).collect(),
    "combineByKey": lambda r: r.combineByKey(lambda v: [v], lambda c, v: [*c, v], add).collect(),
    "countByValue": lambda r: dict(r.countByValue()),
    "sortBy": lambda r: r.sortBy(lambda row: -row[1]).collect(),
    "top": lambda r: r.top(3),
    "sum": lambda r: r.values().sum(),
    "max": lambda r: r.values().max() if not r.isEmpty() else None,
    "distinct": lambda r: r.distinct().collect(),
    "sample": lambda r: r.sample(False, 0.5, 7).collect(),
    "sample, take": lambda r: r.sample(False, 0.5, 7).take(2),
    "partitionBy": lambda r: r.partitionBy(3).glom().collect(),
    "repartition": lambda r: r.repartition(2).glom().collect(),
    "join": lambda r: sorted(r.join(r).collect()),
    "zipWithIndex": lambda r: r.zipWithIndex().collect(),
    "count": lambda r: r.count(),
    "take": lambda r: r.take(5),
    "cache": lambda r: (r.cache().count(), r.reduceByKey(add).collect(), r.unpersist().count()),
}


@pytest.fixture(scope="module")
def sc() -> Iterator[SparkContext]:
    context = SparkContext("local[2]", "chains at random")
    yield context
    context.stop()


def chained(rdd: RDD[Any], steps: list[Step]) -> RDD[Any]:
    for name, number, functions in steps:
        rdd = rdd._step(name, *functions, number=number)
    return rdd


chains = st.lists(
    st.one_of(st.sampled_from(sorted(REUSED)).map(REUSED.__getitem__), st.sampled_from(sorted(PLAIN)).map(PLAIN.get)),
    min_size=1,
    max_size=4,
).map(lambda parts: [step for part in parts if part for step in part])


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=chains, operation=st.sampled_from(sorted(OPERATIONS)), count=st.integers(0, 90), slices=st.integers(1, 2))
def test_chains_see_each_element_at_its_time(
    sc: SparkContext, steps: list[Step], operation: str, count: int, slices: int
) -> None:
    # What comes out of these chains is immutable: so an operation over a chain is that operation over its results.
    rows = [(n % 5, n) for n in range(count)]
    source = sc.parallelize(rows, slices)
    parts = source.glom().collect()
    results = [list(run_steps(tuple(steps), index, iter(part))) for index, part in enumerate(parts)]
    expected = sc.parallelize(range(slices), slices).mapPartitionsWithIndex(lambda index, _: iter(results[index]))
    operate = OPERATIONS[operation]
    outcome = []
    for native in ("1", "0"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DSTREAMS_NATIVE", native)
            outcome.append(operate(chained(source, steps)))
    assert outcome == [operate(expected)] * 2
