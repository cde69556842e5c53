"""How does a program's own source become a stream whose records can be asked for again?

Owns `Source`, what a connector derives from, `source_stream`, and `Connector`, through which the engine calls it.
1. A *range* says what a batch has: plain data that JSON can hold, offsets for instance. It is durable before the
   outputs of its batch run, and a batch that is repeated after a crash has the same range.
2. What the engine hands back of a range has been through JSON, the first time as well: tuples are lists.
3. All calls come from threads of the stream; `plan` and `rdd` never at the same time.
"""

from __future__ import annotations

import json
import pickle
import traceback
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from dstreams import _native
from dstreams.core.closures import by_value
from dstreams.core.context import SparkContext
from dstreams.core.engine import process
from dstreams.core.engine.errors import java_error
from dstreams.core.rdd import RDD
from dstreams.streaming.callbacks import batch_time
from dstreams.streaming.log import logger

if TYPE_CHECKING:
    from datetime import datetime

    from dstreams.streaming.context import StreamingContext
    from dstreams.streaming.dstream import DStream

T = TypeVar("T")


class Source(ABC, Generic[T]):
    """Records that can be asked for again by their position.

    With a checkpoint the source itself is pickled as it is before `start`; after a crash it is loaded again, and
    started with the range that was planned last. So no record is lost, and none is in two batches.
    """

    def start(self, last: Any) -> None:
        """Begins, in the driver. `last` is the range that was planned last, before a restart; None in a first run."""

    @abstractmethod
    def plan(self, time: datetime) -> Any:
        """The range of a batch: what has come since the one before. None for a batch that has nothing.

        May wait, but not for long: the batch does. What it raises fails the batch.
        """

    @abstractmethod
    def rdd(self, sc: SparkContext, wanted: Any) -> RDD[T]:
        """The records of a range, the same ones each time.

        Is called in the driver, so let tasks read: `sc.parallelize(parts, len(parts)).flatMap(read)`.
        """

    def describe(self, wanted: Any) -> tuple[int, str | None]:
        """How many records a range has (0 if that is not known), and what else listeners are to see of it."""
        return 0, None

    def release(self, time: datetime) -> None:
        """The batches up to `time` have ended. They may still be asked for, by a window or after a crash."""

    def stop(self) -> None:
        """The stream ends: connections are to be closed."""


def source_stream(ssc: StreamingContext, source: Source[T]) -> DStream[T]:
    """The records of a source of the program's own.

    Raises: TypeError when it is no Source.
    """
    from dstreams.streaming.dstream import DStream

    if not isinstance(source, Source):
        raise TypeError(f"source: expected a dstreams.streaming.source.Source, got {source!r:.80}")
    return DStream(ssc._graph.add_source(Connector(source, ssc._sc)), ssc)


class Connector:
    """What the engine calls. Ranges are JSON, times milliseconds."""

    def __init__(self, source: Source[Any], sc: SparkContext, dumped: bytes | None = None) -> None:
        self.name = type(source).__name__
        self._source = source
        self._sc = sc
        self._dumped = dumped
        self._process = process.current
        self._stopped = False

    def dump(self) -> bytes:
        """The source as it was before it was started.

        Raises: Py4JJavaError (IOException) when it cannot be pickled.
        """
        if self._dumped is None:
            try:
                self._dumped = by_value.dumps(self._source)
            except Exception as error:  # whatever a `__reduce__` raises
                raised = "".join(traceback.format_exception_only(error)).strip()
                raise java_error(
                    "java.io.IOException",
                    f"the source {self.name} cannot be pickled for the checkpoint ({raised}). Make what cannot travel, "
                    "a connection for instance, in its start()",
                ) from error
        return self._dumped

    def start(self, last: str) -> None:
        """Starts the source."""
        self._source.start(json.loads(last))

    def plan(self, milliseconds: int) -> str:
        """The range of a batch."""
        wanted = self._source.plan(batch_time(milliseconds))
        try:
            return json.dumps(wanted, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"{self.name}.plan has to return what JSON can hold (dicts, lists, text, numbers, None), and returned "
                f"{wanted!r:.200}: {error}"
            ) from error

    def rdd(self, wanted: str) -> _native.Rdd:
        """The records of a range."""
        made = self._source.rdd(self._sc, json.loads(wanted))
        if not isinstance(made, RDD):
            raise TypeError(f"{self.name}.rdd has to return an RDD, and returned {made!r:.80}")
        return made._node

    def describe(self, wanted: str) -> tuple[int, str | None]:
        """What listeners are told of a range."""
        records, description = self._source.describe(json.loads(wanted))
        return int(records), description

    def release(self, milliseconds: int) -> None:
        """The batches up to a time have ended."""
        self._source.release(batch_time(milliseconds))

    def stop(self) -> None:
        """Stops the source, once. What that raises is told."""
        if self._stopped or self._process is not process.current:
            return
        self._stopped = True
        try:
            self._source.stop()
        except Exception:  # whatever the program's code raises: the stream ends all the same
            logger.exception("the source %s could not be stopped", self.name)


def load(dumped: bytes, sc: SparkContext) -> Connector:
    """A connector as it was before it was started."""
    return Connector(pickle.loads(dumped), sc, dumped)
