"""How does Hadoop write single values, and how does it print them? The classes that files of Python programs need.

1. Spark's JVM chooses the class by the very class of a value (`writable_for`): an int of 32 bits has another one than
   one of 64, and a value of a subclass has none.
2. Maps are written and printed in the order of Java's hash tables: of the values, then of Hadoop's objects for them.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable
from typing import Any, NamedTuple

from dstreams import _native
from dstreams.core.engine.errors import java_error
from dstreams.core.files import java_hash
from dstreams.core.io.javatext import java_class, java_float, java_short_float

_IO = "org.apache.hadoop.io."


class Writable(NamedTuple):
    """A Hadoop class: from a value to bytes, and back, and to text."""

    name: str
    dump: Callable[[Any], bytes]
    load: Callable[[bytes], Any]
    text: Callable[[Any], str]


def dump_size(value: int) -> bytes:
    """An int in one byte if it is small, else in as few as it needs after one with their number."""
    if -112 <= value <= 127:
        return struct.pack("b", value)
    negative = value < 0
    rest = ~value if negative else value
    data = rest.to_bytes((rest.bit_length() + 7) // 8, "big")
    return struct.pack("b", (-120 if negative else -112) - len(data)) + data


def load_size(data: bytes, at: int) -> tuple[int, int]:
    """The int at a position, and the position after it."""
    (first,) = struct.unpack_from("b", data, at)
    if first >= -112:
        return first, at + 1
    negative = first < -120
    end = at + 1 + ((-120 if negative else -112) - first)
    value = int.from_bytes(data[at + 1 : end], "big")
    return (~value if negative else value), end


def dump_text(value: str) -> bytes:
    """Text as UTF-8 after its length."""
    data = whole_text(value).encode("utf-8")
    return dump_size(len(data)) + data


def whole_text(value: str) -> str:
    """Text as Java reads it from a pickle: halves of a pair that stand alone are not known there."""
    if value.isascii():
        return value
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return _native.decode_utf8(value.encode("utf-8", "surrogatepass"))
    return value


def load_text(data: bytes) -> str:
    """What `dump_text` made."""
    size, at = load_size(data, 0)
    return _native.decode_utf8(data[at : at + size])


def _dump_bytes(value: bytes) -> bytes:
    return struct.pack(">i", len(value)) + bytes(value)


def _load_bytes(data: bytes) -> bytearray:
    return bytearray(data[4 : 4 + struct.unpack_from(">i", data)[0]])


def _dump_array(value: tuple[Any, ...]) -> bytes:
    return struct.pack(">i", len(value)) + b"".join(writable_for(one).dump(one) for one in value)


def _load_array(data: bytes) -> Any:
    problem = f"java.lang.NoSuchMethodException: {_IO}ArrayWritable.<init>()"
    raise java_error("java.lang.RuntimeException", problem, "An array in a file does not tell the class of its values")


def _array_text(value: tuple[Any, ...]) -> str:
    values = ", ".join(java_text(one) for one in value)
    return f"ArrayWritable [valueClass=interface {_IO}Writable, values=[{values}]]"


def _fixed(name: str, layout: str, text: Callable[[Any], str] = str) -> Writable:
    form = struct.Struct(layout)
    return Writable(_IO + name, form.pack, lambda data: form.unpack_from(data)[0], text)


NULL = Writable(_IO + "NullWritable", lambda value: b"", lambda data: None, lambda value: "(null)")
TEXT = Writable(_IO + "Text", dump_text, load_text, whole_text)
BYTES = Writable(_IO + "BytesWritable", _dump_bytes, _load_bytes, lambda value: value.hex(" "))
BOOLEAN = _fixed("BooleanWritable", ">?", lambda value: "true" if value else "false")
INT = _fixed("IntWritable", ">i")
LONG = _fixed("LongWritable", ">q")
FLOAT = _fixed("FloatWritable", ">f", java_short_float)
DOUBLE = _fixed("DoubleWritable", ">d", java_float)
_VINT = Writable(_IO + "VIntWritable", dump_size, lambda data: load_size(data, 0)[0], str)
_VLONG = Writable(_IO + "VLongWritable", dump_size, lambda data: load_size(data, 0)[0], str)
ARRAY = Writable(_IO + "ArrayWritable", _dump_array, _load_array, _array_text)
MAP = Writable(
    _IO + "MapWritable",
    lambda value: _dump_map(value),
    lambda data: _load_map(data, 0)[0],
    lambda value: _map_text(value),
)

BY_NAME = {one.name: one for one in (NULL, TEXT, BYTES, BOOLEAN, INT, LONG, FLOAT, DOUBLE, MAP, ARRAY, _VINT, _VLONG)}
_BY_KIND = {
    type(None): NULL, bool: BOOLEAN, float: DOUBLE, str: TEXT, bytes: BYTES, bytearray: BYTES, dict: MAP, tuple: ARRAY,
}  # fmt: skip


def writable_for(value: Any) -> Writable:
    """The class that Spark takes for a value. Raises Py4JJavaError when there is none."""
    kind = type(value)
    if kind is int and -(2**63) <= value < 2**63:
        return INT if -(2**31) <= value < 2**31 else LONG
    found = _BY_KIND.get(kind)
    if found is None:
        problem, known = (
            f"Data of type {java_class(value)} cannot be used",
            "text, bytes, numbers, bools, dicts, tuples",
        )
        advice = f"{value!r:.80}, of type {kind.__name__}, has no class of Hadoop's: use {known} or None"
        raise java_error("org.apache.spark.SparkException", problem, advice)
    return found


def java_text(value: Any) -> str:
    """A value as Hadoop's class for it prints it. Raises Py4JJavaError when there is no such class."""
    return writable_for(value).text(value)


