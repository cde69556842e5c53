"""Does a function make sets, whose order a program may see?

The order of a set of text follows the hash seed of its process. Spark's workers use seed 0; the program's own process
has a random one, unless PYTHONHASHSEED says otherwise, and no process can change its seed. So functions that make sets
run in a worker process with seed 0 (`core/workers/crew.py`).
"""

from __future__ import annotations

import builtins
import functools
import sys
from dis import get_instructions
from functools import lru_cache
from types import CodeType, FunctionType, MethodType
from typing import Any

from dstreams.udf.places import is_own

_MAKE_SETS = {"BUILD_SET", "SET_ADD", "SET_UPDATE"}
_TYPES = ("set", "frozenset")


def seed_is_zero() -> bool:
    """Whether this process hashes text as Spark's workers do."""
    return not sys.flags.hash_randomization


def makes_sets(function: Any) -> bool:
    """Whether a function, or one of the program's own that it calls by name, makes a set."""
    # The functions of a step count wherever they come from; what they call counts if it is the program's own.
    pending, seen = [(function, True)], set[int]()
    while pending:
        one, of_step = pending.pop()
        if one is set or one is frozenset:
            return True
        if id(one) in seen:
            continue
        seen.add(id(one))
        if type(one) is functools.partial:
            pending += [(part, of_step) for part in (one.func, *one.args, *one.keywords.values())]
        elif type(one) is MethodType:
            pending.append((one.__func__, of_step))
        elif type(one) is FunctionType and (of_step or is_own(one.__code__.co_filename)):
            builds, names = _facts(one.__code__)
            if builds or any(name in names and _is_builtin(one, name) for name in _TYPES):
                return True
            called = [one.__globals__.get(name) for name in names]
            called += [_content(cell) for cell in one.__closure__ or ()]
            pending += [(other, False) for other in called if callable(other)]
    return False


def _is_builtin(function: FunctionType, name: str) -> bool:
    return function.__globals__.get(name, getattr(builtins, name)) is getattr(builtins, name)


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # a variable without a value yet
        return None


@lru_cache(maxsize=4096)
def _facts(code: CodeType) -> tuple[bool, frozenset[str]]:
    """Whether the code makes a set, and the global names it reads; functions inside it included."""
    builds, names = False, set()
    for instruction in get_instructions(code):
        builds = builds or instruction.opname in _MAKE_SETS
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            names.add(instruction.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            more, others = _facts(constant)
            builds, names = builds or more, names | others
    return builds, frozenset(names)
