"""Does what a function was read with still hold?

A tree rests on the function's code and on objects that the code reaches: globals, closure variables, defaults, and the
same of functions it calls. A guard says where such an object was found and what it was. Places are relative to the
function itself, so that guards keep no function alive and also fit a new function made from the same code.

Every guard is (owner, place, key, test, expected). `owner` counts the objects with places of their own: 0 is the
function itself, the next ones are the functions, modules and partials that guards find, in their order.
"""

from __future__ import annotations

import functools
import re
import types
from collections.abc import Sequence
from typing import Any, TypeAlias

from dstreams.udf.tree import is_a, same_constant

Guard: TypeAlias = tuple[int, str, Any, str, Any]

MISSING: Any = object()

# Methods of objects written in C are of one of two classes.
_METHODS_IN_C = (types.BuiltinFunctionType, type(re.compile("").search))

# Tests that make their object an owner.
_OWNING = frozenset({"code", "module", "partial"})


def find(owner: Any, place: str, key: Any) -> Any:
    """What is at that place now; MISSING if nothing is."""
    if place == "global":
        found = owner.__globals__.get(key, MISSING)
        return owner.__builtins__.get(key, MISSING) if found is MISSING else found
    if place == "cell":
        try:
            return owner.__closure__[key].cell_contents
        except ValueError:  # empty
            return MISSING
    if place == "default":
        defaults = owner.__defaults__
        return defaults[key] if defaults is not None and -len(defaults) <= key else MISSING
    if place == "kwdefault":
        return (owner.__kwdefaults__ or {}).get(key, MISSING)
    if place == "defaults":
        return len(owner.__defaults__ or ())
    if place == "attribute":
        return owner.__dict__.get(key, MISSING)
    if place == "function":
        return owner.func
    if place == "argument":
        return owner.args[key]
    if place == "self":
        return owner
    raise AssertionError(place)


def pattern_of(value: Any) -> Any:
    """What makes a regular expression, or a method of one, what it is; None of anything else."""
    if type(value) is re.Pattern:
        return None, type(value.pattern), value.pattern, value.flags
    of = value.__self__ if is_a(value, *_METHODS_IN_C) else None
    return (value.__name__, *pattern_of(of)[1:]) if type(of) is re.Pattern else None


def hold(function: Any, guards: Sequence[Guard]) -> bool:
    """Whether everything is as it was."""
    owners = [function]
    for owner, place, key, test, expected in guards:
        found = find(owners[owner], place, key)
        if test == "is":
            if found is not expected:
                return False
        elif test == "constant":
            if not same_constant(found, expected):
                return False
        elif test == "code":
            if type(found) is not types.FunctionType or found.__code__ is not expected():
                return False
        elif test == "module":
            if found is not expected():
                return False
        elif test == "partial":
            if type(found) is not functools.partial or found.keywords or len(found.args) != expected:
                return False
        elif test == "pattern":
            if pattern_of(found) != expected:
                return False
        elif test == "type":
            if type(found) is not expected():
                return False
        else:  # "copied": a container whose contents were copied
            return False
        if test in _OWNING:
            owners.append(found)
    return True
