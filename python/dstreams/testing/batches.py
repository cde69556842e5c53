"""How is a stream tested batch by batch?

    source = feed(ssc, [["a"], ["b", "a"]])
    expect(source.countByValue(), [[("a", 1)], [("b", 1), ("a", 1)]], ordered=False)

1. Works with the streams of dstreams and with those of real PySpark: nothing here asks for more than both have.
2. With a clock that is turned by hand (`spark.streaming.clock`) no test waits for time to pass; with the system's clock
   each batch takes its time.
3. The stream is started when it is first advanced: define all streams and collectors before that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import zip_longest
from typing import Any

from dstreams.streaming.context import StreamingContext as OwnContext
from dstreams.testing import real_spark

__all__ = ["Results", "advance", "collect", "expect", "feed"]

# How long a batch of real Spark may take after its time has come.
_PATIENCE_SECONDS = 60.0


class Results(list[list[Any]]):
    """The elements of each batch, a list per batch, growing while the stream runs. `times` are those of the batches.

    A batch in which the stream has no RDD (between the slides of a window, say) is not in it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.times: list[datetime] = []

    @property
    def last(self) -> list[Any]:
        """The newest batch. Raises IndexError before the first."""
        return self[-1]

    def elements(self) -> list[Any]:
        """The elements of all batches, one after the other."""
        return [element for batch in self for element in batch]


def feed(ssc: Any, batches: Iterable[Iterable[Any]]) -> Any:
    """A DStream whose first batches hold these elements; all later ones are empty."""
    if not isinstance(ssc, OwnContext):
        real_spark.prepare(ssc)
    lists = [list(batch) for batch in batches]
    return ssc.queueStream(lists or [[]])


def collect(stream: Any) -> Results:
    """Gathers what each batch of a stream holds, as `rdd.collect()` gives it."""
    results = Results()
    stream.foreachRDD(_gathering(results))
    return results


def _gathering(results: Results) -> Callable[[datetime, Any], None]:
    def gather(time: datetime, rdd: Any) -> None:
        elements = rdd.collect()
        results.times.append(time)
        results.append(elements)

    return gather


def advance(ssc: Any, batches: int = 1) -> None:
    """Runs the next batches to their end, with all their outputs. Starts the context if it has not been started.

    Raises: what a batch raised, as `awaitTermination` does; the batches after it are then not run, but may be with the
    next call. TimeoutError if a batch does not end within a minute, on real Spark.
    """
    if not isinstance(ssc, OwnContext):
        real_spark.advance(ssc, batches, _PATIENCE_SECONDS)
        return
    if not ssc._graph.is_active():
        ssc.start()
    ssc._graph.follow(batches)


def expect(stream: Any, batches: Sequence[Iterable[Any]], *, ordered: bool = True) -> Results:
    """Runs a stream and compares its first batches with these; without `ordered`, in any order within a batch.

    Starts the context, so it comes after all definitions, and once per context: to look at several streams, `collect`
    each of them and `advance`.
    Raises: AssertionError that shows the batches; what a batch raised.
    """
    wanted = [list(batch) for batch in batches]
    results = collect(stream)
    ssc = stream.context()
    turns = len(wanted) * max(1, round(stream._slideDuration * 1000 / _interval_ms(ssc)))
    advance(ssc, turns)
    same = _equal if ordered else _equal_in_any_order
    got = results[: len(wanted)]  # with the system's clock more may have come meanwhile
    if len(got) < len(wanted) or not all(map(same, wanted, got)):
        raise AssertionError(_difference(wanted, got, same))
    return results


def _interval_ms(ssc: Any) -> int:
    return ssc._graph.interval_ms() if isinstance(ssc, OwnContext) else real_spark.interval_ms(ssc)


def _equal(wanted: list[Any], got: list[Any]) -> bool:
    return wanted == got


def _equal_in_any_order(wanted: list[Any], got: list[Any]) -> bool:
    """Whether the same elements are there equally often; they need be neither hashable nor comparable."""
    left = list(got)
    for element in wanted:
        if element not in left:
            return False
        left.remove(element)
    return not left


def _difference(wanted: list[list[Any]], got: list[list[Any]], same: Callable[[list[Any], list[Any]], bool]) -> str:
    lines = ["the batches differ:"]
    for number, (expected, found) in enumerate(zip_longest(wanted, got), start=1):
        if expected is not None and found is not None and same(expected, found):
            lines.append(f"  batch {number}: {found!r}")
        else:
            lines.append(f"  batch {number}: expected {expected!r}")
            lines.append(f"  {'':{len(str(number)) + 6}}  but got  {'no RDD' if found is None else repr(found)}")
    return "\n".join(lines)
