"""Which settings are read, which values may they have, and what are they unless set?

`SETTINGS` is the one table of the settings whose values can be wrong; `value_of` reads them by it, and nothing else
does. A value that makes no sense raises Py4JJavaError (the class that Spark would name): it says the setting, the value
and what is accepted. `check_core` looks at those that every context needs, when it is made; the others
(`spark.streaming`) raise when they are needed, as in Spark.
Not in the table are texts that can be anything, the master (`master.py`), and folders (`localdirs.py`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dstreams.core.errors import Py4JJavaError, java_error

if TYPE_CHECKING:
    from dstreams.core.conf import SparkConf

_ARGUMENT = "java.lang.IllegalArgumentException"
_NUMBER_FORMAT = "java.lang.NumberFormatException"
_INT, _LONG = 2**31 - 1, 2**63 - 1

MOST_THREADS = 10_000  # of this process: each is a thread of the system's
_MOST_PARTITIONS = 1_000_000  # each is a task, even for no data
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


# -- kinds of values --------------------------------------------------------------------------------
def _between(least: int, most: int) -> str:
    return f"{least} or more" if most in (_INT, _LONG) else f"{least} to {most}"


def _whole(least: int = -_INT - 1, most: int = _INT, kind: str = "int") -> Read:
    longest = _LONG if kind == "long" else _INT

    def read(key: str, text: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,30}", text.strip()) or not -longest - 1 <= int(text) <= longest:
            raise wrong(key, text, kind, "" if least < 0 else _between(least, most))
        if not least <= int(text) <= most:
            raise wrong(key, text.strip(), _between(least, most))
        return int(text)

    return read


def _boolean(key: str, text: str) -> bool:
    if text.strip().lower() not in ("true", "false"):
        raise wrong(key, text, "boolean", "true or false")
    return text.strip().lower() == "true"


def _number(is_right: Callable[[float], bool], wanted: str, kind: str = "double") -> Read:
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
    if len(found[1]) > 20 or abs(size := int(found[1]) * 1024 ** _SIZES[found[2] or unit]) > _LONG:
        raise wrong(key, text, f"positive, and fewer than {_LONG} bytes")
    return size


def _size(unit: str) -> Read:
    def read(key: str, text: str) -> int:
        size = size_in_bytes(key, text, unit)
        if size <= 0:
            raise java_error(_ARGUMENT, f"{key} should be positive, but was {text} ({size} bytes)")
        return size

    return read


def _duration(unit: str, least: int = 0) -> Read:
    """Milliseconds; a number without a unit counts `unit`s."""

    def read(key: str, text: str) -> int:
        match = _DURATION.fullmatch(text.strip().lower())
        if match is None or (match[2] or unit) not in _DURATIONS_US:
            raise java_error(
                _NUMBER_FORMAT,
                f"Illegal value for config key {key}: {text!r} is no time. Times are whole numbers of us, ms, s, m or "
                "min, h, or d: 50s, 100ms, 250us.",
            )
        if len(match[1]) > 20 or abs(micros := int(match[1]) * _DURATIONS_US[match[2] or unit]) > _LONG:
            raise wrong(key, text, f"a time of fewer than {_LONG // 1_000_000} s")
        if micros // 1000 < least:
            wanted = f"a positive value, {least} ms or more" if least else "0 or more"
            raise java_error(_ARGUMENT, f"requirement failed: '{key}' should be {wanted}, but was {text}")
        return micros // 1000

    return read


def _workers(key: str, text: str) -> int | None:
    if text == "none":
        return None
    if not re.fullmatch(r"[0-9]{1,30}", text.strip()) or int(text) > _MOST_WORKERS:
        raise java_error(
            _ARGUMENT, f"{key} is {text!r}: it has to be a whole number, 0 or more (up to {_MOST_WORKERS}), or none"
        )
    return int(text)


# -- the table --------------------------------------------------------------------------------------
@dataclass(frozen=True)
class _Setting:
    read: Read
    default: str | None = None


_STREAMING = "spark.streaming."
_FRACTION_WANTED = "a number above 0 and at most 1"
_PID = _STREAMING + "backpressure.pid."
_not_negative = _number(lambda found: found >= 0, ">= 0")

SETTINGS: dict[str, _Setting] = {
    "spark.default.parallelism": _Setting(_whole(1, _MOST_PARTITIONS)),
    "spark.task.maxFailures": _Setting(_whole(1), "4"),
    "spark.python.profile": _Setting(_boolean, "false"),
    "spark.python.profile.memory": _Setting(_boolean, "false"),
    "spark.executor.memory": _Setting(_size("m"), "1g"),
    "spark.driver.memory": _Setting(_size("m"), "1g"),
    "spark.memory.fraction": _Setting(_number(lambda found: 0 < found <= 1, _FRACTION_WANTED, _FRACTION_WANTED), "0.6"),
    "spark.python.worker.memory": _Setting(_size("m")),
    "spark.dstreams.memory.limit": _Setting(_size("b")),
    "spark.dstreams.python.workers": _Setting(_workers, "0"),
    _STREAMING + "concurrentJobs": _Setting(_whole(1, 1000), "1"),
    _STREAMING + "unpersist": _Setting(_boolean, "true"),
    _STREAMING + "ui.retainedBatches": _Setting(_whole(), "1000"),
    _STREAMING + "gracefulStopTimeout": _Setting(_duration("ms")),
    _STREAMING + "stopGracefullyOnShutdown": _Setting(_boolean, "false"),
    _STREAMING + "stopSparkContextByDefault": _Setting(_boolean, "true"),
    _STREAMING + "blockInterval": _Setting(_duration("ms", least=1), "200ms"),
    _STREAMING + "minRememberDuration": _Setting(_duration("s"), "60s"),
    _STREAMING + "fileStream.minRememberDuration": _Setting(_duration("s")),
    _STREAMING + "receiver.maxRate": _Setting(_whole(-_LONG - 1, _LONG, "long"), "0"),
    _STREAMING + "receiver.writeAheadLog.enable": _Setting(_boolean, "false"),
    _STREAMING + "receiverRestartDelay": _Setting(_whole(0), "2000"),
    _STREAMING + "backpressure.enabled": _Setting(_boolean, "false"),
    _STREAMING + "backpressure.initialRate": _Setting(_whole(-_LONG - 1, _LONG, "long"), "0"),
    _STREAMING + "manualClock.jump": _Setting(_whole(-_LONG - 1, _LONG, "long"), "0"),
    _PID + "proportional": _Setting(_not_negative, "1.0"),
    _PID + "integral": _Setting(_not_negative, "0.2"),
    _PID + "derived": _Setting(_not_negative, "0.0"),
    _PID + "minRate": _Setting(_number(lambda found: found > 0, "> 0"), "100.0"),
    "spark.dstreams.receiver.maxWaiting": _Setting(_size("b"), "1g"),
}


def value_of(conf: SparkConf, key: str) -> Any:
    """The value of a setting of the table, in the unit of its kind; None if it is not set and has no default.

    Raises: Py4JJavaError for a value that makes no sense.
    """
    setting = SETTINGS[key]
    text = conf.get(key, setting.default)
    return None if text is None else setting.read(key, text)


def check_core(conf: SparkConf) -> None:
    """Looks at all settings that a SparkContext runs with. Raises: Py4JJavaError for a value that makes no sense."""
    for key in SETTINGS:
        if not key.startswith((_STREAMING, "spark.dstreams.receiver.")):
            value_of(conf, key)
