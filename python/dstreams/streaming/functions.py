"""The driver-side functions of a DStream graph.

Module-level functions, bound to their arguments with `functools.partial`: a graph made of them can be pickled. Each is
called with the batch time and the RDDs of its parents.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from dstreams.core.engine.errors import java_error
from dstreams.core.io.output import is_marked, remove_half
from dstreams.core.rdd import RDD
from dstreams.streaming.util import rddToFileName

Function = Callable[..., Any]


def without_time(func: Function, time: datetime, *rdds: RDD[Any]) -> Any:
    """A function that takes no time."""
    return func(*rdds)


def with_rdd_list(func: Function, time: datetime, *rdds: RDD[Any]) -> Any:
    """A function of all RDDs as one tuple. Raises: Py4JJavaError when it returns none; Spark asks for one here."""
    made = func(rdds)
    if not made:
        problem = f"transformFunc: StreamingContext.transform needs a function that returns an RDD, not {made!r:.80}"
        raise java_error("java.lang.NullPointerException", problem)
    return made


def after(first: Function, second: Function, time: datetime, rdd: RDD[Any]) -> Any:
    """One transformation after the other."""
    return second(time, first(time, rdd))


def method(name: str, arguments: tuple[Any, ...], time: datetime, rdd: RDD[Any]) -> Any:
    """A method of the RDD, by name."""
    return getattr(rdd, name)(*arguments)


def method_with(name: str, arguments: tuple[Any, ...], time: datetime, left: RDD[Any], right: RDD[Any]) -> Any:
    """A method of the left RDD that takes the right one."""
    return getattr(left, name)(right, *arguments)


def print_batch(num: int, time: datetime, rdd: RDD[Any]) -> None:
    """Prints the first elements of a batch, as Spark does."""
    taken = rdd.take(num + 1)
    print("-------------------------------------------")
    print(f"Time: {time}")
    print("-------------------------------------------")
    for record in taken[:num]:
        print(record)
    if len(taken) > num:
        print("...")
    print("", flush=True)


def save_batch(prefix: str, suffix: str | None, time: datetime, rdd: RDD[Any]) -> None:
    """Saves a batch into its own folder. One that is there and whole was saved before a restart; a half one, which
    the end of a process left behind, is written anew.
    """
    path = rddToFileName(prefix, suffix, time)
    remove_half(path)
    if not is_marked(path):
        rdd.saveAsTextFile(path)
