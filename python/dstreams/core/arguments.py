"""What may a program pass where Spark's JVM side takes an `int`, a text or a boolean? What is refused is named.

Spark's bridge to the JVM finds no method for a value of another kind, which is a Py4JError; for None instead of a text
it finds one, which then fails with Java's NullPointerException.
"""

from __future__ import annotations

from typing import Any

from dstreams.core.errors import Py4JError, java_error

_MOST = 2**31


def java_int(name: str, value: Any) -> int:
    """A whole number within 32 bits.

    Raises: Py4JError, as Spark does, for any other number and for what is none, a bool too.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not -_MOST <= value < _MOST:
        raise Py4JError(f"{name}: expected a whole number within 32 bits, got {value!r:.80} ({type(value).__name__})")
    return int(value)


def java_text(name: str, value: Any) -> str:
    """A text.

    Raises: Py4JError for what is none, Py4JJavaError (NullPointerException) for None.
    """
    found = optional_text(name, value)
    if found is None:
        raise java_error("java.lang.NullPointerException", f"{name}: expected text, got None")
    return found


def optional_text(name: str, value: Any) -> str | None:
    """A text or None. Raises: Py4JError for all else."""
    if value is not None and not isinstance(value, str):
        raise Py4JError(f"{name}: expected text, got {value!r:.80} ({type(value).__name__})")
    return value


def java_bool(name: str, value: Any) -> bool:
    """True or False. Raises: Py4JError for all else."""
    if not isinstance(value, bool):
        raise Py4JError(f"{name}: expected True or False, got {value!r:.80} ({type(value).__name__})")
    return value


def optional_int(name: str, value: Any, default: int) -> int:
    """The same, or the default for None and 0."""
    return default if value is None else java_int(name, value) or default


def partition_count(name: str, value: Any) -> int:
    """A number of partitions for a shuffle; below 0 is 0, and nothing comes out of it, as in Spark."""
    return max(java_int(name, value), 0)


def refuse_capacity(name: str, value: int) -> Any:
    """Raises Py4JJavaError: what Spark says of fewer than no pieces of files, once they are cut."""
    raise java_error(
        "java.lang.IllegalArgumentException", f"Illegal Capacity: {value}", f"{name}: must not be negative"
    )
