"""A context per test module: making one is cheap, but its job numbers go on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dstreams import SparkConf, SparkContext


@pytest.fixture(scope="module")
def sc() -> Iterator[SparkContext]:
    with SparkContext("local[3]", "core api", conf=SparkConf(loadDefaults=False)) as context:
        yield context
