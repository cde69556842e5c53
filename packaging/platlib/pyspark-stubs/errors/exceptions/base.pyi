"""The types of `dstreams.errors.exceptions.base`."""

# Written by scripts/stubs.py.
from dstreams.errors.exceptions.base import (
    AnalysisException as AnalysisException,
    ArithmeticException as ArithmeticException,
    ArrayIndexOutOfBoundsException as ArrayIndexOutOfBoundsException,
    DateTimeException as DateTimeException,
    IllegalArgumentException as IllegalArgumentException,
    NumberFormatException as NumberFormatException,
    ParseException as ParseException,
    PySparkAssertionError as PySparkAssertionError,
    PySparkAttributeError as PySparkAttributeError,
    PySparkException as PySparkException,
    PySparkNotImplementedError as PySparkNotImplementedError,
    PySparkRuntimeError as PySparkRuntimeError,
    PySparkTypeError as PySparkTypeError,
    PySparkValueError as PySparkValueError,
    PythonException as PythonException,
    QueryExecutionException as QueryExecutionException,
    SessionNotSameException as SessionNotSameException,
    SparkRuntimeException as SparkRuntimeException,
    SparkUpgradeException as SparkUpgradeException,
    StreamingQueryException as StreamingQueryException,
    TempTableAlreadyExistsException as TempTableAlreadyExistsException,
    UnknownException as UnknownException,
    UnsupportedOperationException as UnsupportedOperationException,
    filled as filled,
)
