"""How does a folder of results come about, so that nobody takes half of one for whole?

1. Each task writes `part-00000` ... into a folder of this job within `_temporary`; the driver moves them when all tasks
   have succeeded, and then writes `_SUCCESS`, unless Hadoop's settings say otherwise.
2. Beside each file lies `.<name>.crc`, as Hadoop's local file system writes it: a sum per 512 bytes.
"""

from __future__ import annotations

import errno
import os
import shutil
import struct
import uuid
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any

from dstreams.core.engine.arguments import java_text
from dstreams.core.engine.errors import JavaException, Py4JJavaError, java_error
from dstreams.core.io.hadoopwriting import Writing

if TYPE_CHECKING:
    from dstreams.core.rdds.base import RDDBase

_CHUNK = 512  # bytes per sum
_HEAD = b"crc\0" + struct.pack(">i", _CHUNK)

Writer = Callable[["SummedFile", Iterable[Any]], None]


def local_path(path: str) -> str:
    """A path of the local file system. Raises Py4JJavaError for the schemes of other file systems."""
    scheme, colon, rest = path.partition(":")
    if not colon or "/" in scheme:
        return os.path.abspath(path)
    if scheme != "file":
        raise java_error(
            "org.apache.hadoop.fs.UnsupportedFileSystemException",
            f'No FileSystem for scheme "{scheme}": use a local path or file:',
        )
    return os.path.abspath("/" + rest.lstrip("/"))


class SummedFile:
    """A file being written, with its sums in `.<name>.crc` once it is closed without an error."""

    def __init__(self, folder: str, name: str) -> None:
        self._file = open(os.path.join(folder, name), "wb")  # noqa: SIM115 - closed by __exit__
        self._sums_path = os.path.join(folder, sums_of(name))
        self._sums = [_HEAD]
        self._rest = b""

    def write(self, data: bytes) -> None:
        """Appends bytes."""
        self._file.write(data)
        data = self._rest + data
        whole = len(data) - len(data) % _CHUNK
        view = memoryview(data)
        self._sums += [_sum(view[at : at + _CHUNK]) for at in range(0, whole, _CHUNK)]
        self._rest = data[whole:]

    def __enter__(self) -> SummedFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if kind is None:
            if self._rest:
                self._sums.append(_sum(self._rest))
            with open(self._sums_path, "wb") as file:
                file.write(b"".join(self._sums))


def sums_of(name: str) -> str:
    """The name of the file with the sums of a file."""
    return f".{name}.crc"


def _sum(data: bytes | memoryview) -> bytes:
    return struct.pack(">I", zlib.crc32(data))


def save(
    rdd: RDDBase[Any],
    path: str,
    write: Writer,
    ending: str = "",
    prefix: str = "part-",
    *,
    writing: Writing,
    numbered: bool = False,
) -> None:
    """Runs `write(file, elements)` for each partition, into the files of the folder `path`.

    numbered: whether the RDDs that Spark makes for this have their numbers already.
    Raises: Py4JJavaError when the folder exists, unless that is allowed, or a task fails; then there is no `_SUCCESS`.
    """
    folder = folder_named(path)
    drafts = os.path.join(folder, "_temporary", uuid.uuid4().hex)
    if writing.problem is not None:  # tasks find out
        write = partial(_refuse, *writing.problem)
    written = rdd.mapPartitionsWithIndex(partial(_write_part, drafts, prefix, ending, write))
    written._node  # noqa: B018 - a function that cannot be pickled must fail before a folder exists
    if not numbered:
        written._show()
        for _ in range(2):  # Spark makes two more RDDs, of what Hadoop writes
            rdd.ctx._next_rdd()
    if writing.validates and os.path.exists(folder):
        raise java_error(
            "org.apache.hadoop.mapred.FileAlreadyExistsException", f"Output directory file:{folder} already exists"
        )
    _make(drafts, folder)
    try:
        for name in rdd.ctx._collect(written._node):
            for moved in (sums_of(name), name):
                os.replace(os.path.join(drafts, moved), os.path.join(folder, moved))
    except BaseException as error:
        with suppress(OSError):  # what could not be removed is no news beside the failure
            _remove(drafts)
        if isinstance(error, Py4JJavaError):
            # The job's failure is the cause of this one; the text tells of both.
            failed = error.java_exception
            error.java_exception = JavaException("org.apache.spark.SparkException", "Job aborted.", failed)
        raise
    _remove(drafts)
    if writing.marks:
        with SummedFile(folder, "_SUCCESS"):
            pass


def folder_named(path: str | None) -> str:
    """The local folder that a program names for results. Raises Py4JJavaError when it names none."""
    if not path:
        problem = "Output path is null" if path is None else "Can not create a Path from an empty string"
        raise java_error("java.lang.IllegalArgumentException", problem, "path: must be the path of a folder")
    return local_path(java_text("path", path))


def _make(drafts: str, folder: str) -> None:
    try:
        os.makedirs(drafts)
    except NotADirectoryError:
        parent = folder
        while not os.path.exists(parent):
            parent = os.path.dirname(parent)
        problem = f"Parent path is not a directory: file:{parent}"
        raise java_error("org.apache.hadoop.fs.ParentNotDirectoryException", problem) from None
    except OSError as error:
        advice = f"The folder {folder} cannot be made: {error.strerror}"
        raise java_error("org.apache.spark.SparkException", "Job aborted.", advice) from error


def _refuse(java_class: str, message: str, file: SummedFile, elements: Iterable[Any]) -> None:
    raise java_error(java_class, message)


def _remove(drafts: str) -> None:
    """Removes the folder of a job within `_temporary`, and that, unless another job is in it as well.

    A failed job does not wait for its other tasks. Once the folder has another name, none of them can begin a file in
    it while it is being removed.
    """
    os.rename(drafts, f"{drafts}.removed")
    shutil.rmtree(f"{drafts}.removed")
    with suppress(OSError):  # not empty: the job of a stream that took over from this one, say
        os.rmdir(os.path.dirname(drafts))


def remove_half(path: str) -> None:
    """Removes the folder of a result that is not whole, if it holds nothing but parts of one.

    It gets another name first: a process that is paused in here and wakes when another one has written the result
    removes nothing of that.
    """
    folder = local_path(path)
    parent, name = os.path.split(folder)
    aside = os.path.join(parent, f".{name}.half")
    if _is_half(aside):  # of a process that was killed in here
        shutil.rmtree(aside, ignore_errors=True)
    if not _is_half(folder):
        return
    try:
        os.rename(folder, aside)
    except (FileNotFoundError, FileExistsError):
        return  # another process has the same in mind
    except OSError as error:
        if error.errno != errno.ENOTEMPTY:
            raise
        return  # so it has
    if _is_half(aside):
        shutil.rmtree(aside)
    elif os.path.isdir(aside):
        os.rename(aside, folder)  # it has become whole in between


def is_marked(path: str) -> bool:
    """Whether a folder says that it holds a whole result."""
    return os.path.exists(os.path.join(local_path(path), "_SUCCESS"))


def _is_half(folder: str) -> bool:
    if not os.path.isdir(folder):
        return False
    names = {name.lstrip(".") for name in os.listdir(folder)}
    return "_SUCCESS" not in names and all(
        name == "_temporary" or name.startswith(("part-", "_SUCCESS")) for name in names
    )


def _write_part(drafts: str, prefix: str, ending: str, write: Writer, index: int, elements: Iterable[Any]) -> list[str]:
    name = f"{prefix}{index:05d}{ending}"
    with SummedFile(drafts, name) as file:
        write(file, elements)
    return [name]
