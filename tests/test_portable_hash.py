"""Spark's portable_hash: this process (random seed) against a Spark worker's formula in a process with seed 0."""

import collections
import datetime
import enum
import math
import os
import pickle
import struct
import subprocess
import sys
import typing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstreams import _native

# What a Spark worker computes (pyspark/rdd.py), asked for values as pickles.
WORKER = """
import os, pickle, struct, sys

def portable_hash(x):
    if x is None:
        return 0
    if isinstance(x, tuple):
        h = 0x345678
        for i in x:
            h ^= portable_hash(i)
            h *= 1000003
            h &= sys.maxsize
        h ^= len(x)
        if h == -1:
            h = -2
        return int(h)
    return hash(x)

# Classes of the test module: both processes must know them.
sys.path.insert(0, os.environ["TEST_FOLDER"])

while size := sys.stdin.buffer.read(4):
    values = pickle.loads(sys.stdin.buffer.read(*struct.unpack("<I", size)))
    answer = pickle.dumps([portable_hash(value) for value in values])
    sys.stdout.buffer.write(struct.pack("<I", len(answer)) + answer)
    sys.stdout.buffer.flush()
"""

Point = collections.namedtuple("Point", "x y")


class MyStr(str):
    pass


class MyBytes(bytes):
    pass


class MyInt(int):
    pass


class MySet(frozenset):
    pass


class OwnHash(str):
    def __hash__(self):
        return 42


class Doubled(tuple):
    """A tuple that iterates differently from what it holds: Spark goes by the iteration."""

    def __iter__(self):
        return iter([item for item in super().__iter__() for _ in range(2)])

    def __len__(self):
        return 2 * super().__len__()


class Colour(enum.Enum):
    RED = 1
    GRÜN = "green"


class Level(enum.IntEnum):
    LOW = 1


class Label(str, enum.Enum):
    HOT = "hot"


class Typed(typing.NamedTuple):
    text: str
    number: int = 1


@pytest.fixture(scope="module")
def spark_worker():
    """A function that gives a worker's portable hashes of a list of values."""
    environment = {**os.environ, "PYTHONHASHSEED": "0", "TEST_FOLDER": os.path.dirname(__file__)}
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    )

    def ask(values):
        question = pickle.dumps(values)
        worker.stdin.write(struct.pack("<I", len(question)) + question)
        worker.stdin.flush()
        (size,) = struct.unpack("<I", worker.stdout.read(4))
        return pickle.loads(worker.stdout.read(size))

    with worker:  # closes the pipes, which ends the worker, and waits for it
        yield ask


texts = (
    st.text() | st.text(alphabet="ab\0\x7f\x80\xff") | st.text(alphabet="a\u0100\ud800\udfff\uffff\U00010000\U0010ffff")
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    texts,
    st.binary(),
    st.fractions(),
    st.decimals(allow_nan=False),
    st.complex_numbers(allow_nan=False),
    st.dates(),
    st.datetimes(),
    st.datetimes(timezones=st.just(datetime.timezone.utc) | st.none()),
    st.times(),
    st.timedeltas(),
    texts.map(MyStr),
    st.binary().map(MyBytes),
    st.integers().map(MyInt),
    texts.map(OwnHash),
    st.sampled_from([*Colour, *Level, *Label]),
    st.uuids(),
)
# Before Python 3.12 `None` hashes by its address, so not in sets.
set_items = st.recursive(
    scalars.filter(lambda value: value is not None), lambda items: st.lists(items, max_size=3).map(tuple), max_leaves=4
)


def containers(values):
    return st.one_of(
        st.lists(values, max_size=4).map(tuple),
        st.tuples(values, values).map(lambda pair: Point(*pair)),
        st.lists(values, max_size=3).map(Doubled),
        st.frozensets(set_items, max_size=5),
        st.frozensets(st.frozensets(set_items, max_size=3), max_size=3),
        st.frozensets(set_items, max_size=3).map(MySet),
    )


keys = st.recursive(scalars, containers, max_leaves=10)


def test_the_seed_of_this_process_is_not_the_workers(spark_worker):
    # Else nothing below could fail.
    assert os.environ.get("PYTHONHASHSEED", "random") != "0"
    assert spark_worker(["some text"]) != [hash("some text")]


@settings(max_examples=800, deadline=None)
@given(st.lists(keys, min_size=1, max_size=10))
def test_hashes_are_a_spark_workers(spark_worker, values):
    assert [_native.portable_hash(value) for value in values] == spark_worker(values)


@pytest.mark.parametrize(
    "value",
    ["", b"", "a", "é", "日", "😀", "\ud800", "x" * 1000, 0, -1, -2, 2**61 - 1, 2**61, -(2**63), 2**64, 10**40, 0.0]
    + [-0.0, 1.0, -1.0, 1e300, 5e-324, math.inf, -math.inf, True, None, (), (None,), ("a", 1), ((), ((),))]
    + [Point("a", 1), Typed("a"), Doubled(("a", 2)), frozenset(), frozenset("abc"), frozenset({("a", 1)})]
    + [Colour.GRÜN, Level.LOW, Label.HOT, datetime.date(2024, 2, 29)]
    + [datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31, 23, 59, 59, 999999, fold=1), datetime.time(1, 2, 3)],
    ids=ascii,
)
def test_hash_of(spark_worker, value):
    assert [_native.portable_hash(value)] == spark_worker([value])


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.lists(st.none() | st.integers(-(2**63), 2**63 - 1)),
        st.lists(st.none() | st.floats(allow_nan=False)),
        st.lists(st.none() | st.booleans()),
        st.lists(st.none() | st.text(alphabet=st.characters(codec="utf-8"))),
        st.lists(st.none() | st.binary()),
        st.lists(
            st.none()
            | st.tuples(
                st.none() | st.text(alphabet=st.characters(codec="utf-8")),
                st.tuples(st.integers(-9, 9), st.floats(allow_nan=False)).map(lambda pair: Point(*pair)),
            )
        ),
    )
)
def test_columns_hash_as_their_elements_do(values):
    assert _native._hash_as_columns(values) == [_native.portable_hash(value) for value in values]


def test_nan_hashes_the_same_in_columns_and_objects():
    assert _native._hash_as_columns([math.nan, 1.0]) == [0, 1]
    assert _native.portable_hash(math.nan) == 0


@given(keys, st.integers(1, 10**6))
def test_the_partition_is_pythons_remainder(key, partitions):
    assert _native._partition_of(key, partitions) == _native.portable_hash(key) % partitions


@pytest.mark.parametrize("value", [[], {}, set(), ([],), ("a", (1, {})), bytearray()])
def test_unhashable_values_raise_what_python_raises(value):
    with pytest.raises(TypeError, match="unhashable type"):
        _native.portable_hash(value)
    assert _native._hash_as_columns([[1], [2]]) is None


def test_an_exception_of_a_users_hash_comes_through():
    class Angry:
        def __hash__(self):
            raise KeyError("no")

    with pytest.raises(KeyError, match="no"):
        _native.portable_hash((1, Angry()))


def test_endless_nesting_raises():
    value = ()
    for _ in range(1_000_000):
        value = (value,)
    try:
        with pytest.raises(RecursionError):
            _native.portable_hash(value)
    finally:
        # Taken apart from outside, which needs no stack.
        while value:
            (value,) = value
