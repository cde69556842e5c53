"""Reads plain Python functions: which ones can be computed without the interpreter, and as what?

Knows CPython's bytecode, and nothing of columns or tasks. `read` gives a function as a tree (`tree.py` says of what),
or says why there is none; `program_of` remembers the answers; `explain_function` is for people. Inside:

    reader     the way in                        opcodes, decode   code as steps, alike for all versions
    machine    follows steps, both ways          instructions, operations, calls, loops, by_key   what single steps give
    regexes    regular expressions               patterns   which ones have a native form
    captures   the world outside of a function   guards   whether it is still the same
    merge      two ways become one value         order    what may fail, in order
    places     whose source a file is                  used   what of a tuple a function looks at that must be called
"""

from __future__ import annotations

from dstreams.udf.cache import program_of
from dstreams.udf.explain import Explanation, explain_function
from dstreams.udf.reader import WITH_STATE, WITH_TIME_AND_STATE, read
from dstreams.udf.results import Opaque, Program
from dstreams.udf.tree import is_constant

__all__ = [
    "WITH_STATE",
    "WITH_TIME_AND_STATE",
    "Explanation",
    "Opaque",
    "Program",
    "explain_function",
    "is_constant",
    "program_of",
    "read",
]
