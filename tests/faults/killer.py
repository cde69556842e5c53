"""When is a stream killed, and what was it doing?

Owns `Killer`: half of its kills come at any moment, half right after something was written into the checkpoint folder,
which the kernel tells. And `traces`, from which it follows whether a kill cut a checkpoint off: what was there before
does not count.
"""

from __future__ import annotations

import ctypes
import json
import os
import random
import select
import time
from pathlib import Path

# From <sys/inotify.h>: a file was written to, came by a rename, was made.
_WRITTEN, _RENAMED, _MADE = 0x2, 0x80, 0x100
# Bytes before a manifest's text: magic, kind, version, length, checksum.
_HEAD = 28

Traces = set[tuple[str, int]]


class Killer:
    """Waits for the moments of kills in one folder."""

    def __init__(self, folder: Path, seed: int, batch_s: float) -> None:
        self._folder, self._random, self._batch_s = folder, random.Random(seed), batch_s

    def wait(self) -> None:
        """Returns when it is time."""
        if self._random.random() < 0.5 or not self._folder.exists():
            time.sleep(self._random.uniform(0.0, 3 * self._batch_s))
        else:
            self._wait_for_writes(self._random.randrange(1, 12))
            time.sleep(self._random.uniform(0.0, 0.003))

    def _wait_for_writes(self, count: int) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        told = libc.inotify_init1(os.O_CLOEXEC)
        if told < 0 or libc.inotify_add_watch(told, os.fsencode(self._folder), _WRITTEN | _RENAMED | _MADE) < 0:
            raise OSError(ctypes.get_errno(), "inotify")
        try:
            until = time.monotonic() + 4 * self._batch_s
            while count > 0 and select.select([told], [], [], max(0.0, until - time.monotonic()))[0]:
                os.read(told, 1 << 16)
                count -= 1
        finally:
            os.close(told)


def traces(folder: Path) -> Traces:
    """Drafts of files, and data that no checkpoint names, each with its size."""
    found, named = set(), _named(folder)
    for path in folder.glob("*"):
        try:
            size = path.stat().st_size
        except FileNotFoundError:  # renamed or removed meanwhile
            continue
        is_data = path.name.startswith("data-")
        if path.suffix == ".draft" or (is_data and size > named.get(path.name, 0)):
            found.add((path.name, size))
    return found


def _named(folder: Path) -> dict[str, int]:
    """The data files that the newest checkpoint names, with their sizes."""
    manifests = sorted((path for path in folder.glob("checkpoint-*.*") if path.suffix[1:].isdigit()), key=_age_of)
    if not manifests:
        return {}
    named = {}
    for file in json.loads(manifests[-1].read_bytes()[_HEAD:])["files"]:
        name = f"data-{file['number'] >> 32:06}-{file['number'] & 0xFFFFFFFF:06}"
        named[name] = named[f"{name}.copy"] = file["bytes"]
    return named


def _age_of(path: Path) -> tuple[int, int]:
    """The epoch and the time of a checkpoint."""
    time_ms, _, epoch = path.name.partition("-")[2].partition(".")
    return int(epoch), int(time_ms)
