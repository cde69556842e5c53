"""How are results written, according to Hadoop's settings? Compression, marks of success, overwriting."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from dstreams.core.engine.arguments import java_text
from dstreams.core.engine.errors import Py4JJavaError, java_error
from dstreams.core.engine.stopped import check_alive
from dstreams.core.io import hadoopkeys as keys
from dstreams.core.io.codecs import Codec, codec_named
from dstreams.core.io.hadoopconf import Configuration
from dstreams.core.io.hadoopformats import exists

if TYPE_CHECKING:
    from dstreams.core.context import SparkContext

# Whether a thread runs functions of a batch.
_of_thread = threading.local()

VALIDATES = "spark.hadoop.validateOutputSpecs"
_TYPES = ("NONE", "RECORD", "BLOCK")


class Writing(NamedTuple):
    """What becomes of a folder of results."""

    codec: Codec | None
    """How its files are compressed."""
    block_bytes: int
    """Bytes of a block of a compressed sequence file; 0 where each value is compressed by itself."""
    compresses_sequences: bool
    """Whether sequence files are compressed, too."""
    validates: bool
    """Whether a folder that is there is an error."""
    marks: bool
    """Whether a file `_SUCCESS` says that the folder is whole."""
    problem: tuple[str, str] | None = None
    """A setting that tasks stumble over: the class of Java's exception, and what it says."""


def writing_of(
    ctx: SparkContext, conf: Configuration, codec_name: str | None = None, *, sequences: bool = False
) -> Writing:
    """What settings say; `codec_name` is what the call itself says, which also means blocks in sequence files.

    Raises: Py4JJavaError for a value that makes no sense, unless tasks are the first to notice.
    """
    check_alive(ctx)
    version = conf.getInt(keys.COMMITTER_VERSION, 1)
    if version not in (1, 2):
        advice = f"{keys.COMMITTER_VERSION}: must be 1 or 2, not {version}"
        raise java_error("java.io.IOException", "Only 1 or 2 algorithm version is supported", advice)
    kind = "BLOCK" if codec_name else conf.get(keys.COMPRESS_TYPE, "RECORD") or ""
    codec, problem = codec_named(java_text("compressionCodecClass", codec_name)) if codec_name else None, None
    if codec_name is None and conf.getBoolean(keys.COMPRESS, False):
        codec, problem = _codec_of(conf)
        if problem is None and sequences and kind not in _TYPES:
            told = f"{keys.COMPRESS_TYPE} should be one of {', '.join(_TYPES)}, but was {kind}"
            problem = ("java.lang.IllegalArgumentException", told)
    return Writing(
        codec=codec,
        block_bytes=max(conf.getInt(keys.BLOCK_BYTES, 1_000_000), 1) if kind == "BLOCK" else 0,
        compresses_sequences=kind != "NONE",
        validates=_validates(ctx) and not getattr(_of_thread, "in_batch", False),
        marks=conf.getBoolean(keys.MARKS_SUCCESS, True),
        problem=problem,
    )


@contextmanager
def of_a_batch() -> Iterator[None]:
    """For the functions of a stream's batch: after a restart it is run again, so folders may be there already."""
    before, _of_thread.in_batch = getattr(_of_thread, "in_batch", False), True
    try:
        yield
    finally:
        _of_thread.in_batch = before


def _codec_of(conf: Configuration) -> tuple[Codec | None, tuple[str, str] | None]:
    """The codec that settings name, or what is wrong with it."""
    name = conf.get(keys.CODEC) or ""
    try:
        return codec_named(name), None
    except Py4JJavaError:
        if exists(name):
            raise  # a class that there is in Spark: it is better known before a job
        told = f"Compression codec {name} was not found."
        return None, ("java.lang.IllegalArgumentException", f"{told} ({keys.CODEC})")


def _validates(ctx: SparkContext) -> bool:
    text = (ctx._conf.get(VALIDATES, "true") or "").strip().lower()
    if text not in ("true", "false"):
        problem = f'Illegal value for config key {VALIDATES}: For input string: "{text}"'
        raise java_error("java.lang.IllegalArgumentException", problem)
    return text == "true"
