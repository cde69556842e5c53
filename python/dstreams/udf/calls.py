"""What does a call give?

Functions with an operation become one (`known.py`); plain functions are followed into; partials and the getters of
`operator` are taken apart. Everything else is refused by name.
"""

from __future__ import annotations

import functools
import operator
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dstreams.udf import by_key, held, loops, operations, regexes
from dstreams.udf.decode import decode
from dstreams.udf.known import EMPTY, GETTERS, ITERATORS, Known, acts, known, method_of_text
from dstreams.udf.results import Unreadable
from dstreams.udf.state import Frame, State
from dstreams.udf.tree import Node, is_constant
from dstreams.udf.values import Captured, Cell, Distinct, Inner, Iterator, Method, Value, node_of, tested

if TYPE_CHECKING:
    from dstreams.udf.machine import Machine

_MAX_DEPTH = 8
_VARIADIC = 0x04 | 0x08
# What takes all items of an iterator that is its first operand.
_CONSUMERS = frozenset({"sum", "min", "max", "any", "all", "sorted", "list", "tuple"})
# What gives the same for the items of a set in any order.
_OF_SETS = frozenset({"len", "sum", "min", "max", "any", "all", "sorted"})


def call(
    machine: Machine,
    frame: Frame | None,
    state: State,
    callee: Value,
    arguments: list[Value],
    keywords: tuple[str, ...],
) -> Value:
    """The value of a call; the last arguments have the names `keywords`."""
    if isinstance(callee, tuple) and callee[0] == "attr":
        callee = operations.as_method(machine, state, callee)
    if isinstance(callee, Method):
        return operations.call_method(machine, state, callee, arguments, keywords)
    if isinstance(callee, Inner):
        return _call_inner(machine, frame, state, callee, arguments, keywords)
    if not isinstance(callee, Captured):
        node_of(callee)
        raise Unreadable("calls a value that it is given")
    function = callee.value
    if regexes.is_function(function):
        return regexes.call(machine, state, function, arguments, keywords)
    if type(function) is types.FunctionType:
        return _call_function(machine, frame, state, callee, arguments, keywords)
    if type(function) is functools.partial:
        return _call_partial(machine, frame, state, callee, arguments, keywords)
    found = known(function)
    if found is not None:
        if keywords and function in (sorted, min, max):
            return by_key.call(machine, frame, state, found.name, arguments, keywords)
        return _call_known(machine, state, found, arguments, keywords)
    if any(function is one for one in ITERATORS):
        return by_key.iterator(machine, frame, state, function, arguments, keywords)
    if function is set and len(arguments) == 1 and not keywords:
        values = arguments[0].node if isinstance(arguments[0], Iterator) else arguments[0]
        return Distinct(machine.op(state, "distinct", values))
    if any(function is one for one in GETTERS) and arguments and not keywords:
        return _make_getter(function, arguments)
    text_method = method_of_text(function)
    if text_method is not None:
        return _call_text_method(machine, state, text_method, arguments, keywords)
    if type(function) is operator.itemgetter and len(arguments) == 1 and not keywords:
        return _get_items(machine, state, function, arguments[0])
    if type(function) is operator.attrgetter and len(arguments) == 1 and not keywords:
        return _get_attributes(machine, state, function, arguments[0])
    if type(function) is operator.methodcaller and len(arguments) == 1 and not keywords:
        return _call_by_name(machine, state, function, arguments[0])
    raise Unreadable(_why_not(callee))


def _why_not(callee: Captured) -> str:
    if acts(callee.value):
        return f"calls {callee.label}, which has side effects"
    if callee.value is hash:
        return "calls hash, which is Spark's own inside of tasks"
    if issubclass(type(callee.value), type):
        return f"calls the class {callee.label}, which the engine does not know"
    return f"calls {callee.label}, which the engine does not know"


# Operations -----------------------------------------------------------------------------------------------------------


