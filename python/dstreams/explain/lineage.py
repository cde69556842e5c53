"""How does an RDD come about, step by step, from its data on?

Walks the engine's lineage from an RDD back to its sources and tells it forwards. A chain of narrow steps goes on in the
block of the node it reads, if nothing else reads that; all other nodes begin a block.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dstreams import _native
from dstreams.core.rdds.native import forms_of
from dstreams.explain.report import Block, Line, Report
from dstreams.explain.verdicts import lines_of, lines_of_placing, notes

if TYPE_CHECKING:
    from dstreams.core.context import SparkContext
    from dstreams.core.rdd import RDD
    from dstreams.core.rdds.stepwise import Step

_SOURCES = {
    "EmptyRDD": "emptyRDD",
    "ParallelCollectionRDD": "data",
    "HadoopRDD": "textFile",
    "NewHadoopRDD": "files",
}
_TOGETHER = {
    "UnionRDD": "union of",
    "PartitionerAwareUnionRDD": "union, partition by partition, of",
    "ZippedPartitionsRDD2": "zip of",
    "CartesianRDD": "all pairs (cartesian) of",
    "CoalescedRDD": "neighbouring partitions together (coalesce) of",
    "ShuffledRDD": "shuffle of",
}


def explain_rdd(rdd: RDD[Any], with_partitions: bool = True) -> Report:
    """What runs natively of all that leads to `rdd`. Runs no job, and leaves the RDD's functions unfrozen.

    with_partitions: whether titles have numbers of partitions, for which files may have to be looked for.
    """
    from dstreams.core.rdd import PipelinedRDD

    drawing = Drawing({}, with_partitions)
    if isinstance(rdd, PipelinedRDD) and rdd._frozen_node is None:
        drawing.add(rdd._base)
        _go_on(drawing, rdd.ctx, rdd._steps)
    else:
        drawing.add(rdd._node)
    return drawing.report()


def _go_on(drawing: Drawing, ctx: SparkContext, steps: tuple[Step, ...]) -> None:
    """Tells of steps that are not frozen yet, as they would be frozen now."""
    from dstreams.core.rdds.base import chain_parts, is_profiled, profiled

    if is_profiled(ctx):
        steps = (profiled(None, steps),)
    functions = [function for _, _, used in steps for function in used]
    try:
        chain = _native.Chain(*chain_parts(ctx, steps))
    except pickle.PicklingError as error:
        drawing.add_note(f"A task cannot get these functions: {error}")
        chain = _native.Chain([(name, number) for name, number, _ in steps], functions, forms_of(steps), None)
    drawing.go_on(chain, functions)


class Drawing:
    """A report that is being made. `titles` says what nodes are called; what leads to these is not told."""

    def __init__(self, titles: Mapping[int, str], with_partitions: bool) -> None:
        self._titles = titles
        self._with_partitions = with_partitions
        self._titles_of_blocks: list[str] = []
        self._lines: list[list[Line]] = []
        # Block and method of the last line of each node that was told of.
        self._ends: dict[int, tuple[int, str]] = {}
        self._last: tuple[int, str] = (0, "")
        # The node at the end of each block.
        self._tips: list[int] = []
        # Nodes that more than one other goes on from, beside those that the lineage shows.
        self.shared: set[int] = set()
        self._notes = notes()

    def add(self, last: _native.Rdd, part_of: str = "") -> int:
        """Tells of a node and all that leads to it. The number of its block.

        part_of: the method that the library's own steps belong to, if they are not to be told one by one.
        """
        order, readers = self._order(last)
        for node in order:
            parents = node.parents() if node.id not in self._titles else []
            chain = node.chain() if parents else None
            if chain is not None:
                self._last = self._ends[parents[0].id]
                if not self._goes_on(parents[0].id, readers):
                    self._begin(f"goes on from {self._last[0]}", self._last[1])
                self.go_on(chain, None, part_of, node.is_updated())
            else:
                self._begin(self._title(node, parents), self._ends[parents[0].id][1] if parents else "")
            placing = node.placing() if parents else None
            if placing is not None:
                function, native = placing
                made = parents[0].chain()
                # What Python makes is placed when it is made.
                native = native and not (made is not None and made.ends_in_python)
                self.add_to(self._last[0], lines_of_placing(function, native))
            self._ends[node.id] = self._last
            self._tips[self._last[0] - 1] = node.id
        return self._ends[last.id][0]

    def go_on(
        self, chain: _native.Chain, functions: list[Any] | None, part_of: str = "", natively: bool = False
    ) -> None:
        """Tells of more steps at the end of the block that was told of last. natively: all, whatever they are."""
        number, before = self._last
        if chain.is_remote:
            self.add_note(f"Python functions of block {number} are called in worker processes.")
        lines = lines_of(chain, before, functions, part_of)
        if natively:
            lines = [replace(line, native=True, takes_in=False, reason="") for line in lines]
        self.add_to(number, lines)
        self._last = (number, lines[-1].method if lines else before)

    def add_to(self, number: int, lines: list[Line]) -> None:
        """Adds lines to a block."""
        self._lines[number - 1] += lines

    def add_note(self, text: str) -> None:
        """Adds a sentence about the whole, once."""
        if text not in self._notes:
            self._notes.append(text)

    def report(self) -> Report:
        """What was told so far."""
        blocks = enumerate(zip(self._titles_of_blocks, self._lines, strict=True), 1)
        return Report(
            tuple(Block(number, title, tuple(lines)) for number, (title, lines) in blocks), tuple(self._notes)
        )

    def _goes_on(self, parent: int, readers: dict[int, int]) -> bool:
        """Whether steps on a node may be told in its block: it ends there, and nothing else goes on from it."""
        return self._tips[self._ends[parent][0] - 1] == parent and readers[parent] == 1 and parent not in self.shared

    def _order(self, last: _native.Rdd) -> tuple[list[_native.Rdd], dict[int, int]]:
        """The nodes that are not told of yet, parents first, and how many nodes read each."""
        order: list[_native.Rdd] = []
        readers: dict[int, int] = {}
        seen = set(self._ends)
        pending = [(last, False)]
        while pending:
            node, ready = pending.pop()
            if ready:
                order.append(node)
                continue
            if node.id in seen:
                continue
            seen.add(node.id)
            pending.append((node, True))
            if node.id in self._titles:
                continue
            for parent in reversed(node.parents()):
                readers[parent.id] = readers.get(parent.id, 0) + 1
                pending.append((parent, False))
        return order, readers

    def _begin(self, title: str, before: str) -> None:
        self._titles_of_blocks.append(title)
        self._lines.append([])
        self._tips.append(-1)
        self._last = (len(self._lines), before)

    def _title(self, node: _native.Rdd, parents: list[_native.Rdd]) -> str:
        known = self._titles.get(node.id)
        if known is not None:
            return known
        if parents:
            numbers = list(dict.fromkeys(str(self._ends[parent.id][0]) for parent in parents))
            title = f"{_TOGETHER.get(node.kind, node.kind)} {' and '.join(numbers)}"
        else:
            title = _SOURCES.get(node.kind, node.kind)
        title += f" {node.label}" if node.label and not parents else ""
        return f"{title}{self._partitions(node)}"

    def _partitions(self, node: _native.Rdd) -> str:
        if not self._with_partitions:
            return ""
        try:
            count = node.partitions()
        except Exception as error:
            # Input that is not there: the action will say so. What is known of the functions is still worth telling.
            self.add_note(f"The number of partitions is not known: {str(error).splitlines()[0]}")
            return ""
        return f" ({count} partition{'' if count == 1 else 's'})"
