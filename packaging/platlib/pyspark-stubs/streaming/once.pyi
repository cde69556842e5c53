"""The types of `dstreams.streaming.once`."""

# Written by scripts/stubs.py.
from dstreams.streaming.once import (
    Connection as Connection,
    RDD as RDD,
    T as T,
    TaskContext as TaskContext,
    once as once,
)
