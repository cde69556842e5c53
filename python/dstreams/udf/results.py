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


@dataclass(frozen=True)
class Link:
    """What a function does, such as "uses a loop", and where; file and line are None where there is no source."""

    what: str
    file: str | None
    line: int | None


@dataclass(frozen=True, eq=False)
class Opaque:
    """A function that has to be called.

    reason: completes "the function ...", such as "uses a loop".
    line: the line of its source file that is the reason; None if it has none.
    guards: as in `Program`.
    links: the reason from call to call: the first is in the function itself, the last is what has no form.
    """

    reason: str
    line: int | None
    guards: tuple[Guard, ...] = field(default=(), repr=False)
    links: tuple[Link, ...] = field(default=(), repr=False)


class Unreadable(Exception):
    """Something that has no form as a tree: what it is, where, and what is wrong with the function called there."""

    def __init__(self, what: str, inner: Unreadable | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.inner = inner
        self.file: str | None = None
        self.line: int | None = None

    def at(self, file: str, line: int | None) -> None:
        """Notes the place, if none is known yet."""
        if self.line is None:
            self.file, self.line = file, line

    def links(self) -> tuple[Link, ...]:
        """From the outermost call to the innermost."""
        rest = self.inner.links() if self.inner is not None else ()
        return (Link(self.what, self.file, self.line), *rest)
