"""What would a batch of a stream be made of?

Builds the RDDs of one batch as the stream would, out of empty inputs, and tells of them as of any RDD. So what is said
of a window or a state is what the engine makes of it. Nothing is computed, and no function of the program is called:
what a function given to `transform` makes of an RDD shows only in a running stream, so what follows it begins anew.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypedDict

from dstreams import _native
from dstreams.explain.lineage import Drawing
from dstreams.explain.methods import name_of
from dstreams.explain.report import Report
from dstreams.explain.verdicts import line_of, parts_of
from dstreams.streaming.mapwithstate import Stateful

if TYPE_CHECKING:
    from dstreams.core.rdd import RDD
    from dstreams.streaming.context import StreamingContext
    from dstreams.streaming.dstream import DStream

_IN_DRIVER = "it runs in the driver, once per batch"
# Functions of the library that only pass a program's function the arguments it wants.
_WRAPPERS = ("streaming.functions.without_time", "streaming.functions.with_rdd_list")
_PLAIN = ("streaming.mapwithstate.place", "streaming.mapwithstate._snapshots")
# Methods that are made of several steps of the library's own.
_METHODS = {"state": "updateStateByKey", "reduced": "reduceByKeyAndWindow"}
_TIME = datetime(2000, 1, 1)


class DrawnNode(TypedDict):
    """A node of a stream's graph in plain data, as the engine gives it.

    kind: `input`, `transformed`, `union`, `window`, `state` or `reduced`.
    source: what feeds an input.
    functions: of RDDs; of `reduced`, what adds and what takes away.
    rdds: those of a queue, or the state before the first.
    """

    kind: str
    source: str
    parents: list[int]
    functions: list[Callable[..., Any]]
    rdds: list[_native.Rdd]
    length_ms: int | None
    slide_ms: int


def explain_stream(stream: DStream[Any]) -> Report:
    """What runs natively of all that leads to `stream`. Runs no batch."""
    return _Batch(stream._ssc, [stream._id]).drawing.report()


def explain_context(ssc: StreamingContext) -> Report:
    """The same of all outputs of a context, with the functions of the outputs."""
    outputs = ssc._graph.outputs()
    batch = _Batch(ssc, [node for node, _ in outputs])
    for node, function in outputs:
        lines = [line_of("foreachRDD", part, False, _IN_DRIVER, False) for part in parts_of(function)]
        batch.drawing.add_to(batch.blocks[node], lines)
    return batch.drawing.report()


class _Batch:
    """The RDDs of one batch, without data, told of in the order of the graph."""

    def __init__(self, ssc: StreamingContext, roots: list[int]) -> None:
        self._ctx = ssc.sparkContext
        self._titles: dict[int, str] = {}
        self._made: dict[int, _native.Rdd] = {}
        self.drawing = Drawing(self._titles, with_partitions=False)
        # The block in which each node of the graph ends.
        self.blocks: dict[int, int] = {}
        nodes: dict[int, DrawnNode] = {}
        readers: dict[int, int] = {}
        pending = list(roots)
        while pending:
            number = pending.pop()
            if number not in nodes:
                nodes[number] = ssc._graph.node(number)
                pending += nodes[number]["parents"]
                for parent in set(nodes[number]["parents"]):
                    readers[parent] = readers.get(parent, 0) + 1
        # Parents have smaller numbers.
        for number in sorted(nodes):
            made = self._made[number] = self._make(nodes[number])
            if readers.get(number, 0) > 1:
                self.drawing.shared.add(made.id)
            self.blocks[number] = self.drawing.add(made, _METHODS.get(nodes[number]["kind"], ""))

    def _rdd(self, node: _native.Rdd) -> RDD[Any]:
        from dstreams.core.rdd import RDD

        return RDD(node, self._ctx)

    def _given(self, title: str) -> _native.Rdd:
        """An empty RDD of one partition: stands for what is only there in a running stream."""
        node = self._ctx.parallelize([], 1)._node
        self._titles[node.id] = title
        return node

    def _make(self, node: DrawnNode) -> _native.Rdd:
        """The RDD of a node of the graph."""
        try:
            return self._made_of(node)
        except pickle.PicklingError as error:
            self.drawing.add_note(f"A task cannot get a function: {error}")
            given = self._given("what cannot be made")
            reason = "a task cannot get it, or one that runs with it"
            lines = [line_of("", part, False, reason) for function in node["functions"] for part in parts_of(function)]
            self.drawing.add_to(self.drawing.add(given), lines)
            return given

    def _made_of(self, node: DrawnNode) -> _native.Rdd:
        parents = [self._made[parent] for parent in node["parents"]]
        kind, functions = node["kind"], node["functions"]
        if kind == "input":
            return self._input(node)
        if kind == "union":
            return self._ctx._running.union(parents)
        if kind == "transformed":
            return self._transformed(functions[0], [self._rdd(parent) for parent in parents])._node
        if kind == "window":
            return self._window(node, parents[0])
        if kind == "state":
            return self._folded(functions[0], self._rdd(parents[0]), "the states of the batch before")._node
        return self._reduced(node, self._rdd(parents[0]))

    def _input(self, node: DrawnNode) -> _native.Rdd:
        # Of a queue, what its RDDs are made of.
        numbers = [str(self.drawing.add(rdd)) for rdd in node["rdds"] if rdd.parents()]
        return self._given(f"{node['source']} of {', '.join(numbers)}" if numbers else node["source"])

    def _window(self, node: DrawnNode, parent: _native.Rdd) -> _native.Rdd:
        made = self._ctx._running.union([parent])
        number = self.drawing.add(parent)
        self._titles[made.id] = f"window of {number}: {_seconds(node)}"
        return made

    def _transformed(self, function: Callable[..., Any], rdds: list[RDD[Any]]) -> RDD[Any]:
        """What a function of RDDs gives, if it is the library's own."""
        if type(function) is partial and name_of(function) == "streaming.functions.after":
            first, second = function.args
            return self._transformed(second, [self._transformed(first, rdds)])
        if self._is_plain(function):
            return function(_TIME, *rdds)
        numbers = " and ".join(dict.fromkeys(str(self.drawing.add(rdd._node)) for rdd in rdds))
        given = self._given(f"what a function makes of {numbers} (transform)")
        lines = [line_of("transform", part, False, _IN_DRIVER, False) for part in parts_of(function)]
        self.drawing.add_to(self.drawing.add(given), lines)
        return self._rdd(given)

    def _is_plain(self, function: Callable[..., Any]) -> bool:
        """Whether it only calls methods of RDDs."""
        name = name_of(function)
        return name in _PLAIN or (
            name.startswith(("streaming.functions.", "streaming.folds.")) and name not in _WRAPPERS
        )

    def _folded(self, function: Callable[..., Any], new: RDD[Any], older: str) -> RDD[Any]:
        """A state, made of one that was made in the same way."""
        stateful = getattr(function, "__self__", None)
        if isinstance(stateful, Stateful):
            # To fold in earnest would begin the states.
            return new.mapPartitionsWithIndex(stateful.applied(()), True)
        before = function(_TIME, None, new)
        self._titles[before._node.id] = older
        return function(_TIME, self._rdd(before._node), new)

    def _reduced(self, node: DrawnNode, new: RDD[Any]) -> _native.Rdd:
        """A window that is made from the one before."""
        add, subtract = node["functions"]
        length = node["length_ms"] or 0
        window = add(_TIME, None, new)
        if length < 5 * node["slide_ms"]:
            return window._node
        self._titles[window._node.id] = f"the window before: {_seconds(node)}"
        left = subtract(_TIME, self._rdd(window._node), new)
        return add(_TIME, left, new)._node


def _seconds(node: DrawnNode) -> str:
    return f"the last {(node['length_ms'] or 0) / 1000:g} s, every {node['slide_ms'] / 1000:g} s"
