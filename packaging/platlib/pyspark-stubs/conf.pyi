"""The types of `dstreams.core.conf`."""

# Written by scripts/stubs.py.
from dstreams.core.conf import (
    PySparkRuntimeError as PySparkRuntimeError,
    SparkConf as SparkConf,
    java_bool as java_bool,
    java_text as java_text,
    optional_text as optional_text,
    set_default as set_default,
)
