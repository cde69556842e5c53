"""Python values through Arrow columns and back: either left alone, or back with identical types and equal values."""

import collections
import gc
import math
import pickle
import struct
import sys
import typing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstreams import _native
from dstreams.core.resultiterable import ResultIterable

Point = collections.namedtuple("Point", "x y")


class Word(typing.NamedTuple):
    text: str
    count: int = 1

    def louder(self):
        return self.text.upper()


class MyInt(int):
    pass


class MyStr(str):
    pass


class MyTuple(tuple):
    pass


class PointWithDict(Point):
    pass


class PointWithNew(Point):
    __slots__ = ()

    def __new__(cls, x):
        return super().__new__(cls, x, x)


class PointWithHash(typing.NamedTuple):
    x: int

    def __hash__(self):
        return 7


RenamedField = collections.namedtuple("RenamedField", "a b")
RenamedField.a = property(lambda self: "computed")

SwappedFields = collections.namedtuple("SwappedFields", "a b")
SwappedFields.a, SwappedFields.b = SwappedFields.b, SwappedFields.a

# From Rust: fill from a list and read as a list; fill from a slice and read two slices of the columns.
WAYS = ["list", "slices"]


def same(left, right):
    """Identical types and equal values, all the way down; floats by their bits."""
    if type(left) is not type(right):
        return False
    if isinstance(left, float):
        return struct.pack("<d", left) == struct.pack("<d", right)
    if isinstance(left, (tuple, list)):
        return len(left) == len(right) and all(map(same, left, right))
    return left == right


def round_trip(items, way="list"):
    """(kind, values), or None if the values stayed objects; checks what must hold for any input."""
    result = _native._columns_round_trip(items, way)
    if result is not None:
        kind, back = result
        assert same(items, back), kind
    return result


integers = st.integers() | st.integers(-(2**63), 2**63 - 1) | st.sampled_from([0, 2**63, -(2**63), 2**63 - 1])
texts = (
    st.text()
    | st.text(alphabet=st.characters(codec="utf-8"))
    | st.text(alphabet="\0a\x7f\x80\xff\u0100\ud800\udfff\uffff\U00010000\U0010ffff")
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    integers,
    st.floats(),
    texts,
    st.binary(),
    st.integers().map(MyInt),
    st.text().map(MyStr),
    st.complex_numbers(),
)


def containers(values):
    return st.one_of(
        st.lists(values, max_size=4),
        st.lists(values, max_size=3).map(tuple),
        st.tuples(values, values).map(lambda pair: Point(*pair)),
        st.tuples(values, values).map(lambda pair: Word(*pair)),
        st.lists(values, max_size=2).map(MyTuple),
        st.tuples(values, values).map(lambda pair: PointWithDict(*pair)),
    )


anything = st.recursive(scalars, containers, max_leaves=12)

# What must become columns: a strategy of values of one kind.
fitting_scalars = [
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(alphabet=st.characters(codec="utf-8")),
    st.binary(),
    st.none(),
]


@st.composite
def one_kind(draw, depth=3):
    shape = draw(st.sampled_from(["scalar", "tuple", "list", "Point", "Word"] if depth else ["scalar"]))
    inner = one_kind(depth=depth - 1) if depth else None
    if shape == "scalar":
        values = draw(st.sampled_from(fitting_scalars))
    elif shape == "list":
        values = st.lists(draw(inner), max_size=4)
    elif shape == "tuple":
        values = st.tuples(*[draw(inner) for _ in range(draw(st.integers(1, 3)))])
    else:
        cls = {"Point": Point, "Word": Word}[shape]
        values = st.tuples(draw(inner), draw(inner)).map(lambda pair, cls=cls: cls(*pair))
    return st.none() | values if draw(st.booleans()) else values


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=500, deadline=None)
@given(st.lists(anything, max_size=12))
def test_any_list_stays_objects_or_comes_back_identical(way, items):
    round_trip(items, way)


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=300, deadline=None)
@given(st.data())
def test_values_of_one_kind_become_columns(way, data):
    items = data.draw(st.lists(data.draw(one_kind()), max_size=30))
    assert round_trip(items, way) is not None


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_one_stranger_keeps_all_values_objects(data):
    items = data.draw(st.lists(data.draw(st.sampled_from(fitting_scalars[:5])), min_size=1, max_size=20))
    misfits = [st.just(2**63), st.just("\ud800"), st.just(MyStr())]
    strangers = st.one_of([*fitting_scalars[:5], *misfits])
    misfit = strangers.filter(lambda value: type(value) is not type(items[0]) or value in (2**63, "\ud800"))
    stranger = data.draw(misfit)
    items.insert(data.draw(st.integers(0, len(items))), stranger)
    assert round_trip(items) is None


