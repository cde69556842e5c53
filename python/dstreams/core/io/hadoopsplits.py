"""How do Hadoop's rarer input formats deal files to partitions, and what do their records become?

Owns what `inputs.py` does not know: so many lines to a partition, several files to a partition, records of one length.
1. A plan is made once; it gives, for each partition, pieces (path, first byte, number of bytes) in their order.
2. Partitions without a byte are left out, as Spark does.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator

from dstreams import _native
from dstreams.core.engine.errors import Py4JJavaError, java_error
from dstreams.core.io import hadoopkeys as keys
from dstreams.core.io.codecs import codec_of, read_whole
from dstreams.core.io.hadoopconf import Configuration
from dstreams.core.io.hadoopreading import Files, Reading, refused_folder
from dstreams.core.io.inputs import Piece, pieces
from dstreams.core.io.regular import open_regular

Plan = list[list[Piece]]


# -- so many lines ------------------------------------------------------------------------------
def counted_plan(spec: str, lines: int, reading: Reading) -> Plan:
    """Pieces of `lines` lines, a partition each."""
    try:
        files = reading.files(spec)
    except Py4JJavaError as error:
        folder = refused_folder(error)
        if folder is None or not reading.new_api:
            raise
        raise java_error("java.io.IOException", f"Not a file: file:{folder}") from None
    found = [(path, *piece) for path, _ in files for piece in _native.line_pieces(path, lines)]
    return [[piece] for piece in found if reading.keeps(piece[2])]


# -- several files together ---------------------------------------------------------------------
def combined_plan(spec: str, settings: Configuration, reading: Reading) -> Plan:
    """Pieces of several files together, until a partition has `split.maxsize` bytes; without that, all of them.

    All files are on one machine, in one rack: what is left there is a partition if it has the least size for it.
    """
    per_node, per_rack = settings.getLong(keys.LEAST_PER_NODE, 0), settings.getLong(keys.LEAST_PER_RACK, 0)
    most = settings.getLong(keys.MOST_SPLIT, 0)
    _check_sizes(most, per_node, per_rack)
    groups: Plan = []
    group: list[Piece] = []
    left: list[Piece] = []
    for path, size in reading._replace(passes_folders=True).files(spec):
        for piece in _blocks(path, size, most):
            left.append(piece)
            if not piece[2]:
                continue  # nobody keeps empty files: they are left for the end
            group.append(piece)
            if 0 < most <= _bytes(group):
                groups.append(group)
                group, left = [], [one for one in left if not one[2]]
    if group and not groups and 0 < per_node <= _bytes(group):
        groups.append(group)
        left = [one for one in left if not one[2]]
    if left and reading.keeps(_bytes(left)):
        groups.append(left)
    return groups


def _check_sizes(most: int, per_node: int, per_rack: int) -> None:
    for what, least in (("node", per_node), (" rack", per_rack)):
        if 0 < most < least:
            problem = f"Minimum split size per{what} {least} cannot be larger than maximum split size {most}"
            raise java_error("java.io.IOException", problem)
    if 0 < per_rack < per_node:
        problem = f"Minimum split size per node {per_node} cannot be larger than minimum split size per rack {per_rack}"
        raise java_error("java.io.IOException", problem)


def _blocks(path: str, size: int, most: int) -> Iterator[Piece]:
    """Pieces of a file of `most` bytes; what is between one and two of them is halved."""
    codec, start = codec_of(path), 0
    if codec is not None and codec.ending != ".bz2":
        most = 0
    while True:
        left = size - start
        length = left if not most else left // 2 if most < left < 2 * most else min(most, left)
        yield path, start, length
        start += length
        if start >= size:
            return


def _bytes(group: list[Piece]) -> int:
    return sum(size for _, _, size in group)


# -- records of one length ----------------------------------------------------------------------
def fixed_plan(spec: str, least: int | None, reading: Reading) -> Plan:
    """Pieces as those of lines have; compressed files are whole."""
    files = reading.files(spec)
    most = reading.split_size(files, least)
    return [[piece] for file in files for piece in _fixed_pieces(file, most) if reading.keeps(piece[2])]


def _fixed_pieces(file: tuple[str, int], most: int) -> Iterable[Piece]:
    files: Files = [file]
    return pieces(files, most) if codec_of(file[0]) is None else [(file[0], 0, file[1])]


def read_fixed(told: str | None, path: str, start: int, size: int) -> Iterator[tuple[int, bytearray]]:
    """(position, record) of the records that begin in a piece; `told`: what the settings say of their bytes.

    Raises: Py4JJavaError for a length that makes no sense, and for a record that its file ends within.
    """
    length = Configuration({} if told is None else {keys.RECORD_LENGTH: told}).getInt(keys.RECORD_LENGTH, 0)
    if length <= 0:
        problem = f"Fixed record length {length} is invalid.  It should be set to a value greater than zero"
        raise java_error("java.io.IOException", problem, f"{keys.RECORD_LENGTH}: must be above 0, not {told}")
    content = read_whole(path) if codec_of(path) is not None else None
    first = -(-start // length) * length
    end = len(content) if content is not None else start + size
    with io.BytesIO(content) if content is not None else open_regular(path) as file:
        file.seek(first)
        for position in range(first, end, length):
            record = file.read(length)
            if len(record) < length:
                problem = f"Partial record(length = {len(record)}) found at the end of split."
                raise java_error("java.io.IOException", problem, f"file:{path} is no whole number of records")
            yield position, bytearray(record)
