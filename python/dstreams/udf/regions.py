"""Which instructions does a `try` guard, and where does it go on if one of them raises?

Up to CPython 3.10 instructions begin and end what is guarded, since then a table says it. Both become `Region`s.
1. Code that only tidies up and raises again handles nothing: comprehensions and the ends of handlers have such code.
2. What is guarded by such code only, which is guarded by a region, is the region's.
3. Regions within regions are refused.
"""

from __future__ import annotations

import dis
from collections.abc import Sequence
from dataclasses import dataclass
from types import CodeType

from dstreams.udf.opcodes import TRIES
from dstreams.udf.results import Unreadable

_TIDYING = frozenset(
    {
        *("SWAP", "POP_TOP", "COPY", "POP_EXCEPT", "LOAD_CONST", "STORE_FAST", "DELETE_FAST"),
        *("STORE_FAST_STORE_FAST", "STORE_FAST_MAYBE_NULL", "CALL_INTRINSIC_1"),
    }
)
_JUMPS = frozenset({"JUMP_FORWARD", "JUMP_ABSOLUTE"})
_ENDS = frozenset({"RETURN_VALUE", "RAISE_VARARGS", "RERAISE"})


@dataclass(frozen=True)
class Entry:
    """A line of the table: offsets from `start` to before `end` are handled at `target`, with `depth` values below."""

    start: int
    end: int
    target: int
    depth: int


@dataclass(frozen=True)
class Region:
    """What one `try` guards. All are offsets.

    end: where it goes on, if that is at one place only.
    depth: how much is on the stack when it begins; None if that is not said.
    """

    start: int
    end: int | None
    handler: int
    depth: int | None
    guarded: frozenset[int]


def entries_of(code: CodeType) -> list[Entry]:
    """The table of exceptions that code has since 3.11: entries of four numbers, in groups of six bits."""
    numbers: list[int] = []
    value = 0
    for byte in getattr(code, "co_exceptiontable", b""):
        value = (value << 6) | (byte & 63)
        if not byte & 64:
            numbers.append(value)
            value = 0
    found = zip(numbers[::4], numbers[1::4], numbers[2::4], numbers[3::4], strict=True)
    return [Entry(2 * start, 2 * (start + count), 2 * target, more >> 1) for start, count, target, more in found]


def regions_of(instructions: Sequence[dis.Instruction], entries: list[Entry]) -> list[Region]:
    """The regions of code. Raises Unreadable, with no place, for regions within regions."""
    blocks = [at for at, instruction in enumerate(instructions) if instruction.opname == "SETUP_FINALLY"]
    at = {instruction.offset: position for position, instruction in enumerate(instructions)}
    regions = [_of_block(instructions, at, position) for position in blocks]
    for target in sorted({entry.target for entry in entries if not _only_tidies(instructions, at[entry.target])}):
        regions.append(_of_table(instructions, at, entries, target))
    found = [region for region in regions if not _only_tidies(instructions, at[region.handler])]
    for region in found:
        if any(other.handler in region.guarded or other.start in region.guarded - {region.start} for other in found):
            raise Unreadable(TRIES)
    return found


def _only_tidies(instructions: Sequence[dis.Instruction], position: int) -> bool:
    while instructions[position].opname in _TIDYING:
        position += 1
    return instructions[position].opname == "RERAISE"


def _of_table(instructions: Sequence[dis.Instruction], at: dict[int, int], entries: list[Entry], target: int) -> Region:
    """What the entries with this target guard, and those whose handlers they guard and that only tidy up."""
    own = [entry for entry in entries if entry.target == target]
    offsets = [instruction.offset for instruction in instructions]

    def covered(some: list[Entry]) -> set[int]:
        return {offset for offset in offsets if any(entry.start <= offset < entry.end for entry in some)}

    guarded = covered(own)
    tidied = [entry for entry in entries if entry.target in guarded and _only_tidies(instructions, at[entry.target])]
    guarded |= covered(tidied)
    for entry in tidied:
        position = at[entry.target]
        while instructions[position].opname != "RERAISE":
            guarded.discard(offsets[position])
            position += 1
        guarded.discard(offsets[position])
    first, last = at[min(guarded)], at[max(guarded)]
    whole = last - first + 1 == len(guarded) and last + 1 < len(offsets)
    end = offsets[last + 1] if whole else None
    return Region(offsets[first], end, target, own[0].depth, frozenset(guarded))


def _of_block(instructions: Sequence[dis.Instruction], at: dict[int, int], begin: int) -> Region:
    """What a block guards: all that can be reached without passing its end, of which each way out has one."""
    guarded: set[int] = set()
    ends: set[int] = set()
    todo = [begin + 1]
    while todo:
        position = todo.pop()
        instruction = instructions[position]
        if instruction.opname == "POP_BLOCK":
            ends.add(instruction.offset)
            continue
        if instruction.offset in guarded:
            continue
        if instruction.opname in ("SETUP_FINALLY", "SETUP_WITH", "SETUP_ASYNC_WITH"):
            raise Unreadable(TRIES)
        guarded.add(instruction.offset)
        if instruction.opcode in dis.hasjrel or instruction.opcode in dis.hasjabs:
            todo.append(at[instruction.argval])
        if instruction.opname not in _JUMPS and instruction.opname not in _ENDS:
            todo.append(position + 1)
    handler = instructions[begin].argval
    end = ends.pop() if len(ends) == 1 else None
    return Region(instructions[begin].offset, end, handler, None, frozenset(guarded))
