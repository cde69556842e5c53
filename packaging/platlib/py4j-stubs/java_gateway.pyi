"""The types of `dstreams.compat.py4j.java_gateway`."""

# Written by scripts/stubs.py.
from dstreams.compat.py4j.java_gateway import (
    JavaGateway as JavaGateway,
)
