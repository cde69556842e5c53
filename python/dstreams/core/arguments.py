"""Which numbers may a program pass where Spark's JVM side takes an `int`? What is refused is named, with its value."""

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


def optional_int(name: str, value: Any, default: int) -> int:
    """The same, or the default for None and 0."""
    return default if value is None else java_int(name, value) or default


def partition_count(name: str, value: Any) -> int:
    """A number of partitions for a shuffle; below 0 is 0, and nothing comes out of it, as in Spark."""
    return max(java_int(name, value), 0)


def refuse_capacity(name: str, value: int) -> Any:
    """Raises Py4JJavaError: what Spark says of fewer than no pieces of files, once they are cut."""
    raise java_error("java.lang.IllegalArgumentException", f"Illegal Capacity: {value} ({name})")
