"""What are two ways of a function together?

Where two ways meet, every variable that differs becomes an `if` of the two. The plainest form is looked for: `and`,
`or`, one of the two if they are equal, one condition for branches that end alike.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dstreams.udf.tree import SKIP, Node, same_constant
from dstreams.udf.values import Captured, Match, Refused, Unset, Value

if TYPE_CHECKING:
    from dstreams.udf.machine import Machine


class Merge:
    """The meeting of two ways. `since`: how many nodes there were when they parted, see `Nodes.count`."""

    def __init__(self, machine: Machine, condition: Node, since: int) -> None:
        self._nodes = machine.nodes
        self._attempts = tuple(machine.attempts)
        self._condition = condition
        self._since = since
        self._there: dict[int, int] = {}
        self._back: dict[int, int] = {}

    def of_values(self, then: Value, otherwise: Value) -> Value:
        """What a variable or a place of the stack is afterwards, whose values may be no nodes."""
        if then is otherwise:
            return then
        for value in (then, otherwise):
            if isinstance(value, Unset):
                return value
        if isinstance(then, tuple) and isinstance(otherwise, tuple):
            return self._choice(self._condition, then, otherwise)
        if isinstance(then, Match) or isinstance(otherwise, Match):
            return self._of_matches(then, otherwise)
        if isinstance(then, Captured) and isinstance(otherwise, Captured) and then.value is otherwise.value:
            return then
        if isinstance(then, Refused):
            return then
        if isinstance(otherwise, Refused):
            return otherwise
        return Refused("chooses between functions")

    def _of_matches(self, then: Value, otherwise: Value) -> Value:
        """A match, if both are one of the same groups, or None."""
        one, other = _match_or_none(then), _match_or_none(otherwise)
        found = [value.regex for value in (then, otherwise) if isinstance(value, Match)]
        named = {(regex.pattern.groups, tuple(regex.pattern.names.items())) for regex in found}
        if one is None or other is None or len(named) > 1:
            return Refused("chooses between matches of different regular expressions")
        unsure = frozenset[int]().union(*(regex.pattern.unsure for regex in found))
        pattern = replace(found[0].pattern, unsure=unsure)
        return Match(self._choice(self._condition, one, other), replace(found[0], pattern=pattern))

    def of_results(self, then: Node, otherwise: Node) -> Node:
        """What a function returns that returns on both ways: tuples are chosen item by item."""
        if then[0] == otherwise[0] == "tuple" and len(then[1]) == len(otherwise[1]) and then[1]:
            pairs = zip(then[1], otherwise[1], strict=True)
            items = tuple(self._choice(self._condition, one, other) for one, other in pairs)
            return self._nodes.make("tuple", items)
        return self._choice(self._condition, then, otherwise)

    def _choice(self, condition: Node, then: Node, otherwise: Node) -> Node:
        """`then if condition else otherwise`; what of the condition may fail must be an event already."""
        make = self._nodes.make
        if condition[0] == "not":
            return self._choice(condition[1], otherwise, then)
        if self._alike(then, otherwise):
            return then
        if otherwise is condition and then is not SKIP:
            return make("and", condition, then)
        if then is condition and otherwise is not SKIP:
            return make("or", condition, otherwise)
        if then[0] == "if":
            _, inner, one, other = then
            if self._alike(other, otherwise):
                return make("if", make("and", condition, inner), one, otherwise)
            if self._alike(one, otherwise):
                return make("if", make("and", condition, make("not", inner)), other, otherwise)
        if otherwise[0] == "if":
            _, inner, one, other = otherwise
            if self._alike(one, then):
                return make("if", make("or", condition, inner), then, other)
            if self._alike(other, then):
                return make("if", make("or", condition, make("not", inner)), then, one)
        if condition[:2] == ("op", "isnot"):
            # One form for both: which of them a condition becomes differs between versions of CPython.
            return make("if", self._nodes.op("is", *condition[2]), otherwise, then)
        return make("if", condition, then, otherwise)

    def _alike(self, one: Node, other: Node) -> bool:
        """Whether two nodes of different ways have the same value, so that one of them will do for both.

        They have the same form, and were made since the ways parted, each being the only partner of the other: a list
        that is made again is another list.
        """
        tag = one[0]
        if tag != other[0]:
            return False
        if tag in ("const", "arg"):
            return same_constant(one[1], other[1])
        if tag in ("item", "skip", "table", "regex"):
            return one is other
        if any(attempt.guards(one) is not attempt.guards(other) for attempt in self._attempts):
            return False  # what they raise goes to different places
        if id(one) in self._there or id(other) in self._back:
            return self._there.get(id(one)) == id(other) and self._back.get(id(other)) == id(one)
        if one is not other:
            if self._nodes.number(one) < self._since or self._nodes.number(other) < self._since:
                return False
            if not all(self._alike_parts(x, y) for x, y in zip(one[1:], other[1:], strict=True)):
                return False
        self._there[id(one)] = id(other)
        self._back[id(other)] = id(one)
        return True

    def _alike_parts(self, x: Any, y: Any) -> bool:
        """The same of what a node consists of: names, nodes, and tuples of nodes."""
        if type(x) is not tuple or type(y) is not tuple:
            return type(x) is str and x == y
        if x and type(x[0]) is str:
            return bool(y) and type(y[0]) is str and self._alike(x, y)
        return len(x) == len(y) and all(self._alike_parts(one, other) for one, other in zip(x, y, strict=True))


def _match_or_none(value: Value) -> Node | None:
    """The node of a match, or of the constant None."""
    if isinstance(value, Match):
        return value.node
    return value if isinstance(value, tuple) and value[0] == "const" and value[1] is None else None
