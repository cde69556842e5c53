"""Who is told what a program makes and starts?

Nobody, unless `python -m dstreams explain` runs the program: then one `Watcher` is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dstreams.core.rdd import RDD, PipelinedRDD
    from dstreams.streaming.context import StreamingContext


class Watcher:
    """What one is told. Called by the program's threads, and by those of its streams."""

    def made(self, rdd: PipelinedRDD[Any]) -> None:
        """A chain of narrow steps was made, not frozen yet."""

    def frozen(self, rdd: RDD[Any]) -> None:
        """A job or a shuffle needs the chain: its functions are copies now."""

    def starting(self, ssc: StreamingContext) -> None:
        """A stream is about to be started, or waited for. May raise."""


watcher: Watcher | None = None
