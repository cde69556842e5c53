"""How are the first elements of an RDD found without computing all of it?

By a job over the first partition, then over four times as many as before, or as many as the yield so far suggests.
Spark's JVM looks for the first element in this way, too, where it wants to know what an RDD holds.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dstreams.core.context import SparkContext
    from dstreams.core.rdds.base import RDDBase

_SITE = "callSite.short"


def taken(rdd: RDDBase[Any], num: int, run: Callable[[RDDBase[Any], list[int]], list[Any]]) -> list[Any]:
    """The first `num` elements; `run(part, partitions)` gives those of a part of the RDD in some partitions."""
    found: list[Any] = []
    total, scanned = rdd.getNumPartitions(), 0
    num = min(num, sys.maxsize)  # more elements than that there cannot be
    while len(found) < num and scanned < total:
        tries = 1
        if scanned:
            tries = scanned * 4
            if found:
                wanted = int(1.5 * num * scanned / len(found)) - scanned
                tries = min(max(wanted, 1), tries)
        chosen = list(range(scanned, min(scanned + tries, total)))
        found += run(rdd._step("take", number=num - len(found)), chosen)
        scanned += tries
    return found[:num] if num > 0 else []


def first_in_jvm(rdd: RDDBase[Any], site: str) -> list[Any]:
    """The first element if there is one, by jobs of Spark's own, which have a place in its code and make no RDD.

    rdd: what Spark has for it has been made; else this would make it.
    """
    ctx = rdd.ctx
    with _at(ctx, site):
        return taken(rdd, 1, lambda part, partitions: ctx._collect(part._node, partitions))


@contextlib.contextmanager
def _at(ctx: SparkContext, site: str) -> Iterator[None]:
    """Jobs of this thread are at a place of Spark's code, unless the program has said where they are."""
    if ctx.getLocalProperty(_SITE) is not None:
        yield
        return
    ctx.setLocalProperty(_SITE, site)
    try:
        yield
    finally:
        ctx.setLocalProperty(_SITE, None)
