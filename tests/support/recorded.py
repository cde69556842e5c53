"""Calls in text, and which exception they raise: for tables of what Spark was recorded to say."""

from __future__ import annotations

import textwrap
from typing import Any


def calls(table: dict[str, str]) -> list[tuple[str, str]]:
    """(call, exception) of a table that has, per exception, the calls that raise it, one a line."""
    return [(call, name) for name, lines in table.items() for call in textwrap.dedent(lines).strip().splitlines()]


def name_of(call: str, names: dict[str, Any]) -> str:
    """What a call raises: the name of the exception, of a Py4JJavaError that of the Java class; or what it gives."""
    try:
        found = eval(call, dict(names))
    except Exception as error:
        java = getattr(error, "java_exception", None)
        return type(error).__name__ if java is None else str(java.getClass().getName())
    return f"no exception, but {found!r:.80}"
