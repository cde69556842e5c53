"""The types of `dstreams.streaming.state`."""

# Written by scripts/stubs.py.
from dstreams.streaming.state import (
    IllegalArgumentException as IllegalArgumentException,
    NoSuchElementException as NoSuchElementException,
    Partitioner as Partitioner,
    PySparkException as PySparkException,
    RDD as RDD,
    S as S,
    State as State,
    StateSpec as StateSpec,
    dump_elements as dump_elements,
    own_copy as own_copy,
    portable_hash as portable_hash,
)
