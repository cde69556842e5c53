"""Which items of the tuple that it gets does a function look at?

For functions that must be called: objects are made of these items alone, with None in place of the others
(`src/object/used.rs`).
1. An item is told by its path: (2,) is item 2, (1, 0) item 0 of item 1, and () the tuple itself.
2. More may be told than is looked at, never less: only a variable may hold the tuple, and each look at it must be by a
   constant number, or take it apart.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any

from dstreams.udf.decode import unknown_python
from dstreams.udf.opcodes import RULES, Step

Path = tuple[int, ...]

# Names by which a function may get at its own variables, or at those of who called it.
_REVEALING = frozenset(
    ("breakpoint", "currentframe", "dir", "embed", "eval", "evaluate", "exec", "f_back", "f_locals", "getargvalues")
    + ("inspect", "interact", "locals", "query", "_getframe", "set_trace", "settrace", "sql", "stack", "tb_frame")
    + ("trace", "vars")
)
_ASYNCHRONOUS = 0x80 | 0x100 | 0x200
# What a number of an item can be.
_MOST_ITEMS = 2**31
# Longest code that is looked at, in bytes.
_MAX_CODE = 20_000
# What else can be done with a variable than to load it.
_SPOILS = ("store", "forget", "local_and_clear", "deref", "store_deref", "cell")


def paths_used(function: Any) -> tuple[Path, ...] | None:
    """The paths of the items that a function looks at in its first argument; None: it may want all of it.

    All of it while a debugger looks on.
    """
    if type(function) is not FunctionType or sys.gettrace() is not None:
        return None
    return _of_code(function.__code__)


@lru_cache(maxsize=512)
def _of_code(code: CodeType) -> tuple[Path, ...] | None:
    if unknown_python() or code.co_flags & _ASYNCHRONOUS or not code.co_argcount or len(code.co_code) > _MAX_CODE:
        return None
    if any(_REVEALING.intersection(inner.co_names) for inner in _codes_of(code)):
        return None
    name = code.co_varnames[0]
    if name in code.co_cellvars:
        return None
    found = _looks_at(name, list(_steps_of(code)))
    return None if found is None else _shortest(found)


def _codes_of(code: CodeType) -> Iterator[CodeType]:
    """This, and the functions that it makes."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes_of(constant)


def _steps_of(code: CodeType) -> Iterator[Step]:
    """The code's steps. An instruction that is not known has no variable as its argument, or is one that spoils all."""
    rules = RULES[sys.version_info[1]]
    for instruction in dis.get_instructions(code):
        rule = rules.get(instruction.opname)
        if rule is not None:
            yield from rule(instruction, code)
        else:
            yield "unknown", instruction.argval if isinstance(instruction.argval, tuple) else (instruction.argval,)


def _looks_at(name: str, steps: list[Step]) -> set[Path] | None:
    """The paths at which the variable is looked at; None if it is more than looked at."""
    found: set[Path] = set()
    told = (argument if step == "unknown" else (argument,) for step, argument in steps if step != "store")
    read = {argument for arguments in told for argument in arguments if isinstance(argument, str)}
    for at, (step, argument) in enumerate(steps):
        if step == "local" and argument == name:
            looked = _paths_from(steps, at + 1, read)
            if looked is None:
                return None
            found |= looked
        elif (step in _SPOILS and argument == name) or (step == "unknown" and name in argument):
            return None
    return found


def _paths_from(steps: list[Step], at: int, read: set[str]) -> set[Path] | None:
    """What becomes of the variable that was loaded just before step `at`; None if all of it may be wanted."""
    path: Path = ()
    while at + 1 < len(steps) and steps[at][0] == "const" and steps[at + 1][0] == "subscript":
        number = steps[at][1]
        if type(number) is not int or abs(number) > _MOST_ITEMS:
            break
        path, at = (*path, number), at + 2
    taken = _taken_apart(steps, at, path, read)
    if taken is not None:
        # What is taken apart must be there, even if nothing of it is read.
        return taken[0] or ({path} if path else set())
    return {path} if path else None


def _taken_apart(steps: list[Step], at: int, path: Path, read: set[str]) -> tuple[set[Path], int] | None:
    """The paths of what step `at` takes apart into variables, and the step after; None if it does something else.

    To take it apart is to look at its length, which stays; a variable that is never read wants nothing.
    """
    if at >= len(steps) or steps[at][0] != "unpack":
        return None
    found: set[Path] = set()
    count, at = steps[at][1], at + 1
    for item in range(count):
        below = (*path, item)
        inner = _taken_apart(steps, at, below, read)
        if inner is not None:
            # It is looked at, even if nothing in it is.
            found |= inner[0] or {below}
            at = inner[1]
        elif at < len(steps) and steps[at][0] in ("store", "pop"):
            # Since 3.13 what only fills a variable that is filled again at once is dropped.
            found |= {below} if steps[at][1] in read else set()
            at += 1
        else:
            return None
    return found, at


def _shortest(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Without those of which a part tells already that all below it is looked at."""
    kept: list[Path] = []
    for path in sorted(set(paths), key=len):
        if not any(path[: len(one)] == one for one in kept):
            kept.append(path)
    return tuple(sorted(kept))
