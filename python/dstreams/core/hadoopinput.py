"""What do Hadoop's input formats make of files? Pairs: of positions and lines, of parts of lines, of sequence files.

1. A line ends at `\\n`, `\\r` or `\\r\\n`. One that begins exactly where a piece begins belongs to the piece before.
2. The older API cuts files into about `least` pieces, the newer one only where a block of a local file ends.
"""

from __future__ import annotations

import mmap
import os
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from dstreams import _native
from dstreams.core import inputs, sequencefile
from dstreams.core.codecs import codec_of, read_whole
from dstreams.core.errors import Py4JJavaError, java_error
from dstreams.core.hadoopformats import NEW, Settings, format_named, refuse_converters, setting

if TYPE_CHECKING:
    from dstreams.core.context import SparkContext
    from dstreams.core.rdd import RDD

_LINE = re.compile(rb"([^\r\n]*)(?:\r\n|\r|\n|\Z)")
_MARK = b"\xef\xbb\xbf"  # the byte order mark, which is no text at the beginning of a file
_INPUT_DIR = ("mapreduce.input.fileinputformat.inputdir", "mapred.input.dir")
_SEPARATOR = (
    "mapreduce.input.keyvaluelinerecordreader.key.value.separator",
    "key.value.separator.in.input.line",
)


def read_format(
    ctx: SparkContext,
    path: str | None,
    name: str,
    new_api: bool,
    converters: tuple[str | None, str | None],
    conf: Settings,
) -> RDD[Any]:
    """An RDD of what an input format gives; without a path, `conf` has it."""
    format_name = format_named(name, "InputFormat", new_api, "textFile, wholeTextFiles, binaryFiles or sequenceFile")
    refuse_converters(*converters)
    place = path or setting(conf, *_INPUT_DIR)
    read = _reader(format_name, conf)
    least = 1 if new_api else ctx.defaultMinPartitions
    return ctx._read(
        place or "", partial(_plan, place, least, format_name, new_api), partial(inputs.read_sequences, read)
    )


def _reader(format_name: str, conf: Settings) -> Callable[[str, int, int], Iterator[Any]]:
    if format_name == "SequenceFileInputFormat":
        return sequencefile.read_pairs
    if format_name == "KeyValueTextInputFormat":
        return partial(read_keyed_lines, setting(conf, *_SEPARATOR) or "\t")
    return read_lines


def _plan(place: str | None, least: int, format_name: str, new_api: bool) -> list[list[inputs.Piece]]:
    if place is None:
        raise java_error("java.io.IOException", "No input paths specified in job")
    try:
        if format_name == "SequenceFileInputFormat":
            return inputs.sequence_plan(place, least)
        return [[piece] for piece in _text_pieces(_native.list_files(place), least)]
    except Py4JJavaError as error:
        if new_api and error.java_exception.getName().endswith(".InvalidInputException"):
            problem = error.java_exception.getMessage()
            raise java_error(NEW + "lib.input.InvalidInputException", problem) from None
        raise


def _text_pieces(files: list[tuple[str, int]], least: int) -> Iterable[inputs.Piece]:
    most = inputs.piece_size(files, least)
    for path, size in files:
        if codec_of(path) is None:
            yield from inputs.pieces([(path, size)], most)
        else:
            yield path, 0, size


def read_lines(path: str, start: int, length: int) -> Iterator[tuple[int, str]]:
    """(position in bytes, line) of the lines of a piece; of a compressed file, positions are those in its content."""
    for at, line in _lines(path, start, length):
        yield at, line.decode("utf-8", "replace")


def read_keyed_lines(separator: str, path: str, start: int, length: int) -> Iterator[tuple[str, str]]:
    """(what is before the separator, what is behind it) of each line; without one, all is before it."""
    for _, line in read_lines(path, start, length):
        key, _, value = line.partition(separator)
        yield key, value


def _lines(path: str, start: int, length: int) -> Iterator[tuple[int, bytes]]:
    if codec_of(path) is not None:
        data = read_whole(path)
        yield from _cut(data, 0, len(data))
        return
    if os.path.getsize(path) == 0:
        return
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        yield from _cut(mapped, start, start + length)


def _cut(data: bytes | mmap.mmap, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    at, size = start, len(data)
    if start > 0:
        at = _line(data, at).end()
    while at < size and at <= end:
        found = _line(data, at)
        line = found.group(1)
        yield at, line.removeprefix(_MARK) if at == 0 else line
        at = found.end()


def _line(data: bytes | mmap.mmap, at: int) -> re.Match[bytes]:
    found = _LINE.match(data, at)
    assert found is not None, "an empty line always matches"
    return found
