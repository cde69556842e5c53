"""Which functions of a chain can the engine run itself?

Plain functions are read as programs (`dstreams.udf`); the library's own functions over a whole partition are known by
name. The form of a function is read when it is frozen, so that both see the same variables.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from dstreams import _native, udf
from dstreams.core.rdds import tasks
from dstreams.core.rdds.sorting import sort_pairs
from dstreams.core.rddsampler import RDDRangeSampler, RDDSampler

# The native form of one function: see src/object/forms.rs.
Form = _native.Program | tuple[Any, ...] | None

_ARITY = {"map": 1, "filter": 1, "flatMap": 1, "mapValues": 1, "flatMapValues": 1, "mergeCombiners": 2}


def enabled() -> bool:
    """Whether functions may run natively: unless the variable DSTREAMS_NATIVE is 0."""
    return os.environ.get("DSTREAMS_NATIVE", "1") != "0"


def forms_of(steps: Iterable[tuple[str, int, tuple[Callable[..., Any], ...]]]) -> list[Form] | None:
    """The forms of the functions of steps, in their order; None when all is to run in Python."""
    if not enabled():
        return None
    return [form for name, _, functions in steps for form in _of_step(name, functions)]


def _of_step(name: str, functions: tuple[Callable[..., Any], ...]) -> list[Form]:
    if name == "combine":
        create, merge = functions
        return [program_of(create, 1), program_of(merge, 2)]
    if name in _ARITY:
        iterated, tested = name in ("flatMap", "flatMapValues"), name == "filter"
        return [_by_name(function) or program_of(function, _ARITY[name], iterated, tested) for function in functions]
    return [_by_name(function) for function in functions]


def _by_name(function: Any) -> Form:
    if type(function) is partial and not function.keywords:
        if function.func in _MAKERS:
            return _MAKERS[function.func](*function.args)
        if function.func is sort_pairs:
            keyfunc, ascending = function.args
            key = _key_program(keyfunc)
            return None if key is _UNKNOWN else ("sort", key, ascending)
        if function.func is tasks.join_values:
            return ("join", *function.args)
        if any(function.func is action for action in _ACTIONS):
            return _of_action(function.func, function.args)
    if function is tasks.count_values:
        return ("counts",)
    if function is tasks.sum_partition:
        return ("sum", sys.version_info >= (3, 12))
    if function is tasks.count_stats:
        return ("stats",)
    sampler = getattr(function, "__self__", None)
    if type(sampler) is RDDSampler and not sampler._withReplacement:
        return _sample(sampler._seed, 0.0, sampler._fraction)
    if type(sampler) is RDDRangeSampler:
        return _sample(sampler._seed, sampler._lowerBound, sampler._upperBound)
    return None


# Functions of other parts of the library that have native forms: what makes them of the arguments that are bound.
_MAKERS: dict[Callable[..., Any], Callable[..., Form]] = {}


def has_form(function: Callable[..., Any], make: Callable[..., Form]) -> None:
    """Has `make` give the native form of partials of `function`, of the arguments that these bind."""
    _MAKERS[function] = make


_ACTIONS = (tasks.largest, tasks.smallest, tasks.reduce_partition, tasks.fold_partition, tasks.reduce_pairs)


def _of_action(function: Any, bound: tuple[Any, ...]) -> Form:
    if function is tasks.largest or function is tasks.smallest:
        number, keyfunc = bound
        key = None if keyfunc is None else program_of(keyfunc, 1)
        if type(number) is not int or not 0 < number < 2**31 or (key is None and keyfunc is not None):
            return None
        return ("top", number, key, function is tasks.largest)
    merge = program_of(bound[-1], 2)
    if merge is None:
        return None
    if function is tasks.fold_partition:
        zero, op = bound
        create = program_of(partial(op, zero), 1) if udf.is_constant(zero) else None
        return None if create is None else ("fold", create, merge)
    return ("reduce" if function is tasks.reduce_partition else "pairs", merge)


def _sample(seed: Any, lower: float, upper: float) -> Form:
    # With any other seed the function fails in its task, as in Spark.
    fits = isinstance(seed, int) and -(2**62) < seed < 2**62
    return ("sample", seed, float(lower), float(upper)) if fits else None


_UNKNOWN: Any = object()


def _key_program(keyfunc: Any) -> Any:
    if keyfunc is tasks.identity:
        return None
    program = program_of(keyfunc, 1)
    return _UNKNOWN if program is None else program


def ranges_form(bounds: list[Any], keyfunc: Any, ascending: bool) -> Form:
    """The form of a partition function that finds a key's range."""
    key = _key_program(keyfunc)
    return None if key is _UNKNOWN or not enabled() else ("ranges", bounds, key, ascending)


# A tree is turned into a program of the engine once; some cannot be (a constant with a surrogate, say).
_programs: WeakKeyDictionary[udf.Program, _native.Program | None] = WeakKeyDictionary()


def program_of(function: Any, arity: int, iterated: bool = False, tested: bool = False) -> _native.Program | None:
    """The program that a function was read as, if it was; the others: see `udf.read`."""
    if not enabled():
        return None
    read = udf.program_of(function, arity, iterated, tested)
    if isinstance(read, udf.Opaque):
        return None
    if read not in _programs:
        try:
            _programs[read] = _native.Program(read.tree, read.arity)
        except _native.Bail:
            _programs[read] = None
    return _programs[read]
