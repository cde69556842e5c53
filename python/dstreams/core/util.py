"""What programs import from `pyspark.util`: threads that inherit settings, versions; and `keyword_only`."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

__all__ = ["InheritableThread", "VersionUtils", "inheritable_thread_target", "keyword_only"]

R = TypeVar("R")


def keyword_only(func: Callable[..., R]) -> Callable[..., R]:
    """A method that takes arguments by name alone, and keeps those of its last call in `self._input_kwargs`."""

    @wraps(func)
    def by_name(self: Any, *args: Any, **kwargs: Any) -> R:
        if args:
            raise TypeError(f"Method {func.__name__} forces keyword arguments.")
        self._input_kwargs = kwargs
        return func(self, **kwargs)

    return by_name


def inheritable_thread_target(f: Callable[..., R]) -> Callable[..., R]:
    """`f`, to be run in another thread with the local properties that this thread has now."""
    apply = _this_threads_properties()

    @wraps(f)
    def run(*args: Any, **kwargs: Any) -> R:
        apply()
        return f(*args, **kwargs)

    return run


class InheritableThread(threading.Thread):
    """A thread whose jobs have the local properties of the thread that starts it."""

    def __init__(self, target: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        def run(*given: Any, **named: Any) -> Any:
            self._apply()
            return target(*given, **named)

        super().__init__(*args, target=run, **kwargs)  # type: ignore[misc]
        self._apply: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Begins; the properties are those of this moment."""
        self._apply = _this_threads_properties()
        super().start()


class VersionUtils:
    """Numbers of Spark's versions."""

    @staticmethod
    def majorMinorVersion(sparkVersion: str) -> tuple[int, int]:
        """The first two numbers of a version: (3, 5) of "3.5.9". Raises: ValueError for a text that has none."""
        found = re.match(r"(\d+)\.(\d+)(\..*)?$", sparkVersion)
        if found is None:
            problem = "is no version of Spark: two numbers with a dot between them come first"
            raise ValueError(f"sparkVersion: {sparkVersion!r} {problem}")
        return int(found[1]), int(found[2])


def _this_threads_properties() -> Callable[[], None]:
    """A function that sets this thread's local properties in the thread that calls it."""
    from dstreams.core.context import SparkContext

    context = SparkContext._active_spark_context
    if context is None:
        return lambda: None
    jobs = context._running.jobs
    properties = jobs.properties()

    def apply() -> None:
        for key in jobs.properties().keys() - properties.keys():
            jobs.set_property(key, None)
        for key, value in properties.items():
            jobs.set_property(key, value)

    return apply
