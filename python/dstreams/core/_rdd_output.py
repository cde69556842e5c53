"""Writing RDDs into files."""

from __future__ import annotations

import os
import shutil
from functools import partial
from typing import TypeVar

from dstreams.core import tasks
from dstreams.core._rdd_pairs import PairOps
from dstreams.core.errors import java_error

T = TypeVar("T")


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


class Output(PairOps[T]):
    """Saves elements."""

    def saveAsTextFile(self, path: str, compressionCodecClass: str | None = None) -> None:
        """Writes a folder with a file `part-00000` ... per partition, a line per element, and `_SUCCESS` at the end.

        Raises: Py4JJavaError when the folder exists, or a task fails; then there is no `_SUCCESS`.
        """
        if compressionCodecClass is not None:
            raise NotImplementedError(f"compressionCodecClass: {compressionCodecClass} is not available; leave it out")
        folder = local_path(path)
        if os.path.exists(folder):
            raise java_error(
                "org.apache.hadoop.mapred.FileAlreadyExistsException",
                f"Output directory file:{folder} already exists",
            )
        written = self.mapPartitionsWithIndex(partial(tasks.write_lines, folder))
        written._node  # noqa: B018 - a function that cannot be pickled must fail before a folder exists
        drafts = os.path.join(folder, "_temporary")
        os.makedirs(drafts)
        try:
            for name in written.collect():
                os.rename(os.path.join(drafts, name), os.path.join(folder, name))
        finally:
            shutil.rmtree(drafts, ignore_errors=True)
        with open(os.path.join(folder, "_SUCCESS"), "wb"):
            pass
