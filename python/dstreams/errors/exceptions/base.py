"""What do PySpark's own exceptions carry? A message, or the name of an error class and what its text is filled with."""

from __future__ import annotations

from typing import Any

from dstreams.errors.texts import filled

__all__ = [
    "AnalysisException",
    "ArithmeticException",
    "ArrayIndexOutOfBoundsException",
    "DateTimeException",
    "IllegalArgumentException",
    "NumberFormatException",
    "ParseException",
    "PySparkAssertionError",
    "PySparkAttributeError",
    "PySparkException",
    "PySparkNotImplementedError",
    "PySparkRuntimeError",
    "PySparkTypeError",
    "PySparkValueError",
    "PythonException",
    "QueryExecutionException",
    "SessionNotSameException",
    "SparkRuntimeException",
    "SparkUpgradeException",
    "StreamingQueryException",
    "TempTableAlreadyExistsException",
    "UnknownException",
    "UnsupportedOperationException",
]


class PySparkException(Exception):
    """Base of the errors that PySpark raises itself.

    Takes either a message, or the name of an error class together with the parameters of its text.
    Raises: AssertionError for both or neither, or parameters that the text does not ask for; ValueError for an error
            class that is unknown.
    """

    def __init__(
        self,
        message: str | None = None,
        error_class: str | None = None,
        message_parameters: dict[str, str] | None = None,
    ) -> None:
        if message is None:
            assert error_class is not None and message_parameters is not None, (
                "a PySparkException needs a message, or error_class and message_parameters"
            )
            self.message = filled(error_class, message_parameters)
        else:
            assert error_class is None and message_parameters is None, (
                "a PySparkException takes a message, or error_class and message_parameters, not both"
            )
            self.message = message
        self.error_class = error_class
        self.message_parameters = message_parameters

    def getErrorClass(self) -> str | None:
        """The name of the kind of error, such as CONTEXT_ONLY_VALID_ON_DRIVER; None if it was made from a message."""
        return self.error_class

    def getMessageParameters(self) -> dict[str, str] | None:
        """What was filled into the text of the error class."""
        return self.message_parameters

    def getSqlState(self) -> str | None:
        """The SQL state; None for errors raised in Python."""
        return None

    def __str__(self) -> str:
        return self.message if self.error_class is None else f"[{self.error_class}] {self.message}"

    def __reduce__(self) -> tuple[Any, ...]:
        message = self.message if self.error_class is None else None
        return type(self), (message, self.error_class, self.message_parameters)


class AnalysisException(PySparkException):
    """A query does not fit its data."""


class SessionNotSameException(PySparkException):
    """Two parts of one operation belong to different sessions."""


class TempTableAlreadyExistsException(AnalysisException):
    """A temporary view of this name exists."""


class ParseException(AnalysisException):
    """A query's text cannot be parsed."""


class IllegalArgumentException(PySparkException):
    """An argument or a setting is wrong."""


class ArithmeticException(PySparkException):
    """Arithmetic of a query failed."""


class UnsupportedOperationException(PySparkException):
    """The operation exists, but not here."""


class ArrayIndexOutOfBoundsException(PySparkException):
    """A query asked for an element that an array does not have."""


class DateTimeException(PySparkException):
    """A date or time of a query is wrong."""


class NumberFormatException(IllegalArgumentException):
    """A number of a query is written wrongly."""


class StreamingQueryException(PySparkException):
    """A streaming query has stopped with an error."""


class QueryExecutionException(PySparkException):
    """A query failed while running."""


class PythonException(PySparkException):
    """User code of a query failed."""


class SparkRuntimeException(PySparkException):
    """A query failed at run time."""


class SparkUpgradeException(PySparkException):
    """Behaviour changed between versions of Spark."""


class UnknownException(PySparkException):
    """Failed for no known reason."""


class PySparkValueError(PySparkException, ValueError):
    """A value is wrong."""


class PySparkTypeError(PySparkException, TypeError):
    """A type is wrong."""


class PySparkAttributeError(PySparkException, AttributeError):
    """There is no such attribute."""


class PySparkRuntimeError(PySparkException, RuntimeError):
    """A call is not possible here."""


class PySparkAssertionError(PySparkException, AssertionError):
    """Something that had to hold does not."""


class PySparkNotImplementedError(PySparkException, NotImplementedError):
    """Not available."""
