"""The fixtures that programs get from the plugin, also where this package is not installed but on the path."""

from __future__ import annotations

from _dstreams_pytest import pytest_configure, spark_conf, spark_context, streaming_context

__all__ = ["pytest_configure", "spark_conf", "spark_context", "streaming_context"]
