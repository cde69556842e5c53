"""Which partition holds a key?"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from dstreams import _native
from dstreams.errors import PySparkRuntimeError


def portable_hash(x: Any) -> int:
    """The hash by which keys are spread: equal on every run, None hashes to 0, tuples by their elements.

    Raises: PySparkRuntimeError in the driver unless PYTHONHASHSEED is set, as Spark does.
    """
    if _native.task_info() is None and "PYTHONHASHSEED" not in os.environ:
        raise PySparkRuntimeError(error_class="PYTHON_HASH_SEED_NOT_SET", message_parameters={})
    return _native.portable_hash(x)


class Partitioner:
    """A function of the key, taken modulo the number of partitions. Equal when both are."""

    def __init__(self, numPartitions: int, partitionFunc: Callable[[Any], int]) -> None:
        self.numPartitions = numPartitions
        self.partitionFunc = partitionFunc

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Partitioner)
            and self.numPartitions == other.numPartitions
            and self.partitionFunc == other.partitionFunc
        )

    def __hash__(self) -> int:
        return hash((self.numPartitions, self.partitionFunc))

    def __call__(self, k: Any) -> int:
        return self.partitionFunc(k) % self.numPartitions
