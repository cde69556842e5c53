"""How are files read, according to Hadoop's settings? What the engine is told, and how Python's readers cut files."""

from __future__ import annotations

from typing import NamedTuple

from dstreams import _native
from dstreams.core import hadoopkeys as keys
from dstreams.core.errors import java_error
from dstreams.core.hadoopconf import Configuration

Files = list[tuple[str, int]]
_BLOCK = 32 << 20  # bytes
_MOST = 2**63 - 1


class Reading(NamedTuple):
    """What the engine is told: see `Reading` in `src/source/reading.rs`."""

    delimiter: bytes | None = None
    longest: int | None = None
    recursive: bool = False
    passes_folders: bool = False
    least_split: int = 1
    most_split: int = _MOST
    block: int = _BLOCK

    def files(self, spec: str) -> Files:
        """(path, length in bytes) of the files that a path, a folder, a glob, or several with commas, name."""
        return _native.list_files(spec, self.recursive, self.passes_folders)

    def visible_files(self, spec: str) -> Files:
        """The same for readers of whole files, which pass over folders in folders instead of failing."""
        return _native.list_files(spec, self.recursive, True)

    def split_size(self, files: Files, least: int | None, smallest: int = 1) -> int:
        """How large pieces may be, in bytes: about `least` in all; without `least`, as the newer interface has it."""
        most = self.most_split if least is None else sum(size for _, size in files) // max(least, 1)
        return max(smallest, self.least_split, min(most, self.block))


def reading_of(conf: Configuration, block: int, new_api: bool = False) -> Reading:
    """What settings say; the older interface has no largest split.

    Raises: Py4JJavaError for a value that makes no sense, or a filter, which is Java code.
    """
    name = conf.get(keys.PATH_FILTER)
    if name is not None:
        raise java_error(
            "java.lang.UnsupportedOperationException",
            f"{keys.PATH_FILTER}: {name} is Java code, and dstreams runs without a JVM: name the files by a pattern",
        )
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
        block=block,
    )


def block_size(conf: Configuration) -> int:
    """The size of a local file system's block, which is settled when a context is made."""
    return max(conf.getLong(keys.LOCAL_BLOCK, _BLOCK), 1)
