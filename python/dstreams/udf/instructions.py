"""What does a single step do to the stack and the variables? One function for each; jumps and loops are elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import CodeType
from typing import TYPE_CHECKING, Any, TypeAlias

from dstreams.udf import operations
from dstreams.udf.calls import call
from dstreams.udf.known import is_exception
from dstreams.udf.loops import made
from dstreams.udf.opcodes import ANNOTATE, ANNOTATIONS, CLOSURE, DEFAULTS, KEYWORD_DEFAULTS
from dstreams.udf.results import Unreadable
from dstreams.udf.state import Frame, State
from dstreams.udf.tree import Node, is_constant
from dstreams.udf.values import (
    NO_VALUE,
    NULL,
    SAVED,
    SHORTCUT,
    Captured,
    Caught,
    Cell,
    Cells,
    Classes,
    Code,
    Converted,
    Inner,
    Iterator,
    Members,
    Slice,
    Starred,
    Table,
    Unset,
    Value,
    node_of,
)

if TYPE_CHECKING:
    from dstreams.udf.machine import Machine

Action: TypeAlias = "Callable[[Machine, Frame, State, Any], None]"


def perform(machine: Machine, frame: Frame, state: State, name: str, argument: Any) -> None:
    """Does a step."""
    _ACTIONS[name](machine, frame, state, argument)


def _refuse(_: Machine, __: Frame, ___: State, reason: str) -> None:
    raise Unreadable(reason)


# Variables ------------------------------------------------------------------------------------------------------------


def _const(machine: Machine, _: Frame, state: State, value: Any) -> None:
    state.stack.append(Code(value) if isinstance(value, CodeType) else machine.captures.constant(value))


def _is_cell(frame: Frame, name: str) -> bool:
    return name in frame.code.co_cellvars or name in frame.code.co_freevars


def _variable(state: State, name: str) -> Value:
    value = state.variables.get(name, NO_VALUE)
    if value is NO_VALUE:
        raise Unreadable(f"reads the variable {name}, which may have no value")
    if isinstance(value, Unset):
        raise Unreadable(value.reason)
    return value


def _local(_: Machine, frame: Frame, state: State, name: str) -> None:
    # Since 3.13 the cell of a variable is loaded as if it were the variable.
    state.stack.append(Cell(name, frame) if _is_cell(frame, name) else _variable(state, name))


def _local_and_clear(_: Machine, frame: Frame, state: State, name: str) -> None:
    if _is_cell(frame, name):
        raise Unreadable("makes functions inside of a comprehension")
    state.stack.append(state.variables.pop(name, NO_VALUE))


def _store(_: Machine, frame: Frame, state: State, name: str) -> None:
    if _is_cell(frame, name):
        raise Unreadable("makes functions inside of a comprehension")
    state.variables[name] = _kept(state.pop())


def _kept(value: Value) -> Value:
    """The value, unless using it later is not using it now."""
    if isinstance(value, Iterator):
        node_of(value)
    return value


def _forget(_: Machine, __: Frame, state: State, name: str) -> None:
    if isinstance(state.variables.pop(name, NO_VALUE), Unset):
        raise Unreadable(f"deletes the variable {name}, which may have no value")


def _cell(_: Machine, frame: Frame, state: State, name: str) -> None:
    state.stack.append(Cell(name, frame))


def read_cell(machine: Machine, frame: Frame, name: str) -> Value:
    """The value of a variable that functions share."""
    if name in frame.code.co_cellvars:
        if frame.state is None:
            raise Unreadable(f"reads {name}, a variable of a function that has returned")
        return _variable(frame.state, name)
    if name in frame.cells:
        return read_cell(machine, frame.cells[name].frame, frame.cells[name].name)
    return machine.captures.look_up(frame.owner, "cell", frame.code.co_freevars.index(name), name)


def _deref(machine: Machine, frame: Frame, state: State, name: str) -> None:
    state.stack.append(read_cell(machine, frame, name))


def _store_deref(_: Machine, frame: Frame, state: State, name: str) -> None:
    if name not in frame.code.co_cellvars:
        raise Unreadable(f"sets {name}, a variable of an enclosing function")
    state.variables[name] = _kept(state.pop())


def _global(machine: Machine, frame: Frame, state: State, name: str) -> None:
    state.stack.append(machine.captures.look_up(frame.owner, "global", name, name))


# The stack ------------------------------------------------------------------------------------------------------------


def _pop(_: Machine, __: Frame, state: State, ___: None) -> None:
    _kept(state.pop())


def _null(_: Machine, __: Frame, state: State, ___: None) -> None:
    state.stack.append(NULL)


def _shortcut(_: Machine, __: Frame, state: State, ___: Any) -> None:
    state.stack.append(SHORTCUT)


def _copy(_: Machine, __: Frame, state: State, depth: int) -> None:
    state.stack.append(state.stack[-depth])


def _swap(_: Machine, __: Frame, state: State, depth: int) -> None:
    stack = state.stack
    stack[-1], stack[-depth] = stack[-depth], stack[-1]


def _rotate(_: Machine, __: Frame, state: State, depth: int) -> None:
    top = state.pop()
    state.stack.insert(len(state.stack) - (depth - 1), top)


# Handlers of exceptions -----------------------------------------------------------------------------------------------


def _caught(_: Machine, __: Frame, state: State, ___: None) -> None:
    state.stack.insert(len(state.stack) - 1, SAVED)


def _catches(machine: Machine, _: Frame, state: State, pops: bool) -> None:
    """Asks whether the exception is of some classes; `pops`: it is not needed any more."""
    classes, caught = state.pop(), state.stack[-1]
    if isinstance(classes, Captured) and is_exception(classes.value):
        classes = Classes((classes.value,))
    if not isinstance(classes, Classes) or not isinstance(caught, Caught):
        raise Unreadable("catches what is no builtin class of exceptions")
    caught.checks += 1
    caught.named = issubclass(caught.kind, classes.classes)
    if pops:
        state.pop()
    state.stack.append(machine.nodes.const(caught.named))


# Operators ------------------------------------------------------------------------------------------------------------


def _unary(machine: Machine, _: Frame, state: State, name: str) -> None:
    state.stack.append(machine.op(state, name, state.pop()))


def _not(machine: Machine, _: Frame, state: State, __: None) -> None:
    state.stack.append(operations.negation(machine, state, state.pop()))


def _binary(machine: Machine, _: Frame, state: State, name: str) -> None:
    one, other = state.take(2)
    state.stack.append(operations.binary(machine, state, name, one, other))


def _inplace(machine: Machine, _: Frame, state: State, name: str) -> None:
    one, other = state.take(2)
    state.stack.append(operations.inplace(machine, state, name, one, other))


def _subscript(machine: Machine, _: Frame, state: State, __: None) -> None:
    of, index = state.take(2)
    state.stack.append(operations.subscript(machine, state, of, index))


def _subscript_slice(machine: Machine, _: Frame, state: State, __: None) -> None:
    of, start, stop = state.take(3)
    part = Slice(node_of(start), node_of(stop), machine.nodes.const(None))
    state.stack.append(operations.subscript(machine, state, of, part))


def _slice(machine: Machine, _: Frame, state: State, count: int) -> None:
    parts = [node_of(part) for part in state.take(count)]
    state.stack.append(Slice(parts[0], parts[1], parts[2] if count == 3 else machine.nodes.const(None)))


def _attribute(machine: Machine, _: Frame, state: State, name: str) -> None:
    state.stack.append(operations.attribute(machine, state, state.pop(), name))


def _method(machine: Machine, _: Frame, state: State, name: str) -> None:
    state.stack += [operations.method(machine, state, state.pop(), name), NULL]


# Containers and text --------------------------------------------------------------------------------------------------


def _tuple(machine: Machine, _: Frame, state: State, count: int) -> None:
    items = state.take(count)
    if items and all(isinstance(item, Cell) for item in items):
        state.stack.append(Cells(tuple(item for item in items if isinstance(item, Cell))))
    elif items and all(isinstance(item, Captured) and is_exception(item.value) for item in items):
        state.stack.append(Classes(tuple(item.value for item in items if isinstance(item, Captured))))
    else:
        state.stack.append(machine.nodes.make("tuple", tuple(map(node_of, items))))


def _list(machine: Machine, _: Frame, state: State, count: int) -> None:
    state.stack.append(machine.nodes.make("list", tuple(map(node_of, state.take(count)))))


def _extend(machine: Machine, _: Frame, state: State, depth: int) -> None:
    more, so_far = node_of(state.pop()), state.stack[-depth]
    items = operations.items_of(machine, more)
    if items is None:
        state.stack[-depth] = Starred((*_parts(machine, so_far), machine.op(state, "tuple", more)))
    else:
        state.stack[-depth] = _with_items(machine, so_far, tuple(items))


def _parts(machine: Machine, so_far: Value) -> tuple[Node, ...]:
    """What a list that is being made has so far, as tuples."""
    if isinstance(so_far, Starred):
        return so_far.parts
    node = node_of(so_far)
    if node[0] != "list":
        raise Unreadable("builds a list with a star")
    return (machine.nodes.make("tuple", node[1]),) if node[1] else ()


def _with_items(machine: Machine, so_far: Value, items: tuple[Node, ...]) -> Value:
    if isinstance(so_far, Starred):
        return Starred((*so_far.parts, machine.nodes.make("tuple", items)))
    node = node_of(so_far)
    if node[0] != "list":
        raise Unreadable("builds a list with a star")
    return machine.nodes.make("list", node[1] + items)


def _list_to_tuple(machine: Machine, _: Frame, state: State, __: None) -> None:
    made_with_stars = state.stack[-1]
    if isinstance(made_with_stars, Starred):
        whole, *rest = made_with_stars.parts
        for part in rest:
            whole = machine.op(state, "add", whole, part)
        state.stack[-1] = whole
        return
    so_far = node_of(state.pop())
    if so_far[0] != "list":
        raise Unreadable("builds a tuple with a star")
    state.stack.append(machine.nodes.make("tuple", so_far[1]))


def _set(machine: Machine, _: Frame, state: State, count: int) -> None:
    items = state.take(count)
    values = [item[1] for item in items if isinstance(item, tuple) and item[0] == "const" and is_constant(item[1])]
    if not items or len(values) != count:
        raise Unreadable("builds a set")
    table = machine.nodes.make("table", tuple(dict.fromkeys(values).items()))
    state.stack.append(Members(table, "uses a set for more than asking what is in it"))


def _table(machine: Machine, state: State, keys: list[Value], values: list[Value]) -> None:
    nodes = [item for item in (*keys, *values) if isinstance(item, tuple) and item[0] == "const"]
    if not keys or len(nodes) != 2 * len(keys):
        raise Unreadable("builds a dict")
    half = len(keys)
    items = {key[1]: value[1] for key, value in zip(nodes[:half], nodes[half:], strict=True)}
    state.stack.append(Table(machine.nodes.make("table", tuple(items.items()))))


def _map(machine: Machine, _: Frame, state: State, count: int) -> None:
    flat = state.take(2 * count)
    _table(machine, state, flat[::2], flat[1::2])


def _map_of_keys(machine: Machine, _: Frame, state: State, count: int) -> None:
    keys = node_of(state.pop())
    _table(machine, state, [machine.nodes.const(key) for key in keys[1]], state.take(count))


def _unpack(machine: Machine, _: Frame, state: State, count: int) -> None:
    state.stack += reversed(operations.unpack(machine, state, state.pop(), count))


def _text(machine: Machine, _: Frame, state: State, count: int) -> None:
    state.stack.append(machine.nodes.make("fstring", tuple(map(node_of, state.take(count)))))


def _format(machine: Machine, _: Frame, state: State, __: None) -> None:
    state.stack.append(operations.formatted(machine, state, state.pop(), machine.nodes.const("")))


def _format_with(machine: Machine, _: Frame, state: State, __: None) -> None:
    value, spec = state.take(2)
    state.stack.append(operations.formatted(machine, state, value, spec))


def _format_flags(machine: Machine, _: Frame, state: State, flags: tuple[str, bool]) -> None:
    conversion, has_spec = flags
    spec = state.pop() if has_spec else machine.nodes.const("")
    value: Value = Converted(node_of(state.pop()), conversion)
    state.stack.append(operations.formatted(machine, state, value, spec))


def _convert(_: Machine, __: Frame, state: State, conversion: str) -> None:
    state.stack.append(Converted(node_of(state.pop()), conversion))


def _append(machine: Machine, _: Frame, state: State, depth: int) -> None:
    if depth == 1:  # no loop: an item after a star
        item = node_of(state.pop())
        state.stack[-1] = _with_items(machine, state.stack[-1], (item,))
        return
    made(state, state.pop(), depth == 2)


def _yield(machine: Machine, _: Frame, state: State, __: None) -> None:
    made(state, state.pop(), True)
    state.stack.append(machine.nodes.const(None))


def _iterate(_: Machine, __: Frame, state: State, ___: None) -> None:
    value = state.pop()
    state.stack.append(value if isinstance(value, Iterator) else Iterator(node_of(value)))


# Functions ------------------------------------------------------------------------------------------------------------


def _function(_: Machine, __: Frame, state: State, flags: int) -> None:
    code = state.pop()
    if not isinstance(code, Code):
        raise AssertionError("a function without code")
    function = Inner(code.code)
    for flag in (CLOSURE, ANNOTATIONS, KEYWORD_DEFAULTS, DEFAULTS):
        if flags & flag:
            function = _with_part(function, flag, state.pop())
    state.stack.append(function)


def _function_part(_: Machine, __: Frame, state: State, flag: int) -> None:
    part, function = state.take(2)
    if not isinstance(function, Inner):
        raise AssertionError("a part of no function")
    state.stack.append(_with_part(function, flag, part))


def _with_part(function: Inner, flag: int, part: Value) -> Inner:
    if flag == CLOSURE and isinstance(part, Cells):
        return Inner(function.code, function.defaults, function.keywords, part.cells)
    if flag == DEFAULTS:
        return Inner(function.code, node_of(part), function.keywords, function.cells)
    if flag == KEYWORD_DEFAULTS and isinstance(part, Table):
        return Inner(function.code, function.defaults, part.node, function.cells)
    if flag in (ANNOTATIONS, ANNOTATE):
        return function
    raise Unreadable("makes a function")


def _keywords(_: Machine, __: Frame, state: State, names: tuple[str, ...]) -> None:
    state.keywords = names


def _call(machine: Machine, frame: Frame, state: State, count: int) -> None:
    keywords, state.keywords = state.keywords, ()
    function, other, *arguments = state.take(count + 2)
    if function is NULL:
        function = other
    elif other is not NULL:
        arguments.insert(0, other)
    state.stack.append(call(machine, frame, state, function, arguments, keywords))


def _names(state: State) -> tuple[str, ...]:
    names: tuple[str, ...] = node_of(state.pop())[1]
    return names


def _call_named(machine: Machine, frame: Frame, state: State, count: int) -> None:
    state.keywords = _names(state)
    _call(machine, frame, state, count)


def _call_plain(machine: Machine, frame: Frame, state: State, count: int) -> None:
    function, *arguments = state.take(count + 1)
    state.stack.append(call(machine, frame, state, function, arguments, ()))


def _call_plain_named(machine: Machine, frame: Frame, state: State, count: int) -> None:
    names = _names(state)
    function, *arguments = state.take(count + 1)
    state.stack.append(call(machine, frame, state, function, arguments, names))


_ACTIONS: Mapping[str, Action] = {
    "nothing": lambda _, __, ___, ____: None,
    "caught": _caught,
    "catches": _catches,
    "refuse": _refuse,
    "const": _const,
    "local": _local,
    "local_and_clear": _local_and_clear,
    "store": _store,
    "forget": _forget,
    "cell": _cell,
    "deref": _deref,
    "store_deref": _store_deref,
    "global": _global,
    "pop": _pop,
    "null": _null,
    "shortcut": _shortcut,
    "copy": _copy,
    "swap": _swap,
    "rotate": _rotate,
    "unary": _unary,
    "not": _not,
    "binary": _binary,
    "inplace": _inplace,
    "subscript": _subscript,
    "subscript_slice": _subscript_slice,
    "slice": _slice,
    "attribute": _attribute,
    "method": _method,
    "tuple": _tuple,
    "list": _list,
    "extend": _extend,
    "list_to_tuple": _list_to_tuple,
    "set": _set,
    "map": _map,
    "map_of_keys": _map_of_keys,
    "unpack": _unpack,
    "text": _text,
    "format": _format,
    "format_with": _format_with,
    "format_flags": _format_flags,
    "convert": _convert,
    "append": _append,
    "yield": _yield,
    "iterate": _iterate,
    "function": _function,
    "function_part": _function_part,
    "keywords": _keywords,
    "call": _call,
    "call_named": _call_named,
    "call_plain": _call_plain,
    "call_plain_named": _call_plain_named,
}
