"""What does a program hear when it asks for a part of the JVM side that is not here?"""

from __future__ import annotations

from typing import NoReturn

from dstreams.core.engine.errors import Py4JError


class _RefusingClass(type):
    _called: str
    _instead: str

    def __getattr__(cls, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        refuse(f"{cls._called}.{name}", cls._instead)


class Refusing(metaclass=_RefusingClass):
    """Attributes that are not here raise `Py4JError`; a class says its name, and what to use instead."""

    _called = "the JVM side"
    _instead = "use the methods of SparkContext, RDD and SparkConf"

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        refuse(f"{self._called}.{name}", self._instead)


def refuse(name: str, instead: str) -> NoReturn:
    """Raises Py4JError for a name of the JVM side."""
    raise Py4JError(f"{name} is not here, since dstreams runs without a JVM: {instead}")
