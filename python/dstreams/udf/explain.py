"""Would this function run without the interpreter, and if not, why?"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dstreams.udf.cache import program_of
from dstreams.udf.places import is_own
from dstreams.udf.reader import WITH_STATE, WITH_TIME_AND_STATE
from dstreams.udf.results import Link, Opaque, Program

# Methods whose function folds a value into what was folded before it.
_METHODS_THAT_FOLD = """
    reduceByKey combineByKey reduceByWindow reduceByKeyAndWindow reduce reduceByKeyLocally fold foldByKey aggregate
    aggregateByKey
"""
# Other methods whose function takes two arguments: it is called.
_METHODS_THAT_CALL = "treeReduce"
# Methods that use up what the function gives at once.
_METHODS_THAT_ITERATE = frozenset(["flatMap", "flatMapValues"])
_FOLDS = frozenset(_METHODS_THAT_FOLD.split())
_CALLS = frozenset(_METHODS_THAT_CALL.split())
# Methods whose function takes two arguments and runs row by row, natively.
_OF_TWO = frozenset(["invFunc", "update", "updateStateByKey"])


@dataclass(frozen=True)
class Explanation:
    """native: whether it runs without the interpreter, on some of the sample at least.

    reason: why it does not, or why not on all of the sample; empty if it does.
    """

    native: bool
    reason: str


def explain_function(
    f: Callable[..., Any], sample_args: Sequence[tuple[Any, ...]] = (), use: str = "map"
) -> Explanation:
    """Says whether `f` runs natively.

    sample_args: tuples of arguments to try it with; without any, the function is only read. What Python itself would
        refuse, or give a result of another kind than for the other tuples, is never native: such rows go to Python.
    use: the method it is for, such as "map" or "reduceByKey"; says how many arguments it takes if there is no sample. A
        function of "mapWithState" is only read.
    """
    if use == "mapWithState":
        return _of_state(f)
    arity = len(sample_args[0]) if sample_args else 2 if use in _FOLDS | _CALLS | _OF_TWO else 1
    answer = program_of(f, arity, use in _METHODS_THAT_ITERATE)
    if isinstance(answer, Opaque):
        return Explanation(False, in_words(answer.links))
    if use in _CALLS:
        return Explanation(False, f"functions of {use} are called by Python")
    native = importlib.import_module("dstreams._native")
    try:
        program = native.Program(answer.tree, answer.arity)
    except native.Bail as problem:
        return Explanation(False, str(problem))
    return _tried(program, native.Bail, sample_args, use in _FOLDS)


def _of_state(f: Callable[..., Any]) -> Explanation:
    """Of a function of `mapWithState`, which gets a state, and the batch's time first if it takes four arguments."""
    answers = [program_of(f, form) for form in (WITH_STATE, WITH_TIME_AND_STATE)]
    if any(isinstance(answer, Program) for answer in answers):
        return Explanation(True, "")
    takes = getattr(getattr(f, "__code__", None), "co_argcount", 3)
    answer = answers[takes == 4]
    return Explanation(False, in_words(answer.links) if isinstance(answer, Opaque) else "")


def in_words(links: Sequence[Link]) -> str:
    """From call to call why a function has no native form, each with its line, and with its file if that changes.

    What functions of installed packages do in turn is not told.
    """
    words, file = [], links[0].file
    for link, following in zip(links, [*links[1:], None], strict=True):
        ends = following is None or (following.file is not None and not is_own(following.file))
        where = "" if link.line is None else f" (line {link.line})"
        if where and link.file != file and link.file is not None:
            where = f" (line {link.line} of {Path(link.file).name})"
        unknown = ", which the engine does not know" if ends and following is not None else ""
        words.append(link.what + unknown + where)
        file = link.file
        if ends:
            break
    return ", which ".join(words)


def _tried(program: Any, bail: type[Exception], sample_args: Sequence[tuple[Any, ...]], folds: bool) -> Explanation:
    reasons: list[str] = []
    for arguments in sample_args:
        columns = [[argument] for argument in arguments]
        try:
            program.run(columns)
            problem = program.why_no_fold(columns) if folds else None
            if problem is not None:
                reasons.append(problem)
        except bail as problem:
            reasons.append(str(problem))
    if not reasons:
        return Explanation(True, "")
    if len(reasons) == len(sample_args):
        return Explanation(False, reasons[0])
    return Explanation(True, f"but Python computes {len(reasons)} of {len(sample_args)} samples: {reasons[0]}")
