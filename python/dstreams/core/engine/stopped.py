"""What does a stopped context say where Spark's JVM side is asked for it?

Most calls of Python code fail with an AttributeError there (`SparkContext._running`); those that pass the context on to
the JVM fail in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dstreams.core.engine import process
from dstreams.core.engine.errors import java_error

if TYPE_CHECKING:
    from dstreams.core.context import SparkContext

_TOLD = "Cannot call methods on a stopped SparkContext; create a new one"


def check_alive(ctx: SparkContext, java_class: str = "java.lang.NullPointerException") -> None:
    """Raises: Py4JJavaError when the context is stopped, RuntimeError when it is that of a parent process."""
    process.check(ctx._process, "this SparkContext")
    if ctx._engine is None:
        raise java_error(java_class, _TOLD)
