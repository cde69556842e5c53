"""What does a `try` give, when it is computed for whole columns?

Both ways are followed, as at a branch: the guarded steps, and the handler. Between them decides a condition made of
what the guarded steps compute: whether each thing that may raise what the handler catches gives a value.
1. A condition is false only where Python raises just that exception, and is asked only where all before it gave values.
2. Whatever else raises has no condition, nor has what is handled in a way without a form. It fails where it is
   computed, so Python computes it.
3. What a handler reads must not have been set by the guarded steps, unless nothing that it handles came afterwards:
   nobody knows how far they came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dstreams.udf.decode import Attempt
from dstreams.udf.merge import Merge
from dstreams.udf.opcodes import TRIES
from dstreams.udf.order import sequence, trace
from dstreams.udf.results import Unreadable
from dstreams.udf.state import Frame, Returned, State
from dstreams.udf.tree import Node
from dstreams.udf.values import SAVED, Caught, Unset

if TYPE_CHECKING:
    from dstreams.udf.machine import Machine

# By the number of operands and the name of an operation: what says whether it gives a value, and what it raises else.
_CONDITIONS: Mapping[tuple[int, str], tuple[str, type]] = {
    (1, "int"): ("can_int", ValueError),
    (1, "float"): ("can_float", ValueError),
    (2, "unpack"): ("can_unpack", ValueError),
    (2, "getitem"): ("can_getitem", IndexError),
    (2, "truediv"): ("can_divide", ZeroDivisionError),
    (2, "floordiv"): ("can_divide", ZeroDivisionError),
    (2, "mod"): ("can_divide", ZeroDivisionError),
}
# Operations that give a value wherever their condition is true.
_TOTAL = frozenset({"int", "float", "unpack", "getitem"})


class Guarded:
    """The guarded steps while they are followed, and those after them until the end, if they have several ways out.

    set_after: of variables that they set, how many events came before they were set first; 0 where only some ways do.
    """

    def __init__(self, steps: frozenset[int], way: State) -> None:
        self._steps = steps
        self._way = way
        self._outside = False
        self._not_guarded: set[int] = set()
        self.set_after: dict[str, int] = {}

    def step(self, state: State, at: int, step: tuple[str, Any]) -> None:
        """Before each step of the function itself; what the functions do that it calls belongs to the call."""
        name, argument = step
        self._outside = at not in self._steps
        if not self._outside and name in ("store", "store_deref", "forget"):
            self.set_after.setdefault(argument, len(state.events) if state is self._way else 0)

    def happens(self, event: Node) -> None:
        """An event happens at the step that is followed."""
        if self._outside:
            self._not_guarded.add(id(event))

    def guards(self, event: Node) -> bool:
        """Whether what the event raises comes to the handler."""
        return id(event) not in self._not_guarded


def attempt(machine: Machine, frame: Frame, state: State, at: int) -> tuple[State, int] | Returned:
    """Follows a `try` from its step: the return, or the state and the step after it."""
    way: Attempt = frame.steps.steps[at][1]
    if way.depth not in (None, len(state.stack)):
        raise Unreadable(TRIES)
    since = machine.nodes.count()
    end = len(frame.steps.steps) if way.end is None else way.end
    guarded_way = state.fork()
    around = frame.guarded  # of a `try` with several ways out, which is followed to the end
    frame.guarded = guarded = Guarded(way.guarded, guarded_way)
    machine.attempts.append(guarded)
    try:
        done = machine.execute(frame, guarded_way, at + 1, end)
    finally:
        frame.guarded = around
        machine.attempts.pop()
    meet = frame.steps.meets[at]
    handled = _handled(machine, frame, state, way, guarded, done.events, meet)
    if handled is None:
        machine.happen(state, done.events)
        if isinstance(done, Returned):
            return Returned(done.value, state.events)
        state.variables, state.stack = done.variables, done.stack
        return state, end
    condition, otherwise = handled
    machine.note(state, condition)
    then = machine.execute(frame, done, end, meet) if isinstance(done, State) else done
    if type(then) is not type(otherwise) or (
        isinstance(then, State) and isinstance(otherwise, State) and len(then.stack) != len(otherwise.stack)
    ):
        raise Unreadable(TRIES)
    return machine.join(state, Merge(machine, condition, since), condition, then, otherwise, meet)


def _handled(
    machine: Machine,
    frame: Frame,
    state: State,
    way: Attempt,
    guarded: Guarded,
    events: list[Node],
    meet: int,
) -> tuple[Node, State | Returned] | None:
    """When the guarded steps give a value, and what the handler does else; None if it handles nothing that is known.

    Exceptions that are handled at different places are known at that of most.
    """
    every = _Conditions(machine, guarded, None)
    every.of(events)
    unsure = [
        name
        for name, before in guarded.set_after.items()
        if _Conditions(machine, guarded, None).of(events[before:]) is not None
    ]
    by_place: dict[tuple[int, bool], tuple[set[type], State | Returned]] = {}
    for kind in every.asked:
        caught = Caught(kind)
        handling = state.fork()
        for name in unsure:
            handling.variables[name] = Unset(f"reads {name}, which may not be set when the exception comes")
        handling.stack += [*way.saved * [SAVED], caught]
        try:
            result = machine.execute(frame, handling, way.handler, meet)
        except Unreadable:
            continue
        by_place.setdefault((caught.checks, caught.named), (set(), result))[0].add(kind)
    if not by_place:
        return None
    kinds, otherwise = max(by_place.values(), key=lambda place: len(place[0]))
    condition = _Conditions(machine, guarded, kinds).of(events)
    assert condition is not None
    return condition, otherwise


class _Conditions:
    """Makes conditions on exceptions of some classes, or of all that are known. `asked`: those it met, in order."""

    def __init__(self, machine: Machine, guarded: Guarded, kinds: set[type] | None) -> None:
        self._machine = machine
        self._nodes = machine.nodes
        self._guarded = guarded
        self._kinds = kinds
        self.asked: dict[type, None] = {}

    def of(self, events: Sequence[Node]) -> Node | None:
        """Whether all events give values; None if that is so, or not known.

        What has no condition, or may raise something else, is computed before the conditions after it are asked.
        """
        whole: Node | None = None
        for event in reversed(events):
            if not self._guarded.guards(event):
                continue
            condition = self._of_one(event)
            if whole is not None and not (condition is not None and event[0] == "op" and event[1] in _TOTAL):
                whole = sequence(self._nodes, [event], whole)
            if condition is not None:
                whole = condition if whole is None else self._nodes.make("and", condition, whole)
        return whole

    def _of_one(self, event: Node) -> Node | None:
        tag = event[0]
        if tag == "op":
            return self._of_operation(event)
        if tag in ("if", "and", "or"):
            ways = [self.of(trace(self._nodes, [way])) for way in event[2:]]
            if not any(ways):
                return None
            ways = [way if way is not None else self._nodes.const(True) for way in ways]
            always = self._nodes.const(True)
            return self._nodes.make(
                "if", event[1], *{"if": ways, "and": [*ways, always], "or": [always, *ways]}[str(tag)]
            )
        # Of an iterator nobody knows here how many elements are taken, and what is done with each before the next.
        return None

    def _of_operation(self, event: Node) -> Node | None:
        _, name, operands = event
        if id(event) in self._machine.own_checks:
            return None
        asks, kind = _CONDITIONS.get((len(operands), name), (None, None))
        if name == "getitem" and operands[0][0] == "table":
            asks, kind = "in", KeyError
            operands = operands[::-1]
        if asks is None or kind is None or (self._kinds is not None and kind not in self._kinds):
            return None
        self.asked[kind] = None
        return self._nodes.op(asks, *operands)
