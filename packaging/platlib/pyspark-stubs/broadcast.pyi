"""The types of `dstreams.core.broadcast`."""

# Written by scripts/stubs.py.
from dstreams.core.broadcast import (
    Broadcast as Broadcast,
    Py4JJavaError as Py4JJavaError,
    PySparkRuntimeError as PySparkRuntimeError,
    T as T,
    check_alive as check_alive,
    data_of as data_of,
    fetch_with as fetch_with,
    java_bool as java_bool,
    java_error as java_error,
)
