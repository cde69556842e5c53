"""What do operators give? Nodes, or a reason why there is none: for values of any type, the exact meaning of Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dstreams.udf import held, regexes
from dstreams.udf.known import CHANGING, METHODS, OMITTED, method_of_text
from dstreams.udf.results import Unreadable
from dstreams.udf.state import State
from dstreams.udf.tree import Node
from dstreams.udf.values import (
    SHORTCUT,
    Captured,
    Converted,
    Flags,
    Held,
    Iterator,
    Match,
    Members,
    Method,
    Module,
    Refused,
    Regex,
    Slice,
    Table,
    Value,
    node_of,
    tested,
)

if TYPE_CHECKING:
    from dstreams.udf.machine import Machine

_NAMES_OF_NUMBERS = """
    len int float ord sub truediv floordiv neg pos invert abs round bool eq ne lt le gt ge is isnot in notin any
    all lshift rshift pow
"""
_NUMBERS = frozenset(_NAMES_OF_NUMBERS.split())
_TEXT_OR_TUPLES = frozenset(["str", "chr", "repr", "tuple", "unpack", "divmod"])
_METHODS_THAT_GIVE_LISTS = frozenset(["split", "rsplit", "splitlines", "copy", "get"])


def binary(machine: Machine, state: State, name: str, one: Value, other: Value) -> Value:
    """`one name other`"""
    if name in ("in", "notin"):
        return _contains(machine, state, name, one, other)
    if name in ("is", "isnot"):
        return _identity(machine, state, name, one, other)
    if name == "bitor" and (isinstance(one, Flags) or isinstance(other, Flags)):
        return regexes.combined(one, other)
    if name == "matmul":
        raise Unreadable("multiplies matrices (@)")
    return machine.op(state, name, one, other)


def _contains(machine: Machine, state: State, name: str, item: Value, container: Value) -> Node:
    inside = container.node if isinstance(container, (Table, Members)) else node_of(container)
    return machine.op(state, name, item, inside)


def _identity(machine: Machine, state: State, name: str, one: Value, other: Value) -> Node:
    """Whether two values are the same object is only known of the few that exist once."""
    if other is SHORTCUT:
        return machine.nodes.const(name == "isnot")
    if isinstance(one, Match) and isinstance(other, Match):
        raise Unreadable("asks whether two values are the same object (is)")
    nodes = tested(one), tested(other)
    if not any(node[0] == "const" and (node[1] is None or type(node[1]) is bool) for node in nodes):
        raise Unreadable("asks whether two values are the same object (is)")
    return machine.op(state, name, *nodes)


def inplace(machine: Machine, state: State, name: str, one: Value, other: Value) -> Value:
    """`one name= other`: a new value, but for lists, which `+=` and `*=` change."""
    left, right = node_of(one), node_of(other)
    if (name == "add" and not (_is_no_list(left) or _is_number(right))) or (name == "mul" and not _is_no_list(left)):
        name = f"i{name}"
    return binary(machine, state, name, left, right)


def _is_number(node: Node) -> bool:
    if node[0] == "const":
        return type(node[1]) in (bool, int, float)
    return node[0] == "not" or (node[0] == "op" and node[1] in _NUMBERS)


def _is_no_list(node: Node) -> bool:
    """Whether it is surely no list, whatever the arguments are."""
    tag = node[0]
    if tag in ("if", "and", "or"):
        return _is_no_list(node[-1]) and _is_no_list(node[-2])
    if tag == "seq":
        return _is_no_list(node[2])
    if tag != "op":
        return tag in ("const", "tuple", "fstring", "format", "not")
    name, operands = node[1], node[2]
    if name == "add":  # a list adds to lists alone
        return _is_no_list(operands[0]) or _is_no_list(operands[1])
    if name in ("mul", "sum"):
        return all(map(_is_no_list, operands[1 if name == "sum" else 0 :]))
    if name == "mod":
        return True
    method = name.partition(".")[2]
    if method:
        return method not in _METHODS_THAT_GIVE_LISTS
    return name in _NUMBERS or name in _TEXT_OR_TUPLES


def negation(machine: Machine, state: State, value: Value) -> Node:
    """`not value`"""
    node = tested(value)
    return machine.nodes.const(not node[1]) if node[0] == "const" else machine.nodes.make("not", node)


def subscript(machine: Machine, state: State, of: Value, index: Value) -> Node:
    """`of[index]`"""
    if isinstance(index, Slice):
        return machine.op(state, "slice", of, index.start, index.stop, index.step)
    if isinstance(of, Match):
        return regexes.group(machine, state, of, index)
    key = node_of(index)
    if isinstance(of, Table):
        return machine.op(state, "getitem", of.node, key)
    node = node_of(of)
    if node[0] == "tuple" and key[0] == "const" and type(key[1]) is int and -len(node[1]) <= key[1] < len(node[1]):
        item: Node = node[1][key[1]]
        return item
    return machine.op(state, "getitem", node, key)


def items_of(machine: Machine, node: Node) -> list[Node] | None:
    """The items of a tuple or list whose length is known."""
    if node[0] in ("tuple", "list"):
        return list(node[1])
    if node[0] == "const" and type(node[1]) is tuple:
        return [machine.nodes.const(item) for item in node[1]]
    return None


def unpack(machine: Machine, state: State, value: Value, count: int) -> list[Node]:
    """The items of what is unpacked into that many variables."""
    node = node_of(value)
    items = items_of(machine, node)
    if items is not None and len(items) == count:
        return items
    whole = machine.op(state, "unpack", node, machine.nodes.const(count))
    return [machine.op(state, "getitem", whole, machine.nodes.const(at)) for at in range(count)]


def attribute(machine: Machine, state: State, of: Value, name: str) -> Value:
    """`of.name`"""
    if isinstance(of, Module):
        return machine.captures.look_up(of.owner, "attribute", name, f"{of.label}.{name}")
    if isinstance(of, Captured):
        function = str.__dict__.get(name) if of.value is str else None
        if method_of_text(function) is not None:
            return Captured(function, f"str.{name}")
        return Refused(f"uses {of.label}.{name}, which the engine does not know")
    if isinstance(of, (Table, Held, Regex, Match)):
        return Method(of, name)
    if isinstance(of, Refused):
        raise Unreadable(of.reason)
    if name.startswith("__"):
        raise Unreadable(f"reads the attribute {name}")
    return machine.note(state, machine.nodes.make("attr", node_of(of), name))


def method(machine: Machine, state: State, of: Value, name: str) -> Value:
    """`of.name`, which is called next."""
    if isinstance(of, (Module, Captured)):
        return attribute(machine, state, of, name)
    return Method(of if isinstance(of, (Table, Held, Regex, Match)) else node_of(of), name)


def as_method(machine: Machine, state: State, node: Node) -> Method:
    """The method that an attribute turns out to be when it is called: it is read by the call."""
    if machine.attempts:
        raise Unreadable(f"reads the method {node[2]} inside of a try before it calls it")
    state.events = [event for event in state.events if event is not node]
    state.done.discard(id(node))
    return Method(node[1], node[2])


def call_method(
    machine: Machine, state: State, callee: Method, arguments: list[Value], keywords: tuple[str, ...]
) -> Value:
    """`of.name(arguments)`, for methods that leave their object alone."""
    name = callee.name
    if isinstance(callee.of, Held):
        return held.call(machine, state, name, arguments, keywords)
    if isinstance(callee.of, Regex):
        return regexes.method(machine, state, callee.of, name, arguments, keywords)
    if isinstance(callee.of, Match):
        return regexes.of_match(machine, state, callee.of, name, arguments, keywords)
    if isinstance(callee.of, Table):
        if name != "get" or keywords or len(arguments) not in (1, 2):
            raise Unreadable(f"calls .{name}() of a dict from outside")
        return machine.op(state, "method.get", callee.of.node, *arguments)
    if name == "format":
        if callee.of[0] != "const" or type(callee.of[1]) is not str or keywords:
            raise Unreadable("calls format of a text that is not known")
    elif name in CHANGING:
        raise Unreadable(f"calls .{name}(), which may change something")
    elif name not in METHODS:
        raise Unreadable(f"calls .{name}(), which the engine does not know")
    from_keywords = METHODS.get(name, ())
    operands = [callee.of, *by_position(machine, f".{name}()", arguments, keywords, from_keywords, 0)]
    if name == "join" and len(operands) == 2 and isinstance(operands[1], Iterator):
        operands[1] = operands[1].node
    return machine.op(state, f"method.{name}", *operands)


def by_position(
    machine: Machine,
    label: str,
    arguments: list[Value],
    keywords: tuple[str, ...],
    names: tuple[str, ...],
    before: int,
) -> list[Value]:
    """Arguments as positional ones. `names`: those that may be given by keyword, after `before` others."""
    if not keywords:
        return arguments
    positional = arguments[: len(arguments) - len(keywords)]
    given = dict(zip(keywords, arguments[len(positional) :], strict=True))
    for name in names[max(0, len(positional) - before) :]:
        if not given:
            break
        if name not in given and name not in OMITTED:
            break
        positional.append(given.pop(name) if name in given else machine.nodes.const(OMITTED[name]))
    if given or len(positional) < before:
        raise Unreadable(f"calls {label} with the keyword {next(iter(given), keywords[0])}")
    return positional


def formatted(machine: Machine, state: State, value: Value, spec: Value) -> Node:
    """`format(value, spec)`, the value being converted first."""
    text = node_of(spec)
    if text[0] != "const" or type(text[1]) is not str:
        raise Unreadable("formats with a width or precision that is computed")
    converted = value if isinstance(value, Converted) else Converted(node_of(value), "")
    return machine.note(state, machine.nodes.make("format", converted.node, converted.conversion, text[1]))
