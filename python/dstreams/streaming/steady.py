"""Would a pickle of these functions hold the same as the last time?

Owns `facts_of`: everything that a pickle by value of a stream's functions looks at, as a list of objects that cannot
change themselves. Two such lists of the very same objects mean the same pickle. Where something can change in place, a
captured list for instance, there is no such list: only pickling tells.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from types import BuiltinFunctionType, CodeType, FunctionType, MethodDescriptorType, MethodType, ModuleType
from typing import Any

from dstreams import _native
from dstreams.core.closures.closure import is_importable

# The same for ever, as far as a pickle of them goes.
_FIXED = (
    *(int, float, complex, str, bool, bytes, type(None), type(Ellipsis)),
    *(CodeType, MethodDescriptorType, ModuleType, _native.States),
)
_OWN = ("dstreams.", "pyspark.")  # see `compat/aliases.py`


class _Changeable(Exception):
    """Something of it may change in place."""


def facts_of(functions: Iterable[Any]) -> list[Any] | None:
    """What a pickle of functions holds; None when that cannot be told without pickling them."""
    facts: list[Any] = []
    seen: set[int] = set()
    try:
        for function in functions:
            _gather(function, facts, seen)
    except _Changeable:
        return None
    return facts


def are_same(before: list[Any] | None, now: list[Any] | None) -> bool:
    """Whether nothing has changed between two lists of facts."""
    if before is None or now is None or len(before) != len(now):
        return False
    return all(one is other for one, other in zip(before, now, strict=True))


def _gather(value: Any, facts: list[Any], seen: set[int]) -> None:
    facts.append(value)
    kind = type(value)
    if kind in _FIXED or id(value) in seen:
        return
    seen.add(id(value))
    for part in _parts(value, kind):
        _gather(part, facts, seen)


def _parts(value: Any, kind: type) -> Iterable[Any]:
    """What else a pickle of a value looks at. Raises: _Changeable."""
    if kind is FunctionType:
        return () if is_importable(value) else _parts_of_function(value)
    if kind is tuple or kind is frozenset:
        return value
    if kind is functools.partial:
        return (value.func, *value.args, *value.keywords.values(), *vars(value).values())
    if kind is MethodType:
        return (value.__func__, value.__self__)
    if kind is BuiltinFunctionType and isinstance(value.__self__, (ModuleType, type, type(None))):
        return ()
    if isinstance(value, type) and is_importable(value):
        return ()
    # Objects of dstreams itself: what counts is what is in them.
    if kind.__module__.startswith(_OWN) and is_importable(kind) and hasattr(value, "__dict__"):
        state = value.pickled_facts() if hasattr(value, "pickled_facts") else vars(value)
        return state.values()
    raise _Changeable


def _parts_of_function(function: FunctionType) -> Iterator[Any]:
    yield function.__code__
    yield function.__defaults__
    yield from _contents(function)
    for values in (function.__kwdefaults__, vars(function)):
        yield from (values or {}).values()
    for name in _names_in(function.__code__):
        if name in function.__globals__:
            yield function.__globals__[name]


def _contents(function: FunctionType) -> Iterator[Any]:
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # no value yet
            yield None


@functools.lru_cache(maxsize=4096)
def _names_in(code: CodeType) -> tuple[str, ...]:
    """All names in a function and in those inside of it: its globals, and some more."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names.update(_names_in(constant))
    return tuple(sorted(names))
