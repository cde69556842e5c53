"""What do `sorted`, `min` and `max` with keywords give, and `map`, `filter`, `range`, `zip` and `enumerate`?

Their function is followed once, for an element that stands for all of them, as the body of a comprehension is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dstreams.udf.order import settle
from dstreams.udf.results import Unreadable
from dstreams.udf.state import Frame, State
from dstreams.udf.tree import ITEM, Node, children
from dstreams.udf.values import Iterator, Value, node_of

if TYPE_CHECKING:
    from dstreams.udf.machine import Machine


def call(
    machine: Machine,
    frame: Frame | None,
    state: State,
    name: str,
    arguments: list[Value],
    keywords: tuple[str, ...],
) -> Value:
    """`sorted(xs, key=f, reverse=True)`, `max(xs, key=f)`, `max(a, b, key=f)`; the last arguments have these names."""
    positional = arguments[: len(arguments) - len(keywords)]
    given = dict(zip(keywords, arguments[len(positional) :], strict=True))
    key, reverse = given.pop("key", None), machine.nodes.const(False)
    default = given.pop("default", None) if name != "sorted" and len(positional) == 1 else None
    if name == "sorted":
        reverse = node_of(given.pop("reverse", reverse))
    if given or not positional or reverse[0] != "const" or type(reverse[1]) is not bool:
        raise Unreadable(f"calls {name} with the keyword {next(iter(given), keywords[0])}")
    if isinstance(key, tuple) and key == ("const", None):
        key = None
    if len(positional) > 1:
        return _better_of_two(machine, frame, state, name, positional, key)
    values = _listed(positional[0])
    if name == "sorted":
        keys = values if key is None else _each(machine, frame, state, key, values)
        return machine.op(state, "sorted_by", values, keys, reverse)
    if key is None:
        best = machine.nodes.op(name, values)
    else:
        best = machine.nodes.op(f"{name}_by", values, _each(machine, frame, state, key, values))
    if default is not None:
        best = machine.nodes.make("if", machine.op(state, "len", values), best, node_of(default))
    return machine.note(state, best)


def _better_of_two(
    machine: Machine, frame: Frame | None, state: State, name: str, values: list[Value], key: Value | None
) -> Value:
    if len(values) != 2 or key is None:
        raise Unreadable(f"calls {name} of {len(values)} values with keywords")
    first, second = map(node_of, values)
    keys = [node_of(_called(machine, frame, state, key, value)) for value in (first, second)]
    better = machine.op(state, "gt" if name == "max" else "lt", keys[1], keys[0])
    return machine.note(state, machine.nodes.make("if", better, second, first))


def iterator(
    machine: Machine,
    frame: Frame | None,
    state: State,
    function: Any,
    arguments: list[Value],
    keywords: tuple[str, ...],
) -> Iterator:
    """What `map(f, xs)`, `range(n)`, `zip(xs, ys)` and their like give: nothing is computed before it is used."""
    if function is zip and keywords == ("strict",) and node_of(arguments[-1]) == ("const", False):
        arguments, keywords = arguments[:-1], ()
    if keywords and (function is not enumerate or keywords != ("start",)):
        raise Unreadable(f"calls {function.__name__} with the keyword {keywords[0]}")
    if function is range:
        if not 1 <= len(arguments) <= 3:
            raise Unreadable(f"calls range with {len(arguments)} arguments")
        return Iterator(machine.op(state, "range", *arguments), "a range")
    if function is zip:
        if not arguments:
            raise Unreadable("calls zip of nothing")
        return Iterator(machine.op(state, "zip", *map(_listed, arguments)), "what zip gives")
    name = function.__name__
    if function is enumerate and len(arguments) in (1, 2):
        return _numbered(machine, state, _listed(arguments[0]), *map(node_of, arguments[1:]))
    if len(arguments) != 2:
        raise Unreadable(f"calls {name} with {len(arguments)} arguments")
    inner, over = arguments
    node = _listed(over)
    if function is map:
        return Iterator(_each(machine, frame, state, inner, node), "what map gives")
    if isinstance(inner, tuple) and inner == ("const", None):
        condition = ITEM
    else:
        condition = _body(machine, frame, state, inner)
    return Iterator(machine.nodes.make("keep", condition, node), "what filter gives")


def _listed(value: Value) -> Node:
    """What iterating over it gives."""
    return value.node if isinstance(value, Iterator) else node_of(value)


def _numbered(machine: Machine, state: State, values: Node, start: Node | None = None) -> Iterator:
    """`enumerate(values, start)`"""
    ends = [machine.op(state, "len", values)]
    if start is not None:
        ends = [start, machine.op(state, "add", start, ends[0])]
    numbers = machine.op(state, "range", *ends)
    return Iterator(machine.op(state, "zip", numbers, values), "what enumerate gives")


def _each(machine: Machine, frame: Frame | None, state: State, function: Value, over: Node) -> Node:
    """The list of `function(element)` of all elements."""
    return machine.nodes.make("each", _body(machine, frame, state, function), over)


def _body(machine: Machine, frame: Frame | None, state: State, function: Value) -> Node:
    once = state.fork()
    value = _called(machine, frame, once, function, ITEM)
    body = settle(machine.nodes, once.events, node_of(value))
    if _loops(body):
        raise Unreadable("uses a comprehension inside of another one")
    return body


def _called(machine: Machine, frame: Frame | None, state: State, function: Value, argument: Node) -> Value:
    from dstreams.udf.calls import call as call_value

    return call_value(machine, frame, state, function, [argument], ())


def _loops(node: Node) -> bool:
    return node[0] in ("each", "keep") or any(map(_loops, children(node)))
