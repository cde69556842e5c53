"""How is an RDD made from others, as text?

The tree is drawn as Spark draws it: a shuffle's input is set off by `+-(partitions)`, narrow parents stand below each
other. Nodes are the engine's: Spark needs several for some of them.
"""

from __future__ import annotations

from dstreams import _native

_MADE_BY = {
    "EmptyRDD": "emptyRDD",
    "ParallelCollectionRDD": "parallelize",
    "HadoopRDD": "textFile",
    "UnionRDD": "union",
    "PartitionerAwareUnionRDD": "union",
    "CoalescedRDD": "coalesce",
    "ShuffledRDD": "partitionBy",
    "ZippedPartitionsRDD2": "zip",
    "CartesianRDD": "cartesian",
}


def describe(node: _native.Rdd, first: int) -> str:
    """A node in a few words: name, kind, number (`first` is 0) and what made it."""
    name = f"{node.label} " if node.label else ""
    return f"{name}{node.kind}[{node.id - first}] at {_MADE_BY.get(node.kind, 'RDD')} at dstreams"


def draw(node: _native.Rdd, first: int, storage: str) -> str:
    """The lineage of a node, a line each; `storage` tells how its partitions are kept."""
    count = f"({node.partitions()})"
    lines = [f"{count} {describe(node, first)} [{storage}]"]
    # (node, how its line begins, how the lines of its parents begin); the last one is drawn next.
    pending = _parents(node, _below(count))
    while pending:
        node, begin, below = pending.pop()
        lines.append(f"{begin}{describe(node, first)} [{storage}]")
        pending += _parents(node, below)
    return "\n".join(lines)


def _parents(node: _native.Rdd, prefix: str) -> list[tuple[_native.Rdd, str, str]]:
    """The parents of a node that is drawn under `prefix`, the first one at the end."""
    rows = []
    parents = node.parents()
    for at, parent in enumerate(parents):
        if node.kind != "ShuffledRDD":
            rows.append((parent, prefix, prefix))
            continue
        count = f"({parent.partitions()})"
        outer = prefix.rstrip().removesuffix("|")
        bar = "  " if at == len(parents) - 1 else "| "
        rows.append((parent, f"{outer}+-{count} ", outer + bar + _below(count)))
    return rows[::-1]


def _below(count: str) -> str:
    """A bar under the middle of a number of partitions."""
    left = (len(count) - 1) // 2
    return " " * left + "|" + " " * (len(count) - left)
