"""Would this function run without the interpreter, and if not, why?"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from dstreams.udf.cache import program_of
from dstreams.udf.results import Opaque

_METHODS_OF_TWO = """
    reduce reduceByKey reduceByKeyLocally fold foldByKey aggregate aggregateByKey combineByKey reduceByWindow
    reduceByKeyAndWindow invFunc update updateStateByKey treeReduce
"""
_OF_TWO = frozenset(_METHODS_OF_TWO.split())


@dataclass(frozen=True)
class Explanation:
    """native: whether it runs without the interpreter, on the sample at least. reason: why not; empty if it does."""

    native: bool
    reason: str


def explain_function(
    f: Callable[..., Any], sample_args: Sequence[tuple[Any, ...]] = (), use: str = "map"
) -> Explanation:
    """Says whether `f` runs natively.

    sample_args: tuples of arguments to try it with; without any, the function is only read.
    use: the method it is for, such as "map" or "reduceByKey"; says how many arguments it takes if there is no sample.
    """
    arity = len(sample_args[0]) if sample_args else 2 if use in _OF_TWO else 1
    answer = program_of(f, arity)
    if isinstance(answer, Opaque):
        where = f" (line {answer.line})" if answer.line is not None else ""
        return Explanation(False, answer.reason + where)
    if not sample_args:
        return Explanation(True, "")
    native = importlib.import_module("dstreams._native")
    try:
        native.Program(answer.tree, answer.arity).run([list(column) for column in zip(*sample_args, strict=True)])
    except native.Bail as bail:
        return Explanation(False, str(bail))
    return Explanation(True, "")