def _call_known(
    machine: Machine, state: State, function: Known, arguments: list[Value], keywords: tuple[str, ...]
) -> Value:
    name = function.name
    operands = operations.by_position(machine, name, arguments, keywords, function.keywords, 1)
    if not function.least <= len(operands) <= function.most:
        raise Unreadable(f"calls {name} with {len(operands)} arguments")
    if not operands:
        return machine.nodes.make("list", ()) if name == "list" else machine.nodes.const(EMPTY[name])
    if name in _CONSUMERS and (len(operands) == 1 or name == "sum") and isinstance(operands[0], Iterator):
        operands = [operands[0].node, *operands[1:]]
    if name in _OF_SETS and isinstance(operands[0], Distinct):
        operands = [operands[0].node, *operands[1:]]
    if function.swapped:
        operands.reverse()
    if name == "not":
        return operations.negation(machine, state, operands[0])
    if name == "bool":
        return machine.op(state, name, tested(operands[0]))
    if name == "getitem":
        return operations.subscript(machine, state, operands[0], operands[1])
    if name in ("iadd", "imul"):
        return operations.inplace(machine, state, name[1:], operands[0], operands[1])
    if name == "format":
        spec = operands[1] if len(operands) == 2 else machine.nodes.const("")
        return operations.formatted(machine, state, operands[0], spec)
    if name == "reversed":
        return Iterator(machine.op(state, "reversed", operands[0]))
    if len(operands) == 2 and name in ("in", "is", "isnot"):
        return operations.binary(machine, state, name, operands[0], operands[1])
    if name == "list" and (made := node_of(operands[0]))[0] in ("each", "keep"):
        return machine.note(state, made)
    return machine.op(state, name, *operands)


def _call_text_method(
    machine: Machine, state: State, name: str, arguments: list[Value], keywords: tuple[str, ...]
) -> Value:
    if keywords or not arguments:
        raise Unreadable(f"calls str.{name} with keywords" if keywords else f"calls str.{name} without arguments")
    if name == "join" and len(arguments) == 2 and isinstance(arguments[1], Iterator):
        arguments = [arguments[0], arguments[1].node]
    return machine.op(state, f"str.{name}", *arguments)


def _constants_of(getter: Any) -> tuple[Any, ...]:
    """What a getter was made with."""
    made_with: tuple[Any, ...] = getter.__reduce__()[1]
    if not is_constant(made_with):
        raise Unreadable("calls a getter that was made with other things than constants")
    return made_with


def _make_getter(maker: Any, arguments: list[Value]) -> Captured:
    """`itemgetter(1)` and its like, made by the function itself."""
    constants = [node[1] for node in map(node_of, arguments) if node[0] == "const"]
    names = constants if maker is operator.attrgetter else constants[:1] if maker is operator.methodcaller else []
    if len(constants) < len(arguments) or not all(type(name) is str for name in names):
        raise Unreadable(f"makes {maker.__name__} of other things than constants")
    return Captured(maker(*constants), maker.__name__)


def _get_items(machine: Machine, state: State, getter: Any, of: Value) -> Node:
    items = [operations.subscript(machine, state, of, machine.nodes.const(key)) for key in _constants_of(getter)]
    return items[0] if len(items) == 1 else machine.nodes.make("tuple", tuple(items))


def _get_attributes(machine: Machine, state: State, getter: Any, of: Value) -> Node:
    found = []
    for path in _constants_of(getter):
        value = of
        for name in path.split("."):
            value = operations.attribute(machine, state, value, name)
        found.append(node_of(value))
    return found[0] if len(found) == 1 else machine.nodes.make("tuple", tuple(found))


def _call_by_name(machine: Machine, state: State, caller: Any, of: Value) -> Value:
    if caller.__reduce__()[0] is not operator.methodcaller:
        raise Unreadable("calls a method with keywords")
    name, *arguments = _constants_of(caller)
    method = operations.method(machine, state, of, name)
    if not isinstance(method, Method):
        raise Unreadable(f"calls .{name}()")
    return operations.call_method(machine, state, method, [machine.nodes.const(value) for value in arguments], ())


# Functions ------------------------------------------------------------------------------------------------------------


def _call_partial(
    machine: Machine,
    frame: Frame | None,
    state: State,
    callee: Captured,
    arguments: list[Value],
    keywords: tuple[str, ...],
) -> Value:
    captures, owner = machine.captures, callee.owner
    assert owner is not None
    if callee.value.keywords:
        raise Unreadable("is a partial with keywords")
    label = f"the function of {callee.label}"
    function = captures.look_up(owner, "function", None, label)
    bound = [
        captures.look_up(owner, "argument", at, f"argument {at + 1} of {callee.label}")
        for at in range(len(callee.value.args))
    ]
    return call(machine, frame, state, function, bound + arguments, keywords)


