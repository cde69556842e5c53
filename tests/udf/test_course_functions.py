"""The functions of courses and first programs: which are native, and are those exactly what calling them gives?"""

from __future__ import annotations

import copy
import inspect
from typing import Any

import pytest
from course_functions import FUNCTIONS as OF_COURSES
from course_functions import Entry
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from program_functions import FUNCTIONS as OF_PROGRAMS

from dstreams import _native, udf

FUNCTIONS = [*OF_COURSES, *OF_PROGRAMS]

NATIVE = [entry for entry in FUNCTIONS if entry[3]]
ITERATED = ("flatMap", "flatMapValues")


def name_of(entry: Entry) -> str:
    """The method and the source, as far as it fits."""
    use, function = entry[:2]
    try:
        return f"{use}-{inspect.getsource(function).strip().splitlines()[0][:60]}"
    except (TypeError, OSError):
        return f"{use}-{function!r}"


@pytest.mark.parametrize("entry", FUNCTIONS, ids=name_of)
def test_which_ones_are_native(entry: Entry) -> None:
    use, function, samples, native = entry
    told = udf.explain_function(function, samples, use)
    assert told.native is native, told
    assert native or told.reason


def test_most_of_the_list_is_native() -> None:
    for functions in (OF_COURSES, OF_PROGRAMS):
        assert sum(entry[3] for entry in functions) >= 0.85 * len(functions) and len(functions) >= 120


characters = st.one_of(st.sampled_from("aB 1,.#@-éß²İ\u0660\ud800\t\n\x1c"), st.characters(exclude_categories=()))
integers = st.one_of(
    st.integers(-20, 200), st.sampled_from([s * 2**n + d for n in (31, 53, 63) for d in (-1, 0, 1) for s in (1, -1)])
)
floats = st.one_of(st.floats(-1e3, 1e3), st.floats(), st.sampled_from([0.0, -0.0, 2.5, 0.05, 1e16]))
# Bounded where a function would count up to it.
few = st.integers(-3, 60)


def like(sample: Any, small: bool) -> st.SearchStrategy[Any]:
    """Values of the type of a sample, adversarial ones among them."""
    if type(sample) is int:
        return few if small else integers
    if type(sample) is float:
        return floats
    if type(sample) is str:
        parts = st.lists(st.one_of(st.text(characters, max_size=4), st.just(sample)), max_size=3)
        return st.one_of(st.just(sample), parts.map("".join), parts.map(" ".join), parts.map(",".join))
    if type(sample) is list:
        return st.lists(like(sample[0], small), max_size=4) if sample else st.just([])
    if isinstance(sample, tuple):
        made = st.tuples(*(like(item, small) for item in sample))
        return made if type(sample) is tuple else made.map(lambda items: type(sample)(*items))
    return st.sampled_from([None, sample])


odd_values = st.one_of(st.none(), st.booleans(), integers, floats, st.text(characters, max_size=3), st.just((1, "a")))


def shape(value: Any) -> Any:
    """The value with its types, for comparing."""
    if isinstance(value, (tuple, list)):
        return type(value), [shape(item) for item in value]
    return type(value), repr(value)


def called(entry: Entry, arguments: tuple[Any, ...]) -> Any:
    """What a call gives, or the type of what it raises."""
    use, function = entry[:2]
    try:
        given_back = function(*copy.deepcopy(arguments))
        if use == "filter":
            return shape(bool(given_back))
        return shape(list(given_back) if use in ITERATED else given_back)
    except Exception as error:
        return "raises", type(error)


def computed(entry: Entry, rows: list[tuple[Any, ...]]) -> list[Any] | None:
    """What the program gives for all rows; None if it leaves them to Python."""
    use, function = entry[:2]
    read = udf.read(function, len(rows[0]), use in ITERATED, tested=use == "filter")
    assert isinstance(read, udf.Program)
    program = _native.Program(read.tree, read.arity)
    columns = [list(column) for column in zip(*rows, strict=True)]
    try:
        if use == "filter":
            return [shape(value) for value in program.test(columns)]
        if use not in ITERATED:
            return [shape(value) for value in program.run(columns)]
        items, counts = program.flatten(columns)
    except _native.Bail:
        return None
    taken = iter(items)
    return [shape([next(taken) for _ in range(count)]) for count in counts]


@pytest.mark.parametrize("entry", NATIVE, ids=name_of)
def test_the_samples_give_the_same(entry: Entry) -> None:
    answered = 0
    for sample in entry[2]:
        found = computed(entry, [sample])
        assert found is None or found == [called(entry, sample)]
        answered += found is not None
    assert answered


@settings(deadline=None, database=None, max_examples=600, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(NATIVE), st.data())
def test_any_rows_give_the_same(entry: Entry, data: st.DataObject) -> None:
    sample = data.draw(st.sampled_from(entry[2]))
    counts_up = "range" in inspect.getsource(entry[1]) if inspect.isfunction(entry[1]) else False
    rows = data.draw(st.lists(st.tuples(*(like(item, counts_up) for item in sample)), min_size=1, max_size=5))
    if data.draw(st.integers(0, 9)) == 0 and not counts_up:
        rows.append(tuple(data.draw(odd_values) for _ in sample))
    found = computed(entry, rows)
    if found is not None:
        assert found == [called(entry, row) for row in rows], name_of(entry)
