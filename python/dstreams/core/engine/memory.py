"""How much memory may the engine's data take, by Spark's settings?

1. The budget is `spark.executor.memory` times `spark.memory.fraction`: 1g and 0.6 unless set. Where tasks run in the
   driver's process, as here, `spark.driver.memory` counts if the executor's memory is not set.
2. `spark.python.worker.memory` bounds what one task gathers, if it is set.
3. `spark.dstreams.memory.limit` is the budget itself, in bytes unless a unit follows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dstreams.core.engine.settings import value_of

if TYPE_CHECKING:
    from dstreams.core.conf import SparkConf


def limit_of(conf: SparkConf) -> int:
    """The budget in bytes."""
    limit: int | None = value_of(conf, "spark.dstreams.memory.limit")
    if limit is not None:
        return limit
    setting = "spark.executor.memory" if conf.contains("spark.executor.memory") else "spark.driver.memory"
    # A fraction too small for a byte is still a budget: all goes to files.
    return max(1, int(value_of(conf, setting) * value_of(conf, "spark.memory.fraction")))


def task_limit_of(conf: SparkConf) -> int | None:
    """Bytes that one task may gather, if that is set."""
    limit: int | None = value_of(conf, "spark.python.worker.memory")
    return limit
