"""Objects as streams of bytes, and contexts whose elements pass through a serializer of the program."""

from __future__ import annotations

import io
import pickle
import struct
import threading
from collections import namedtuple
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dstreams import MarshalSerializer, SparkConf, SparkContext
from dstreams.core import serializers as ser
from dstreams.core.engine.errors import Py4JJavaError

Point = namedtuple("Point", "x y")

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
FRAMED: list[Callable[[], ser.FramedSerializer]] = [
    ser.PickleSerializer,
    ser.CloudPickleSerializer,
    ser.MarshalSerializer,
    ser.AutoSerializer,
    lambda: ser.CompressedSerializer(ser.PickleSerializer()),
]
BATCHED: list[Callable[[Any], ser.Serializer]] = [
    lambda s: s,
    ser.BatchedSerializer,
    ser.AutoBatchedSerializer,
    lambda s: ser.BatchedSerializer(s, 2),
    lambda s: ser.BatchedSerializer(s, 0),
]


def framed(*parts: bytes) -> bytes:
    return b"".join(struct.pack("!i", len(part)) + part for part in parts)


@pytest.mark.parametrize("make", FRAMED)
@pytest.mark.parametrize("batched", BATCHED)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(objects=st.lists(PLAIN, max_size=20))
def test_objects_come_back(
    make: Callable[[], ser.FramedSerializer], batched: Callable[[Any], ser.Serializer], objects: list[Any]
) -> None:
    assert list(ser.through(batched(make()), objects)) == objects


def test_a_stream_is_frames_with_their_lengths() -> None:
    stream = io.BytesIO()
    ser.BatchedSerializer(ser.PickleSerializer(), 2).dump_stream(iter("abc"), stream)
    assert stream.getvalue() == framed(pickle.dumps(["a", "b"], 5), pickle.dumps(["c"], 5))


def test_marks_in_a_stream() -> None:
    ends = framed(b"\x80\x05K\x01.") + struct.pack("!i", ser.SpecialLengths.NULL) + struct.pack("!i", -1) + b"more"
    assert list(ser.PickleSerializer().load_stream(io.BytesIO(ends))) == [1, None]
    texts = framed("né".encode()) + struct.pack("!i", ser.SpecialLengths.NULL)
    assert list(ser.UTF8Deserializer().load_stream(io.BytesIO(texts))) == ["né", None]
    assert list(ser.UTF8Deserializer(False).load_stream(io.BytesIO(texts))) == ["né".encode(), None]


def test_batches_find_their_size() -> None:
    stream = io.BytesIO()
    ser.AutoBatchedSerializer(ser.PickleSerializer(), 100).dump_stream(range(100), stream)
    stream.seek(0)
    sizes = [len(batch) for batch in ser.PickleSerializer().load_stream(stream)]
    assert sizes == [1, 2, 4, 8, 16, 32, 37]


def test_values_of_a_key_in_pieces() -> None:
    pairs = [("a", [1, 2, 3]), ("b", [4])]
    assert list(ser.through(ser.FlattenedValuesSerializer(ser.PickleSerializer(), 2), pairs)) == [
        ("a", [1, 2]), ("a", [3]), ("b", [4])]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "pairs"),
    [
        (ser.CartesianDeserializer, [(1, "a"), (1, "b"), (2, "a"), (2, "b"), (3, "c"), (3, "d")]),
        (ser.PairDeserializer, [(1, "a"), (2, "b")]),
    ],
)
def test_two_kinds_of_batches_in_one_stream(kind: Callable[..., ser.Serializer], pairs: list[Any]) -> None:
    batches = [[1, 2], ["a", "b"], [3], ["c", "d"]]
    plain = ser.PickleSerializer()
    of_lists = ser.BatchedSerializer(plain, 2)
    stream = io.BytesIO(framed(*map(plain.dumps, batches)))
    found = kind(of_lists, of_lists).load_stream(stream)
    if kind is ser.PairDeserializer:
        assert [next(found), next(found)] == pairs
        with pytest.raises(ValueError, match=r"different number of items in batches: \(1, 2\)"):
            next(found)
    else:
        assert list(found) == pairs


def test_equality_and_names() -> None:
    auto = ser.AutoBatchedSerializer(ser.CPickleSerializer())
    assert auto == ser.AutoBatchedSerializer(ser.CloudPickleSerializer()) and auto != ser.PickleSerializer()
    assert len({auto, ser.AutoBatchedSerializer(ser.CPickleSerializer())}) == 1
    assert repr(auto) == "AutoBatchedSerializer(CloudPickleSerializer())"
    assert repr(ser.BatchedSerializer(ser.MarshalSerializer(), 3)) == "BatchedSerializer(MarshalSerializer(), 3)"
    assert repr(ser.UTF8Deserializer()) == "UTF8Deserializer(True)"


@settings(deadline=None)
@given(data=st.lists(st.binary(max_size=30)), size=st.integers(1, 20))
def test_a_chunked_stream_passes_on_whole_chunks(data: list[bytes], size: int) -> None:
    kept = bytearray()

    class Inner(io.BytesIO):
        def close(self) -> None:
            kept.extend(self.getvalue())
            super().close()

    stream = ser.ChunkedStream(Inner(), size)
    for part in data:
        stream.write(part)
    stream.close()
    whole = b"".join(data)
    chunks = [whole[at : at + size] for at in range(0, len(whole), size)]
    assert bytes(kept) == framed(*chunks) + struct.pack("!i", -1)
    assert stream.closed


def test_what_cannot_be_pickled_says_so() -> None:
    with pytest.raises(pickle.PicklingError, match="Could not serialize object: TypeError: cannot pickle"):
        ser.CloudPickleSerializer().dumps(threading.Lock())


def test_elements_pass_through_the_serializer_of_the_context() -> None:
    conf = SparkConf(loadDefaults=False)
    with SparkContext("local[2]", "marshal", conf=conf, serializer=MarshalSerializer(), batchSize=1) as sc:
        assert sc.serializer == ser.BatchedSerializer(MarshalSerializer(), 1)
        assert sc.parallelize([1, "two", (3,)], 2).map(str).collect() == ["1", "two", "(3,)"]
        assert sc.parallelize(range(5), 2).count() == 5
        with pytest.raises(ValueError, match="unmarshallable"):
            sc.parallelize([Point(1, 2)])
        with pytest.raises(Py4JJavaError, match="unmarshallable"):
            sc.parallelize([1]).map(lambda x: Point(x, x)).collect()


@pytest.mark.parametrize(
    ("size", "parts"),
    [
        (0, [[0, 1, 2], [3, 4, 5], [6, 7, 8, 9]]),
        (1, [[0, 1, 2], [3, 4, 5], [6, 7, 8, 9]]),
        (2, [[0, 1], [2, 3, 4, 5], [6, 7, 8, 9]]),
        (-1, [[0, 1, 2], [3, 4, 5], [6, 7, 8, 9]]),
    ],
)
def test_batches_decide_where_data_is_cut(size: int, parts: list[list[int]]) -> None:
    with SparkContext("local[2]", "batches", conf=SparkConf(loadDefaults=False), batchSize=size) as sc:
        assert sc.parallelize(list(range(10)), 3).glom().collect() == parts
        assert sc.serializer == ser.batched(ser.CPickleSerializer(), size)
