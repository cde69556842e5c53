"""What does a reading know at one moment? Data alone: the way that is followed, the call it is in, what a call gave."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import CodeType
from typing import TYPE_CHECKING, Any

from dstreams.udf.decode import Steps
from dstreams.udf.tree import Node
from dstreams.udf.values import Cell, Value

if TYPE_CHECKING:
    from dstreams.udf.tries import Guarded


@dataclass(eq=False)
class State:
    """One way through a function.

    events: what happened since the way began that may fail, in order.
    done: ids of all that happened for sure, also before.
    keywords: names of the last arguments of the call that comes next.
    """

    variables: dict[str, Value]
    done: set[int]
    stack: list[Value] = field(default_factory=list)
    events: list[Node] = field(default_factory=list)
    keywords: tuple[str, ...] = ()

    def fork(self) -> State:
        """The same moment as the beginning of a way of its own."""
        return State(dict(self.variables), set(self.done), list(self.stack))

    def pop(self) -> Value:
        """Takes the top of the stack."""
        return self.stack.pop()

    def take(self, count: int) -> list[Value]:
        """Takes the uppermost values, the top last."""
        if len(self.stack) < count:
            raise AssertionError("the stack is too short")
        taken = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return taken


@dataclass(eq=False)
class Frame:
    """A call that is being followed.

    owner: the number of the function whose globals it has.
    cells: its variables of enclosing functions that are being followed too.
    state: where it is just now, for functions inside of it.
    guarded: the steps of the `try` that is being followed, see `tries.py`.
    """

    steps: Steps
    code: CodeType
    owner: int
    caller: Frame | None
    cells: dict[str, Cell] = field(default_factory=dict)
    state: State | None = None
    guarded: Guarded | None = None

    def calls(self) -> list[CodeType]:
        """The codes of this call and of those around it."""
        return [self.code] + (self.caller.calls() if self.caller is not None else [])


@dataclass(frozen=True, eq=False)
class Returned:
    """The value of a call, and what happened in it that may fail."""

    value: Any
    events: list[Node]
