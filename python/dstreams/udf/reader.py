"""Reads a function: the way in, and the limits."""

from __future__ import annotations

import functools
import types
from typing import Any

from dstreams.udf.calls import call
from dstreams.udf.captures import Captures, article, callable_of_the_library, type_name
from dstreams.udf.decode import check_python
from dstreams.udf.known import is_known
from dstreams.udf.machine import Machine
from dstreams.udf.order import settle
from dstreams.udf.results import Link, Opaque, Program, Unreadable
from dstreams.udf.state import State
from dstreams.udf.tree import Nodes, TooLarge, is_a
from dstreams.udf.values import Held, Iterator, Refused, Value, node_of

# In place of a number of arguments: what the functions of `mapWithState` get.
WITH_STATE, WITH_TIME_AND_STATE = -3, -4


def read(function: Any, arity: int, iterated: bool = False) -> Program | Opaque:
    """Reads `function` as a tree over `arity` positional arguments.

    iterated: whether what it gives is used up at once, as `flatMap` does: an iterator is then as good as a list.
    arity: for `WITH_STATE` and `WITH_TIME_AND_STATE`, functions of `mapWithState`, the tree is over a state (None:
        there is none) and a pair of key and value, and gives a tuple: the element, the state afterwards, and what was
        done to it (`held.py`).

    A function that has no such form, for whatever reason, is `Opaque`. Never raises, and runs no code of the program:
    neither the function nor any method of an object that it reaches.
    """
    nodes = Nodes()
    captures = Captures(function, nodes)
    try:
        tree = _read(Machine(nodes, captures), function, arity, iterated)
    except Unreadable as error:
        links = error.links()
    except TooLarge:
        links = (Link("is too large", *_begin(function)),)
    except Exception as error:
        # The function still runs as Python, so a fault of the reader must not end the program; the reason shows it.
        links = (Link(f"cannot be read because of a fault in the reader: {error!r}", *_begin(function)),)
    else:
        return Program(tree, arity if arity >= 0 else 2, tuple(captures.guards))
    return Opaque(", which ".join(link.what for link in links), links[0].line, tuple(captures.guards), links)


def _read(machine: Machine, function: Any, arity: int, iterated: bool) -> Any:
    check_python()
    if not is_a(function, types.FunctionType, functools.partial) and not (
        is_known(function) or callable_of_the_library(function)
    ):
        raise Unreadable(_what_it_is(function))
    label = function.__name__ if _has_name(function) else type_name(function)
    state = State({}, set())
    arguments = _arguments(machine, arity)
    value = call(machine, None, state, machine.captures.root(label), arguments, ())
    if iterated and isinstance(value, Iterator):
        value = value.node
    return settle(machine.nodes, state.events, node_of(value))


def _arguments(machine: Machine, arity: int) -> list[Value]:
    make = machine.nodes.make
    if arity >= 0:
        return [make("arg", at) for at in range(arity)]
    pair = make("arg", 1)
    key, value = (machine.nodes.op("getitem", pair, machine.nodes.const(at)) for at in range(2))
    time: list[Value] = [Refused("uses the time of the batch")] if arity == WITH_TIME_AND_STATE else []
    return [*time, key, value, Held(make("arg", 0))]


def _has_name(function: Any) -> bool:
    return is_a(function, types.FunctionType, types.BuiltinFunctionType, types.MethodDescriptorType, type)


def _what_it_is(function: Any) -> str:
    if type(function) is types.MethodType:
        return "is a method of an object"
    return f"is {article(type_name(function))} object and no plain function"


def _begin(function: Any) -> tuple[str | None, int | None]:
    """The file and line of a plain function."""
    if type(function) is not types.FunctionType:
        return None, None
    return function.__code__.co_filename, function.__code__.co_firstlineno
