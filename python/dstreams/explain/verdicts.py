"""Which functions of a chain run natively, and why do the others not?

The engine's plan decides (`_native.Chain`); it is asked, not guessed at. Only the reasons are found here: from the
reader of functions, and from what the plan is like.
"""

from __future__ import annotations

import copy
import functools
import operator
import types
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from dstreams import _native, udf
from dstreams.core.rdds.native import enabled
from dstreams.core.rdds.ranges import without_range
from dstreams.explain.methods import begins_with_zero, method_of, name_of
from dstreams.explain.report import Line
from dstreams.explain.source import Source, source_of
from dstreams.udf.decode import unknown_python
from dstreams.udf.explain import in_words
from dstreams.udf.places import is_of_the_library

# What steps give their functions, as `explain_function` names it.
_USES = {"combine": "reduceByKey", "mergeCombiners": "reduceByKey"}
_OF_PARTITIONS = ("partitions", "indexedPartitions")
_TURNED_OFF = "native functions are turned off (DSTREAMS_NATIVE=0)"


def notes() -> list[str]:
    """What keeps all functions from running natively, if anything does."""
    if not enabled():
        return ["DSTREAMS_NATIVE is 0, so all functions run in Python."]
    unknown = unknown_python()
    return [f"This is {unknown}. So all functions run in Python."] if unknown is not None else []


def lines_of(chain: _native.Chain, before: str, functions: list[Any] | None = None, part_of: str = "") -> list[Line]:
    """The steps of a chain. `before` is the method that the step before the chain belongs to.

    functions: the program's own, if they are at hand; else those that tasks get.
    part_of: the method that steps of the library's own belong to, if they are not to be told one by one.
    """
    left = iter(chain.functions() if functions is None else functions)
    lines: list[Line] = []
    last = ""
    for name, _, count, how in chain.steps():
        name, used = without_range(name, [next(left) for _ in range(count)])
        before = method_of(name, used, before)
        more = _lines_of_step(chain, (name, how != "python"), used, before)
        if how == "takes in":
            more = [replace(line, takes_in=True) for line in more]
        if part_of:
            more = [line if line.key is not None else replace(line, method=part_of) for line in more]
        # Both halves of a `reduceByKey` without a shuffle between say the same.
        twice = (last, name) == ("combine", "mergeCombiners") or (part_of and more[0].key is None)
        if not (twice and lines[-len(more) :] == more):
            lines += more
        last = name
    return lines


def line_of(method: str, function: Any, native: bool, reason: str, per_element: bool = True) -> Line:
    """The line of one function of the program."""
    source = source_of(function)
    return Line(method, source.text, source.file, source.line, native, reason, per_element, _key(function, source))


def parts_of(function: Any) -> Iterator[Any]:
    """The program's own functions that a function of a step calls: itself, or what a function of the library holds."""
    if name_of(function) or _copies(function):
        if type(function) is functools.partial and not _copies(function):
            held = [part for part in (*function.args, *function.keywords.values()) if not _sums(function, part)]
            yield from (part for one in held for part in parts_of(one))
    elif type(function) in (tuple, list):
        for part in function:
            yield from parts_of(part)
    elif callable(function):
        yield function


def _sums(holder: Any, part: Any) -> bool:
    """Whether it adds up for `sum()`, rather than for the program."""
    return part is operator.add and name_of(holder) == "core.rdds.tasks.fold_partition"


def _copies(function: Any) -> bool:
    """Whether it makes copies of the zero of `aggregateByKey`."""
    return type(function) is functools.partial and function.func is copy.deepcopy


def lines_of_placing(function: Any, native: bool) -> list[Line]:
    """A function that says in which partition a key is."""
    lines = []
    for part in parts_of(function):
        read = udf.program_of(part, 1)
        called = f"it {in_words(read.links)}" if isinstance(read, udf.Opaque) else "it is called for each key"
        lines.append(line_of("partitionBy", part, native, "" if native else called))
    return lines


def _lines_of_step(chain: _native.Chain, step: tuple[str, bool], used: list[Any], method: str) -> list[Line]:
    name, native = step
    told = used[1:] if begins_with_zero(name, used) else used
    pairs = [(function, part) for function in told for part in parts_of(function)]
    if not pairs:
        reason = "" if native else "this step of dstreams is written in Python"
        return [Line(method, "(dstreams)", None, None, native, reason, per_element=False)]
    lines: list[Line] = []
    for function, part in pairs:
        reason = "" if native else _why(chain, name, function, part, used, method)
        line = line_of(method, part, native, reason)
        # `reduceByKey` and its like give one function twice.
        if all(line != other for other in lines):
            lines.append(line)
    return lines


def _key(function: Any, source: Source) -> Any:
    """What lines about the same function have in common. Code is the same in every copy of a function."""
    while isinstance(function, (functools.partial, types.MethodType)):
        function = function.func if isinstance(function, functools.partial) else function.__func__
    if isinstance(function, types.FunctionType):
        return function.__code__
    return source.text


def _why(chain: _native.Chain, step: str, function: Any, part: Any, used: list[Any], method: str) -> str:
    """Why a function of the program does not run natively; completes "it ...", or is a sentence of its own."""
    if not enabled() or not chain.was_read:
        return _TURNED_OFF
    if unknown_python() is not None:
        return ""  # said once, for all
    if step in _OF_PARTITIONS and function is part:
        return "it gets a whole partition, and only functions of single elements run natively"
    if step not in _OF_PARTITIONS:
        use = _USES.get(step, step)
        first = step == "combine" and function is used[0]
        arity, tested = 2 if use in ("reduceByKey",) and not first else 1, use == "filter"
        read = udf.program_of(function, arity, tested=tested)
        if isinstance(read, udf.Opaque):
            links = [link for link in read.links if not is_of_the_library(link.file)]
            if links and links[-1] is read.links[-1]:
                return f"it {in_words(links)}"
        elif function is part:
            reason = udf.explain_function(function, (), "map" if first else use).reason
            if reason:
                return f"it {reason}"
            if step == "combine":
                return f"{method} with a function that makes the first value is done in Python"
            return "it could run natively, but what comes before it needs Python, and to go back and forth costs more"
    return _why_called(part, method)


def _why_called(part: Any, method: str) -> str:
    """Why a function does not run natively that a function of the library calls."""
    if method == "profiler":
        return "a profiler is on (spark.python.profile), so all functions are called"
    if method == "mapWithState":
        reason = udf.explain_function(part, (), method).reason
        return f"it {reason}" if reason else "the batches before this one failed or were never computed"
    reads = [udf.program_of(part, arity) for arity in _arities(part)]
    read = next((read for read in reads if isinstance(read, udf.Program)), reads[0])
    if isinstance(read, udf.Opaque):
        return f"it {in_words(read.links)}"
    use = method.partition(" ")[0]
    reason = udf.explain_function(part, (), use).reason if read.arity == 2 else ""
    # Of a method that it does not know it would think that its function takes one argument.
    told = bool(reason) and not reason.startswith(("takes ", "functions of "))
    return f"it {reason}" if told else f"functions of {method} are called by Python"


def _arities(function: Any) -> tuple[int, ...]:
    """How many arguments a function may be given: as many as it takes, if that is plain to see."""
    if type(function) is types.FunctionType:
        return (function.__code__.co_argcount - len(function.__defaults__ or ()),)
    return (1, 2)
