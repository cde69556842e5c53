"""How much memory may the engine's data take, by Spark's settings?

1. The budget is `spark.executor.memory` times `spark.memory.fraction`: 1g and 0.6 unless set. Where tasks run in the
   driver's process, as here, `spark.driver.memory` counts if the executor's memory is not set.
2. `spark.python.worker.memory` bounds what one task gathers, if it is set.
3. `spark.dstreams.memory.limit` is the budget itself, in bytes unless a unit follows.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dstreams.core.errors import java_error

if TYPE_CHECKING:
    from dstreams.core.conf import SparkConf

_SIZE = re.compile(r"(-?[0-9]+)([a-z]+)?")
_FRACTION = re.compile(r"([0-9]+\.[0-9]+)([a-z]+)?")
_UNITS = {"b": 0, "k": 1, "kb": 1, "m": 2, "mb": 2, "g": 3, "gb": 3, "t": 4, "tb": 4, "p": 5, "pb": 5}


def size_in_bytes(setting: str, text: str, unit: str) -> int:
    """Bytes of a size such as `512m`, in Spark's spelling; a bare number counts in `unit`.

    Raises: Py4JJavaError (NumberFormatException) for what is no size.
    """
    lower = text.strip().lower()
    found = _SIZE.fullmatch(lower)
    if found is None or found[2] not in (None, *_UNITS):
        problem = (
            "Size must be specified as bytes (b), kibibytes (k), mebibytes (m), gibibytes (g), tebibytes (t), or "
            "pebibytes(p). E.g. 50b, 100k, or 250m."
        )
        fault = "Fractional values are not supported. Input was" if _FRACTION.fullmatch(lower) else "Failed to parse"
        raise java_error("java.lang.NumberFormatException", f"{setting}: {problem}\n{fault}: {text}")
    return int(found[1]) * 1024 ** _UNITS[found[2] or unit]


def limit_of(conf: SparkConf) -> int:
    """The budget in bytes."""
    limit = conf.get("spark.dstreams.memory.limit")
    if limit is not None:
        return _positive("spark.dstreams.memory.limit", size_in_bytes("spark.dstreams.memory.limit", limit, "b"))
    setting = "spark.executor.memory" if conf.contains("spark.executor.memory") else "spark.driver.memory"
    whole = _positive(setting, size_in_bytes(setting, conf.get(setting) or "1g", "m"))
    text = conf.get("spark.memory.fraction") or "0.6"
    try:
        fraction = float(text)
    except ValueError:
        fraction = -1.0
    if not 0 < fraction <= 1:
        problem = f"spark.memory.fraction should be a number above 0 and at most 1, but was {text}"
        raise java_error("java.lang.IllegalArgumentException", problem)
    return int(whole * fraction)


def task_limit_of(conf: SparkConf) -> int | None:
    """Bytes that one task may gather, if that is set."""
    text = conf.get("spark.python.worker.memory")
    if text is None:
        return None
    return _positive("spark.python.worker.memory", size_in_bytes("spark.python.worker.memory", text, "m"))


def _positive(setting: str, size: int) -> int:
    if size <= 0:
        raise java_error("java.lang.IllegalArgumentException", f"{setting} should be positive, but was {size} bytes")
    return size