# -- maps -------------------------------------------------------------------------------------------
# Numbers of the classes that every map knows; a map says which others it holds, and numbers them from 1.
_KNOWN = {
    ARRAY: -127,
    BOOLEAN: -126,
    BYTES: -125,
    FLOAT: -124,
    INT: -123,
    LONG: -122,
    MAP: -121,
    NULL: -119,
    TEXT: -116,
}
_BY_NUMBER = {**{number: one for one, number in _KNOWN.items()}, -114: _VINT, -113: _VLONG}
_TOGETHER = 1000  # pairs of a dict in a pickle
_SIZES = {BOOLEAN: 1, FLOAT: 4, INT: 4, LONG: 8, DOUBLE: 8, NULL: 0}


def _dump_map(value: dict[Any, Any]) -> bytes:
    numbers, pairs = dict(_KNOWN), _unpickled(value)
    for one in itertools.chain.from_iterable(pairs):
        numbers.setdefault(writable_for(one), len(numbers) - len(_KNOWN) + 1)
    parts = []
    for one in itertools.chain.from_iterable(_in_writables_order(pairs)):
        writable = writable_for(one)
        parts += [struct.pack("b", numbers[writable]), writable.dump(one)]
    others = [(number, one.name.encode()) for one, number in numbers.items() if number > 0]
    named = b"".join(struct.pack(">bH", number, len(name)) + name for number, name in others)
    return struct.pack("b", len(others)) + named + struct.pack(">i", len(value)) + b"".join(parts)


def _unpickled(value: dict[Any, Any]) -> list[tuple[Any, Any]]:
    """The pairs of a dict as Java has them, which unpickles it into one hash table after the other.

    A pickle holds 1000 pairs together. They are put into a table from the last one on, and then, in the order of that,
    into the table of the dict, which is made large enough for the first ones.
    """
    pairs = list(value.items())
    chunks = [pairs[at : at + _TOGETHER] for at in range(0, len(pairs), _TOGETHER)]
    places, size, found = 1, 0, []
    for number, chunk in enumerate(chunks):
        while places < int(len(chunk) / 0.75 + 1) if number == 0 else len(chunk) > places * 3 // 4:
            places *= 2
        found += in_java_order(chunk[::-1])
        size += len(chunk)
        while size > places * 3 // 4:
            places *= 2
    return _in_bins(found, _java_hash, places)


