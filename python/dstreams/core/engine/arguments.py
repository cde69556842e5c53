"""What may a program pass where Spark's JVM side takes an `int`, a text or a boolean? What is refused is named.

Spark's bridge to the JVM finds no method for a value of another kind, which is a Py4JError; for None instead of a text
it finds one, which then fails with Java's NullPointerException.
"""

from __future__ import annotations

from typing import Any

from dstreams.core.engine.errors import Py4JError, java_error

_MOST = 2**31


def java_int(name: str, value: Any) -> int:
    """A whole number within 32 bits.

    Raises: Py4JError, as Spark does, for any other number and for what is none, a bool too.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not -_MOST <= value < _MOST:
        raise _no_such(name, "a whole number within 32 bits", value)
    return int(value)


def java_long(name: str, value: Any) -> int:
    """A whole number within 64 bits, as `java_int`."""
    if not isinstance(value, int) or isinstance(value, bool) or not -_MOST * 2**32 <= value < _MOST * 2**32:
        raise _no_such(name, "a whole number within 64 bits", value)
    return int(value)


def java_double(name: str, value: Any) -> float | None:
    """A float, or None. Raises: Py4JError for all else, an int too."""
    if value is not None and not isinstance(value, float):
        raise _no_such(name, "a float", value)
    return value


def java_bool(name: str, value: Any) -> bool:
    """A bool. Raises: Py4JError for all else."""
    if not isinstance(value, bool):
        raise _no_such(name, "True or False", value)
    return value


def java_text(name: str, value: Any) -> str:
    """Text.

    Raises: Py4JJavaError for None; Py4JError for what Spark's bridge can hand to its JVM; AttributeError for all else,
        a Path too.
    """
    if value is None:
        raise java_error("java.lang.NullPointerException", f"{name}: expected text, got None")
    return _text(name, value)


def optional_text(name: str, value: Any) -> str | None:
    """The same, or None."""
    return None if value is None else _text(name, value)


def _text(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) or hasattr(value, "__iter__"):
        raise _no_such(name, "text", value)
    kind = type(value).__name__
    raise AttributeError(f"{kind!r} object has no attribute '_get_object_id': {name} has to be text, not {value!r:.80}")


def _no_such(name: str, expected: str, value: Any) -> Py4JError:
    return Py4JError(f"{name}: expected {expected}, got {value!r:.80} ({type(value).__name__})")


def refuse_null(name: str) -> Any:
    """Raises Py4JJavaError: what Spark says of None for a path, once files are looked for."""
    java_text(name, None)


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
