"""Feeds functions with harmed bytecode to the reader, and what it makes of them to the evaluator.

    python tests/support/mutated_code.py --seconds 60 [--seed 7]

Takes real functions, changes their code at random and gives them to `dstreams.udf.read`; trees that come out run
natively over odd values. A harmed function is never called: the interpreter trusts bytecode. Nothing may be raised by
the reader, nothing but a `Bail` by the evaluator, and nothing may take long. Prints the seed and counts. What fails is
printed with its number, and `--seed SEED --only NUMBER` runs it again.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import dis
import random
import sys
import time
import types
from collections.abc import Callable, Iterator
from typing import Any

import course_functions
import program_functions
import record_code

from dstreams import _native, udf

# Real instructions, without those that the interpreter puts in for its own use.
_OPCODES = sorted(
    number
    for name, number in dis.opmap.items()
    if number < 256 and not name.startswith(("INSTRUMENTED", "ENTER_EXECUTOR"))
)
_END = bytes([dis.opmap["NOP"], 0]) * 24
_CONSTANTS: list[Any] = [
    *(None, True, 0, 1, -1, 2**63, 10**40, 2.5, float("nan"), "", "a,b", "\ud800", b"x", (), (1, "a"), ("name",)),
    *(
        frozenset([1, "a"]),
        Ellipsis,
        1j,
        ((1, 2), (3, "x")),
        ("", None, 0.0),
        slice(1, 2) if sys.version_info >= (3, 14) else 3,
    ),
]
_NAMES = ["split", "lower", "len", "x", "__class__", "append", "join", "sum", "max", "_replace", "get", "format"]
# Slow for an interpreter that other programs leave little of: a finding is something that does not end.
_LONG = 30.0


def originals() -> list[types.FunctionType]:
    """The functions that are changed."""
    found: list[Any] = [entry[1] for entry in (*course_functions.FUNCTIONS, *program_functions.FUNCTIONS)]
    found += [function for _, function in record_code.load()["FUNCTIONS"]]
    return [function for function in found if type(function) is types.FunctionType]


class Harm:
    """Changes code; what it does depends on the seed alone."""

    def __init__(self, chance: random.Random, codes: list[types.CodeType]) -> None:
        self._chance = chance
        self._codes = codes

    def of(self, code: types.CodeType) -> types.CodeType:
        """The code with some changes."""
        for _ in range(self._chance.choice((1, 1, 2, 3, 6))):
            change = self._chance.choice(
                (self._bytes, self._bytes, self._bytes, self._consts, self._names, self._table)
            )
            # A change may be one that the constructor of code refuses.
            with contextlib.suppress(ValueError, TypeError):
                code = change(code)
        return code

    def _bytes(self, code: types.CodeType) -> types.CodeType:
        chance = self._chance
        raw = bytearray(code.co_code)
        units = len(raw) // 2

        def at() -> int:
            return 2 * chance.randrange(max(1, units))

        kind = chance.randrange(7)
        if kind == 0:
            raw[at()] = chance.choice(_OPCODES)
        elif kind == 1:
            raw[at() + 1] = chance.choice((0, 1, 2, 3, chance.randrange(256)))
        elif kind == 2:
            one, other = at(), at()
            raw[one : one + 2], raw[other : other + 2] = raw[other : other + 2], raw[one : one + 2]
        elif kind == 3:
            start = at()
            del raw[start : start + 2 * chance.choice((1, 1, 2, 5))]
        elif kind == 4:
            start, where = at(), at()
            raw[where:where] = raw[start : start + 2 * chance.choice((1, 2, 8))]
        elif kind == 5:
            other = self._chance.choice(self._codes).co_code
            start = 2 * chance.randrange(len(other) // 2)
            where = at()
            raw[where:where] = other[start : start + 2 * chance.choice((1, 3, 10, 40))]
        else:
            where = at()
            more = bytes([chance.choice(_OPCODES), chance.randrange(8)])
            raw[where:where] = more * chance.choice((1, 1, 1, 300))
        if chance.randrange(8):
            self._within_bounds(raw, code)
        # The constructor writes into the units that some instructions keep room in, so there have to be some.
        return code.replace(co_code=bytes(raw) + _END, co_stacksize=code.co_stacksize + 50)

    def _within_bounds(self, raw: bytearray, code: types.CodeType) -> None:
        """Makes arguments refer to what is there, so that not all code is refused for that."""
        locals_ = len(code.co_varnames) + len(code.co_cellvars) + len(code.co_freevars)
        limits = [(dis.hasconst, len(code.co_consts)), (dis.hasname, len(code.co_names)), (dis.haslocal, locals_)]
        limits += [(dis.hasfree, locals_), (dis.hasjrel, max(1, len(raw) // 4))]
        bounds = {number: limit for numbers, limit in limits for number in numbers}
        for at in range(0, len(raw) - 1, 2):
            limit = bounds.get(raw[at], 256)
            if limit and raw[at + 1] >= limit:
                raw[at + 1] %= limit

    def _consts(self, code: types.CodeType) -> types.CodeType:
        consts = [self.of(const) if isinstance(const, types.CodeType) else const for const in code.co_consts]
        for _ in range(self._chance.randrange(3)):
            if consts:
                other = self._chance.choice((*_CONSTANTS, self._chance.choice(self._codes)))
                consts[self._chance.randrange(len(consts))] = other
        return code.replace(co_consts=tuple(consts[: self._chance.choice((1, *[100] * 9))]))

    def _names(self, code: types.CodeType) -> types.CodeType:
        names = [self._chance.choice(_NAMES) if self._chance.randrange(3) == 0 else name for name in code.co_names]
        self._chance.shuffle(names)
        return code.replace(co_names=tuple(names))

    def _table(self, code: types.CodeType) -> types.CodeType:
        if sys.version_info < (3, 11):
            return code.replace(co_flags=code.co_flags ^ self._chance.choice((0x04, 0x08, 0x20)))
        # Entries of four numbers, each below 64 and so one byte; the first byte of an entry is marked.
        entries = [[self._chance.randrange(64) for _ in range(4)] for _ in range(self._chance.randrange(3))]
        table = b"".join(bytes([first | 128, *rest]) for first, *rest in entries)
        return code.replace(co_exceptiontable=table)


def harmed(function: types.FunctionType, harm: Harm) -> types.FunctionType | None:
    """A function with harmed code; None where the interpreter refuses to make one."""
    try:
        code = harm.of(function.__code__)
        made = types.FunctionType(code, function.__globals__, "harmed", function.__defaults__, function.__closure__)
    except (ValueError, TypeError):
        return None
    made.__kwdefaults__ = function.__kwdefaults__
    return made


ROWS: list[list[Any]] = [
    *([1, 0, -7], [2**62, -(2**63), 2**63 - 1], [0.5, -0.0, 1e300], [float("nan"), float("inf"), 2.0]),
    *(["a,b c", "", "12"], ["Ünï ß", "\u0130 #x", "k=v"], [b"ab", b"", b"7"], [True, False, True], [None, None, None]),
    *([None, "a", "b"], [1, None, 3], [("k", 1), ("", 2), ("w", -3)], [[1, 2], [], [3]], [["a", "b"], ["c"], []]),
    *([((1, 2.5), "x"), ((3, 0.5), "y"), ((0, 0.0), "")], [[("a", 1)], [], [("b", 2)]]),
]


def evaluate(program: udf.Program, chance: random.Random) -> bool:
    """Runs a tree over some odd columns; whether there was an answer."""
    try:
        native = _native.Program(program.tree, program.arity)
    except _native.Bail:
        return False
    answered = False
    for _ in range(4):
        columns = [chance.choice(ROWS) for _ in range(program.arity)]
        with contextlib.suppress(_native.Bail):
            native.run(columns)
            answered = True
        with contextlib.suppress(_native.Bail):
            native.flatten(columns)
        if program.arity == 2:
            with contextlib.suppress(_native.Bail):
                native.why_no_fold(columns)
    return answered


def cases(seed: int) -> Iterator[Callable[[], str]]:
    """Cases without an end, each of which depends on the seed and its number alone, and says what came of it."""
    functions = originals()
    codes = [function.__code__ for function in functions]
    number = 0
    while True:
        yield lambda number=number: _case(random.Random(f"{seed} {number}"), functions, codes)  # type: ignore[misc]
        number += 1


def _case(chance: random.Random, functions: list[types.FunctionType], codes: list[types.CodeType]) -> str:
    function = chance.choice(functions)
    made = harmed(function, Harm(chance, codes))
    if made is None:
        return "refused by the interpreter"
    answer = udf.read(made, function.__code__.co_argcount, chance.randrange(2) == 1)
    if isinstance(answer, udf.Opaque):
        return "left to Python as faulty" if "fault in the reader" in answer.reason else "left to Python"
    return "native, with answers" if evaluate(answer, chance) else "native, without an answer"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--only", type=int)
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    end = time.monotonic() + options.seconds
    counts: collections.Counter[str] = collections.Counter()
    for number, case in enumerate(cases(options.seed)):
        if options.only is not None and number != options.only:
            continue
        began = time.monotonic()
        try:
            counts[case()] += 1
        except BaseException:  # a panic of the native side is no Exception
            print(f"case {number} failed: --seed {options.seed} --only {number}", flush=True)
            raise
        if time.monotonic() - began > _LONG:
            sys.exit(f"case {number} took {time.monotonic() - began:.0f} s: --seed {options.seed} --only {number}")
        if time.monotonic() > end or options.only is not None:
            break
    for kind, count in sorted(counts.items()):
        print(f"{count:9d} {kind}")
    python = f"CPython {sys.version.split()[0]}"
    print(f"{sum(counts.values()):9d} functions on {python}: nothing failed")


if __name__ == "__main__":
    main()
