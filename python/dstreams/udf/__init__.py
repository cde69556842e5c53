"""Reads plain Python functions: which ones can be computed without the interpreter, and as what?

Knows CPython's bytecode, and nothing of columns or tasks. `read` gives a function as a tree (`tree.py` says of what), or
says why there is none; `program_of` remembers the answers.
"""

from __future__ import annotations

from dstreams.udf.reader import read
from dstreams.udf.results import Opaque, Program

__all__ = ["Opaque", "Program", "read"]
