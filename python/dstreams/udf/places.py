"""Whose source is a file: the program's, an installed package's, or this package's?"""

from __future__ import annotations

import sysconfig
from functools import lru_cache
from pathlib import Path

_PACKAGE = str(Path(__file__).parents[1])
_INSTALLED = (sysconfig.get_path("stdlib"), _PACKAGE, "<frozen")


@lru_cache(maxsize=1024)
def is_own(file: str) -> bool:
    """Whether a file of source is the program's, rather than Python's or an installed package's."""
    return not (file.startswith(_INSTALLED) or "site-packages" in file or "dist-packages" in file)


def is_of_the_library(file: str | None) -> bool:
    """Whether a file of source is one of this package."""
    return file is not None and file.startswith(_PACKAGE)
