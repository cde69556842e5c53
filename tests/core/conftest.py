"""Contexts that end with their test, child interpreters that run whole programs, and waiting with a deadline."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from pyspark import SparkConf, SparkContext


@pytest.fixture
def spark() -> Iterator[Callable[..., SparkContext]]:
    """Makes the context of a test: `spark("local[2]", {"some.setting": "x"})`."""

    def make(master: str = "local[4]", settings: dict[str, str] | None = None) -> SparkContext:
        conf = SparkConf().setMaster(master).setAppName("test").setAll(list((settings or {}).items()))
        return SparkContext(conf=conf)

    yield make
    if SparkContext._active_spark_context is not None:
        SparkContext._active_spark_context.stop()


@pytest.fixture
def sc(spark: Callable[..., SparkContext]) -> SparkContext:
    """A context with four task threads."""
    return spark()
