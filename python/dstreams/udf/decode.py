"""How does code read as a list of steps, whatever the version of CPython?

Steps have names and arguments of our own (`opcodes.py`); targets of jumps are positions in the list. Each step also
knows its line, and each branch the step at which its two ways meet again.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import CodeType
from typing import Any

from dstreams.udf.opcodes import RULES, TRIES, Rule, Step
from dstreams.udf.results import Unreadable

# Longest code that is looked at, in bytes.
_MAX_CODE = 50_000
_NEWEST = max(RULES)

_SPECIAL = {0x20: "is a generator", 0x80: "is asynchronous", 0x100: "is asynchronous", 0x200: "is a generator"}


@dataclass(frozen=True)
class Listing:
    """Code as the disassembler of its CPython shows it.

    handlers: offsets of the code that handles exceptions, each with that of what it guards.
    """

    instructions: list[dis.Instruction]
    handlers: dict[int, int]
    lines: dict[int, int | None]


@dataclass(frozen=True, eq=False)
class Steps:
    """Decoded code.

    steps: as `opcodes.py` gives them; jumps have positions in this list as targets.
    lines: of each step.
    meets: for each step, where all ways from it meet again; `len(steps)` if they do so only by returning.
    """

    steps: list[Step]
    lines: list[int | None]
    meets: list[int]


def unknown_python() -> str | None:
    """Which Python this is, if it is none whose instructions are known; None if it is."""
    if sys.implementation.name == "cpython" and sys.version_info[0] == 3 and sys.version_info[1] in RULES:
        return None
    name = {"cpython": "CPython"}.get(sys.implementation.name, sys.implementation.name)
    return (
        f"{name} {sys.version_info[0]}.{sys.version_info[1]}, a Python that is not known here: functions are read on "
        f"CPython 3.10 to 3.{_NEWEST}"
    )


def check_python() -> Mapping[str, Rule]:
    """What the instructions of this Python mean. Raises Unreadable if that is not known."""
    unknown = unknown_python()
    if unknown is not None:
        raise Unreadable(f"runs on {unknown}")
    return RULES[sys.version_info[1]]


def decode(code: CodeType, generator: bool = False) -> Steps:
    """The code as steps; that of a generator only if it is to be one. Raises Unreadable."""
    rules = check_python()
    if len(code.co_code) > _MAX_CODE:
        raise Unreadable("is too long")
    for flag, reason in _SPECIAL.items():
        if code.co_flags & flag and not (generator and flag == 0x20):
            raise Unreadable(reason)
    listing = listing_of(code)
    _refuse_handlers(code, listing)
    steps: list[Step] = []
    of_steps: list[int | None] = []
    starts: dict[int, int] = {}
    for instruction in listing.instructions:
        starts[instruction.offset] = len(steps)
        rule = rules.get(instruction.opname)
        if rule is None:
            made: list[Step] = [("refuse", f"uses the instruction {instruction.opname}, which is not known here")]
        else:
            made = rule(instruction, code)
        steps += made
        of_steps += [listing.lines.get(instruction.offset)] * len(made)
    resolved = [_resolve(step, starts) for step in _without_truth(steps)]
    return Steps(resolved, of_steps, meeting_points(resolved))


def listing_of(code: CodeType) -> Listing:
    """The code's instructions, as this Python disassembles them."""
    lines = {offset: line for first, last, line in code.co_lines() for offset in range(first, last, 2)}
    return Listing(list(dis.get_instructions(code)), _handlers(code), lines)


def _without_truth(steps: list[Step]) -> list[Step]:
    """A branch and `not` mean the truth of a value anyway, so it need not be made a bool for them."""
    return [
        step if step[0] != "truth" else ("nothing", None) if following[0] in ("branch", "not") else ("unary", "bool")
        for step, following in zip(steps, [*steps[1:], ("nothing", None)], strict=True)
    ]


def _refuse_handlers(code: CodeType, listing: Listing) -> None:
    """Up to 3.10 `try` and `with` are instructions; since then a table says it, with entries for comprehensions too."""
    for instruction in listing.instructions:
        if instruction.opname in ("SETUP_FINALLY", "SETUP_WITH"):
            refused = Unreadable(TRIES)
            refused.at(code.co_filename, listing.lines.get(instruction.offset))
            raise refused
    tidying = {"SWAP", "POP_TOP", "STORE_FAST", "STORE_FAST_STORE_FAST", "STORE_FAST_MAYBE_NULL", "CALL_INTRINSIC_1"}
    at = {instruction.offset: position for position, instruction in enumerate(listing.instructions)}
    for target, start in listing.handlers.items():
        for instruction in listing.instructions[at[target] :]:
            if instruction.opname == "RERAISE":
                break
            if instruction.opname not in tidying:
                refused = Unreadable(TRIES)
                # What is just before the guarded code stands for the word `try`, or enters the `with`.
                before = max((other.offset for other in listing.instructions if other.offset < start), default=0)
                refused.at(code.co_filename, listing.lines.get(before))
                raise refused


def _handlers(code: CodeType) -> dict[int, int]:
    """Handlers, and where what they guard begins, by the table: entries of four numbers, in groups of six bits."""
    numbers: list[int] = []
    value = 0
    for byte in getattr(code, "co_exceptiontable", b""):  # since 3.11
        value = (value << 6) | (byte & 63)
        if not byte & 64:
            numbers.append(value)
            value = 0
    handlers: dict[int, int] = {}
    for start, target in zip(numbers[::4], numbers[2::4], strict=True):
        handlers.setdefault(2 * target, 2 * start)
    return handlers


def _resolve(step: Step, starts: dict[int, int]) -> Step:
    """The step with a position in place of an offset."""
    name, argument = step
    if name == "jump":
        return name, starts[argument]
    if name in ("branch", "loop"):
        return name, (*argument[:-1], starts[argument[-1]])
    return step


def _next(position: int, step: Step) -> list[int]:
    """Where it goes on after a step; nowhere after a return."""
    name, argument = step
    if name in ("return", "refuse"):
        return []
    if name == "jump":
        return [argument]
    if name in ("branch", "loop"):
        return [position + 1, argument[-1]]
    return [position + 1]


def meeting_points(steps: list[Step]) -> list[int]:
    """For each step the nearest later one that every way passes. Ways back count as ways out."""
    end = len(steps)
    meets: list[Any] = [end] * (end + 1)
    for position in range(end - 1, -1, -1):
        ways = [target if position < target < end else end for target in _next(position, steps[position])]
        point = ways[0] if ways else end
        for other in ways[1:]:
            # Each step of a walk along the meeting points goes forward, so the two walks meet at `end` at the latest.
            while point != other:
                point, other = (meets[point], other) if point < other else (point, meets[other])
        meets[position] = point
    return meets
