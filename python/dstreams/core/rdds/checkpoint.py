"""How is an RDD's lineage replaced by its data?

1. Marking an RDD changes nothing yet. After the next job that needs it, a job of its own computes it once more and
   writes `rdd-<id>/part-00000` ... into the checkpoint folder; from then on it is read from there.
2. A local checkpoint is kept in memory instead and costs no second computation.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from dstreams import _native
from dstreams.core.engine import callsite
from dstreams.core.engine.errors import Py4JError, java_error
from dstreams.core.io.output import local_path
from dstreams.core.io.pickled import read_batches, write_batches
from dstreams.core.io.regular import open_regular
from dstreams.core.rdds.lineage import Shown

if TYPE_CHECKING:
    from dstreams.core.context import SparkContext
    from dstreams.core.rdds.base import RDDBase


class Checkpoints:
    """The RDDs of a context that wait for their checkpoint."""

    def __init__(self, ctx: SparkContext) -> None:
        self._ctx = ctx
        self._lock = threading.Lock()
        self._marked: dict[int, RDDBase[Any]] = {}

    def mark(self, rdd: RDDBase[Any]) -> None:
        """Checkpoint `rdd` after the next job that needs it."""
        with self._lock:
            self._marked[rdd._node.id] = rdd

    def after_job(self, node: _native.Rdd) -> None:
        """Called when a job on `node` has succeeded."""
        if not self._marked:
            return
        for rdd in self._take(node):
            if rdd._locally_checkpointed:
                self._settle(rdd)
            else:
                self._write(rdd)

    def _take(self, node: _native.Rdd) -> list[RDDBase[Any]]:
        """The marked RDDs that a node is made from, parents first."""
        found, seen, pending = [], set(), [node]
        with self._lock:
            while pending:
                node = pending.pop()
                if node.id in seen:
                    continue
                seen.add(node.id)
                if node.id in self._marked:
                    found.append(self._marked.pop(node.id))
                pending += node.parents()
        return sorted(found, key=lambda rdd: rdd.id())

    def _write(self, rdd: RDDBase[Any]) -> None:
        folder = os.path.join(self._ctx._checkpoint_dir or "", f"rdd-{rdd.id()}")
        os.makedirs(folder.removeprefix("file:"), exist_ok=True)
        paths = self._ctx._collect(rdd._step("indexedPartitions", partial(_write_part, folder))._node)
        stored = stored_parts(self._ctx, folder, paths)
        rdd._node.settle_as(stored)
        rdd._checkpoint_file, rdd._checkpoint_done = folder, True
        shown = rdd._show()
        place, count = callsite.short(), stored.partitions
        shown.parents, shown.wide = (Shown(self._ctx, "ReliableCheckpointRDD", place, (), count),), False

    def _settle(self, rdd: RDDBase[Any]) -> None:
        # The job that has just ended has kept the partitions it needed; the others are computed now.
        self._ctx._running.settle(rdd._node)
        rdd._checkpoint_done = True


def stored_parts(ctx: SparkContext, folder: str, paths: list[str]) -> _native.Rdd:
    """The RDD whose partitions are these files of a checkpoint."""
    stored = ctx._running.held([[path] for path in paths])
    stored.label = folder
    return stored.narrow([("partitions", 0)], [_read_parts], [None], False, None)


def parts_of(folder: str | None) -> list[str]:
    """The files of the checkpoint in a folder, in the order of the partitions.

    Raises: Py4JJavaError (IllegalArgumentException) when there is no such folder.
    """
    wrong = "java.lang.IllegalArgumentException"
    if not folder:
        raise java_error(wrong, f"Can not create a Path from {'a null' if folder is None else 'an empty'} string")
    path = local_path(folder)
    if not os.path.isdir(path):
        raise java_error(wrong, f"requirement failed: Checkpoint directory does not exist: {folder}")
    return [os.path.join(path, name) for name in sorted(os.listdir(path)) if re.fullmatch(r"part-\d+", name)]


def checkpoint_path(directory: object, argument: str) -> str:
    """A folder for checkpoints in the local file system.

    Raises: Py4JError, naming the argument, for what is no text; Py4JJavaError for an empty one and other file systems.
    """
    if not isinstance(directory, str):
        raise Py4JError(f"{argument}: expected a path as text, got {directory!r:.80}")
    if not directory:
        raise java_error("java.lang.IllegalArgumentException", "Can not create a Path from an empty string")
    return local_path(directory)


def make_private(directory: str) -> None:
    """Makes a folder for its owner alone, unless it is there. Whoever puts something into it tells what goes wrong."""
    with contextlib.suppress(OSError):
        os.makedirs(directory, mode=0o700, exist_ok=True)


def remove_empty(directory: str) -> None:
    """Removes the folders that earlier contexts made for checkpoints of RDDs and did not use."""
    for name in os.listdir(directory) if os.path.isdir(directory) else ():
        if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", name):
            with contextlib.suppress(OSError):  # not empty, or gone
                os.rmdir(os.path.join(directory, name))


def _write_part(folder: str, index: int, elements: Iterable[Any]) -> list[str]:
    path = os.path.join(folder.removeprefix("file:"), f"part-{index:05d}")
    with open(path + ".draft", "wb") as file:
        write_batches(file, elements)
    os.replace(path + ".draft", path)
    return [path]


def _read_parts(paths: Iterable[str]) -> Iterator[Any]:
    for path in paths:
        with open_regular(path) as file:
            yield from read_batches(file)
