"""What are Hadoop's `FileSystem`, `Path` and `FileStatus` here? The local file system, by Java's names."""

from __future__ import annotations

import os
import posixpath
import shutil
from collections.abc import Iterator
from urllib.parse import urlsplit

from dstreams import _native
from dstreams.core.engine.errors import Py4JJavaError, java_error
from dstreams.core.io.output import local_path
from dstreams.core.java.refusal import Refusing

_INSTEAD = "use Python's os, shutil and pathlib"


class Address(Refusing):
    """`java.net.URI`."""

    _called, _instead = "java.net.URI", "use urllib.parse"

    def __init__(self, text: str) -> None:
        self._text = text

    @staticmethod
    def create(text: str) -> Address:
        """The address that a text is."""
        return Address(text)

    def getPath(self) -> str:
        """What follows scheme and host."""
        return urlsplit(self._text).path

    def getScheme(self) -> str | None:
        """What comes before the colon, if there is one."""
        return urlsplit(self._text).scheme or None

    def getHost(self) -> str | None:
        """The host, if there is one."""
        return urlsplit(self._text).hostname

    def toString(self) -> str:
        """The whole text."""
        return self._text

    __str__ = toString


class Path(Refusing):
    """`org.apache.hadoop.fs.Path`: a path, or one below another."""

    _called, _instead = "org.apache.hadoop.fs.Path", _INSTEAD

    def __init__(self, text: object, child: object = None) -> None:
        joined = str(text) if child is None else f"{str(text).rstrip('/')}/{child}"
        if not joined:
            problem = "Can not create a Path from an empty string"
            raise java_error("java.lang.IllegalArgumentException", problem)
        scheme, colon, rest = joined.partition(":")
        if not colon or "/" in scheme:
            scheme, rest = "", joined
        self._scheme = scheme
        host, rest = (rest[2:].partition("/")[0], "/" + rest[2:].partition("/")[2]) if rest[:2] == "//" else ("", rest)
        self._host, self._path = host, posixpath.normpath(rest)

    def getName(self) -> str:
        """The last name in it."""
        return self._path.rpartition("/")[2]

    def getParent(self) -> Path | None:
        """The path above it, if there is one."""
        above = posixpath.dirname(self._path)
        return Path(self._before() + above) if above and above != self._path else None

    def toUri(self) -> Address:
        """The path as address."""
        return Address(self.toString())

    def getFileSystem(self, conf: object) -> FileSystem:
        """The file system that it is of."""
        return FileSystem.get(self.toUri(), conf)

    def suffix(self, text: str) -> Path:
        """The path with something behind it."""
        return Path(self.toString() + text)

    def isAbsolute(self) -> bool:
        """Whether it begins at the root."""
        return self._path.startswith("/")

    def _before(self) -> str:
        return (f"{self._scheme}:" if self._scheme else "") + (f"//{self._host}" if self._host else "")

    def toString(self) -> str:
        """The whole path."""
        return self._before() + self._path

    __str__ = toString

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Path) and other.toString() == self.toString()

    def __hash__(self) -> int:
        return hash(self.toString())

    @property
    def _local(self) -> str:
        return local_path(self.toString())


class FileStatus(Refusing):
    """What is known of a file or folder."""

    _called, _instead = "FileStatus", "use os.stat"

    def __init__(self, path: str) -> None:
        try:
            self._facts = os.stat(path)
        except FileNotFoundError:
            raise _missing(path) from None
        self._path, self._is_folder = path, os.path.isdir(path)

    def getPath(self) -> Path:
        """Its path."""
        return Path("file:" + self._path)

    def getLen(self) -> int:
        """Its length in bytes."""
        return self._facts.st_size

    def getModificationTime(self) -> int:
        """When it changed, in milliseconds since 1970."""
        return self._facts.st_mtime_ns // 1_000_000

    def isDirectory(self) -> bool:
        """Whether it is a folder."""
        return self._is_folder

    isDir = isDirectory

    def isFile(self) -> bool:
        """Whether it is a file."""
        return not self._is_folder


class ContentSummary(Refusing):
    """How much is in a folder."""

    _called, _instead = "ContentSummary", "use os.walk"

    def __init__(self, path: str) -> None:
        self._folders, self._files = 1, [] if os.path.isdir(path) else [path]
        if self._files:
            self._folders = 0
        for above, folders, files in os.walk(path):
            self._folders += len(folders)
            self._files += [os.path.join(above, name) for name in files if not name.endswith(".crc")]

    def getLength(self) -> int:
        """Bytes of all files."""
        return sum(os.path.getsize(file) for file in self._files)

    def getFileCount(self) -> int:
        """Number of files."""
        return len(self._files)

    def getDirectoryCount(self) -> int:
        """Number of folders, itself included."""
        return self._folders


