"""What do comprehensions give? `each` and `keep` nodes, if they have one `for` and do nothing else.

The body is followed once, for an element that stands for all of them. What it puts into the list is noted in a variable
that no function can have.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dstreams.udf.decode import meeting_points
from dstreams.udf.order import settle
from dstreams.udf.results import Unreadable
from dstreams.udf.state import Frame, State
from dstreams.udf.tree import ITEM, SKIP, Node, children
from dstreams.udf.values import NULL, Iterator, Refused, Value, node_of

if TYPE_CHECKING:
    from dstreams.udf.machine import Machine

_MADE = "the element"
_RESULT = "the result"
_GENERATOR = 0x20


def made(state: State, value: Value, in_own_loop: bool) -> None:
    """The body of a comprehension puts a value into its list."""
    if state.variables.get(_MADE) is not SKIP or not in_own_loop:
        raise Unreadable("uses a loop")
    state.variables[_MADE] = node_of(value)


def comprehension(machine: Machine, frame: Frame, state: State, at: int) -> int:
    """Does the whole loop whose head is at a step. The step after it."""
    pops, after = frame.steps.steps[at][1]
    iterator = state.stack[-1]
    generator = bool(frame.code.co_flags & _GENERATOR)
    target = None if generator else state.stack[-2] if len(state.stack) > 1 else NotImplemented
    if not isinstance(iterator, Iterator) or not (generator or (isinstance(target, tuple) and target == ("list", ()))):
        raise Unreadable("uses a loop")
    body = _follow_body(machine, frame, state, at)
    if frame.guarded is not None:
        frame.guarded.step(state, at, frame.steps.steps[at])  # what follows happens here
    result = _as_list(machine, body, iterator.node)
    if generator:
        state.variables[_RESULT] = result
    else:
        state.stack[-2] = machine.note(state, result)
    if pops:
        state.pop()
    else:
        state.stack[-1] = NULL  # spent; an instruction takes it away
    return int(after)


def generated(machine: Machine, frame: Frame, state: State) -> Node:
    """The list of what a generator expression gives."""
    machine.execute(frame, state, 0, len(frame.steps.steps))
    result = state.variables.get(_RESULT)
    if result is None:
        raise Unreadable("uses a generator")
    return node_of(result)


def _follow_body(machine: Machine, frame: Frame, state: State, head: int) -> Node:
    """What the body makes of one element, SKIP where it leaves it out."""
    whole = frame.steps
    end = len(whole.steps)
    steps = [
        (name, end if argument == head else argument)
        if name == "jump"
        else (name, (*argument[:-1], end if argument[-1] == head else argument[-1]))
        if name == "branch"
        else ("refuse", "handles exceptions inside of a loop")
        if name == "try"
        else (name, argument)
        for name, argument in whole.steps
    ]
    once = state.fork()
    once.variables[_MADE] = SKIP
    once.stack.append(ITEM)
    frame.steps = replace(whole, steps=steps, meets=meeting_points(steps))
    try:
        result = machine.execute(frame, once, head + 1, end)
    finally:
        frame.steps = whole
    if not isinstance(result, State):
        raise Unreadable("uses a loop")
    value = node_of(result.variables.pop(_MADE))
    for name, variable in result.variables.items():
        if state.variables.get(name) is not variable:
            state.variables[name] = Refused(f"reads {name}, which a comprehension sets")
    settled = settle(machine.nodes, result.events, value)
    if settled is not value and _has(value, "skip"):
        raise Unreadable("uses a comprehension whose conditions are too complicated")
    return settled


def _as_list(machine: Machine, body: Node, over: Node) -> Node:
    nodes = machine.nodes
    if body is SKIP:
        raise Unreadable("uses a loop")
    if _has(body, "each") or _has(body, "keep"):
        raise Unreadable("uses a comprehension inside of another one")
    filtered = over
    if body[0] == "if" and (body[2] is SKIP or body[3] is SKIP):
        _, condition, then, otherwise = body
        condition = nodes.make("not", condition) if then is SKIP else condition
        filtered = nodes.make("keep", condition, over)
        body = otherwise if then is SKIP else then
    if _has(body, "skip"):
        raise Unreadable("uses a comprehension whose conditions are too complicated")
    if body is ITEM:
        return filtered if filtered is not over else nodes.op("list", over)
    return nodes.make("each", body, filtered)


def _has(node: Node, tag: str) -> bool:
    """Whether a node of that kind is in it."""
    return bool(node[0] == tag) or any(_has(child, tag) for child in children(node))
