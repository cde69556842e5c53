"""Writing RDDs into files."""

from __future__ import annotations

from functools import partial
from typing import Any, NoReturn, TypeVar

from dstreams.core import sequencefile, tasks
from dstreams.core._rdd_pairs import PairOps
from dstreams.core.codecs import codec_named
from dstreams.core.errors import java_error
from dstreams.core.output import save

T = TypeVar("T")


class Output(PairOps[T]):
    """Saves elements."""

    def saveAsTextFile(self, path: str, compressionCodecClass: str | None = None) -> None:
        """Writes a folder with a file `part-00000` ... per partition, a line per element, and `_SUCCESS` at the end.

        `compressionCodecClass` is the name of a Hadoop class: GzipCodec, BZip2Codec, DefaultCodec (zlib).
        Raises: Py4JJavaError when the folder exists, or a task fails; then there is no `_SUCCESS`.
        """
        if compressionCodecClass is None:
            save(self, path, tasks.write_lines)
            return
        codec = codec_named(compressionCodecClass)
        save(self, path, partial(tasks.write_compressed, codec.name), codec.ending)

    def saveAsPickleFile(self, path: str, batchSize: int = 10) -> None:
        """Writes a folder of sequence files with pickles of `batchSize` elements, which Spark can read too.

        Raises: Py4JJavaError when the folder exists, or a task fails; then there is no `_SUCCESS`.
        """
        save(self, path, partial(sequencefile.write_pickles, batchSize))

    def saveAsSequenceFile(self, path: str, compressionCodecClass: str | None = None) -> None:
        """Writes a folder of sequence files, which Spark can read, from (key, value) pairs.

        Keys and values: str, bytes, bool, int, float or None, each of one type in all pairs of a partition. Ints are
        written with 32 bits where the first one fits, else with 64, as Spark does.
        Raises: Py4JJavaError when the folder exists, or a task fails; then there is no `_SUCCESS`.
        """
        codec = None if compressionCodecClass is None else codec_named(compressionCodecClass).name
        save(self, path, partial(sequencefile.write_pairs, codec))

    # -- what needs Hadoop's classes --------------------------------------------------------------
    def saveAsHadoopFile(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raises: there are no Hadoop classes to write with."""
        _needs_hadoop("saveAsHadoopFile")

    def saveAsHadoopDataset(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raises: there are no Hadoop classes to write with."""
        _needs_hadoop("saveAsHadoopDataset")

    def saveAsNewAPIHadoopFile(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raises: there are no Hadoop classes to write with."""
        _needs_hadoop("saveAsNewAPIHadoopFile")

    def saveAsNewAPIHadoopDataset(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raises: there are no Hadoop classes to write with."""
        _needs_hadoop("saveAsNewAPIHadoopDataset")


def _needs_hadoop(name: str) -> NoReturn:
    raise java_error(
        "java.lang.UnsupportedOperationException",
        f"{name} needs Hadoop's classes, and dstreams runs without a JVM: use saveAsSequenceFile, saveAsTextFile or "
        "saveAsPickleFile",
    )
