"""The types of `dstreams.streaming`."""

# Written by scripts/stubs.py.
from dstreams.streaming import (
    DStream as DStream,
    Receiver as Receiver,
    State as State,
    StateSpec as StateSpec,
    StreamingContext as StreamingContext,
    StreamingListener as StreamingListener,
    once as once,
)