class Listing(Refusing):
    """Files one after the other, as Java's iterators give them."""

    _called, _instead = "RemoteIterator", "use hasNext() and next()"

    def __init__(self, found: list[FileStatus]) -> None:
        self._left = found[::-1]

    def hasNext(self) -> bool:
        """Whether there is one left."""
        return bool(self._left)

    def next(self) -> FileStatus:
        """The next one."""
        return self._left.pop()


class FileSystem(Refusing):
    """`org.apache.hadoop.fs.FileSystem` of local files."""

    _called, _instead = "org.apache.hadoop.fs.FileSystem", _INSTEAD

    @staticmethod
    def get(address: object, conf: object = None) -> FileSystem:
        """The local file system. Raises: Py4JJavaError for an address of another one."""
        if isinstance(address, (Address, str)):
            local_path(str(address))
        return FileSystem()

    getLocal = newInstance = get

    def getUri(self) -> Address:
        """Its address."""
        return Address("file:///")

    def exists(self, path: Path) -> bool:
        """Whether there is something."""
        return os.path.exists(path._local)

    def isDirectory(self, path: Path) -> bool:
        """Whether it is a folder."""
        return os.path.isdir(path._local)

    def isFile(self, path: Path) -> bool:
        """Whether it is a file."""
        return os.path.isfile(path._local)

    def getFileStatus(self, path: Path) -> FileStatus:
        """What is known of it. Raises: Py4JJavaError when it is not there."""
        return FileStatus(path._local)

    def listStatus(self, path: Path) -> list[FileStatus]:
        """What is in a folder; a file itself. Raises: Py4JJavaError when it is not there."""
        place = path._local
        if not os.path.exists(place):
            raise _missing(place)
        return [FileStatus(place)] if os.path.isfile(place) else list(_within(place))

    def listFiles(self, path: Path, recursive: bool) -> Listing:
        """The files in a folder, one after the other."""
        found = self.listStatus(path)
        files = [one for one in found if one.isFile()]
        for folder in (one for one in found if recursive and one.isDirectory()):
            files += self.listFiles(folder.getPath(), True)._left[::-1]
        return Listing(files)

    def globStatus(self, pattern: Path) -> list[FileStatus] | None:
        """What a pattern names; None for a plain path that is not there."""
        place = pattern._local
        if os.path.exists(place):
            return [FileStatus(place)]
        if not any(mark in place for mark in "*?[{"):
            return None
        return [FileStatus(found) for found in _native.glob(place)]

    def getContentSummary(self, path: Path) -> ContentSummary:
        """How much is in it."""
        return ContentSummary(self.getFileStatus(path)._path)

    def mkdirs(self, path: Path) -> bool:
        """Makes a folder and those above it."""
        os.makedirs(path._local, exist_ok=True)
        return True

    def createNewFile(self, path: Path) -> bool:
        """Makes an empty file; False when it is there."""
        try:
            os.close(os.open(path._local, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        except FileExistsError:
            return False
        return True

    def delete(self, path: Path, recursive: bool = True) -> bool:
        """Removes it; False when it is not there. Raises: Py4JJavaError for a folder with something in it."""
        place = path._local
        if not os.path.lexists(place):
            return False
        if not os.path.isdir(place):
            os.remove(place)
        elif recursive:
            shutil.rmtree(place)
        elif os.listdir(place):
            raise java_error("java.io.IOException", f"Directory {place} is not empty")
        else:
            os.rmdir(place)
        return True

    def rename(self, source: Path, target: Path) -> bool:
        """Moves it, into a folder if the target is one. Raises: Py4JJavaError when it is not there."""
        place = source._local
        if not os.path.exists(place):
            raise _missing(place)
        shutil.move(place, target._local)
        return True

    def copyFromLocalFile(self, source: Path, target: Path) -> None:
        """Copies a file or a folder."""
        place = source._local
        if os.path.isdir(place):
            shutil.copytree(place, target._local)
        else:
            shutil.copy(place, target._local)

    copyToLocalFile = copyFromLocalFile

    def getHomeDirectory(self) -> Path:
        """The user's folder."""
        return Path("file:" + os.path.expanduser("~"))

    def getWorkingDirectory(self) -> Path:
        """The current folder."""
        return Path("file:" + os.getcwd())

    def close(self) -> None:
        """Nothing is held, so nothing is let go."""


def _within(folder: str) -> Iterator[FileStatus]:
    for name in os.listdir(folder):
        if not (name.startswith(".") and name.endswith(".crc")):
            yield FileStatus(os.path.join(folder, name))


def _missing(path: str) -> Py4JJavaError:
    return java_error("java.io.FileNotFoundException", f"File {path} does not exist")
