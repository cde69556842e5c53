"""Where may the partitions of a persisted RDD be kept?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Literal

from dstreams.core.engine.errors import java_error

__all__ = ["StorageLevel"]

_MOST_COPIES = 40


class StorageLevel:
    """Whether kept partitions use memory, disk or off-heap memory, in which form, and how many copies there are."""

    NONE: ClassVar[StorageLevel]
    DISK_ONLY: ClassVar[StorageLevel]
    DISK_ONLY_2: ClassVar[StorageLevel]
    DISK_ONLY_3: ClassVar[StorageLevel]
    MEMORY_ONLY: ClassVar[StorageLevel]
    MEMORY_ONLY_2: ClassVar[StorageLevel]
    MEMORY_AND_DISK: ClassVar[StorageLevel]
    MEMORY_AND_DISK_2: ClassVar[StorageLevel]
    OFF_HEAP: ClassVar[StorageLevel]
    MEMORY_AND_DISK_DESER: ClassVar[StorageLevel]

    def __init__(
        self, useDisk: bool, useMemory: bool, useOffHeap: bool, deserialized: bool, replication: int = 1
    ) -> None:
        self.useDisk = useDisk
        self.useMemory = useMemory
        self.useOffHeap = useOffHeap
        self.deserialized = deserialized
        self.replication = replication

    @property
    def _place(self) -> Literal["memory", "memory and disk", "disk"] | None:
        """What the engine makes of it. Off-heap memory is memory here, and there are no copies."""
        if self.useMemory:
            return "memory and disk" if self.useDisk else "memory"
        return "disk" if self.useDisk else None

    @property
    def _on_disk_too(self) -> StorageLevel:
        """What a local checkpoint makes of it: its data must not be lost."""
        return StorageLevel(True, self.useMemory, False, self.deserialized, self.replication)

    @property
    def _is_valid(self) -> bool:
        """Whether Spark's block managers take it; NONE is another matter."""
        return self._place is not None and self.replication > 0

    def _fields(self) -> tuple[Any, ...]:
        return self.useDisk, self.useMemory, self.useOffHeap, self.deserialized, self.replication

    def __repr__(self) -> str:
        return "StorageLevel({}, {}, {}, {}, {})".format(*self._fields())

    def __str__(self) -> str:
        named = ((self.useDisk, "Disk "), (self.useMemory, "Memory "), (self.useOffHeap, "OffHeap "))
        form = "Deserialized " if self.deserialized else "Serialized "
        return "".join(name for used, name in named if used) + form + f"{self.replication}x Replicated"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StorageLevel) and self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash(self._fields())


def check_level(level: object) -> None:
    """Raises: TypeError, in Spark's words, when it is none; Py4JJavaError when Spark's JVM would not have it."""
    if not isinstance(level, StorageLevel):
        raise TypeError(f"storageLevel must be of type pyspark.StorageLevel, not {level!r:.80}")
    if not level.replication < _MOST_COPIES:
        problem = "assertion failed: Replication restricted to be less than 40 for calculating hash codes"
        raise java_error("java.lang.AssertionError", f"{problem}; storageLevel has {level.replication}")


def refuse_level(level: StorageLevel, elements: Iterable[Any]) -> Iterable[Any]:
    """What becomes of a partition that is to be kept nowhere: in Spark, its task fails."""
    problem = f"requirement failed: StorageLevel is null or invalid: {level!r}"
    raise java_error("java.lang.IllegalArgumentException", problem)


StorageLevel.NONE = StorageLevel(False, False, False, False)
StorageLevel.DISK_ONLY = StorageLevel(True, False, False, False)
StorageLevel.DISK_ONLY_2 = StorageLevel(True, False, False, False, 2)
StorageLevel.DISK_ONLY_3 = StorageLevel(True, False, False, False, 3)
StorageLevel.MEMORY_ONLY = StorageLevel(False, True, False, False)
StorageLevel.MEMORY_ONLY_2 = StorageLevel(False, True, False, False, 2)
StorageLevel.MEMORY_AND_DISK = StorageLevel(True, True, False, False)
StorageLevel.MEMORY_AND_DISK_2 = StorageLevel(True, True, False, False, 2)
StorageLevel.OFF_HEAP = StorageLevel(True, True, True, False, 1)
StorageLevel.MEMORY_AND_DISK_DESER = StorageLevel(True, True, False, True)
