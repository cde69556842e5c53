"""How does the stream engine call a program's functions?

Called by the engine's own threads: with nodes of the lineage, which become RDDs here, and back.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from dstreams import _native
from dstreams.core.closures.closure import dump_kept, load_kept
from dstreams.core.context import SparkContext
from dstreams.core.io.hadoopwriting import of_a_batch
from dstreams.core.rdd import RDD
from dstreams.streaming.log import logger

__all__ = [
    "batch_time",
    "dump_graph",
    "dump_kept",
    "fold",
    "load_kept",
    "load_source",
    "output",
    "report",
    "table_parts",
    "transform",
    "warn",
]


def batch_time(milliseconds: int) -> datetime:
    """The time that functions of two arguments get: local, without a zone, as in Spark."""
    return datetime.fromtimestamp(milliseconds / 1000.0)


def transform(
    ctx: SparkContext, func: Callable[..., Any], milliseconds: int, nodes: list[_native.Rdd | None]
) -> _native.Rdd | None:
    """The node of what a transformation returned; None for "no RDD". A missing parent is an empty RDD."""
    rdds: list[RDD[Any]] = [RDD(node, ctx) if node is not None else ctx.emptyRDD() for node in nodes]
    with of_a_batch():
        made = func(batch_time(milliseconds), *rdds)
        return _node_of(made, "transform")


def _node_of(made: Any, given_to: str) -> _native.Rdd | None:
    """The node of what a function returned, frozen now; None for whatever is false.

    Raises: AttributeError for what is no RDD, with the words of Spark, which asks it for its JVM object.
    """
    if not made:
        return None
    if not isinstance(made, RDD):
        whose = f"type object '{made.__name__}'" if isinstance(made, type) else f"'{type(made).__name__}' object"
        raise AttributeError(
            f"{whose} has no attribute '_jrdd': a function given to {given_to} has to return an RDD or None, and "
            f"returned {made!r:.80}"
        )
    return made._node


def fold(
    ctx: SparkContext,
    func: Callable[..., Any],
    milliseconds: int,
    older: _native.Rdd | None,
    newer: _native.Rdd,
) -> _native.Rdd | None:
    """The node of a state or window made from an earlier one, if there was any, and what is new."""
    with of_a_batch():
        made = func(batch_time(milliseconds), RDD(older, ctx) if older is not None else None, RDD(newer, ctx))
        return _node_of(made, "a window or state")


def output(ctx: SparkContext, func: Callable[..., Any], milliseconds: int, node: _native.Rdd) -> None:
    """Runs an output operation. As in Spark, what it returns is looked at: an RDD is as good as nothing."""
    with of_a_batch():
        _node_of(func(batch_time(milliseconds), RDD(node, ctx)), "foreachRDD")


def report(what: str, text: str) -> None:
    """Tells about a failed batch at once: a program may never come to `awaitTermination`."""
    logger.error("%s: %s", what, text)


def warn(text: str) -> None:
    """Passes a warning of a source on."""
    logger.warning("%s", text)


def dump_graph(
    functions: list[Callable[..., Any]], supervisors: list[tuple[int, Any]], before: list[Any] | None
) -> tuple[bytes | None, list[Any] | None]:
    """The pickle of a graph's functions and receivers, if they changed, and what to give as `before` the next time."""
    from dstreams.streaming import checkpointing

    return checkpointing.dump_if_changed(functions, supervisors, before)


def load_source(dumped: bytes, ctx: SparkContext) -> Any:
    """A source of the program's own, as a checkpoint has it."""
    from dstreams.streaming import source

    return source.load(dumped, ctx)


def table_parts(functions: list[Callable[..., Any]], time: int, whole: bool) -> list[tuple[int, int, int, int, bytes]]:
    """The parts of the tables of states that a checkpoint is to hold."""
    from dstreams.streaming import checkpointing

    return checkpointing.table_parts(functions, time, whole)
