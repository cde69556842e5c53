"""The types of `dstreams.streaming.dstream`."""

# Written by scripts/stubs.py.
from dstreams.streaming.dstream import (
    DStream as DStream,
    DStreamBase as DStreamBase,
    RDD as RDD,
    StorageLevel as StorageLevel,
    T as T,
    TransformedDStream as TransformedDStream,
    Windows as Windows,
    check_level as check_level,
    milliseconds_of as milliseconds_of,
    named_as_one as named_as_one,
)
