"""What is in Hadoop's sequence files? Reads and writes all their three forms, for text, bytes and numbers.

Layout: `SEQ`, version 6, class names of key and value, whether compressed, whether in blocks, codec, metadata, a mark
of 16 random bytes; then records, with the mark again every 100 kB, so that a reader may begin anywhere.
A pickle file is such a file: its values are arrays of pickles, each of a list of elements, as Java writes arrays.
"""

from __future__ import annotations

import itertools
import os
import pickle
import struct
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any, NamedTuple

from dstreams.core.closures.closure import dump_elements
from dstreams.core.engine.errors import java_error
from dstreams.core.io.codecs import codec_named
from dstreams.core.io.output import SummedFile
from dstreams.core.io.regular import open_regular
from dstreams.core.io.writables import BY_NAME, BYTES, NULL, Writable, dump_size, dump_text, load_size, writable_for

MARK_EVERY = 100 * 1024  # bytes
_MARK = 16  # bytes
_ESCAPE = struct.pack(">i", -1)
_INT = struct.Struct(">i")

# Java's serialization of `byte[][]`, up to its length; and of its first and later elements, up to theirs.
_ARRAYS = bytes.fromhex("aced0005 7572 0003 5b5b42 4bfd19156767db37 02 0000 7870")
_FIRST = bytes.fromhex("7572 0002 5b42 acf317f8060854e0 02 0000 7870")
_LATER = bytes.fromhex("7571 007e0002")
_ARRAYS_PER_RECORD = 10


# -- writing ------------------------------------------------------------------------------------
class Compression(NamedTuple):
    """How a sequence file is compressed: by which codec, and in blocks of how many bytes; 0: value by value."""

    codec: str
    block_bytes: int


class _Writer:
    def __init__(self, file: SummedFile, names: tuple[str, str], compression: Compression | None) -> None:
        self._file = file
        self._compress = codec_named(compression.codec).compress if compression else None
        self._block_bytes = compression.block_bytes if compression else 0
        self._block: list[tuple[bytes, bytes]] = []
        self._block_size = 0
        self._mark = os.urandom(_MARK)
        self._since_mark = 0
        in_blocks = self._block_bytes > 0
        head = [b"SEQ\x06", *map(dump_text, names), bytes([compression is not None, in_blocks])]
        if compression:
            head.append(dump_text(compression.codec))
        file.write(b"".join([*head, _INT.pack(0), self._mark]))

    def append(self, key_data: bytes, value_data: bytes) -> None:
        """Adds a record, or puts it into the block that has begun."""
        if self._block_bytes:
            self._block.append((key_data, value_data))
            self._block_size += len(key_data) + len(value_data)
            if self._block_size >= self._block_bytes:
                self.finish()
            return
        if self._compress:
            value_data = self._compress(value_data)
        if self._since_mark >= MARK_EVERY:
            self._file.write(_ESCAPE + self._mark)
            self._since_mark = 0
        record = _INT.pack(len(key_data) + len(value_data)) + _INT.pack(len(key_data)) + key_data + value_data
        self._file.write(record)
        self._since_mark += len(record)

    def finish(self) -> None:
        """Writes the block that has begun, if one has."""
        if not self._block or self._compress is None:
            return
        parts = [_ESCAPE, self._mark, dump_size(len(self._block))]
        for side in zip(*self._block, strict=True):
            for data in (b"".join(dump_size(len(one)) for one in side), b"".join(side)):
                packed = self._compress(data)
                parts += [dump_size(len(packed)), packed]
        self._file.write(b"".join(parts))
        self._block, self._block_size = [], 0


def write_pairs(
    compression: Compression | None, names: tuple[str, str], file: SummedFile, pairs: Iterable[tuple[Any, Any]]
) -> None:
    """Writes (key, value) pairs of the classes of these names.

    Raises: Py4JJavaError (IOException) for a pair of others, and for names of classes that are none of Hadoop's.
    """
    for what, name in zip(("Key", "Value"), names, strict=True):
        if not name.startswith("org.apache.hadoop."):
            raise java_error("java.io.IOException", f"Could not find a serializer for the {what} class: '{name}'")
    writer = _Writer(file, names, compression)
    for key, value in pairs:
        classes = writable_for(key), writable_for(value)
        if (classes[0].name, classes[1].name) != names:
            raise _wrong_class(names, (key, value))
        writer.append(classes[0].dump(key), classes[1].dump(value))
    writer.finish()


def _wrong_class(names: tuple[str, str], pair: tuple[Any, Any]) -> Exception:
    found = [writable_for(one).name for one in pair]
    what, one, other = next(wrong for wrong in zip(("key", "value"), found, names, strict=True) if wrong[1] != wrong[2])
    problem = f"wrong {what} class: {one} is not class {other}"
    return java_error(
        "java.io.IOException", problem, f"{pair!r:.80} differs from the first pair, or what the call says"
    )


def write_pickles(batch_size: int, compression: Compression | None, file: SummedFile, elements: Iterable[Any]) -> None:
    """Writes elements as pickles of lists of `batch_size`; 0: as many as are worth it."""
    writer = _Writer(file, (NULL.name, BYTES.name), compression)
    elements = iter(elements)
    pickles = iter(lambda: list(itertools.islice(elements, batch_size or 1024)), [])
    while group := [dump_elements(batch) for batch in itertools.islice(pickles, _ARRAYS_PER_RECORD)]:
        writer.append(b"", BYTES.dump(_java_arrays(group)))
    writer.finish()


