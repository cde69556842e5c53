"""What are two ways of a function together?

Where two ways meet, every variable that differs becomes an `if` of the two. The plainest form is looked for: `and`,
`or`, one of the two if they are equal, one condition for branches that end alike.
"""

from __future__ import annotations

from typing import Any

from dstreams.udf.tree import SKIP, Node, Nodes, same_constant
from dstreams.udf.values import Captured, Refused, Value


def choice(nodes: Nodes, condition: Node, then: Node, otherwise: Node) -> Node:
    """`then if condition else otherwise`; what of the condition may fail must be an event already."""
    if condition[0] == "not":
        return choice(nodes, condition[1], otherwise, then)
    if then is otherwise or alike(then, otherwise):
        return then
    if otherwise is condition and then is not SKIP:
        return nodes.make("and", condition, then)
    if then is condition and otherwise is not SKIP:
        return nodes.make("or", condition, otherwise)
    if then[0] == "if":
        _, inner, one, other = then
        if alike(other, otherwise):
            return nodes.make("if", nodes.make("and", condition, inner), one, otherwise)
        if alike(one, otherwise):
            return nodes.make("if", nodes.make("and", condition, nodes.make("not", inner)), other, otherwise)
    if otherwise[0] == "if":
        _, inner, one, other = otherwise
        if alike(one, then):
            return nodes.make("if", nodes.make("or", condition, inner), then, other)
        if alike(other, then):
            return nodes.make("if", nodes.make("or", condition, nodes.make("not", inner)), then, one)
    return nodes.make("if", condition, then, otherwise)


def choice_of_results(nodes: Nodes, condition: Node, then: Node, otherwise: Node) -> Node:
    """As `choice`, for what a function returns: tuples are chosen item by item."""
    if then[0] == otherwise[0] == "tuple" and len(then[1]) == len(otherwise[1]) and then[1]:
        pairs = zip(then[1], otherwise[1], strict=True)
        return nodes.make("tuple", tuple(choice(nodes, condition, one, other) for one, other in pairs))
    return choice(nodes, condition, then, otherwise)


def choice_of_values(nodes: Nodes, condition: Node, then: Value, otherwise: Value) -> Value:
    """As `choice`, for a variable or a place of the stack, which may hold what is no node."""
    if then is otherwise:
        return then
    if isinstance(then, tuple) and isinstance(otherwise, tuple):
        return choice(nodes, condition, then, otherwise)
    if isinstance(then, Captured) and isinstance(otherwise, Captured) and then.value is otherwise.value:
        return then
    if isinstance(then, Refused):
        return then
    if isinstance(otherwise, Refused):
        return otherwise
    return Refused("chooses between functions")


def alike(a: Node, b: Node) -> bool:
    """Whether two nodes of different ways have the same value.

    That is the same form, and the same nodes used twice, since a list made twice is two lists.
    """
    there: dict[int, int] = {}
    back: dict[int, int] = {}

    def same(one: Any, other: Any) -> bool:
        if one[0] != other[0]:
            return False
        if one[0] in ("const", "arg"):
            return same_constant(one[1], other[1])
        if one[0] in ("item", "skip"):
            return True
        if one[0] == "table":
            return one is other
        if id(one) in there or id(other) in back:
            return there.get(id(one)) == id(other) and back.get(id(other)) == id(one)
        if one is not other and not all(_same_part(x, y) for x, y in zip(one[1:], other[1:], strict=True)):
            return False
        there[id(one)] = id(other)
        back[id(other)] = id(one)
        return True

    def _same_part(x: Any, y: Any) -> bool:
        if type(x) is not tuple or type(y) is not tuple:
            return type(x) is str and x == y
        if x and type(x[0]) is str:
            return bool(y) and type(y[0]) is str and same(x, y)
        return len(x) == len(y) and all(_same_part(one, other) for one, other in zip(x, y, strict=True))

    return same(a, b)
