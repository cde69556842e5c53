"""How is a partition sorted that may be larger than memory?

As much as there is room for is sorted at a time, and written to a file if more follows; the files are then read side by
side. Keys are compared by `<` alone, as `sorted` does, and equal ones keep their order.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from dstreams import _native

Function = Callable[..., Any]
Pair = tuple[Any, Any]


def sort_pairs(keyfunc: Function, ascending: bool, pairs: Iterable[Pair]) -> Iterable[Pair]:
    """Pairs sorted by the function of their key; equal ones keep their order."""
    chunks = _native.Chunks(pairs)
    runs: list[Iterable[Pair]] = []
    while True:
        chunk, more = chunks.take()
        chunk.sort(key=lambda pair: keyfunc(pair[0]), reverse=not ascending)
        if not more:
            runs.append(chunk)
            return chunk if len(runs) == 1 else _merged(keyfunc, ascending, runs)
        runs.append(_native.spool(chunk))
        del chunk


class _Head:
    """The first pair of a run that is not given out yet. Less: comes first."""

    __slots__ = ("ascending", "key", "order", "pair", "rest")

    def __init__(self, key: Any, order: int, pair: Pair, rest: Iterator[Pair], ascending: bool) -> None:
        self.key, self.order, self.pair, self.rest, self.ascending = key, order, pair, rest, ascending

    def __lt__(self, other: _Head) -> bool:
        # Of equal keys, the one of the earlier run comes first. Only `<` between keys: it is all they must know.
        low, high = (self, other) if self.ascending else (other, self)
        return bool(low.key < high.key) if self.order > other.order else not high.key < low.key


def _merged(keyfunc: Function, ascending: bool, runs: list[Iterable[Pair]]) -> Iterator[Pair]:
    heads = []
    for order, run in enumerate(runs):
        rest = iter(run)
        for pair in rest:
            heads.append(_Head(keyfunc(pair[0]), order, pair, rest, ascending))
            break
    heapq.heapify(heads)
    while heads:
        head = heads[0]
        yield head.pair
        for pair in head.rest:
            head.key, head.pair = keyfunc(pair[0]), pair
            heapq.heapreplace(heads, head)
            break
        else:
            heapq.heappop(heads)
