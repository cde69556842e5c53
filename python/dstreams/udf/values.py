"""What may lie on the stack of a function that is being read, beside nodes of the tree?

Things that exist only while reading: functions, modules, methods before their call, slices before their use. A tree
never holds them; `node_of` turns what has a form as a node into one, and says what is wrong with the rest.
"""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import Any, TypeAlias

from dstreams.udf.patterns import Pattern
from dstreams.udf.results import Unreadable
from dstreams.udf.tree import Node


class Null:
    """The empty place that calls have beside their function."""


NULL = Null()


@dataclass(frozen=True, eq=False)
class Refused:
    """Something that must not be used; the reason says why."""

    reason: str


@dataclass(frozen=True, eq=False)
class Unset(Refused):
    """The value of a variable that may have none: reading or deleting it may raise."""


# What lies below an exception that a handler got: the one that was handled before.
SAVED = Refused("uses an exception that it does not handle")
NO_VALUE = Unset("reads a local variable that may have no value")
# What 3.14 compares `any`, `all` and `tuple` with before a call, to take a loop in its place. The call gives the same
# and is understood, so nothing is identical to it.
SHORTCUT = Refused("compares a function with a builtin one")


@dataclass(frozen=True, eq=False)
class Captured:
    """A function, class, module or partial of the program; `owner` is its number among the owners of guards, if any."""

    value: Any
    label: str
    owner: int | None = None


@dataclass(frozen=True, eq=False)
class Module:
    """A module of the program, the owner of its attributes."""

    label: str
    owner: int


@dataclass(frozen=True, eq=False)
class Table:
    """A captured dict: only looked up in."""

    node: Node


@dataclass(frozen=True, eq=False)
class Members:
    """A captured set or list, or a set of the source: only asked whether it contains something."""

    node: Node
    reason: str


@dataclass(frozen=True, eq=False)
class Held:
    """The `State` that a function of `mapWithState` gets; the node is what it held before."""

    node: Node


@dataclass(frozen=True, eq=False)
class Distinct:
    """A set made of values: only used where its order does not matter. `node` lists each of them once."""

    node: Node


@dataclass(frozen=True, eq=False)
class Method:
    """A method of a value, not yet called."""

    of: Any
    name: str


@dataclass(frozen=True, eq=False)
class Slice:
    """start:stop:step"""

    start: Node
    stop: Node
    step: Node


@dataclass(frozen=True, eq=False)
class Converted:
    """The x!r of an f-string, not yet formatted."""

    node: Node
    conversion: str


@dataclass(frozen=True, eq=False)
class Iterator:
    """An iterator that nothing was taken of: over `node`, a list or what else can be iterated."""

    node: Node
    what: str = "an iterator"


@dataclass(frozen=True, eq=False)
class Starred:
    """A list that is being made with stars: tuples of its parts, or what is taken apart, as tuples."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, eq=False)
class Classes:
    """A tuple of classes of exceptions."""

    classes: tuple[type, ...]


@dataclass(eq=False)
class Caught:
    """An exception of a class that a handler got: how often it was asked whether it catches it, and the last answer."""

    kind: type
    checks: int = 0
    named: bool = False


@dataclass(frozen=True, eq=False)
class Regex:
    """A compiled regular expression."""

    node: Node
    pattern: Pattern


@dataclass(frozen=True, eq=False)
class Match:
    """What a regular expression found, or None: the node is a tuple of its groups, or None."""

    node: Node
    regex: Regex


@dataclass(frozen=True, eq=False)
class Flags:
    """Flags of regular expressions."""

    flags: int


@dataclass(frozen=True, eq=False)
class Cell:
    """A variable of the function being read, as functions inside of it see it."""

    name: str
    frame: Any


@dataclass(frozen=True, eq=False)
class Cells:
    """A tuple of such variables."""

    cells: tuple[Cell, ...]


@dataclass(frozen=True, eq=False)
class Inner:
    """A function made by the function being read; its defaults are a tuple, those of keywords a table."""

    code: types.CodeType
    defaults: Node | None = None
    keywords: Node | None = None
    cells: tuple[Cell, ...] = ()


@dataclass(frozen=True, eq=False)
class Code:
    """The code of such a function."""

    code: types.CodeType


Value: TypeAlias = (
    "Node | Null | Refused | Captured | Module | Table | Members | Distinct | Method | Slice | Converted | Iterator"
    " | Starred | Held | Classes | Caught | Regex | Match | Flags | Cell | Cells | Inner | Code"
)


def node_of(value: Value) -> Node:
    """The value as a node of the tree. Raises Unreadable if it has no such form."""
    if isinstance(value, tuple):
        return value
    if isinstance(value, (Refused, Members)):
        raise Unreadable(value.reason)
    if isinstance(value, Distinct):
        raise Unreadable("uses a set in an order that only Python knows")
    if isinstance(value, Table):
        raise Unreadable("uses a dict from outside for more than looking things up")
    if isinstance(value, (Captured, Module)):
        raise Unreadable(f"uses {value.label} as a value")
    if isinstance(value, Held):
        raise Unreadable("uses its state for more than its methods")
    if isinstance(value, Method):
        raise Unreadable(f"uses the method {value.name} without calling it")
    if isinstance(value, Match):
        raise Unreadable("uses a match of a regular expression as a value")
    if isinstance(value, (Regex, Flags)):
        raise Unreadable("uses a regular expression as a value")
    if isinstance(value, Starred):
        raise Unreadable("builds a list with a star")
    if isinstance(value, Caught):
        raise Unreadable("uses the exception that it catches")
    if isinstance(value, Classes):
        raise Unreadable("uses classes as values")
    if isinstance(value, Iterator):
        raise Unreadable(f"keeps {value.what}")
    if isinstance(value, (Inner, Code, Cell, Cells)):
        raise Unreadable("uses a function made inside of it as a value")
    raise Unreadable("uses a slice as a value")


def tested(value: Value) -> Node:
    """A node with the truth of the value, which is None where the value is: a match will do."""
    return value.node if isinstance(value, Match) else node_of(value)
