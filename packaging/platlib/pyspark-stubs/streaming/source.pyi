"""The types of `dstreams.streaming.source`."""

# Written by scripts/stubs.py.
from dstreams.streaming.source import (
    Connector as Connector,
    RDD as RDD,
    Source as Source,
    SparkContext as SparkContext,
    T as T,
    batch_time as batch_time,
    java_error as java_error,
    load as load,
    source_stream as source_stream,
)
