"""What is a function called, and where is it written?

A lambda has no name, so its text stands for it. Where several begin in one line, the positions in its code tell which
one it is (since CPython 3.11); where that cannot be told, only its parameters are shown.
"""

from __future__ import annotations

import ast
import functools
import linecache
import types
from dataclasses import dataclass
from typing import Any

# The longest text of a lambda that is shown.
_LONGEST = 48


@dataclass(frozen=True)
class Source:
    """A function's name or text, and its file and first line; None where it has none."""

    text: str
    file: str | None = None
    line: int | None = None


def source_of(function: Any) -> Source:
    """The name of a function, or the text of a lambda. Calls nothing of the program."""
    if isinstance(function, functools.partial):
        inside = source_of(function.func)
        return Source(f"partial({inside.text}, ...)", inside.file, inside.line)
    if isinstance(function, types.MethodType):
        inside = source_of(function.__func__)
        return Source(inside.text, inside.file, inside.line)
    if isinstance(function, types.FunctionType):
        code = function.__code__
        name = function.__qualname__.rpartition("<locals>.")[2]
        text = _text_of_lambda(code) if name == "<lambda>" else name
        return Source(text, code.co_filename, code.co_firstlineno)
    named, module = getattr(function, "__qualname__", None), getattr(function, "__module__", None)
    if not isinstance(named, str):
        return Source(f"an object of {type(function).__qualname__}")
    shown = module.lstrip("_") if isinstance(module, str) and module not in ("builtins", "__main__") else ""
    return Source(f"{shown}.{named}" if shown else named)


def _text_of_lambda(code: types.CodeType) -> str:
    found = [one for one in _lambdas(code.co_filename) if one[0].lineno == code.co_firstlineno]
    if len(found) > 1:
        found = [one for one in found if _holds(one[0], code)] or found
        found = found[:1] if len({text for _, text in found}) == 1 else _innermost(found, code)
    if not found:
        parameters = ", ".join(code.co_varnames[: code.co_argcount])
        return f"lambda {parameters}: ..." if parameters else "lambda: ..."
    text = found[0][1]
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def _lambdas(file: str) -> list[tuple[ast.Lambda, str]]:
    lines = linecache.getlines(file)
    return _lambdas_in("".join(lines)) if lines else []


@functools.lru_cache(maxsize=16)
def _lambdas_in(text: str) -> list[tuple[ast.Lambda, str]]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):  # not Python, as in a notebook's cell with magics
        return []
    return [(node, _one_line(text, node)) for node in ast.walk(tree) if isinstance(node, ast.Lambda)]


def _one_line(text: str, node: ast.Lambda) -> str:
    segment = ast.get_source_segment(text, node) or ""
    return ast.unparse(node) if "\n" in segment or not segment else segment


def _parameters(node: ast.Lambda) -> tuple[str, ...]:
    return tuple(argument.arg for argument in [*node.args.posonlyargs, *node.args.args])


def _holds(node: ast.Lambda, code: types.CodeType) -> bool:
    """Whether the code may be that of the lambda."""
    if _parameters(node) != code.co_varnames[: code.co_argcount]:
        return False
    return all(_is_within(place, node.body) for place in _places(code))


Place = tuple[int, int, int, int]


def _places(code: types.CodeType) -> list[Place]:
    """Line, last line, column and last column of the instructions; none before CPython 3.11."""
    positions = getattr(code, "co_positions", None)
    found = list(positions()) if positions is not None else []
    # An instruction without a width belongs to the function as a whole.
    return [place for place in found if None not in place and place[2:] != (0, 0)]


def _is_within(place: Place, node: ast.expr) -> bool:
    line, last_line, column, last_column = place
    begins = (node.lineno, node.col_offset) <= (line, column)
    return begins and (last_line, last_column) <= (node.end_lineno or line, node.end_col_offset or column)


def _innermost(found: list[tuple[ast.Lambda, str]], code: types.CodeType) -> list[tuple[ast.Lambda, str]]:
    """Of lambdas inside of each other, the one whose body is just the code; none if that cannot be told."""
    if not _places(code):
        return []
    return sorted(found, key=lambda one: len(one[1]))[:1]