def _java_arrays(arrays: list[bytes]) -> bytes:
    parts = [_ARRAYS, _INT.pack(len(arrays))]
    for at, array in enumerate(arrays):
        parts += [_LATER if at else _FIRST, _INT.pack(len(array)), array]
    return b"".join(parts)


# -- reading ------------------------------------------------------------------------------------
Form = Callable[[str], Callable[[bytes], Any]]
"""What becomes of what is in a file, by the name of its class."""


class _Head(NamedTuple):
    names: list[str]
    in_blocks: bool
    codec: str | None
    mark: bytes


def as_values(name: str) -> Callable[[bytes], Any]:
    """Python's values. Raises ValueError for a class that is unknown here."""
    return _known(name).load


def as_text(name: str) -> Callable[[bytes], str]:
    """What Java prints. Raises ValueError for a class that is unknown here."""
    writable = _known(name)
    return lambda data: writable.text(writable.load(data))


def as_bytes(name: str) -> Callable[[bytes], bytearray]:
    """What is in the file, whatever it is."""
    return bytearray


def _known(name: str) -> Writable:
    if name not in BY_NAME:
        raise ValueError(f"{name} cannot be read; known are {', '.join(BY_NAME)}")
    return BY_NAME[name]


def read_pairs(path: str, start: int, length: int, form: Form = as_values) -> Iterator[tuple[Any, Any]]:
    """The pairs that follow the first mark at `start` or later, up to the first mark after `start + length`.

    A part that ends within the file's head has none.
    Raises: OSError when the file is no sequence file, ValueError when it holds classes that are unknown here.
    """
    end = start + length
    with open_regular(path) as file:
        head = _read_head(file, path)
        if start > file.tell():
            file.seek(start)
            if not _find_mark(file, head.mark):
                return
        if file.tell() >= end:
            return
        load_key, load_value = (form(name) for name in head.names)
        records = _blocks(file, head, end) if head.in_blocks else _records(file, head, end)
        for key, value in records:
            yield load_key(key), load_value(value)


def read_pickles(path: str, start: int, length: int) -> Iterator[Any]:
    """The elements of a part of a pickle file."""
    for _, data in read_pairs(path, start, length):
        for array in _from_java_arrays(bytes(data), path):
            yield from pickle.loads(array)


def _from_java_arrays(data: bytes, path: str) -> Iterator[bytes]:
    if not data.startswith(_ARRAYS):
        raise ValueError(f"file:{path} is no pickle file")
    at = len(_ARRAYS)
    (count,) = _INT.unpack_from(data, at)
    at += _INT.size
    for number in range(count):
        at += len(_LATER if number else _FIRST)
        (size,) = _INT.unpack_from(data, at)
        at += _INT.size
        yield data[at : at + size]
        at += size


def _read_head(file: IO[bytes], path: str) -> _Head:
    if file.read(4) != b"SEQ\x06":
        raise OSError(f"file:{path} not a SequenceFile of version 6")
    names = [_read_text(file), _read_text(file)]
    compressed, in_blocks = file.read(2)
    codec = _read_text(file) if compressed else None
    for _ in range(2 * _read_int(file)):
        _read_text(file)
    return _Head(names, bool(in_blocks), codec, _exactly(file, _MARK))


def _records(file: IO[bytes], head: _Head, end: int) -> Iterator[tuple[bytes, bytes]]:
    decompress = codec_named(head.codec).decompress if head.codec else None
    while size_data := file.read(_INT.size):
        (size,) = _INT.unpack(size_data)
        if size == -1:
            begin = file.tell() - _INT.size
            _exactly(file, _MARK)
            if begin >= end:
                return
            continue
        key_size = _read_int(file)
        key, value = _exactly(file, key_size), _exactly(file, size - key_size)
        yield key, decompress(value) if decompress else value


def _blocks(file: IO[bytes], head: _Head, end: int) -> Iterator[tuple[bytes, bytes]]:
    decompress = codec_named(head.codec or "").decompress
    while file.read(_INT.size):
        begin = file.tell() - _INT.size
        _exactly(file, _MARK)
        if begin >= end:
            return
        count = _read_size(file)
        key_sizes, keys, value_sizes, values = (decompress(_exactly(file, _read_size(file))) for _ in range(4))
        yield from zip(_cut(keys, key_sizes, count), _cut(values, value_sizes, count), strict=True)


def _cut(data: bytes, sizes: bytes, count: int) -> Iterator[bytes]:
    at = begin = 0
    for _ in range(count):
        size, at = load_size(sizes, at)
        yield data[begin : begin + size]
        begin += size


def _find_mark(file: IO[bytes], mark: bytes) -> bool:
    """Goes to the first mark, its escape included, at the current position or later."""
    wanted, kept, at = _ESCAPE + mark, b"", file.tell()
    while data := file.read(1 << 16):
        found = (kept + data).find(wanted)
        if found >= 0:
            file.seek(at - len(kept) + found)
            return True
        at += len(data)
        kept = (kept + data)[-len(wanted) + 1 :]
    return False


def _exactly(file: IO[bytes], size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise EOFError(f"a sequence file ends {size - len(data)} bytes too early")
    return data


def _read_int(file: IO[bytes]) -> int:
    value: int = _INT.unpack(_exactly(file, _INT.size))[0]
    return value


def _read_size(file: IO[bytes]) -> int:
    at = file.tell()
    value, used = load_size(file.read(9), 0)
    file.seek(at + used)
    return value


def _read_text(file: IO[bytes]) -> str:
    return _exactly(file, _read_size(file)).decode("utf-8")
