"""Which settings are read, which values may they have, and what are they unless set?

`SETTINGS` is the one table of the settings whose values can be wrong; `value_of` reads them by it, and nothing else
does. A value that makes no sense raises Py4JJavaError (the class that Spark would name): it says the setting, the value
and what is accepted. `check_core` looks at those that every context needs, when it is made; the others
(`spark.streaming`) raise when they are needed, as in Spark.
What Spark documents and nothing here reads is in `unread.py`; it is looked at all the same.
Not in the tables are texts that can be anything, the master (`master.py`), and folders (`localdirs.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dstreams.core.engine import settingkinds as kinds
from dstreams.core.engine.unread import UNREAD

if TYPE_CHECKING:
    from dstreams.core.conf import SparkConf

MOST_THREADS = 10_000  # of this process: each is a thread of the system's
_MOST_PARTITIONS = 1_000_000  # each is a task, even for no data


@dataclass(frozen=True)
class _Setting:
    read: kinds.Read
    default: str | None = None


_STREAMING = "spark.streaming."
_FRACTION_WANTED = "a number above 0 and at most 1"
_PID = _STREAMING + "backpressure.pid."
_fraction = kinds.number(lambda found: 0 < found <= 1, _FRACTION_WANTED, _FRACTION_WANTED)
_not_negative = kinds.number(lambda found: found >= 0, ">= 0")

SETTINGS: dict[str, _Setting] = {
    "spark.default.parallelism": _Setting(kinds.whole(1, _MOST_PARTITIONS)),
    "spark.task.maxFailures": _Setting(kinds.whole(1), "4"),
    "spark.task.cpus": _Setting(kinds.whole(1), "1"),
    "spark.files.ignoreMissingFiles": _Setting(kinds.boolean, "false"),
    "spark.files.ignoreCorruptFiles": _Setting(kinds.boolean, "false"),
    "spark.files.overwrite": _Setting(kinds.boolean, "false"),
    "spark.hadoopRDD.ignoreEmptySplits": _Setting(kinds.boolean, "true"),
    "spark.python.profile": _Setting(kinds.boolean, "false"),
    "spark.python.profile.memory": _Setting(kinds.boolean, "false"),
    "spark.executor.memory": _Setting(kinds.size("m"), "1g"),
    "spark.driver.memory": _Setting(kinds.size("m"), "1g"),
    "spark.memory.fraction": _Setting(_fraction, "0.6"),
    "spark.python.worker.memory": _Setting(kinds.size("m")),
    "spark.dstreams.memory.limit": _Setting(kinds.size("b")),
    "spark.dstreams.python.workers": _Setting(kinds.workers, "0"),
    _STREAMING + "concurrentJobs": _Setting(kinds.whole(1, 1000), "1"),
    _STREAMING + "unpersist": _Setting(kinds.boolean, "true"),
    _STREAMING + "ui.retainedBatches": _Setting(kinds.whole(), "1000"),
    _STREAMING + "gracefulStopTimeout": _Setting(kinds.duration("ms")),
    _STREAMING + "stopGracefullyOnShutdown": _Setting(kinds.boolean, "false"),
    _STREAMING + "stopSparkContextByDefault": _Setting(kinds.boolean, "true"),
    _STREAMING + "blockInterval": _Setting(kinds.duration("ms", least=1), "200ms"),
    _STREAMING + "minRememberDuration": _Setting(kinds.duration("s"), "60s"),
    _STREAMING + "fileStream.minRememberDuration": _Setting(kinds.duration("s")),
    _STREAMING + "receiver.maxRate": _Setting(kinds.whole(-kinds.LONG - 1, kinds.LONG, "long"), "0"),
    _STREAMING + "receiver.writeAheadLog.enable": _Setting(kinds.boolean, "false"),
    _STREAMING + "receiverRestartDelay": _Setting(kinds.whole(0), "2000"),
    _STREAMING + "backpressure.enabled": _Setting(kinds.boolean, "false"),
    _STREAMING + "backpressure.initialRate": _Setting(kinds.whole(-kinds.LONG - 1, kinds.LONG, "long"), "0"),
    _STREAMING + "manualClock.jump": _Setting(kinds.whole(-kinds.LONG - 1, kinds.LONG, "long"), "0"),
    _PID + "proportional": _Setting(_not_negative, "1.0"),
    _PID + "integral": _Setting(_not_negative, "0.2"),
    _PID + "derived": _Setting(_not_negative, "0.0"),
    _PID + "minRate": _Setting(kinds.number(lambda found: found > 0, "> 0"), "100.0"),
    "spark.dstreams.receiver.maxWaiting": _Setting(kinds.size("b"), "1g"),
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
    _check_unread(conf, streaming=False)


def check_streaming(conf: SparkConf) -> None:
    """Looks at what nothing here reads of a stream's settings. Raises: Py4JJavaError for a value without sense."""
    _check_unread(conf, streaming=True)


def _check_unread(conf: SparkConf, streaming: bool) -> None:
    for key, text in conf.getAll():
        if key in UNREAD and key.startswith(_STREAMING) == streaming:
            UNREAD[key](key, text)
