"""Where are the files that a program ships with its job?

They are copied into a folder of the context, which is removed when it stops; tasks run on this machine and read them
there.
"""

from __future__ import annotations

import filecmp
import os
import shutil
import stat
import tempfile
from collections.abc import Callable

from dstreams.core.engine.errors import java_error
from dstreams.core.engine.localdirs import OwnFolder
from dstreams.core.io.output import local_path

__all__ = ["SparkFiles"]


class SparkFiles:
    """Finds files added with `SparkContext.addFile`, in the driver and in tasks. Never made, only asked."""

    def __init__(self) -> None:
        raise NotImplementedError("Do not construct SparkFiles objects")

    @classmethod
    def get(cls, filename: str) -> str:
        """The absolute path of a file or folder that was added."""
        return os.path.abspath(os.path.join(cls.getRootDirectory(), filename))

    @classmethod
    def getRootDirectory(cls) -> str:
        """The folder with all that was added. Raises Py4JJavaError without an active context."""
        if _ask_driver is not None:
            return _ask_driver()
        from dstreams.core.context import SparkContext

        context = SparkContext._active_spark_context
        if context is None:
            raise java_error("java.lang.NullPointerException", "SparkFiles: there is no active SparkContext")
        return context._shipped.root


# In a worker process: who knows the folder.
_ask_driver: Callable[[], str] | None = None


def ask_with(ask: Callable[[], str]) -> None:
    """Makes this a process whose driver is another one: `ask()` gives the driver's folder."""
    global _ask_driver
    _ask_driver = ask


def _check_regular(path: str) -> None:
    """Raises Py4JJavaError (IOException) for a FIFO, a socket or a device: it may have no end."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise java_error("java.io.IOException", f"path: {path} is a FIFO, a socket or a device, and no file to copy")


def _copied(source: str, target: str) -> None:
    _check_regular(source)
    shutil.copy2(source, target)


class ShippedFiles:
    """The folder of one context."""

    def __init__(self, overwrites: bool) -> None:
        self._overwrites = overwrites
        self._folder = OwnFolder(tempfile.gettempdir(), "files")
        self.root = os.path.join(self._folder.path, "shipped")
        os.mkdir(self.root)
        self.files: list[str] = []
        self.archives: list[str] = []

    def add(self, path: str, recursive: bool) -> None:
        """Copies a file, or a folder if `recursive`. Adding the same once more changes nothing."""
        source = _existing(path)
        is_folder = os.path.isdir(source)
        # What has a scheme is known as the program wrote it.
        address = path if path.startswith("file:") else f"file:{source}/" if is_folder else f"file:{source}"
        if is_folder and not recursive:
            problem = f"Added file {address} is a directory and recursive is not turned on."
            raise java_error("org.apache.spark.SparkException", problem)
        if address in self.files:
            return
        if not is_folder:
            _check_regular(source)
        target = os.path.join(self.root, os.path.basename(source))
        if is_folder:
            if os.path.exists(target):
                problem = f"Failed to delete {target}: a folder of this name has been added before"
                raise java_error("org.apache.spark.SparkException", problem)
            try:
                shutil.copytree(source, target, copy_function=_copied)
            except BaseException:
                shutil.rmtree(target, ignore_errors=True)  # half a folder would be in the way of the whole one
                raise
        elif os.path.exists(target) and not self._overwrites and not filecmp.cmp(source, target, shallow=False):
            problem = f"File {target} exists and does not match contents of {address}"
            raise java_error("org.apache.spark.SparkException", problem)
        else:
            shutil.copyfile(source, target)
        self.files.append(address)

    def add_archive(self, path: str) -> None:
        """Unpacks an archive into a folder with its name, or the one that follows a `#`."""
        source, _, name = path.partition("#")
        if not os.path.exists(local_path(source)):
            raise java_error("java.nio.file.NoSuchFileException", local_path(source))
        source = local_path(source)
        address = f"file:{source}" + (f"#{name}" if name else "")
        if address in self.archives:
            return
        target = os.path.join(self.root, name or os.path.basename(source))
        if source.endswith(".jar"):
            shutil.unpack_archive(source, target, "zip")
        elif os.path.isfile(source) and source.endswith((".zip", ".tar", ".tar.gz", ".tgz")):
            shutil.unpack_archive(source, target)
        else:
            raise java_error("java.lang.IllegalArgumentException", f"{address} is no .zip, .tar, .tar.gz, .tgz or .jar")
        self.archives.append(address)

    def remove(self) -> None:
        """Removes the folder."""
        self._folder.remove()


def in_order(addresses: list[str]) -> list[str]:
    """Addresses in the order in which Spark lists them: that of the bins of a hash table of Java's."""
    bins = 16
    while len(addresses) >= bins * 3 // 4:
        bins *= 2

    def bin_of(address: str) -> int:
        code = java_hash(address) & 0xFFFFFFFF
        return (code ^ code >> 16) & (bins - 1)

    return sorted(addresses, key=bin_of)


def java_hash(text: str) -> int:
    """The hash code of a text in Java: 32 bits with a sign."""
    code, units = 0, text.encode("utf-16-be", "surrogatepass")
    for high, low in zip(units[::2], units[1::2], strict=True):
        code = (code * 31 + (high << 8 | low)) & 0xFFFFFFFF
    return code - (1 << 32) if code >= 1 << 31 else code


def _existing(path: str) -> str:
    found = local_path(path)
    if not os.path.exists(found):
        raise java_error("java.io.FileNotFoundException", f"File file:{found} does not exist")
    return found
