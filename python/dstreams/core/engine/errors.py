"""Which exceptions do programs see, and what do they say?

Owns the exception classes of `py4j.protocol`, and the functions with which the engine builds a `Py4JJavaError`; those
of `pyspark.errors` are in `dstreams.errors`. A failed task's text begins with the user's own traceback; the user's
exception is its `__cause__`.
"""

from __future__ import annotations

import os
import traceback
from typing import Any

_PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep


class Py4JError(Exception):
    """What Spark's bridge to the JVM raises; kept so that `except Py4JError` works."""

    def __init__(self, args: Any = None, cause: BaseException | None = None) -> None:
        super().__init__(args)
        self.cause = cause


class Py4JNetworkError(Py4JError):
    """The bridge is gone. Never raised here: there is no bridge."""


class JavaException:
    """Stands in for the JVM's exception object: its class name and message."""

    def __init__(self, java_class: str, message: str, cause: JavaException | None = None) -> None:
        self._class, self._message, self._cause = java_class, message, cause

    def getMessage(self) -> str:
        """The message without the class name."""
        return self._message

    def toString(self) -> str:
        """Class name and message, as Java prints an exception."""
        return f"{self._class}: {self._message}" if self._message else self._class

    def getCause(self) -> JavaException | None:
        """The exception that led to this one, as far as it is known."""
        return self._cause

    def getClass(self) -> JavaException:
        """For `java_exception.getClass().getName()`."""
        return self

    def getName(self) -> str:
        """The class name."""
        return self._class

    def __str__(self) -> str:
        return self.toString()


class Py4JJavaError(Py4JError):
    """A job or a call failed in the engine, where Spark would report an exception of its JVM."""

    def __init__(self, msg: str, java_exception: JavaException | None = None) -> None:
        super().__init__(msg)
        self.errmsg = msg
        self.java_exception = java_exception or JavaException("org.apache.spark.SparkException", msg)

    def __str__(self) -> str:
        return self.errmsg

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.errmsg, self.java_exception)


def java_error(java_class: str, message: str, advice: str = "") -> Py4JJavaError:
    """The error for a refused call or a failed job without user code in it.

    message: what Java says, which programs may compare. advice: what more there is to say, on a line of its own.
    """
    problem = JavaException(java_class, message)
    text = f"An error occurred while calling the engine.\n: {problem}"
    return Py4JJavaError(f"{text}\n{advice}" if advice else text, problem)


def user_traceback(cause: BaseException) -> str:
    """The traceback of user code as Python prints it, from the first frame that is the user's."""
    text: str | None = cause.__dict__.get("_dstreams_traceback")  # raised in a worker process
    if text is not None:
        return text
    frames = cause.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename.startswith(_PACKAGE):
        frames = frames.tb_next
    shown = frames or cause.__traceback__
    return "".join(traceback.format_exception(type(cause), cause, shown)).rstrip("\n")


def task_error(partition: int, stage: int, number: int, tries: int, cause: BaseException) -> Py4JJavaError:
    """The error of a job one of whose tasks failed in user code."""
    where = f"Task {partition} in stage {stage}.0 failed {tries} times"
    message = (
        f"Job aborted due to stage failure: {where}, most recent failure: Lost task {partition}.{tries - 1} in stage "
        f"{stage}.0 (TID {number}): org.apache.spark.api.python.PythonException: {user_traceback(cause)}"
    )
    text = f"{user_traceback(cause)}\n\norg.apache.spark.SparkException: Job aborted due to stage failure: {where}"
    failed = Py4JJavaError(text, JavaException("org.apache.spark.SparkException", message))
    failed.__cause__ = cause
    return failed


def callback_error(what: str, cause: BaseException) -> Py4JJavaError:
    """The error of a driver-side function (foreachRDD, transform) of a stream."""
    text = f"{user_traceback(cause)}\n\norg.apache.spark.SparkException: An exception was raised by Python in {what}"
    failed = Py4JJavaError(text, JavaException("org.apache.spark.SparkException", text))
    failed.__cause__ = cause
    return failed
