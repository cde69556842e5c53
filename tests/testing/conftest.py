"""The fixtures that programs get from the plugin, also where this package is not installed but on the path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from _dstreams_pytest import context_of, pytest_configure, spark_conf, streaming_context

__all__ = ["pytest_configure", "spark_conf", "spark_context", "streaming_context"]


@pytest.fixture(scope="module")
def spark_context(spark_conf: Any) -> Iterator[Any]:
    """The plugin's, but for one file only: other tests of this project make contexts of their own."""
    with context_of(spark_conf) as context:
        yield context
