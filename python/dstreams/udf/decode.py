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

from dstreams.udf.opcodes import RULES, Rule, Step
from dstreams.udf.regions import Entry, Region, entries_of, regions_of
from dstreams.udf.results import Unreadable

# Longest code that is looked at, in bytes.
_MAX_CODE = 50_000
_NEWEST = max(RULES)

_SPECIAL = {0x20: "is a generator", 0x80: "is asynchronous", 0x100: "is asynchronous", 0x200: "is a generator"}


@dataclass(frozen=True)
class Listing:
    """Code as the disassembler of its CPython shows it."""

    instructions: list[dis.Instruction]
    entries: list[Entry]
    lines: dict[int, int | None]


@dataclass(frozen=True, eq=False)
class Attempt:
    """A `try`, whose steps follow; all are positions of steps.

    end: where it goes on, if that is at one place only.
    depth: how much is on the stack; None if that is not said.
    saved: how much lies there below the exception when the handler begins.
    """

    handler: int
    end: int | None
    guarded: frozenset[int]
    depth: int | None
    saved: int


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
    regions = {region.start: region for region in _regions(code, listing)}
    steps: list[Step] = []
    of_steps: list[int | None] = []
    starts: dict[int, int] = {}
    for instruction in listing.instructions:
        starts[instruction.offset] = len(steps)
        made: list[Step] = []
        if instruction.offset in regions:
            made.append(("try", regions[instruction.offset]))
        rule = rules.get(instruction.opname)
        if rule is None:
            made.append(("refuse", f"uses the instruction {instruction.opname}, which is not known here"))
        else:
            made += rule(instruction, code)
        steps += made
        of_steps += [listing.lines.get(instruction.offset)] * len(made)
    starts[-1] = len(steps)
    resolved = [_resolve(step, starts) for step in _without_truth(steps)]
    resolved = [step if step[0] != "try" else ("try", _attempt(step[1], starts)) for step in resolved]
    resolved = _with_ways_back(resolved)
    return Steps(resolved, of_steps, meeting_points(resolved))


def listing_of(code: CodeType) -> Listing:
    """The code's instructions, as this Python disassembles them."""
    lines = {offset: line for first, last, line in code.co_lines() for offset in range(first, last, 2)}
    return Listing(list(dis.get_instructions(code)), entries_of(code), lines)


def _without_truth(steps: list[Step]) -> list[Step]:
    """A branch and `not` mean the truth of a value anyway, so it need not be made a bool for them."""
    return [
        step if step[0] != "truth" else ("nothing", None) if following[0] in ("branch", "not") else ("unary", "bool")
        for step, following in zip(steps, [*steps[1:], ("nothing", None)], strict=True)
    ]


def _regions(code: CodeType, listing: Listing) -> list[Region]:
    """The code's regions. Raises Unreadable, at its beginning."""
    try:
        return regions_of(listing.instructions, listing.entries)
    except Unreadable as refused:
        refused.at(code.co_filename, code.co_firstlineno)
        raise


def _attempt(region: Region, starts: dict[int, int]) -> Attempt:
    """The region with positions in place of offsets."""
    offsets = sorted(starts, key=lambda offset: (starts[offset], offset))
    after = dict(zip(offsets, [*offsets[1:], -1], strict=True))
    guarded = frozenset(at for offset in region.guarded for at in range(starts[offset], starts[after[offset]]))
    end = None if region.end is None else starts[region.end]
    saved = 5 if region.depth is None else 0
    return Attempt(starts[region.handler], end, guarded, region.depth, saved)


def _with_ways_back(steps: list[Step]) -> list[Step]:
    """Code after a `try` may come before its handler, which then jumps back to it. That is no loop."""
    attempts = [argument for name, argument in steps if name == "try"]

    def comes_back(position: int, target: int) -> bool:
        return any(max(one.guarded, default=position) < target < one.handler <= position for one in attempts)

    return [
        ("rejoin", step[1]) if step[0] == "jump" and comes_back(position, step[1]) else step
        for position, step in enumerate(steps)
    ]


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
    if name in ("jump", "rejoin"):
        return [argument]
    if name == "try":
        return [position + 1, argument.handler]
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
