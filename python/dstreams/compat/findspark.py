"""`findspark` without a Spark to find: programs that begin with `findspark.init(...)` go on unchanged.

There is nothing to locate, so every call is accepted and does nothing; paths need not exist.
"""

from __future__ import annotations

import os

__all__ = ["add_jars", "add_packages", "find", "init"]

__dstreams__ = True


def init(
    spark_home: str | os.PathLike[str] | None = None,
    python_path: str | os.PathLike[str] | None = None,
    edit_rc: bool = False,
    edit_profile: bool = False,
) -> None:
    """Accept any place where Spark might be; `pyspark` needs none. Edits no file."""


def find() -> str:
    """The folder that stands in for Spark's: that of the dstreams package."""
    return os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def add_packages(packages: str | list[str]) -> None:
    """Accept coordinates of JVM packages. No JVM will load them."""


def add_jars(jars: str | list[str]) -> None:
    """Accept paths of JVM archives. No JVM will load them."""
