"""How is a function written down as a tree?

A node is a tuple whose first item says what it is:

    ("arg", i)  ("const", value)  ("item",)          an argument, a constant, the element of a comprehension
    ("table", ((key, value), ...))                   a dict of constants, only looked up in
    ("regex", source, spec, groups)                  a regular expression, see `patterns.py`; only an operand
    ("tuple", nodes)  ("list", nodes)
    ("if", cond, then, otherwise)  ("and", a, b)  ("or", a, b)  ("not", a)
    ("seq", nodes, value)                            the nodes are computed, since they may fail, and dropped
    ("op", name, operands)  ("attr", node, name)
    ("fstring", nodes)  ("format", node, conversion, spec)
    ("each", body, over)  ("keep", cond, over)       lists made of the elements of `over`

Names of operations are those of Python's `operator` module, `math` and builtins, "method.lower" for a method of a
value of unknown type, "str.lower" for that of text; `range` gives a list. Some are our own:

    sorted_by (xs, keys, reverse), max_by, min_by (xs, keys)   `keys` is the list of the items' keys
    unpack (x, n)     a tuple of the items of x, of which there must be n
    re_match, re_search, re_fullmatch (regex, text)   a tuple of all groups, 0 being the whole match, or None
    re_findall (regex, text), re_split (regex, text, most)   lists
    re_sub (regex, text, parts, most)   `parts`: a constant of text and numbers of groups
    zip (xs, ys, ..)  a list of tuples;  distinct (xs)   a list of the items of xs, each once
    can_int, can_float (x), can_unpack (x, n), can_getitem (x, at), can_divide (a, b)
                      whether the operation gives a value: false if it raises what a `try` handles, see `tries.py`
    iadd, imul (a, b) `a += b`, `a *= b`: add and mul, unless a is a list, which would change in place

One node object used twice is one value, computed once. `Nodes` makes nodes and knows of each how large it is and
whether computing it may fail.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

Node: TypeAlias = tuple[Any, ...]

# The evaluator recurses over the tree, and so does whatever prints one.
MAX_DEPTH = 140
MAX_SIZE = 20_000

ITEM: Node = ("item",)
# In no tree: stands for no element where a comprehension leaves one out.
SKIP: Node = ("skip",)

# Operations that give an answer for all values of the builtin types.
_SAFE = frozenset({"is", "isnot", "eq", "ne", "bool"})


class TooLarge(Exception):
    """A tree beyond the limits."""


def children(node: Node) -> Sequence[Node]:
    """The nodes that this one uses, in the order in which they are computed."""
    tag = node[0]
    if tag == "op":
        return node[2]
    if tag in ("tuple", "list", "fstring"):
        return node[1]
    if tag in ("if", "and", "or", "not"):
        return node[1:]
    if tag in ("attr", "format"):
        return (node[1],)
    if tag == "seq":
        return (*node[1], node[2])
    if tag in ("each", "keep"):
        return (node[2], node[1])
    return ()


class Nodes:
    """Makes the nodes of one tree, and keeps them, so that an `id` stays the name of one node."""

    def __init__(self) -> None:
        self._kept: list[Node] = []
        # By id: depth, size when written out without sharing, whether anything in it may fail, its number.
        self._facts: dict[int, tuple[int, int, bool, int]] = {id(ITEM): (1, 1, False, 0), id(SKIP): (1, 1, False, 0)}

    def make(self, *parts: Any) -> Node:
        """A new node. Raises TooLarge."""
        node: Node = parts
        depth, size, risky = 0, 1, can_fail(node)
        for child in children(node):
            one = self._facts[id(child)]
            depth, size, risky = max(depth, one[0]), size + one[1], risky or one[2]
        if depth >= MAX_DEPTH or size > MAX_SIZE:
            raise TooLarge
        self._facts[id(node)] = (depth + 1, size, risky, len(self._kept))
        self._kept.append(node)
        return node

    def const(self, value: Any) -> Node:
        """A constant."""
        return self.make("const", value)

    def op(self, name: str, *operands: Node) -> Node:
        """An operation."""
        return self.make("op", name, operands)

    def count(self) -> int:
        """How many nodes there are. The next one has this number."""
        return len(self._kept)

    def number(self, node: Node) -> int:
        """How many nodes were made before it."""
        return self._facts[id(node)][3]

    def risky(self, node: Node) -> bool:
        """Whether something in it may fail."""
        return self._facts[id(node)][2]


def can_fail(node: Node) -> bool:
    """Whether the node itself may fail, its operands being there."""
    tag = node[0]
    if tag == "op":
        name, operands = node[1], node[2]
        if name == "getitem" and operands[0][0] == "op" and operands[0][1] == "unpack":
            return False
        return name not in _SAFE
    return tag in ("attr", "format", "each", "keep")


def same_constant(a: Any, b: Any) -> bool:
    """Whether two constants are the same in value and type, also inside of tuples: 1 is not True, 0.0 is not -0.0."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if type(a) is tuple:
        return len(a) == len(b) and all(same_constant(x, y) for x, y in zip(a, b, strict=True))
    if type(a) is float:
        return bool(a == b) and str(a) == str(b)
    return is_a(a, int, str, bytes) and bool(a == b)


def is_a(value: object, *kinds: type) -> bool:
    """Whether the value is of one of these very classes. `in` would compare classes, which runs code of a metaclass."""
    kind = type(value)
    return any(kind is one for one in kinds)


def is_constant(value: object) -> bool:
    """Whether a value may be the value of a `const` node."""
    if type(value) is tuple:
        return all(is_constant(item) for item in value)
    return value is None or is_a(value, bool, int, float, str, bytes)
