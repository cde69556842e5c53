"""How are files read, according to Hadoop's settings and Spark's own (`spark.files`)?

What the engine is told, and how Python's readers list and cut files.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from dstreams import _native
from dstreams.core.engine.errors import Py4JJavaError, java_error
from dstreams.core.engine.settings import value_of
from dstreams.core.io import hadoopkeys as keys
from dstreams.core.io.hadoopconf import Configuration
from dstreams.core.io.hadoopformats import NEW, exists

if TYPE_CHECKING:
    from dstreams.core.conf import SparkConf

T = TypeVar("T")

Files = list[tuple[str, int]]
_BLOCK = 32 << 20  # bytes
_MOST = 2**63 - 1
_FOLDER = re.compile("Path: (.*) is a directory, which is not supported")


class Reading(NamedTuple):
    """What the engine is told: see `Reading` in `src/source/reading.rs`."""

    delimiter: bytes | None = None
    longest: int | None = None
    recursive: bool = False
    passes_folders: bool = False
    least_split: int = 1
    most_split: int = _MOST
    block: int = _BLOCK
    skips_missing: bool = False
    skips_corrupt: bool = False
    keeps_empty: bool = False
    new_api: bool = False

    def files(self, spec: str) -> Files:
        """(path, length in bytes) of the files that a path, a folder, a glob, or several with commas, name."""
        try:
            return self._listed(spec, self.passes_folders)
        except Py4JJavaError as error:
            if self.skips_missing and _is_missing(error):
                return []
            raise

    def visible_files(self, spec: str) -> Files:
        """The same for readers of whole files: they pass over folders in folders, and never over what is not there."""
        return self._listed(spec, True)

    def _listed(self, spec: str, passes_folders: bool) -> Files:
        try:
            return _native.list_files(spec, self.recursive, passes_folders)
        except Py4JJavaError as error:
            if not self.new_api:
                raise
            message = error.java_exception.getMessage()
            if _is_missing(error):
                raise java_error(NEW + "lib.input.InvalidInputException", message) from None
            if refused_folder(error) is not None:
                # The newer interface does not expect a folder in a folder.
                problem = 'Cannot read the array length because "blkLocations" is null'
                raise java_error("java.lang.NullPointerException", problem, message) from None
            raise

    def keeps(self, length: int) -> bool:
        """Whether a piece of so many bytes is a partition."""
        return length > 0 or self.keeps_empty

    def read(self, read: Callable[..., Iterable[T]], pieces: Iterable[tuple[Any, ...]]) -> Iterator[T]:
        """What `read(*piece)` gives for each piece of a partition, up to a failure that ends it instead of the task."""
        try:
            for piece in pieces:
                yield from read(*piece)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            if not self.skips_missing:
                raise
        except (OSError, EOFError, zlib.error):
            if not self.skips_corrupt:
                raise

    def split_size(self, files: Files, least: int | None, smallest: int = 1) -> int:
        """How large pieces may be, in bytes: about `least` in all; without `least`, as the newer interface has it."""
        most = self.most_split if least is None else sum(size for _, size in files) // max(least, 1)
        return max(smallest, self.least_split, min(most, self.block))


def _is_missing(error: Py4JJavaError) -> bool:
    return error.java_exception.getName().endswith(".InvalidInputException")


def refused_folder(error: Py4JJavaError) -> str | None:
    """The folder within a folder that a reader met, if that is what went wrong."""
    found = _FOLDER.search(str(error))
    return found[1] if found else None


class FileSettings(NamedTuple):
    """What is settled when a context is made."""

    block: int
    """Bytes of a block of the local file system."""
    skips_missing: bool
    skips_corrupt: bool
    keeps_empty: bool

    @classmethod
    def of(cls, conf: SparkConf, hadoop: Configuration) -> FileSettings:
        """What the settings of a context say. Raises: Py4JJavaError for a value that makes no sense."""
        return cls(
            block=max(hadoop.getLong(keys.LOCAL_BLOCK, _BLOCK), 1),
            skips_missing=value_of(conf, "spark.files.ignoreMissingFiles"),
            skips_corrupt=value_of(conf, "spark.files.ignoreCorruptFiles"),
            keeps_empty=not value_of(conf, "spark.hadoopRDD.ignoreEmptySplits"),
        )


def reading_of(conf: Configuration, files: FileSettings, new_api: bool = False) -> Reading:
    """What settings say; the older interface has no largest split.

    Raises: Py4JJavaError for a value that makes no sense, or a filter, which is Java code.
    """
    name = conf.get(keys.PATH_FILTER)
    if name is not None:
        advice = (
            f"{keys.PATH_FILTER}: {name} is Java code, and dstreams runs without a JVM: name the files by a pattern"
        )
        if exists(name):
            raise java_error("java.lang.UnsupportedOperationException", advice)
        problem = f"java.lang.RuntimeException: java.lang.ClassNotFoundException: Class {name} not found"
        raise java_error("java.lang.RuntimeException", problem, advice)
    delimiter = conf.get(keys.DELIMITER)
    if delimiter == "":
        raise java_error("java.lang.IllegalArgumentException", f"{keys.DELIMITER}: must not be empty")
    longest = conf.getInt(keys.LONGEST, 2**31 - 1)
    return Reading(
        delimiter=None if delimiter is None else delimiter.encode(),
        longest=max(longest, 0) if longest < 2**31 - 1 else None,
        recursive=conf.getBoolean(keys.RECURSIVE, False),
        passes_folders=conf.getBoolean(keys.PASS_FOLDERS, False),
        least_split=max(conf.getLong(keys.LEAST_SPLIT, 1), 1),
        most_split=max(conf.getLong(keys.MOST_SPLIT, _MOST), 0) if new_api else _MOST,
        new_api=new_api,
        **files._asdict(),
    )
