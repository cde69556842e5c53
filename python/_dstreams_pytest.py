"""The fixtures of dstreams for pytest: `spark_conf`, `spark_context` and `streaming_context`.

pytest imports this module whenever it starts, so it must cost next to nothing: neither dstreams nor PySpark is imported
before a test asks for a fixture, and nothing else about a run is changed.
1. The clock is turned by hand unless `spark_conf` says otherwise: no test waits for time to pass.
2. Which engine answers is decided as for every program: `DSTREAMS_ENGINE`, else real PySpark where it is installed.
3. A streaming context ends with its test, whatever the test did. The SparkContext is shared by all tests of a run.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

_MARK = "batch_seconds"


def pytest_configure(config: pytest.Config) -> None:
    """Makes the marker known."""
    config.addinivalue_line("markers", f"{_MARK}(seconds): distance of the batches of streaming_context (default: 1)")


@pytest.fixture(scope="session")
def spark_conf() -> Any:
    """The settings of `spark_context`: two task threads, a clock turned by hand. Override it for others."""
    from pyspark import SparkConf

    conf = SparkConf().setMaster("local[2]").setAppName("pytest").set("spark.ui.enabled", "false")
    return conf.set("spark.streaming.clock", "org.apache.spark.util.ManualClock")


@contextmanager
def context_of(conf: Any) -> Iterator[Any]:
    """A SparkContext with these settings, stopped at the end."""
    from pyspark import SparkContext

    with pytest.MonkeyPatch.context() as environment:
        # Spark's worker processes must find what the tests import: they are to be of this very interpreter.
        environment.setenv("PYSPARK_PYTHON", os.environ.get("PYSPARK_PYTHON", sys.executable))
        context = SparkContext(conf=conf)
        yield context
        context.stop()


@pytest.fixture(scope="session")
def spark_context(spark_conf: Any) -> Iterator[Any]:
    """The SparkContext of all tests of a run."""
    with context_of(spark_conf) as context:
        yield context


@pytest.fixture
def streaming_context(request: pytest.FixtureRequest, spark_context: Any) -> Iterator[Any]:
    """A StreamingContext with batches of 1 second (or `@pytest.mark.batch_seconds(...)`), stopped after the test."""
    from pyspark.streaming import StreamingContext

    mark = request.node.get_closest_marker(_MARK)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # Spark's advice to use something else
        context = StreamingContext(spark_context, mark.args[0] if mark else 1)
    yield context
    context.stop(stopSparkContext=False)
    if _is_stopped(spark_context):
        pytest.fail(
            "the test stopped the SparkContext that all tests share: use ssc.stop(stopSparkContext=False)",
            pytrace=False,
        )


def _is_stopped(context: Any) -> bool:
    return type(context)._active_spark_context is not context
