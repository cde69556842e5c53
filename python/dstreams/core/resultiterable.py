"""What does a grouped key's value look like?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from typing import Generic, TypeVar

T = TypeVar("T")

__all__ = ["ResultIterable"]


class ResultIterable(Iterable[T], Generic[T]):
    """The values of one key: iterable as often as wanted, with a length; no list."""

    def __init__(self, data: Iterable[T]) -> None:
        self.data: Iterable[T] = data
        self.index: int = 0
        self.maxindex: int = len(data) if isinstance(data, Sized) else 0

    def __iter__(self) -> Iterator[T]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data) if isinstance(self.data, Sized) else sum(1 for _ in self.data)