def _map_text(value: dict[Any, Any]) -> str:
    pairs = _in_writables_order(_unpickled(value))
    return "{" + ", ".join(f"{java_text(key)}={java_text(one)}" for key, one in pairs) + "}"


def _load_map(data: bytes, at: int) -> tuple[dict[Any, Any], int]:
    (others,) = struct.unpack_from("b", data, at)
    at += 1
    known = dict(_BY_NUMBER)
    for _ in range(others):
        number, size = struct.unpack_from(">bH", data, at)
        at += 3 + size
        known[number] = _named(data[at - size : at].decode())
    (count,) = struct.unpack_from(">i", data, at)
    at += 4
    found: list[Any] = []
    for _ in range(2 * count):
        (number,) = struct.unpack_from("b", data, at)
        if number not in known:
            raise ValueError(f"a map holds class number {number} of Hadoop's, which cannot be read")
        value, at = _load_one(known[number], data, at + 1)
        found.append(value)
    return dict(in_java_order(list(zip(found[::2], found[1::2], strict=True)))), at


def _named(name: str) -> Writable:
    if name not in BY_NAME:
        raise ValueError(f"a map holds {name}, which cannot be read; known are {', '.join(BY_NAME)}")
    return BY_NAME[name]


def _load_one(writable: Writable, data: bytes, at: int) -> tuple[Any, int]:
    """A value that others follow, and the position after it."""
    if writable is MAP:
        return _load_map(data, at)
    if writable is ARRAY:
        return _load_array(data), at
    if writable in (_VINT, _VLONG):
        return load_size(data, at)
    if writable is TEXT:
        size, begin = load_size(data, at)
        end = begin + size
    elif writable is BYTES:
        end = at + 4 + int(struct.unpack_from(">i", data, at)[0])
    else:
        end = at + _SIZES[writable]
    return writable.load(data[at:end]), end


def in_java_order(pairs: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Pairs in the order in which a `java.util.HashMap` gives them, after they were put in one after the other."""
    return _in_bins(pairs, _java_hash)


def _in_writables_order(pairs: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """The same, where Hadoop's objects for them were put in."""
    return _in_bins(pairs, _writable_hash)


def _in_bins(pairs: list[tuple[Any, Any]], hash_of: Callable[[Any], int], places: int = 16) -> list[tuple[Any, Any]]:
    while len(pairs) > places * 3 // 4:
        places *= 2

    def place(pair: tuple[Any, Any]) -> int:
        code = hash_of(pair[0]) & 0xFFFFFFFF
        return (code ^ (code >> 16)) & (places - 1)

    return sorted(pairs, key=place)


def _java_hash(key: Any) -> int:
    """The hash code of a key in Java, of which 32 bits count."""
    if isinstance(key, bool):
        return 1231 if key else 1237
    if isinstance(key, (int, float)):
        bits = struct.unpack(">Q", struct.pack(">d", key))[0] if isinstance(key, float) else key & (2**64 - 1)
        short = isinstance(key, int) and -(2**31) <= key < 2**31
        return bits if short else bits ^ (bits >> 32)
    if isinstance(key, str):
        return java_hash(key)
    return 0


def _writable_hash(key: Any) -> int:
    """The hash code of Hadoop's object for a key, of which 32 bits count; that of an array is its place in memory."""
    if isinstance(key, bool):
        return 0 if key else 1
    if isinstance(key, int):
        return key
    if isinstance(key, float):
        return int(struct.unpack(">Q", struct.pack(">d", key))[0])
    if isinstance(key, dict):
        return 1 + sum(_writable_hash(one) ^ _writable_hash(other) for one, other in key.items())
    code = 0
    if isinstance(key, (str, bytes, bytearray)):
        code = 1
        for byte in whole_text(key).encode() if isinstance(key, str) else key:
            code = (31 * code + (byte if byte < 128 else byte - 256)) & 0xFFFFFFFF
    return code
