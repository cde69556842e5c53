"""Which settings does a stream run with, and which values may they have?

Reads `spark.streaming.*` from a context's conf. A value that makes no sense raises, naming the setting, when it is
needed: most when the StreamingContext is made, those of receivers and files when such an input is.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from dstreams.core.conf import SparkConf
from dstreams.core.errors import Py4JJavaError, java_error

_ARGUMENT = "java.lang.IllegalArgumentException"
_UNITS_US = {
    "us": 1,
    "ms": 1000,
    "s": 1_000_000,
    "m": 60_000_000,
    "min": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
}
_BYTES = {"": 0, "b": 0, "k": 10, "kb": 10, "m": 20, "mb": 20, "g": 30, "gb": 30, "t": 40, "tb": 40, "p": 50, "pb": 50}
_MANUAL_CLOCK = "org.apache.spark.util.ManualClock"
_SYSTEM_CLOCK = "org.apache.spark.util.SystemClock"

Limits = tuple["int | None", "int | None", "tuple[float, float, float, float] | None"]


class StreamSettings(NamedTuple):
    """What the engine is told when a StreamingContext is made."""

    manual_clock: bool
    concurrent_jobs: int
    unpersist: bool
    retained_batches: int
    graceful_stop_ms: int | None


def stream_settings(conf: SparkConf) -> StreamSettings:
    """The settings of a StreamingContext. Raises: Py4JJavaError for a bad value."""
    jobs = _int(conf, "spark.streaming.concurrentJobs", 1)
    if jobs < 1:
        raise _wrong("spark.streaming.concurrentJobs", str(jobs), "1 or more")
    graceful = "spark.streaming.gracefulStopTimeout"
    return StreamSettings(
        manual_clock=_is_manual(conf),
        concurrent_jobs=jobs,
        unpersist=boolean(conf, "spark.streaming.unpersist", True),
        retained_batches=max(0, _int(conf, "spark.streaming.ui.retainedBatches", 1000)),
        graceful_stop_ms=_time(conf, graceful, "0", "ms") if conf.contains(graceful) else None,
    )


def stops_gracefully(conf: SparkConf) -> bool:
    """Whether a SIGTERM lets the stream process what it has received."""
    return boolean(conf, "spark.streaming.stopGracefullyOnShutdown", False)


def block_interval_ms(conf: SparkConf) -> int:
    """The time that a partition of received data covers, in milliseconds."""
    key = "spark.streaming.blockInterval"
    found = _time(conf, key, "200ms", "ms")
    if found <= 0:
        raise java_error(_ARGUMENT, f"requirement failed: '{key}' should be a positive value")
    return found


def remember_files_ms(conf: SparkConf) -> int:
    """How long a stream remembers which files of a folder it has read, in milliseconds; whole seconds, as in Spark."""
    key = "spark.streaming.fileStream.minRememberDuration"
    older = conf.get("spark.streaming.minRememberDuration", "60s") or ""
    return _time(conf, key, older, "s") // 1000 * 1000


def receiver_limits(conf: SparkConf) -> Limits:
    """(rate a receiver begins with, highest rate, weights of the estimator if there is backpressure).

    Units: records per second; None is no limit. The weights are proportional, integral, derived, and the lowest rate.
    """
    most = _positive(_int(conf, "spark.streaming.receiver.maxRate", 0, "long"))
    initial = _positive(_int(conf, "spark.streaming.backpressure.initialRate", 0, "long"))
    if not boolean(conf, "spark.streaming.backpressure.enabled", False):
        return initial, most, None
    estimator = conf.get("spark.streaming.backpressure.rateEstimator", "pid")
    if estimator != "pid":
        raise java_error(_ARGUMENT, f"Unknown rate estimator: {estimator} (spark.streaming.backpressure.rateEstimator)")
    pid = "spark.streaming.backpressure.pid."
    defaults = {"proportional": 1.0, "integral": 0.2, "derived": 0.0, "minRate": 100.0}
    weights = {name: _float(conf, pid + name, default) for name, default in defaults.items()}
    for name, weight in weights.items():
        if not (weight > 0 if name == "minRate" else weight >= 0):
            raise _wrong(pid + name, str(weight), "> 0" if name == "minRate" else ">= 0")
    return initial, most, (weights["proportional"], weights["integral"], weights["derived"], weights["minRate"])


def restart_delay_ms(conf: SparkConf) -> int:
    """How long a receiver in Python that is to start again waits before it does, in milliseconds."""
    return _int(conf, "spark.streaming.receiverRestartDelay", 2000)


def clock_jump_ms(conf: SparkConf) -> int:
    """How far a clock that is turned by hand is ahead of the checkpoint after a restart, in milliseconds."""
    return _int(conf, "spark.streaming.manualClock.jump", 0, "long")


def waiting_bytes(conf: SparkConf) -> int:
    """How much a receiver may take in before it is processed: `spark.dstreams.receiver.maxWaiting`, an own setting."""
    key = "spark.dstreams.receiver.maxWaiting"
    text = conf.get(key, "1g") or ""
    match = re.fullmatch(r"(\d+)([a-z]*)", text.strip().lower())
    if match is None or match[2] not in _BYTES or int(match[1]) == 0:
        raise _wrong(key, text, "a size such as 512m or 1g")
    return int(match[1]) << _BYTES[match[2]]


def boolean(conf: SparkConf, key: str, default: bool) -> bool:
    """A setting that is true or false."""
    text = conf.get(key)
    if text is None:
        return default
    if text.strip().lower() not in ("true", "false"):
        raise _wrong(key, text, "boolean")
    return text.strip().lower() == "true"


def _is_manual(conf: SparkConf) -> bool:
    key = "spark.streaming.clock"
    named = conf.get(key, _SYSTEM_CLOCK) or ""
    name = named.replace("org.apache.spark.streaming.", "org.apache.spark.")  # where they were once
    if name not in (_MANUAL_CLOCK, _SYSTEM_CLOCK, "manual"):
        raise java_error("java.lang.ClassNotFoundException", f"{named} ({key} is {_SYSTEM_CLOCK} or {_MANUAL_CLOCK})")
    return name != _SYSTEM_CLOCK


def _int(conf: SparkConf, key: str, default: int, kind: str = "int") -> int:
    text = conf.get(key)
    if text is None:
        return default
    most = 2 ** (31 if kind == "int" else 63)
    if not re.fullmatch(r"[+-]?[0-9]+", text.strip()) or not -most <= int(text) < most:
        raise _wrong(key, text, kind)
    return int(text)


def _float(conf: SparkConf, key: str, default: float) -> float:
    text = conf.get(key)
    try:
        return default if text is None else float(text)
    except ValueError:
        raise _wrong(key, str(text), "double") from None


def _positive(rate: int) -> int | None:
    return rate if rate > 0 else None


def _time(conf: SparkConf, key: str, default: str, unit: str) -> int:
    """Milliseconds; a number without a unit counts `unit`s."""
    text = conf.get(key, default) or ""
    match = re.fullmatch(r"(-?[0-9]+)([a-z]*)", text.strip().lower())
    if match is None or (match[2] or unit) not in _UNITS_US:
        raise java_error(
            "java.lang.NumberFormatException",
            f"Illegal value for config key {key}: {text!r} is no time. Times are whole numbers of us, ms, s, m or min, "
            "h, or d: 50s, 100ms, 250us.",
        )
    return int(match[1]) * _UNITS_US[match[2] or unit] // 1000


def _wrong(key: str, value: str, wanted: str) -> Py4JJavaError:
    return java_error(_ARGUMENT, f"{key} should be {wanted}, but was {value}")
