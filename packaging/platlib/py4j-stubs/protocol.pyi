"""The types of `dstreams.compat.py4j.protocol`."""

# Written by scripts/stubs.py.
from dstreams.compat.py4j.protocol import (
    Py4JError as Py4JError,
    Py4JJavaError as Py4JJavaError,
    Py4JNetworkError as Py4JNetworkError,
)
