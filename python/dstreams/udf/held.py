"""What does a function of `mapWithState` do with the `State` that it gets?

The state and what was done to it are two variables of the way that is followed, under names that no program can have.
So where ways meet they are chosen like any other variable, and what the function returns is a tuple: its value, the
state afterwards, and `UNTOUCHED`, `SET` or `REMOVED`. A state that is not there is None.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dstreams.udf.results import Unreadable
from dstreams.udf.state import State
from dstreams.udf.tree import Node
from dstreams.udf.values import Held, Value, node_of

if TYPE_CHECKING:
    from dstreams.udf.machine import Machine

UNTOUCHED, SET, REMOVED = 0, 1, 2
_STATE, _DONE = "<state>", "<done>"


def begin(machine: Machine, variables: dict[str, Value], outermost: bool) -> None:
    """Notes the state that is among the arguments of a call, if one is."""
    for value in list(variables.values()):
        if isinstance(value, Held):
            if not outermost:
                raise Unreadable("gives its state to another function")
            variables[_STATE] = value.node
            variables[_DONE] = machine.nodes.const(UNTOUCHED)


def returned(machine: Machine, state: State, value: Value) -> Value:
    """What a call returns: with the state, if it has one."""
    if _STATE not in state.variables:
        return value
    parts = (value, state.variables[_STATE], state.variables[_DONE])
    return machine.nodes.make("tuple", tuple(node_of(part) for part in parts))


def call(machine: Machine, state: State, name: str, arguments: list[Value], keywords: tuple[str, ...]) -> Node:
    """`state.name(arguments)`"""
    if _STATE not in state.variables:
        raise Unreadable("uses its state in a function inside of it")
    nothing = machine.nodes.const(None)
    if name == "update" and len(arguments) == 1 and keywords in ((), ("newState",)):
        _change(state, SET, node_of(arguments[0]), machine)
        return nothing
    if arguments or name not in ("exists", "get", "getOption", "remove", "isTimingOut"):
        raise Unreadable(f"calls .{name}() of its state")
    if name == "isTimingOut":
        # Keys that time out have no record: the function itself is called for them.
        return machine.nodes.const(False)
    if name == "remove":
        _change(state, REMOVED, nothing, machine)
        return nothing
    now = node_of(state.variables[_STATE])
    there = machine.nodes.op("isnot", now, nothing)
    if name == "exists":
        return there
    if name == "get":
        # Fails where there is no state, as `get` does; the text of the error is Python's to make.
        machine.own_checks.add(id(machine.op(state, "floordiv", machine.nodes.const(1), there)))
    return now


def _change(state: State, what: int, value: Node, machine: Machine) -> None:
    if machine.attempts:
        raise Unreadable("changes its state inside of a try")
    if _may_be_removed(node_of(state.variables[_DONE])):
        raise Unreadable("changes a state that it may have removed")
    state.variables[_STATE], state.variables[_DONE] = value, machine.nodes.const(what)


def _may_be_removed(done: Node) -> bool:
    return any(map(_may_be_removed, done[2:])) if done[0] == "if" else done[0] != "const" or done[1] == REMOVED
