"""Which settings does a stream run with?

Reads `spark.streaming.*` from a context's conf, by the table of `dstreams.core.engine.settings`. A value that makes no
sense raises, naming the setting, when it is needed: most when the StreamingContext is made, those of receivers and
files when such an input is.
"""

from __future__ import annotations

from typing import NamedTuple

from dstreams.core.conf import SparkConf
from dstreams.core.engine.errors import java_error
from dstreams.core.engine.settings import check_streaming, value_of

_S = "spark.streaming."
_ARGUMENT = "java.lang.IllegalArgumentException"
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
    check_streaming(conf)
    # Read here for its value alone: a stop must not fail for it.
    stops_gracefully(conf)
    stops_spark_context(conf)
    return StreamSettings(
        manual_clock=_is_manual(conf),
        concurrent_jobs=value_of(conf, _S + "concurrentJobs"),
        unpersist=value_of(conf, _S + "unpersist"),
        retained_batches=max(0, value_of(conf, _S + "ui.retainedBatches")),
        graceful_stop_ms=value_of(conf, _S + "gracefulStopTimeout"),
    )


def stops_gracefully(conf: SparkConf) -> bool:
    """Whether a SIGTERM lets the stream process what it has received."""
    return bool(value_of(conf, _S + "stopGracefullyOnShutdown"))


def stops_spark_context(conf: SparkConf) -> bool:
    """Whether a stop of the stream's JVM side ends the SparkContext too."""
    return bool(value_of(conf, _S + "stopSparkContextByDefault"))


def logs_received(conf: SparkConf) -> bool:
    """Whether what receivers get is written down before it is processed."""
    return bool(value_of(conf, _S + "receiver.writeAheadLog.enable"))


def block_interval_ms(conf: SparkConf) -> int:
    """The time that a partition of received data covers, in milliseconds."""
    return int(value_of(conf, _S + "blockInterval"))


def remember_files_ms(conf: SparkConf) -> int:
    """How long a stream remembers which files of a folder it has read, in milliseconds; whole seconds, as in Spark."""
    found = value_of(conf, _S + "fileStream.minRememberDuration")
    older = value_of(conf, _S + "minRememberDuration")
    return int(older if found is None else found) // 1000 * 1000


def receiver_limits(conf: SparkConf) -> Limits:
    """(rate a receiver begins with, highest rate, weights of the estimator if there is backpressure).

    Units: records per second; None is no limit. The weights are proportional, integral, derived, and the lowest rate.
    """
    most = _positive(value_of(conf, _S + "receiver.maxRate"))
    initial = _positive(value_of(conf, _S + "backpressure.initialRate"))
    if not value_of(conf, _S + "backpressure.enabled"):
        return initial, most, None
    estimator = conf.get(_S + "backpressure.rateEstimator", "pid")
    if estimator != "pid":
        raise java_error(
            _ARGUMENT, f"Unknown rate estimator: {estimator} ({_S}backpressure.rateEstimator should be pid)"
        )
    pid = _S + "backpressure.pid."
    proportional, integral, derived, least = (
        value_of(conf, pid + name) for name in ("proportional", "integral", "derived", "minRate")
    )
    return initial, most, (proportional, integral, derived, least)


def restart_delay_ms(conf: SparkConf) -> int:
    """How long a receiver that is to start again waits before it does, in milliseconds; so does one of a socket."""
    return int(value_of(conf, _S + "receiverRestartDelay"))


def clock_jump_ms(conf: SparkConf) -> int:
    """How far a clock that is turned by hand is ahead of the checkpoint after a restart, in milliseconds."""
    return int(value_of(conf, _S + "manualClock.jump"))


def waiting_bytes(conf: SparkConf) -> int:
    """How much a receiver may take in before it is processed: `spark.dstreams.receiver.maxWaiting`, an own setting."""
    return int(value_of(conf, "spark.dstreams.receiver.maxWaiting"))


def _is_manual(conf: SparkConf) -> bool:
    key = _S + "clock"
    named = conf.get(key, _SYSTEM_CLOCK) or ""
    name = named.replace("org.apache.spark.streaming.", "org.apache.spark.")  # where they were once
    if name not in (_MANUAL_CLOCK, _SYSTEM_CLOCK, "manual"):
        raise java_error("java.lang.ClassNotFoundException", f"{named} ({key} is {_SYSTEM_CLOCK} or {_MANUAL_CLOCK})")
    return name != _SYSTEM_CLOCK


def _positive(rate: int) -> int | None:
    return rate if rate > 0 else None
