"""Which texts are values of a setting, and of which kind?

A kind is a function of the setting's name and its text: it gives the value, or raises Py4JJavaError, with the class
that Spark would name, that says the setting, the value and what is accepted.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from dstreams.core.engine.errors import Py4JJavaError, java_error

_ARGUMENT = "java.lang.IllegalArgumentException"
_NUMBER_FORMAT = "java.lang.NumberFormatException"
INT, LONG = 2**31 - 1, 2**63 - 1

_MOST_WORKERS = 1000

_SIZE = re.compile(r"(-?[0-9]+)([a-z]+)?")
_FRACTION = re.compile(r"([0-9]+\.[0-9]+)([a-z]+)?")
_SIZES = {"b": 0, "k": 1, "kb": 1, "m": 2, "mb": 2, "g": 3, "gb": 3, "t": 4, "tb": 4, "p": 5, "pb": 5}
_DURATION = re.compile(r"(-?[0-9]+)([a-z]*)")
_DURATIONS_US = {
    "us": 1,
    "ms": 1000,
    "s": 1_000_000,
    "m": 60_000_000,
    "min": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
}

Read = Callable[[str, str], Any]


def wrong(key: str, value: str, wanted: str, accepted: str = "") -> Py4JJavaError:
    """The error for a value that makes no sense; `accepted` says more than Spark does."""
    return java_error(_ARGUMENT, f"{key} should be {wanted}, but was {value}{accepted and f' (accepted: {accepted})'}")


def _between(least: int, most: int) -> str:
    return f"{least} or more" if most in (INT, LONG) else f"{least} to {most}"


def anything(key: str, text: str) -> str:
    """Any text."""
    return text


def one_of(*accepted: str, java_class: str = _ARGUMENT) -> Read:
    """One of some words, in capitals or not. What is refused is so with an exception of `java_class`."""

    def read(key: str, text: str) -> str:
        if text.strip().upper() not in accepted:
            raise java_error(java_class, f"Unrecognized {key}: {text}. It should be {' or '.join(accepted)}")
        return text.strip().upper()

    return read


def whole(least: int = -INT - 1, most: int = INT, kind: str = "int") -> Read:
    """A whole number of 32 bits (`int`) or 64 (`long`)."""
    longest = LONG if kind == "long" else INT

    def read(key: str, text: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,30}", text.strip()) or not -longest - 1 <= int(text) <= longest:
            raise wrong(key, text, kind, "" if least < 0 else _between(least, most))
        if not least <= int(text) <= most:
            raise wrong(key, text.strip(), _between(least, most))
        return int(text)

    return read


def boolean(key: str, text: str) -> bool:
    """True or false."""
    if text.strip().lower() not in ("true", "false"):
        raise wrong(key, text, "boolean", "true or false")
    return text.strip().lower() == "true"


def number(is_right: Callable[[float], bool], wanted: str, kind: str = "double") -> Read:
    """A number that `is_right`; `wanted` says in words which ones are."""

    def read(key: str, text: str) -> float:
        try:
            found = float(text)
        except ValueError:
            raise wrong(key, text, kind, wanted if kind == "double" else "") from None
        if not is_right(found) or math.isinf(found):
            raise wrong(key, str(found), wanted)
        return found

    return read


def size_in_bytes(key: str, text: str, unit: str) -> int:
    """Bytes of a size such as `512m`, in Spark's spelling; a bare number counts in `unit`.

    Raises: Py4JJavaError (NumberFormatException) for what is no size.
    """
    lower = text.strip().lower()
    found = _SIZE.fullmatch(lower)
    if found is None or found[2] not in (None, *_SIZES):
        problem = (
            "Size must be specified as bytes (b), kibibytes (k), mebibytes (m), gibibytes (g), tebibytes (t), or "
            "pebibytes(p). E.g. 50b, 100k, or 250m."
        )
        fault = "Fractional values are not supported. Input was" if _FRACTION.fullmatch(lower) else "Failed to parse"
        raise java_error(_NUMBER_FORMAT, f"{key}: {problem}\n{fault}: {text}")
    if len(found[1]) > 20 or abs(size := int(found[1]) * 1024 ** _SIZES[found[2] or unit]) > LONG:
        raise wrong(key, text, f"positive, and fewer than {LONG} bytes")
    return size


def size(unit: str, least: int = 1) -> Read:
    """Bytes; a number without a unit counts `unit`s."""

    def read(key: str, text: str) -> int:
        found = size_in_bytes(key, text, unit)
        if found < least:
            wanted = "positive" if least else "0 or more"
            raise java_error(_ARGUMENT, f"{key} should be {wanted}, but was {text} ({found} bytes)")
        return found

    return read


def duration(unit: str, least: int = 0) -> Read:
    """Milliseconds; a number without a unit counts `unit`s."""

    def read(key: str, text: str) -> int:
        match = _DURATION.fullmatch(text.strip().lower())
        if match is None or (match[2] or unit) not in _DURATIONS_US:
            raise java_error(
                _NUMBER_FORMAT,
                f"Illegal value for config key {key}: {text!r} is no time. Times are whole numbers of us, ms, s, m or "
                "min, h, or d: 50s, 100ms, 250us.",
            )
        if len(match[1]) > 20 or abs(micros := int(match[1]) * _DURATIONS_US[match[2] or unit]) > LONG:
            raise wrong(key, text, f"a time of fewer than {LONG // 1_000_000} s")
        if micros // 1000 < least:
            wanted = f"a positive value, {least} ms or more" if least else "0 or more"
            raise java_error(_ARGUMENT, f"requirement failed: '{key}' should be {wanted}, but was {text}")
        return micros // 1000

    return read


def workers(key: str, text: str) -> int | None:
    """A number of processes, or `none`, which is None."""
    if text == "none":
        return None
    if not re.fullmatch(r"[0-9]{1,30}", text.strip()) or int(text) > _MOST_WORKERS:
        raise java_error(
            _ARGUMENT, f"{key} is {text!r}: it has to be a whole number, 0 or more (up to {_MOST_WORKERS}), or none"
        )
    return int(text)