@pytest.mark.parametrize(
    ("items", "kind"),
    [
        ([], "None"),
        ([None, None], "None"),
        ([None, True, False], "Bool"),
        ([1, None, -(2**63)], "Int"),
        ([0.0, -0.0, math.nan, math.inf], "Float"),
        (["", "a", "é" * 20, "日本", "😀\0"], "Str"),
        ([b"", b"\0\xff" * 20], "Bytes"),
        ([(1, "a"), None, (None, None)], "Tuple { items: [Int, Str], class: None }"),
        ([[], None, [], [1, None]], "List(Int)"),
        ([[], []], "List(None)"),
        ([[("a", [1.5])], [("b", [])]], "List(Tuple { items: [Str, List(Float)], class: None })"),
    ],
)
@pytest.mark.parametrize("way", WAYS)
def test_kinds(way, items, kind):
    assert round_trip(items, way)[0] == kind


@pytest.mark.parametrize("way", WAYS)
def test_namedtuples_keep_their_class(way):
    kind, back = round_trip([Point(1, "a"), None, Point(2, None)], way)
    assert "ClassTag" in kind
    assert back[0].y == "a" and hash(back[0]) == hash((1, "a"))
    assert round_trip([Word("a"), Word("b", 2)], way)[1][1].louder() == "B"
    # Pickling an instance leaves a `__slotnames__` in its class.
    pickle.dumps(Point(1, 2), protocol=2)
    assert round_trip([Point(1, 2)], way) is not None


@pytest.mark.parametrize(
    "items",
    [
        [1, True],
        [1, 1.0],
        ["a", b"a"],
        [(1,), [1]],
        [(1, 2), (1, 2, 3)],
        [(1, 2), (1, "a")],
        [[1], ["a"]],
        [()],
        [2**63],
        [-(2**63) - 1],
        ["\ud800"],
        ["a", "é\udfff"],
        [MyInt(1)],
        [MyStr("a")],
        [1, MyInt(1)],
        [MyTuple((1,))],
        [{1}],
        [{}],
        [object()],
        [1j],
        [Point(1, 2), (1, 2)],
        [Point(1, 2), Word("a")],
        [PointWithDict(1, 2)],
        [PointWithNew(1)],
        [PointWithHash(1)],
        [RenamedField(1, 2)],
        [SwappedFields(1, 2)],
    ],
)
def test_misfits_stay_objects(items):
    assert round_trip(items) is None
    assert round_trip([None, *items]) is None
    assert round_trip([(item,) for item in items]) is None


def test_nesting_ends_at_a_limit():
    def nested(depth):
        value = 1
        for _ in range(depth):
            value = (value,)
        return value

    assert round_trip([nested(8)]) is not None
    assert round_trip([nested(9)]) is None
    endless = []
    endless.append(endless)
    assert _native._columns_round_trip([endless]) is None


def test_references_are_balanced():
    text, number, point = "some text that is long enough", 10**12, Point("p", 1)
    gc.collect()
    before = [sys.getrefcount(x) for x in (text, number, point, Point, None)]
    for _ in range(50):
        round_trip([(text, number, point, [text, None])] * 20)
        round_trip([(text, number), 5])
    gc.collect()
    after = [sys.getrefcount(x) for x in (text, number, point, Point, None)]
    # `None` moves a little by itself where it is counted at all.
    assert after[:4] == before[:4] and abs(after[4] - before[4]) < 20


@pytest.mark.parametrize("way", WAYS)
def test_the_collector_is_left_as_it_was(way):
    assert gc.isenabled()
    round_trip([(1, "a")] * 10, way)
    assert gc.isenabled()
    gc.disable()
    try:
        round_trip([(1, "a")] * 10, way)
        assert not gc.isenabled()
    finally:
        gc.enable()


@pytest.mark.parametrize(
    "value",
    [None, True, 1, 2**70, 1.5, 1j, "a", b"a", (), (1, ("a", None)), frozenset({1, ("a",)}), Point(1, ("a",))],
)
def test_immutable_values(value):
    assert _native._is_immutable(value)


@pytest.mark.parametrize(
    "value",
    [[], {}, set(), ([],), frozenset({MyInt(1)}), MyInt(1), MyStr("a"), MyTuple(), object(), bytearray()]
    + [Point(1, []), PointWithDict(1, 2), PointWithNew(1), int, len],
)
def test_values_that_may_change(value):
    assert not _native._is_immutable(value)


def test_a_class_is_judged_anew_when_it_changes():
    changing = collections.namedtuple("changing", "a")
    assert round_trip([changing(1)]) is not None
    changing.__eq__ = lambda self, other: False
    assert _native._columns_round_trip([changing(1)]) is None
    assert not _native._is_immutable(changing(1))
    del changing.__eq__
    assert _native._is_immutable(changing(1))


def test_values_of_a_key_come_back_as_an_iterable_with_a_length():
    answer = _native._columns_round_trip([[1, 2], None, []], "group")
    assert answer is not None
    first, none, empty = answer[1]
    assert type(first) is ResultIterable
    assert (list(first), len(first), none, list(empty)) == ([1, 2], 2, None, [])
