"""How does Hadoop write single values? The classes that sequence files of Python programs need."""

from __future__ import annotations

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

BY_NAME = {one.name: one for one in (NULL, TEXT, BYTES, BOOLEAN, INT, LONG, FLOAT, DOUBLE, _VINT, _VLONG)}


def writable_for(value: Any) -> Writable:
    """The class that Spark takes for a value. Raises TypeError when there is none."""
    if value is None:
        return NULL
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int):
        return INT if -(2**31) <= value < 2**31 else LONG
    for kind, writable in ((float, DOUBLE), (str, TEXT), ((bytes, bytearray), BYTES)):
        if isinstance(value, kind):
            return writable
    raise TypeError(f"a sequence file holds text, bytes, bools, numbers and None, not {type(value).__name__}")
