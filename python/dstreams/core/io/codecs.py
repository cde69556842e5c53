"""Which compressions can files have, and what are they called?

Names are those of Hadoop's classes; the formats are Python's gzip, bz2 and zlib, and the engine's Zstandard.
"""

from __future__ import annotations

import bz2
import gzip
import zlib
from collections.abc import Callable
from typing import NamedTuple

from dstreams import _native
from dstreams.core.engine.errors import java_error
from dstreams.core.io.regular import open_regular

_HADOOP = "org.apache.hadoop.io.compress."


class Codec(NamedTuple):
    """A compression: the ending of its files, and its two functions."""

    name: str
    ending: str
    compress: Callable[[bytes], bytes]
    decompress: Callable[[bytes], bytes]


_CODECS = [
    Codec(_HADOOP + "GzipCodec", ".gz", gzip.compress, gzip.decompress),
    Codec(_HADOOP + "BZip2Codec", ".bz2", bz2.compress, bz2.decompress),
    Codec(_HADOOP + "DefaultCodec", ".deflate", zlib.compress, zlib.decompress),
    Codec(_HADOOP + "DeflateCodec", ".deflate", zlib.compress, zlib.decompress),
    Codec(_HADOOP + "ZStandardCodec", ".zst", _native.zstd_pack, _native.zstd_unpack),
]
_BY_NAME = {codec.name: codec for codec in _CODECS}
_ABSENT = ("SnappyCodec", "Lz4Codec")


def codec_named(name: str) -> Codec:
    """The codec of a Hadoop class. Raises Py4JJavaError when there is no such class, or it is not available here."""
    found = _BY_NAME.get(name)
    if found is not None:
        return found
    if name.removeprefix(_HADOOP) in _ABSENT:
        usable = ", ".join(codec.name.removeprefix(_HADOOP) for codec in _CODECS)
        raise java_error("java.lang.UnsupportedOperationException", f"{name} is not available; use one of {usable}")
    raise java_error("java.lang.ClassNotFoundException", name)


def codec_of(path: str) -> Codec | None:
    """The codec whose ending a file has, if any."""
    return next((codec for codec in _CODECS if path.endswith(codec.ending)), None)


def read_whole(path: str) -> bytes:
    """A file's content, decompressed if its ending is a codec's."""
    with open_regular(path) as file:
        data = file.read()
    codec = codec_of(path)
    return codec.decompress(data) if codec else data
