"""What is the answer of the reader?

Either a `Program`, the function as a tree, or `Opaque`, the reason why there is none. `Unreadable` carries that reason
out of the reader's depths; it never leaves this package.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from dstreams.udf.guards import Guard
from dstreams.udf.tree import Node


@dataclass(frozen=True, eq=False)
class Program:
    """A plain function as a tree over its arguments.

    tree: nested tuples, see `tree.py`.
    arity: how many arguments it takes.
    guards: what it rests on beside the function's code: globals, closure variables, defaults. While they hold, the tree
        is what the function does.
    """

    tree: Node
    arity: int
    guards: tuple[Guard, ...] = field(repr=False)


@dataclass(frozen=True, eq=False)
class Opaque:
    """A function that has to be called.

    reason: completes "the function ...", such as "uses a loop".
    line: the line of its source file that is the reason; None if it has none.
    guards: as in `Program`.
    """

    reason: str
    line: int | None
    guards: tuple[Guard, ...] = field(default=(), repr=False)


class Unreadable(Exception):
    """Something that has no form as a tree."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line: int | None = None
