"""The types of `dstreams.core.resultiterable`."""

# Written by scripts/stubs.py.
from dstreams.core.resultiterable import (
    ResultIterable as ResultIterable,
    T as T,
)
