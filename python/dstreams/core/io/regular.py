"""How are files read so that nobody is held up? To open a FIFO waits for a writer; some devices never end."""

from __future__ import annotations

import errno
import os
import stat
from typing import BinaryIO


def open_regular(path: str) -> BinaryIO:
    """Opens a file for reading, in binary. Raises: OSError for what is no regular file, at once."""
    return open(path, "rb", opener=_opener)


def _opener(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "only regular files can be read, no FIFO, socket, device or folder", path)
    return descriptor
