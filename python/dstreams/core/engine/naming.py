"""How does a class that is written in several parts look like one?

`RDD`, `SparkContext`, `DStream` and `StreamingContext` have bases that hold a kind of method each. Programs, and what
Python says of a wrong call, know the class alone: "DStream.window() missing 1 required positional argument".
"""

from __future__ import annotations

from types import FunctionType
from typing import Any, TypeVar

__all__ = ["named_as_one"]

C = TypeVar("C", bound=type)


def named_as_one(cls: C) -> C:
    """A class whose methods bear its name, those of its parts too: bases of this package that are for it alone."""
    for part in cls.__mro__[1:]:
        if part.__module__.startswith("dstreams."):
            for name, member in vars(part).items():
                function = _function(member)
                if function is not None and function.__qualname__ == f"{part.__qualname__}.{name}":
                    function.__qualname__ = f"{cls.__qualname__}.{name}"
                    # Together they say where it is found, which pickling it needs.
                    function.__module__ = cls.__module__
    return cls


def _function(member: Any) -> FunctionType | None:
    if isinstance(member, (classmethod, staticmethod)):
        member = member.__func__
    elif isinstance(member, property):
        member = member.fget
    return member if isinstance(member, FunctionType) else None
