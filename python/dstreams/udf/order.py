"""In which order does a tree compute what may fail, and what must be said beside it?

A function computes things one after the other; the tree of its value computes those that the value needs, in the tree's
own order. What the value does not need, or needs in another order, is put before it in a `seq`.
"""

from __future__ import annotations

from collections.abc import Container, Iterable

from dstreams.udf.tree import Node, Nodes, can_fail, children


def trace(nodes: Nodes, roots: Iterable[Node], done: Container[int] = ()) -> list[Node]:
    """What the roots compute that may fail, in order, each once, but for what is done already.

    An `if`, `and`, `or` counts as one such thing itself if what it chooses between may fail: only its condition is
    computed for sure.
    """
    found: list[Node] = []
    seen: set[int] = set()

    def walk(node: Node) -> None:
        if id(node) in seen or not nodes.risky(node):
            return
        seen.add(id(node))
        tag = node[0]
        if tag in ("if", "and", "or"):
            walk(node[1])
            if any(map(nodes.risky, node[2:])):
                found.append(node)
        elif tag in ("each", "keep"):
            walk(node[2])
            found.append(node)
        else:
            for child in children(node):
                walk(child)
            if can_fail(node):
                found.append(node)

    for root in roots:
        walk(root)
    return [node for node in found if id(node) not in done]


def settle(nodes: Nodes, events: list[Node], value: Node) -> Node:
    """The value, with a `seq` around it if computing it is not computing all events in their order."""
    first: list[Node] = []
    last = value
    while events:
        position = {id(node): at for at, node in enumerate(trace(nodes, [last]))}
        # The longest end of the events that happens in this order anyway.
        keep, before = len(events), len(position)
        while keep and position.get(id(events[keep - 1]), before) < before:
            keep -= 1
            before = position[id(events[keep])]
        if not keep:
            break
        if keep == len(events) and first and last is events[-1]:
            raise AssertionError("an event that does not happen when it is computed")
        events = events[:keep]
        last = events[-1]
        first.append(last)
    if not first:
        return value
    first.reverse()
    return sequence(nodes, first, value)


def sequence(nodes: Nodes, first: list[Node], value: Node) -> Node:
    """("seq", first, value), one of them where there would be two."""
    if value[0] == "seq":
        return nodes.make("seq", (*first, *value[1]), value[2])
    return nodes.make("seq", tuple(first), value)