def _call_function(
    machine: Machine,
    frame: Frame | None,
    state: State,
    callee: Captured,
    arguments: list[Value],
    keywords: tuple[str, ...],
) -> Value:
    owner = callee.owner
    assert owner is not None
    captures = machine.captures
    code = callee.value.__code__
    defaults = captures.count_defaults(owner)

    def default(name: str, from_end: int) -> Value | None:
        if from_end:
            if from_end > defaults:
                return None
            return captures.look_up(owner, "default", -from_end, f"the default of {name}")
        return captures.look_up(owner, "kwdefault", name, f"the default of {name}")

    variables = _bind(code, arguments, keywords, default)
    return _follow(machine, frame, state, code, owner, variables, callee.label, {})


def _call_inner(
    machine: Machine,
    frame: Frame | None,
    state: State,
    callee: Inner,
    arguments: list[Value],
    keywords: tuple[str, ...],
) -> Value:
    assert frame is not None
    if callee.code.co_flags & 0x20 and callee.code.co_name == "<genexpr>":
        return _generate(machine, frame, state, callee, arguments)

    def default(name: str, from_end: int) -> Value | None:
        if from_end:
            nodes = callee.defaults
            if nodes is None:
                return None
            items = operations.items_of(machine, nodes) or []
            return items[-from_end] if from_end <= len(items) else None
        for key, value in (callee.keywords or ("table", ()))[1]:
            if key == name:
                return machine.nodes.const(value)
        return None

    cells = dict(zip(callee.code.co_freevars, callee.cells, strict=True))
    variables = _bind(callee.code, arguments, keywords, default)
    return _follow(machine, frame, state, callee.code, frame.owner, variables, callee.code.co_name, cells)


def _generate(machine: Machine, frame: Frame, state: State, callee: Inner, arguments: list[Value]) -> Iterator:
    """A generator expression: what it gives is computed when it is used, and it is used at once or not at all."""
    cells = dict(zip(callee.code.co_freevars, callee.cells, strict=True))
    inner = Frame(decode(callee.code, generator=True), callee.code, frame.owner, frame, cells)
    variables: dict[str, Value] = dict(zip(callee.code.co_varnames, arguments, strict=False))
    return Iterator(loops.generated(machine, inner, State(variables, set(state.done))), "a generator")


def _bind(
    code: types.CodeType,
    arguments: list[Value],
    keywords: tuple[str, ...],
    default: Callable[[str, int], Value | None],
) -> dict[str, Value]:
    """The parameters of a function and their values.

    `default` takes a name and how many positional parameters come after it, itself included; 0 for one that is given by
    keyword only.
    """
    if code.co_flags & _VARIADIC:
        raise Unreadable("takes any number of arguments")
    count, positional_only = code.co_argcount, code.co_posonlyargcount
    names = code.co_varnames[: count + code.co_kwonlyargcount]
    positional = arguments[: len(arguments) - len(keywords)]
    if len(positional) > count:
        raise Unreadable(f"takes {count} arguments and gets {len(arguments)}")
    variables = dict(zip(names, positional, strict=False))
    for name, value in zip(keywords, arguments[len(positional) :], strict=True):
        if name not in names[positional_only:] or name in variables:
            raise Unreadable(f"does not take the keyword {name}")
        variables[name] = value
    for at, name in enumerate(names):
        if name not in variables:
            found = default(name, max(0, count - at))
            if found is None:
                raise Unreadable(f"takes {count} arguments and gets {len(arguments)}")
            variables[name] = found
    return variables


def _follow(
    machine: Machine,
    frame: Frame | None,
    state: State,
    code: types.CodeType,
    owner: int,
    variables: dict[str, Value],
    label: str,
    cells: dict[str, Cell],
) -> Value:
    """The value of a call of a plain function."""
    calls = frame.calls() if frame is not None else []
    if any(code is other for other in calls):
        raise Unreadable("calls itself")
    if len(calls) > _MAX_DEPTH:
        raise Unreadable("calls functions that call functions, too deep")
    try:
        for name, value in variables.items():
            if isinstance(value, Iterator) and not name.startswith("."):
                node_of(value)  # it may be used twice
        inner = Frame(decode(code), code, owner, frame, cells)
        held.begin(machine, variables, frame is None)
        result = machine.run(inner, variables, state.done)
    except Unreadable as error:
        error.at(code.co_filename, code.co_firstlineno)
        if frame is None or code.co_name == "<listcomp>":
            raise
        raise Unreadable(f"calls {label}", error) from None
    machine.happen(state, result.events)
    return result.value
