"""Where may this process put files of its own, and who removes them?

1. A folder per process in each of the local folders (`spark.local.dir`), made when it is first needed. Its name begins
   with `dstreams-`, and an open file in it is locked as long as the process lives.
2. It is removed when the context stops and at exit. A process that was killed could not do that: whoever starts next
   removes the folders whose lock is free, and those that have been without one for an hour.
3. Forked children neither remove it nor keep it locked.
4. It is for this user alone (700), and links in it are not followed.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import re
import shutil
import tempfile
import threading
import time
import weakref
from typing import TYPE_CHECKING

from dstreams.core.engine import process
from dstreams.core.engine.errors import java_error

if TYPE_CHECKING:
    from dstreams.core.conf import SparkConf

_LOCK_NAME = ".owner"
_PREFIX = "dstreams-"
# What `OwnFolder` calls its folders; whatever else begins so is somebody's own.
_OURS = re.compile(r"dstreams-(files|spill)-[0-9]+-[a-z0-9_]{8}")
_MAKING = 3600.0  # seconds


def roots_of(conf: SparkConf) -> list[str]:
    """The local folders: SPARK_LOCAL_DIRS, else `spark.local.dir`, else the folder for temporary files."""
    named = os.environ.get("SPARK_LOCAL_DIRS") or conf.get("spark.local.dir")
    if named is None:
        return [tempfile.gettempdir()]
    return [os.path.abspath(part.strip().removeprefix("file:")) for part in named.split(",") if part.strip()]


def check_roots(roots: list[str]) -> None:
    """Tries whether the local folders can be made and written, and warns of those that cannot.

    Raises: Py4JJavaError (IOException) when none of them can be used.
    """
    problems = [f"{root}: {problem}" for root in roots if (problem := problem_of(root))]
    listed = f"spark.local.dir (or SPARK_LOCAL_DIRS) should name folders that can be written, but was {roots}"
    if len(problems) == len(roots):
        told = "".join(f"; {problem}" for problem in problems)
        raise java_error(
            "java.io.IOException", f"Failed to get a temp directory under [{','.join(roots)}]. {listed}{told}"
        )
    for problem in problems:
        logging.getLogger("dstreams").warning("spark.local.dir: a folder is left out: %s", problem)


def problem_of(root: str) -> str | None:
    """Why a local folder can be neither made nor written; None if it can."""
    # Those that are not there are made on trial: nothing is to be left behind as long as nothing is needed.
    folder, made = root, []
    while not os.path.lexists(folder):
        made.append(folder)
        folder = os.path.dirname(folder)
    try:
        os.makedirs(root, exist_ok=True)
        return None if os.access(root, os.W_OK | os.X_OK) else "it cannot be written"
    except OSError as error:
        return error.strerror or str(error)
    finally:
        with contextlib.suppress(OSError):  # in use already, or never made
            for folder in made:
                os.rmdir(folder)


class OwnFolder:
    """A folder of this process, locked until it is removed."""

    def __init__(self, root: str, kind: str) -> None:
        self._process = process.current
        os.makedirs(root, exist_ok=True)
        self.path = tempfile.mkdtemp(prefix=f"{_PREFIX}{kind}-{os.getpid()}-", dir=root)
        draft = os.path.join(self.path, _LOCK_NAME + ".draft")
        self._lock = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_RDWR, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        # Under its name it is locked from the start: nobody can take the folder for an orphan in between.
        os.rename(draft, os.path.join(self.path, _LOCK_NAME))
        _own.add(self)

    def remove(self) -> None:
        """Removes the folder with all that is in it, unless it is the parent's."""
        if not process.is_here(self._process):
            return
        _own.discard(self)
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


_own: weakref.WeakSet[OwnFolder] = weakref.WeakSet()


def _give_up_locks() -> None:
    # The lock is the parent's and goes on; but it must not last as long as a child that outlives the parent.
    for folder in _own:
        os.close(folder._lock)
    _own.clear()


process.in_child(_give_up_locks)


class LocalDirs:
    """The folders of one context, one in each local folder."""

    def __init__(self, conf: SparkConf) -> None:
        self.roots = roots_of(conf)
        check_roots(self.roots)
        self._guard = threading.Lock()
        self._folders: list[OwnFolder] = []
        self._removed = False
        for root in {*self.roots, tempfile.gettempdir()}:
            remove_orphans(root)

    def claim(self) -> list[str]:
        """The folders' paths. Local folders that cannot be written are left out, as long as there is another one.

        Raises: OSError when there is none.
        """
        with self._guard:
            if self._removed:
                raise OSError("the context is stopped: it has no local folders any more")
            problems = []
            if not self._folders:
                for root in self.roots:
                    try:
                        self._folders.append(OwnFolder(root, "spill"))
                    except OSError as problem:
                        problems.append(f"{root}: {problem}")
            if not self._folders:
                raise OSError("none of the folders of spark.local.dir can be written: " + "; ".join(problems))
            return [folder.path for folder in self._folders]

    def remove(self) -> None:
        """Removes the folders."""
        with self._guard:
            self._removed = True
            while self._folders:
                self._folders.pop().remove()


def remove_orphans(root: str) -> None:
    """Removes the folders in `root` whose processes are gone."""
    with contextlib.suppress(OSError), os.scandir(root) as entries:
        for entry in entries:
            if entry.name.startswith(_PREFIX) and entry.is_dir(follow_symlinks=False) and _is_orphan(entry):
                shutil.rmtree(entry.path, ignore_errors=True)


def _is_orphan(folder: os.DirEntry[str]) -> bool:
    try:
        # A folder of another user is his to remove, whatever is in it: he may change it at any moment.
        found = folder.stat(follow_symlinks=False)
        if found.st_uid != os.geteuid():
            return False
        lock = os.open(os.path.join(folder.path, _LOCK_NAME), os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        # Being made at this moment, or its process was killed in that moment: the first does not take long.
        return _OURS.fullmatch(folder.name) is not None and time.time() - found.st_mtime > _MAKING
    except OSError:
        return False  # not one of ours
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        return True
    finally:
        os.close(lock)
