"""What is a DStream to this package? A node of its context's graph, known by number."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from dstreams.core.engine.errors import java_error
from dstreams.streaming import functions

if TYPE_CHECKING:
    from dstreams.streaming.context import StreamingContext
    from dstreams.streaming.dstream import DStream, TransformedDStream

T = TypeVar("T")
Function = Callable[..., Any]


class DStreamBase(Generic[T]):
    """Identity of a stream, and how a new one is made from it."""

    def __init__(self, node: int | None, ssc: StreamingContext, jrdd_deserializer: Any = None) -> None:
        self._node_id = node
        self._ssc = ssc
        self._sc = ssc._sc
        self.is_cached = False
        self.is_checkpointed = False

    @property
    def _id(self) -> int:
        if self._node_id is None:
            raise RuntimeError("bug in dstreams: a stream without a node")
        return self._node_id

    def context(self) -> StreamingContext:
        """The context that made the stream."""
        return self._ssc

    @property
    def _slideDuration(self) -> float:
        return self._ssc._graph.slide_ms(self._id) / 1000.0

    def _parallelism(self, given: int | None) -> int:
        return self._sc.defaultParallelism if given is None else given

    def _made(self, node: int) -> DStream[Any]:
        from dstreams.streaming.dstream import DStream

        return DStream(node, self._ssc)

    def _transformed(self, func: Function) -> TransformedDStream[Any]:
        from dstreams.streaming.dstream import TransformedDStream

        return TransformedDStream(self, func)

    def _method(self, name: str, *arguments: Any) -> DStream[Any]:
        return self._transformed(partial(functions.method, name, arguments))

    def _method_with(self, other: DStream[Any], name: str, *arguments: Any) -> DStream[Any]:
        return self._combined(partial(functions.method_with, name, arguments), other)

    def _combined(self, func: Function, other: DStream[Any]) -> DStream[Any]:
        check_one_context(self, other)
        return self._made(self._ssc._graph.add_transformed([self._id, other._id], func))


def check_one_context(*streams: DStreamBase[Any]) -> None:
    """Raises: Py4JJavaError when streams that are to be put together belong to several StreamingContexts."""
    if len({id(stream._ssc) for stream in streams}) > 1:
        raise java_error(
            "java.lang.IllegalArgumentException", "requirement failed: Some of the DStreams have different contexts"
        )
