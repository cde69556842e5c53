"""How does Hadoop write single values? The classes that sequence files of Python programs need."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable
from typing import Any, NamedTuple

from dstreams import _native

_IO = "org.apache.hadoop.io."


class Writable(NamedTuple):
    """A Hadoop class: from a value to bytes, and back."""

    name: str
    dump: Callable[[Any], bytes]
    load: Callable[[bytes], Any]


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
    data = value.encode("utf-8")
    return dump_size(len(data)) + data


def load_text(data: bytes) -> str:
    """What `dump_text` made."""
    size, at = load_size(data, 0)
    return _native.decode_utf8(data[at : at + size])


def _dump_bytes(value: bytes) -> bytes:
    return struct.pack(">i", len(value)) + bytes(value)


def _load_bytes(data: bytes) -> bytearray:
    return bytearray(data[4 : 4 + struct.unpack_from(">i", data)[0]])


def _fixed(name: str, layout: str) -> Writable:
    form = struct.Struct(layout)
    return Writable(_IO + name, form.pack, lambda data: form.unpack_from(data)[0])


NULL = Writable(_IO + "NullWritable", lambda value: b"", lambda data: None)
TEXT = Writable(_IO + "Text", dump_text, load_text)
BYTES = Writable(_IO + "BytesWritable", _dump_bytes, _load_bytes)
BOOLEAN = _fixed("BooleanWritable", ">?")
INT = _fixed("IntWritable", ">i")
LONG = _fixed("LongWritable", ">q")
FLOAT = _fixed("FloatWritable", ">f")
DOUBLE = _fixed("DoubleWritable", ">d")
_VINT = Writable(_IO + "VIntWritable", dump_size, lambda data: load_size(data, 0)[0])
_VLONG = Writable(_IO + "VLongWritable", dump_size, lambda data: load_size(data, 0)[0])

MAP = Writable(_IO + "MapWritable", lambda value: _dump_map(value), lambda data: _load_map(data, 0)[0])

BY_NAME = {one.name: one for one in (NULL, TEXT, BYTES, BOOLEAN, INT, LONG, FLOAT, DOUBLE, MAP, _VINT, _VLONG)}


def writable_for(value: Any) -> Writable:
    """The class that Spark takes for a value. Raises TypeError when there is none."""
    if value is None:
        return NULL
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int):
        return INT if -(2**31) <= value < 2**31 else LONG
    for kind, writable in ((float, DOUBLE), (str, TEXT), ((bytes, bytearray), BYTES), (dict, MAP)):
        if isinstance(value, kind):
            return writable
    raise TypeError(f"a sequence file holds text, bytes, bools, numbers, dicts and None, not {type(value).__name__}")


# -- maps -------------------------------------------------------------------------------------------
# Numbers of the classes that every map knows; a map says which others it holds, and numbers them from 1.
_KNOWN = {BOOLEAN: -126, BYTES: -125, FLOAT: -124, INT: -123, LONG: -122, MAP: -121, NULL: -119, TEXT: -116}
_BY_NUMBER = {**{number: one for one, number in _KNOWN.items()}, -114: _VINT, -113: _VLONG}
_SIZES = {BOOLEAN: 1, FLOAT: 4, INT: 4, LONG: 8, DOUBLE: 8, NULL: 0}


def _dump_map(value: dict[Any, Any]) -> bytes:
    numbers = dict(_KNOWN)
    parts = []
    for one in itertools.chain.from_iterable(value.items()):
        writable = writable_for(one)
        number = numbers.setdefault(writable, len(numbers) - len(_KNOWN) + 1)
        parts += [struct.pack("b", number), writable.dump(one)]
    others = [(number, one.name.encode()) for one, number in numbers.items() if number > 0]
    named = b"".join(struct.pack(">bH", number, len(name)) + name for number, name in others)
    return struct.pack("b", len(others)) + named + struct.pack(">i", len(value)) + b"".join(parts)


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
    places = 16
    while len(pairs) > places * 3 // 4:
        places *= 2
    return sorted(pairs, key=lambda pair: _java_hash(pair[0]) & (places - 1))


def _java_hash(key: Any) -> int:
    """What Java's HashMap makes of a key's hash code; within 32 bits."""
    code = 0
    if isinstance(key, bool):
        code = 1231 if key else 1237
    elif isinstance(key, (int, float)):
        bits = struct.unpack(">Q", struct.pack(">d", key))[0] if isinstance(key, float) else key & (2**64 - 1)
        short = isinstance(key, int) and -(2**31) <= key < 2**31
        code = bits & 0xFFFFFFFF if short else (bits ^ (bits >> 32)) & 0xFFFFFFFF
    elif isinstance(key, str):
        for (unit,) in struct.iter_unpack(">H", key.encode("utf-16-be", "surrogatepass")):
            code = (31 * code + unit) & 0xFFFFFFFF
    return code ^ (code >> 16)
