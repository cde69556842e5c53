"""The types of `dstreams.streaming.listener`."""

# Written by scripts/stubs.py.
from dstreams.streaming.listener import (
    StreamingListener as StreamingListener,
)
