"""What is there to say about a chain of steps, and how does it read?

Data and text alone. A report is blocks of lines in the order in which they run: a block begins where data comes in, is
shuffled or comes together, and each of its lines is a step with one function, or with none.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

_WIDEST_METHOD = 22
_WIDEST_TEXT = 48


@dataclass(frozen=True)
class Line:
    """One step, or one of its functions.

    method: what the program calls to have this step, such as "map".
    text: the function's name, or the text of a lambda; of a step of dstreams itself, what it does.
    file, line: where the function is written; None where there is no source.
    native: whether it runs natively, as long as its values fit into columns.
    reason: why not, completing "it ..."; empty if it does.
    per_element: whether it is a function of the program that runs for each element (or value, or partition), and so
        counts. Those of the driver run once per batch, those of dstreams itself are no function of the program.
    takes_in: whether it takes in each element that a step in Python makes, as soon as it is made. From the first that
        does not fit into columns on, the step is Python's.
    """

    method: str
    text: str
    file: str | None
    line: int | None
    native: bool
    reason: str
    per_element: bool = True
    # The function itself, or its code: lines with the same one are about the same function.
    key: Any = field(default=None, repr=False, compare=False)
    takes_in: bool = field(default=False, compare=False)

    @property
    def place(self) -> str:
        """`file.py:7`; empty where there is no source."""
        return "" if self.file is None else f"{os.path.basename(self.file)}:{self.line}"

    @property
    def verdict(self) -> str:
        """`native`, and how if Python makes its elements; or `Python` and why."""
        if self.takes_in:
            return "native, each element taken in as it is made"
        return "native" if self.native else f"Python: {self.reason}" if self.reason else "Python"


@dataclass(frozen=True)
class Block:
    """Steps that run one after the other on the same partitions. Numbers count from 1; the title says what comes in."""

    number: int
    title: str
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True)
class Report:
    """All blocks, the last one being what was asked for. `notes` are sentences about the whole."""

    blocks: tuple[Block, ...]
    notes: tuple[str, ...] = ()

    @property
    def functions(self) -> list[Line]:
        """Each function of the program once, in the order of running: native if it is so wherever it runs."""
        return each_once(line for block in self.blocks for line in block.lines)

    def __str__(self) -> str:
        """The text that `explain()` prints, without a line end."""
        text = [f"Note: {note}" for note in self.notes]
        widths = widths_of([line for block in self.blocks for line in block.lines])
        for block in self.blocks:
            text.append(f"{block.number}. {block.title}")
            text += [f"     {row(line, widths)}" for line in block.lines]
        return "\n".join([*text, summary(self.functions)])


def each_once(lines: Iterable[Line]) -> list[Line]:
    """Of lines about the same function, the first; or the first that is not native."""
    found: dict[Any, Line] = {}
    for line in lines:
        if line.key is not None and (line.key not in found or (found[line.key].native and not line.native)):
            found[line.key] = line
    return list(found.values())


def widths_of(lines: list[Line]) -> tuple[int, int, int]:
    """The widths of the columns that `row` fills."""
    method = max((len(line.method) for line in lines), default=0)
    text = max((len(line.text) for line in lines), default=0)
    place = max((len(line.place) for line in lines), default=0)
    return min(method, _WIDEST_METHOD), min(text, _WIDEST_TEXT), place


def row(line: Line, widths: tuple[int, int, int]) -> str:
    """A line in columns."""
    method, text, place = widths
    return f"{line.method:<{method}}  {line.text:<{text}}  {line.place:<{place}}  {line.verdict}"


def summary(functions: list[Line]) -> str:
    """How many functions run natively, in a sentence."""
    counted = [line for line in functions if line.per_element]
    native = sum(line.native for line in counted)
    if not counted:
        text = "No function of the program runs for each element."
    elif len(counted) == 1:
        text = "The only function runs natively." if native else "The only function runs in Python."
    else:
        text = f"{native} of {len(counted)} functions run natively."
    others = len(functions) - len(counted)
    if others:
        text += f" {others} more {'runs' if others == 1 else 'run'} in the driver, once per batch."
    return text
