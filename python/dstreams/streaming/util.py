"""Small things of streams: how times are named, and functions of time and RDDs as objects."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any


class TransformFunction:
    """A function of a batch time and RDDs that is called with plain milliseconds and keeps what it raised.

    PySpark's way into such functions from its JVM, for programs that build streams by themselves; the streams of this
    package call their functions directly. `deserializers` are kept and passed on, the first one for all further RDDs.
    """

    def __init__(self, ctx: Any, func: Callable[..., Any], *deserializers: Any) -> None:
        self.ctx = ctx
        self.func = func
        self.deserializers = deserializers
        self.rdd_wrap_func: Callable[[Any, Any, Any], Any] = _as_it_is
        self.failure: str | None = None

    def rdd_wrapper(self, func: Callable[[Any, Any, Any], Any]) -> TransformFunction:
        """`func(rdd, context, deserializer)` makes what the function gets for each RDD. Returns the object itself."""
        self.rdd_wrap_func = func
        return self

    def call(self, milliseconds: int, jrdds: Iterable[Any]) -> Any:
        """What the function returns for a time (milliseconds since 1970) and RDDs; None if it raised."""
        self.failure = None
        try:
            wrapped = []
            for place, rdd in enumerate(jrdds):
                known = (*self.deserializers[place : place + 1], *self.deserializers[:1], None)[0]
                wrapped.append(None if rdd is None else self.rdd_wrap_func(rdd, self.ctx, known))
            return self.func(datetime.fromtimestamp(milliseconds / 1000.0), *wrapped) or None
        except BaseException:
            # The caller asks for it: an exception cannot pass through a foreign runtime.
            self.failure = traceback.format_exc()
            return None

    def getLastFailure(self) -> str | None:
        """The traceback of the last call, if it raised."""
        return self.failure

    def __repr__(self) -> str:
        return f"TransformFunction({self.func})"


def _as_it_is(rdd: Any, context: Any, deserializer: Any) -> Any:
    return rdd


def rddToFileName(prefix: str, suffix: str | None, timestamp: datetime | int | float) -> str:
    """The folder of one batch: `prefix-<milliseconds>`, with `.suffix` when there is one."""
    if isinstance(timestamp, datetime):
        timestamp = int(time.mktime(timestamp.timetuple()) * 1000) + timestamp.microsecond // 1000
    return f"{prefix}-{timestamp}" if suffix is None else f"{prefix}-{timestamp}.{suffix}"
