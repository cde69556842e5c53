"""The types of `dstreams.streaming.receiver`."""

# Written by scripts/stubs.py.
from dstreams.streaming.receiver import (
    RawSocketReceiver as RawSocketReceiver,
    Receiver as Receiver,
    SocketReceiver as SocketReceiver,
    StorageLevel as StorageLevel,
    T as T,
)
