"""What does code compute, if its variables hold nodes of a tree instead of values?

Symbolic execution: `Machine.execute` follows the steps of one call with a stack and variables, and makes nodes. At a
branch it follows both ways until they meet again, and makes an `if` of each variable in which they differ (`merge.py`).
What may fail is noted as an event when it happens, so that nothing that fails in Python is left out (`order.py`).
Elsewhere: single steps (`instructions.py`), calls (`calls.py`), comprehensions (`loops.py`), `try` (`tries.py`).
"""

from __future__ import annotations

from typing import Any

from dstreams.udf import held, tries
from dstreams.udf.captures import Captures
from dstreams.udf.instructions import perform
from dstreams.udf.loops import comprehension
from dstreams.udf.merge import Merge
from dstreams.udf.order import settle, trace
from dstreams.udf.results import Unreadable
from dstreams.udf.state import Frame, Returned, State
from dstreams.udf.tree import Node, Nodes
from dstreams.udf.values import NO_VALUE, Match, Value, node_of, tested

MAX_STEPS = 5000
MAX_BRANCHES = 200


class Machine:
    """One reading of one function."""

    def __init__(self, nodes: Nodes, captures: Captures) -> None:
        self.nodes = nodes
        self.captures = captures
        self._steps = 0
        self._branches = 0
        self.attempts: list[tries.Guarded] = []
        # Nodes that fail in place of something else, which raises another exception.
        self.own_checks: set[int] = set()

    def note(self, state: State, node: Node) -> Node:
        """The node; it happens now, with all in it that has not happened yet."""
        if self.nodes.risky(node):
            self.happen(state, trace(self.nodes, [node], state.done))
        return node

    def happen(self, state: State, events: list[Node]) -> None:
        """The events happen, those that have not happened yet."""
        for event in events:
            if id(event) not in state.done:
                state.done.add(id(event))
                state.events.append(event)
                for guarded in self.attempts:
                    guarded.happens(event)

    def op(self, state: State, name: str, *operands: Value) -> Node:
        """An operation that happens now."""
        return self.note(state, self.nodes.op(name, *map(node_of, operands)))

    def run(self, frame: Frame, variables: dict[str, Value], done: set[int]) -> Returned:
        """Follows a call from its beginning to its return."""
        result = self.execute(frame, State(variables, set(done)), 0, len(frame.steps.steps))
        if not isinstance(result, Returned):
            raise AssertionError("a function without a return")
        return result

    def execute(self, frame: Frame, state: State, at: int, until: int) -> State | Returned:
        """Follows one way from a step to another one, or to a return if that comes first."""
        steps = frame.steps.steps
        before, frame.state = frame.state, state
        try:
            while at != until:
                self._steps += 1
                if self._steps > MAX_STEPS:
                    raise Unreadable("is too long")
                name, argument = steps[at]
                if frame.guarded is not None:
                    frame.guarded.step(state, at, steps[at])
                if name == "return":
                    return Returned(held.returned(self, state, state.pop()), state.events)
                if name == "jump":
                    at = _forward(at, argument)
                elif name == "rejoin":
                    at = argument
                elif name in ("branch", "try"):
                    after = (
                        self._branch(frame, state, at) if name == "branch" else tries.attempt(self, frame, state, at)
                    )
                    if isinstance(after, Returned):
                        return after
                    state, at = after
                    frame.state = state
                elif name == "loop":
                    at = comprehension(self, frame, state, at)
                else:
                    perform(self, frame, state, name, argument)
                    at += 1
        except Unreadable as error:
            error.at(frame.code.co_filename, frame.steps.lines[at])
            raise
        finally:
            frame.state = before
        return state

    def _branch(self, frame: Frame, state: State, at: int) -> tuple[State, int] | Returned:
        """Both ways from a branch to where they meet: the state and the step there."""
        test, on, keep, argument = frame.steps.steps[at][1]
        target = _forward(at, argument)
        found, nothing = state.stack[-1], self.nodes.const(None)
        condition = tested(found)
        known = _known_truth(test, condition)
        if test == "none":
            condition = self.nodes.op("is", condition, self.nodes.const(None))
        if known is not None:
            if known is not on or not keep:
                state.pop()
            return state, target if known is on else at + 1
        self._branches += 1
        if self._branches > MAX_BRANCHES:
            raise Unreadable("has too many branches")
        meet = frame.steps.meets[at]
        merge = Merge(self, condition, self.nodes.count())
        ways = []
        for truth in (True, False):
            way = state.fork()
            if truth is not on or not keep:
                way.pop()
            if isinstance(found, Match) and truth is (test == "none"):
                # There is no match on this way. From CPython 3.12 on the value of `match and ...` is a copy below it.
                way.stack = [nothing if value is found else value for value in way.stack]
            ways.append(self.execute(frame, way, target if truth is on else at + 1, meet))
        if frame.guarded is not None:
            frame.guarded.step(state, at, frame.steps.steps[at])  # what follows happens here
        return self.join(state, merge, condition, ways[0], ways[1], meet)

    def join(
        self,
        state: State,
        merge: Merge,
        condition: Node,
        then: State | Returned,
        otherwise: State | Returned,
        meet: int,
    ) -> tuple[State, int] | Returned:
        """What two ways that part at a condition are together: a return, or `state` at the step where they meet."""
        if isinstance(then, Returned) and isinstance(otherwise, Returned):
            return self._join_returns(state, merge, then, otherwise)
        if isinstance(then, Returned) or isinstance(otherwise, Returned):
            raise AssertionError("only one of two ways returns")
        self._join(state, merge, condition, then, otherwise)
        return state, meet

    def _join_returns(self, state: State, merge: Merge, then: Returned, otherwise: Returned) -> Returned:
        if then.value is otherwise.value and not (then.events or otherwise.events):
            return Returned(then.value, state.events)
        one, other = (settle(self.nodes, way.events, node_of(way.value)) for way in (then, otherwise))
        value = merge.of_results(one, other)
        self.note(state, value)
        return Returned(value, state.events)

    def _join(self, state: State, merge: Merge, condition: Node, then: State, otherwise: State) -> None:
        """Makes `state` the moment after both ways."""
        merged: dict[tuple[int, int], Value] = {}
        chosen: list[tuple[Any, Any, Node]] = []

        def both(one: Value, other: Value) -> Value:
            key = (id(one), id(other))
            if key not in merged:
                merged[key] = value = merge.of_values(one, other)
                if isinstance(value, tuple) and one is not other:
                    chosen.append((one, other, value))
            return merged[key]

        if len(then.stack) != len(otherwise.stack):
            raise AssertionError("two ways meet with different stacks")
        state.stack = [both(one, other) for one, other in zip(then.stack, otherwise.stack, strict=True)]
        # By name: in which order variables got their values differs between versions of CPython.
        names = sorted({*then.variables, *otherwise.variables})
        state.variables = {
            name: both(then.variables.get(name, NO_VALUE), otherwise.variables.get(name, NO_VALUE)) for name in names
        }
        if then.events or otherwise.events:
            self.note(state, self._what_happened(state, condition, then, otherwise, chosen))

    def _what_happened(
        self, state: State, condition: Node, then: State, otherwise: State, chosen: list[tuple[Any, Any, Node]]
    ) -> Node:
        """One node for the events of both ways: a variable's new value, if computing it is just these."""
        for one, other, value in chosen:
            if _same(trace(self.nodes, [one], state.done), then.events) and _same(
                trace(self.nodes, [other], state.done), otherwise.events
            ):
                return value
        nothing = self.nodes.const(None)
        ways = (settle(self.nodes, way.events, nothing) for way in (then, otherwise))
        return self.nodes.make("if", condition, *ways)


def _forward(at: int, target: int) -> int:
    if target <= at:
        raise Unreadable("uses a loop")
    return target


def _known_truth(test: str, condition: Node) -> bool | None:
    if condition[0] != "const":
        return None
    return condition[1] is None if test == "none" else bool(condition[1])


def _same(some: list[Node], others: list[Node]) -> bool:
    return len(some) == len(others) and all(one is other for one, other in zip(some, others, strict=True))
