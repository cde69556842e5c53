"""The types of `dstreams.streaming.util`."""

# Written by scripts/stubs.py.
from dstreams.streaming.util import (
    TransformFunction as TransformFunction,
    rddToFileName as rddToFileName,
)
