"""Which items of a tuple a function looks at: no fewer than it does, and without the others it gives the same."""

from __future__ import annotations

import inspect
import json
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pyspark import SparkContext

from dstreams.udf import Opaque, program_of
from dstreams.udf.used import paths_used

Row = Any


@pytest.fixture(scope="module")
def sc() -> Iterator[SparkContext]:
    context = SparkContext("local[2]", "items")
    yield context
    context.stop()


def one(row: Row) -> Any:
    return json.dumps(row[1])


def takes_apart(row: Row) -> Any:
    first, _, third, _ = row
    try:
        return int(json.dumps(first).strip('"')) + third[0]
    except ValueError:
        return third[-1]


def of_an_item(row: Row) -> Any:
    _, inner = row[2]
    return json.dumps([inner, row[-1]])


def nested(row: Row) -> Any:
    number, _, (half, _), _ = row
    _, (_, _), last = row[:0] or row[2][:0] or (number, row[2], 1)
    return half.hex(), last


def unread(row: Row) -> Any:
    _, _ = row[2]
    return json.dumps(row[0])


def beyond_all(row: Row) -> Any:
    try:
        return row[2**70], row[0]
    except IndexError:
        return json.dumps("none")


def nested_unread(row: Row) -> Any:
    number, _, (_, _), _ = row
    return json.dumps(number)


def either(row: Row) -> Any:
    return json.dumps((row[2] if row[0] else row[2][1:])[0])


def nothing(row: Row) -> Any:
    return json.dumps("nothing")


def gives(row: Row) -> Iterator[Any]:
    for number in range(row[0] % 3):
        yield json.dumps([number, row[2][1]])


def with_default(row: Row, factor: int = 3) -> Any:
    return json.dumps([row[3]] * factor)


def hands_on(row: Row) -> Any:
    return len(row), row[0]


def loops(row: Row) -> Any:
    return [str(item) for item in row]


def captured(row: Row) -> Any:
    return [row[0] for _ in range(2)], (lambda: row[1])()


def assigned(row: Row) -> Any:
    if row[0]:
        row = row[1]
    return row[0]


def looks_around(row: Row) -> Any:
    return row[0], sorted(locals())


def looks_around_elsewhere(row: Row) -> Any:
    return row[0], (lambda: sys._getframe(1).f_locals["row"])()


def by_name(row: Row) -> Any:
    index = 1
    return row[index], row[0]


def by_slice(row: Row) -> Any:
    return row[:2], row[0]


def with_star(row: Row) -> Any:
    first, *_ = row
    return first


def spread(*rows: Row) -> Any:
    return rows[0]


def too_far(row: Row) -> Any:
    return json.dumps(row[0] and row[7])


WHOLE = [
    hands_on, loops, captured, assigned, looks_around, looks_around_elsewhere, by_name, by_slice, with_star, nested,
    beyond_all, spread, len, str.lower, types.MethodType(one, 1), Row,
]  # fmt: skip
LOOKS: dict[Callable[[Row], Any], tuple[tuple[int, ...], ...]] = {
    one: ((1,),),
    takes_apart: ((0,), (2,)),
    of_an_item: ((-1,), (2, 1)),
    either: ((0,), (2,)),
    nested_unread: ((0,), (2,)),
    unread: ((0,), (2,)),
    nothing: (),
    gives: ((0,), (2, 1)),
    with_default: ((3,),),
    too_far: ((0,), (7,)),
    lambda row: json.dumps([row[0][1][0], row[0][1][1], row[0][0]]): ((0, 0), (0, 1, 0), (0, 1, 1)),
    lambda row: json.dumps([row[1], row[1][0]]): ((1,),),
    lambda row: row[True]: None,  # type: ignore[dict-item]
    lambda row: row["name"]: None,  # type: ignore[dict-item]
}


@pytest.mark.parametrize("function", LOOKS, ids=lambda function: function.__name__)
def test_what_is_looked_at(function: Callable[[Row], Any]) -> None:
    assert paths_used(function) == LOOKS[function]
    assert LOOKS[function] is None or isinstance(program_of(function, 1), Opaque)


@pytest.mark.parametrize("function", WHOLE, ids=str)
def test_what_may_want_all(function: Callable[..., Any]) -> None:
    assert paths_used(function) is None


def test_coroutines_want_all() -> None:
    async def later(row: Row) -> Any:
        return row[0]

    assert inspect.iscoroutinefunction(later)
    assert paths_used(later) is None


ROWS = [(number, f"text {number % 7}", (number / 2, "ü" * (number % 3)), None) for number in range(5000)]
OF_VALUES = [(row[1], (row[2], row[0])) for row in ROWS]


def seen(rdd: Any) -> Any:
    try:
        return rdd.glom().collect()
    except Exception as error:
        return type(error.__cause__), str(error.__cause__)


@pytest.mark.parametrize("function", [*(one for one in LOOKS if LOOKS[one] is not None), *WHOLE[:11]], ids=str)
@pytest.mark.parametrize("method", ["map", "flatMap", "filter"])
def test_answers_are_those_of_whole_tuples(
    sc: SparkContext, monkeypatch: pytest.MonkeyPatch, function: Callable[[Row], Any], method: str
) -> None:
    if function is gives and method == "map":
        return  # gives generators, which cannot be compared
    # Pairs with an object among them are no columns.
    as_columns, as_objects = ROWS, [*ROWS, (0, "text", (0.5, {}), None)]
    found = [seen(getattr(sc.parallelize(rows, 1), method)(function)) for rows in (as_columns, as_objects)]
    monkeypatch.setenv("DSTREAMS_NATIVE", "0")
    assert found[0] == seen(getattr(sc.parallelize(as_columns, 1), method)(function))
    assert found[1] == seen(getattr(sc.parallelize(as_objects, 1), method)(function))


@pytest.mark.parametrize("method", ["mapValues", "flatMapValues"])
def test_answers_are_those_of_whole_values(sc: SparkContext, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    def called(value: Any) -> Any:
        (number, _), _ = value
        return [json.dumps(number), value[1]]

    def unseen(value: Any) -> Any:
        return json.dumps("unseen")

    assert paths_used(called) == ((0, 0), (1,))
    assert isinstance(program_of(called, 1), Opaque)
    found = [seen(getattr(sc.parallelize(OF_VALUES, 2), method)(f).map(str)) for f in (called, unseen)]
    monkeypatch.setenv("DSTREAMS_NATIVE", "0")
    assert found == [seen(getattr(sc.parallelize(OF_VALUES, 2), method)(f).map(str)) for f in (called, unseen)]


def test_objects_are_made_of_what_is_looked_at_alone(sc: SparkContext) -> None:
    def spy(row: Row) -> Any:
        return row[1], counted(row[1])

    def counted(_: Any) -> Any:
        frame = inspect.currentframe()
        assert frame is not None and frame.f_back is not None
        return frame.f_back.f_locals["row"]

    assert paths_used(spy) == ((1,),)
    assert sc.parallelize(ROWS, 2).map(spy).collect() == [(row[1], (None, row[1], None, None)) for row in ROWS]
