"""What do programs reach through `ssc._jssc`? The few things of the JVM side that they use: stopping, and the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dstreams.core.engine import process
from dstreams.core.java import JavaContext
from dstreams.core.java.refusal import Refusing
from dstreams.streaming.settings import stops_spark_context

if TYPE_CHECKING:
    from dstreams.streaming.context import StreamingContext


class EngineSide(Refusing):
    """The stream below the Python class: `ssc._jssc`, `ssc._jssc.ssc()` and its `scheduler()` in one."""

    _called, _instead = "ssc._jssc", "use the methods of StreamingContext"

    def __init__(self, ssc: StreamingContext) -> None:
        self._ssc = ssc

    def sparkContext(self) -> JavaContext:
        """The context below it: `sc._jsc`."""
        return self._ssc._sc._java

    sc = sparkContext

    def stop(self, stopSparkContext: bool | None = None, stopGraceFully: bool = False) -> None:
        """Ends the stream alone. Default: `spark.streaming.stopSparkContextByDefault`."""
        also = stops_spark_context(self._ssc._sc._conf) if stopSparkContext is None else stopSparkContext
        if process.is_here(self._ssc._process):
            self._ssc._graph.stop(stopGraceFully)
        if also:
            self._ssc._sc.stop()

    def ssc(self) -> EngineSide:
        """The same."""
        return self

    def scheduler(self) -> EngineSide:
        """The same."""
        return self

    def clock(self) -> EngineClock:
        """The stream's clock."""
        return EngineClock(self._ssc)


class EngineClock(Refusing):
    """A stream's clock; only one that is turned by hand can be set."""

    _called, _instead = "ssc._jssc.scheduler().clock()", "use getTimeMillis, setTime or advance"

    def __init__(self, ssc: StreamingContext) -> None:
        self._ssc = ssc

    def getTimeMillis(self) -> int:
        """Milliseconds since 1970."""
        return self._ssc._graph.clock_ms()

    def setTime(self, timeToSet: int) -> None:
        """Turns the clock to a time, without waiting for the batches that are due then."""
        self._ssc._graph.set_clock(timeToSet)

    def advance(self, timeToAdd: int) -> None:
        """Turns the clock by milliseconds, without waiting for the batches that are due then."""
        self.setTime(self.getTimeMillis() + timeToAdd)
