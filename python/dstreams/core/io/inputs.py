"""Which files does each partition of an input hold, and what comes out of them?

A plan is made on first use: it lists the files and deals them, whole or in pieces, to partitions as Hadoop does. The
elements of a planned partition are (path, start, length); a step over the partition reads them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

from dstreams import _native
from dstreams.core.engine.errors import Py4JJavaError, java_error
from dstreams.core.io import sequencefile
from dstreams.core.io.codecs import read_whole
from dstreams.core.io.hadoopreading import Reading, refused_folder
from dstreams.core.io.regular import open_regular

Piece = tuple[str, int, int]
_SLOP = 1.1  # the last piece of a file may be larger than the others by this factor
_OPENING = 4 << 20  # bytes that opening a binary file is thought to cost
_LARGEST = 128 << 20  # bytes of binary files in a partition


# -- plans --------------------------------------------------------------------------------------
def whole_text_plan(spec: str, least: int, reading: Reading) -> list[list[Piece]]:
    """Whole files, several to a partition, in about `least` partitions."""
    files = reading.visible_files(spec)
    total = sum(size for _, size in files)
    return _together(files, -(-total // least))  # below 0: one file each


def binary_plan(spec: str, parallelism: int, reading: Reading) -> list[list[Piece]]:
    """Whole files, several to a partition, in about `parallelism` partitions; opening one is thought to cost 4 MB."""
    files = reading.visible_files(spec)
    per_task = sum(size + _OPENING for _, size in files) // parallelism
    return _together(files, min(_LARGEST, max(_OPENING, per_task)))


def _together(files: list[tuple[str, int]], most: int) -> list[list[Piece]]:
    """Files in turn until a partition has `most` bytes; what is left, and empty files, come last, as listed."""
    groups: list[list[Piece]] = []
    group: list[Piece] = []
    for path, size in files:
        if size:
            group.append((path, 0, size))
        if most and sum(piece[2] for piece in group) >= most:
            groups.append(group)
            group = []
    dealt = {piece for whole in groups for piece in whole}
    left = [(path, 0, size) for path, size in files if (path, 0, size) not in dealt]
    return [*groups, left] if left else groups


def records_plan(spec: str, length: int, reading: Reading) -> list[list[Piece]]:
    """Pieces of whole records, at most a block of the file system each."""
    files = reading.files(spec)
    most = reading.split_size(files, None)
    if length > 0:
        most = max(most // length * length, length)
    return [[piece] for piece in pieces(files, most) if reading.keeps(piece[2])]


def sequence_plan(spec: str, least: int | None, reading: Reading) -> list[list[Piece]]:
    """Pieces of sequence files, in about `least` partitions if they are not too small to be cut."""
    try:
        files = reading.files(spec)
    except Py4JJavaError as error:
        folder = refused_folder(error)
        if folder is None or os.path.exists(os.path.join(folder, "data")):
            raise
        # A folder is taken for a map, whose pairs are in a file of this name.
        raise java_error("java.io.FileNotFoundException", f"File file:{folder}/data does not exist") from None
    most = reading.split_size(files, least, sequencefile.MARK_EVERY)
    return [[piece] for piece in pieces(files, most) if reading.keeps(piece[2])]


def pieces(files: Iterable[tuple[str, int]], most: int) -> Iterator[Piece]:
    """Files cut into pieces of `most` bytes; the last one of each may be a little larger."""
    for path, size in files:
        start = 0
        while (size - start) / most > _SLOP:
            yield path, start, most
            start += most
        yield path, start, size - start


# -- reading ------------------------------------------------------------------------------------
def read_text(use_unicode: bool, path: str, start: int, size: int) -> Iterator[tuple[Any, Any]]:
    """(path, text) of a whole file, decompressed by its ending; as bytes without `use_unicode`."""
    text = _native.decode_utf8(read_whole(path))
    pair = (f"file:{path}", text)
    yield pair if use_unicode else (pair[0].encode(), text.encode())


def read_binaries(pieces: Iterable[Piece]) -> Iterator[tuple[str, bytes]]:
    """(path, content) of whole files."""
    for path, _, _ in pieces:
        with open_regular(path) as file:
            yield f"file:{path}", file.read()


def read_records(length: int, path: str, start: int, size: int) -> Iterator[bytes]:
    """Records of `length` bytes. Raises EOFError when the last one is shorter."""
    if length <= 0:
        raise ValueError(f"recordLength: must be 1 or more, not {length}")
    with open_regular(path) as file:
        file.seek(start)
        for _ in range(-(-size // length)):
            record = file.read(length)
            if len(record) < length:
                raise EOFError(f"file:{path} ends within a record of {length} bytes")
            yield record
