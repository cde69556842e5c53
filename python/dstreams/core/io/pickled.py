"""How are elements kept in a file of our own? Pickles of batches, each after its length in 8 bytes."""

from __future__ import annotations

import itertools
import pickle
import struct
from collections.abc import Iterable, Iterator
from typing import IO, Any

from dstreams.core.closures.closure import dump_elements

_LENGTH = struct.Struct(">q")
_BATCH = 1024


def write_batches(file: IO[bytes], elements: Iterable[Any]) -> None:
    """Writes all elements."""
    elements = iter(elements)
    while batch := list(itertools.islice(elements, _BATCH)):
        data = dump_elements(batch)
        file.write(_LENGTH.pack(len(data)))
        file.write(data)


def read_batches(file: IO[bytes]) -> Iterator[Any]:
    """The elements that `write_batches` wrote. Raises EOFError when the file is cut short."""
    while head := file.read(_LENGTH.size):
        if len(head) < _LENGTH.size:
            raise EOFError("a checkpoint file ends within a length")
        (size,) = _LENGTH.unpack(head)
        data = file.read(size)
        if len(data) < size:
            raise EOFError("a checkpoint file ends within a batch")
        yield from pickle.loads(data)
