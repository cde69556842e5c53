"""Streams of RDDs: the API of `pyspark.streaming`."""

from __future__ import annotations

from dstreams.streaming.context import StreamingContext
from dstreams.streaming.dstream import DStream
from dstreams.streaming.listener import StreamingListener
from dstreams.streaming.once import once
from dstreams.streaming.receiver import Receiver
from dstreams.streaming.state import State, StateSpec

__all__ = ["DStream", "Receiver", "State", "StateSpec", "StreamingContext", "StreamingListener", "once"]
