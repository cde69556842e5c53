"""Which line of the program is calling?

Asked once per job, so it must cost microseconds: it walks frames and reads no source.
"""

from __future__ import annotations

import os
import sys

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def where() -> tuple[str, str, int]:
    """The function called last in this package, and the file and line outside that called it."""
    function, frame = "<module>", sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith(_PACKAGE) and not file.startswith("<frozen"):
            return function, file, frame.f_lineno
        function, frame = frame.f_code.co_name, frame.f_back  # type: ignore[assignment]
    return function, "<unknown>", 0


def short() -> str:
    """The place as Spark names stages after it: `collect at program.py:7`."""
    return "{} at {}:{}".format(*where())
