"""Which functions have been read already?

Answers are kept by code object, so that a function made anew from the same code (a lambda inside of a transform
function, in every batch) is known too. An answer counts while its guards hold. Codes are held weakly, and answers hold
no function, so nothing lives longer than it would otherwise.
"""

from __future__ import annotations

import functools
import types
import weakref
from typing import Any, TypeAlias

from dstreams.udf.guards import hold
from dstreams.udf.known import is_getter, is_known
from dstreams.udf.reader import read
from dstreams.udf.results import Opaque, Program

# How many answers are kept for one code, which differ in arity or in what was captured. The newest is tried first.
_KEPT = 8

_Answer: TypeAlias = "Program | Opaque"
# What was read for: arity, iterated, tested.
_Way: TypeAlias = tuple[int, bool, bool]

# By id of a code. Entries are replaced, never changed, so no lock is needed: a lost one is only read again.
_by_code: dict[int, tuple[weakref.ref[types.CodeType], tuple[tuple[_Way, _Answer], ...]]] = {}
# Builtins, by id and arity, with the object itself; they are few and live for ever.
_of_builtins: dict[tuple[int, int], tuple[Any, _Answer]] = {}


def program_of(function: Any, arity: int, iterated: bool = False, tested: bool = False) -> Program | Opaque:
    """As `read`, remembered: the same answer while what the function rests on stays the same. Thread-safe."""
    kind = type(function)
    if kind is types.FunctionType:
        code = function.__code__
    elif kind is functools.partial and type(function.func) is types.FunctionType:
        code = function.func.__code__
    else:
        return _of_builtin(function, arity, tested)
    way = (arity, iterated, tested)
    entry = _by_code.get(id(code))
    answers = entry[1] if entry is not None and entry[0]() is code else ()
    for known, answer in answers:
        if known == way and hold(function, answer.guards):
            return answer
    answer = read(function, arity, iterated, tested)
    if not any(guard[3] == "copied" for guard in answer.guards):
        _by_code[id(code)] = (weakref.ref(code, _forget(id(code))), ((way, answer), *answers[: _KEPT - 1]))
    return answer


def _forget(key: int) -> Any:
    """What happens when the code of that id goes away."""

    def forget(reference: weakref.ref[types.CodeType]) -> None:
        entry = _by_code.get(key)
        if entry is not None and entry[0] is reference:
            _by_code.pop(key, None)

    return forget


def _of_builtin(function: Any, arity: int, tested: bool) -> Program | Opaque:
    known = _of_builtins.get((id(function), arity))
    if known is not None and known[0] is function:
        return known[1]
    answer = read(function, arity, tested=tested)
    if is_known(function) and not is_getter(function):
        _of_builtins[id(function), arity] = (function, answer)
    return answer
