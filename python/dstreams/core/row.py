"""What of `pyspark.sql` does `pyspark` itself name? `Row`, which needs no DataFrames, and two contexts, which do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from dstreams.errors import PySparkNotImplementedError, PySparkTypeError, PySparkValueError

__all__ = ["HiveContext", "Row", "SQLContext"]


class _Named(type):
    """Prints `Row` as Spark does. Pickles know it by where it really is: there is no `pyspark.sql` here."""

    def __repr__(cls) -> str:
        return "<class 'pyspark.sql.types.Row'>" if cls is Row else super().__repr__()


class Row(tuple[Any, ...], metaclass=_Named):
    """A tuple whose values have names: `Row(name="Ann", age=11)`.

    `Row("name", "age")` holds names alone; called with values, it makes rows. `in` looks among the names, an index is a
    position or a name, and names are attributes too.
    """

    __fields__: Sequence[str]

    def __new__(cls, *args: Any, **kwargs: Any) -> Row:
        if args and kwargs:
            raise PySparkValueError(
                error_class="CANNOT_SET_TOGETHER", message_parameters={"arg_list": "args and kwargs"}
            )
        return _named(list(kwargs), tuple(kwargs.values()), cls) if kwargs else tuple.__new__(cls, args)

    def asDict(self, recursive: bool = False) -> dict[str, Any]:
        """Names and values; with `recursive`, rows within become dicts too. Raises TypeError without names."""
        if not hasattr(self, "__fields__"):
            raise PySparkTypeError(
                error_class="CANNOT_CONVERT_TYPE", message_parameters={"from_type": "Row", "to_type": "dict"}
            )
        return dict(zip(self.__fields__, map(_plain, self) if recursive else self, strict=False))

    def __contains__(self, item: object) -> bool:
        return item in self.__fields__ if hasattr(self, "__fields__") else super().__contains__(item)

    def __call__(self, *args: Any) -> Row:
        if len(args) > len(self):
            told = {"expected": str(len(self)), "item": "fields", "actual": str(len(args))}
            raise PySparkValueError(error_class="TOO_MANY_VALUES", message_parameters=told)
        return _create_row(self, args)

    def __getitem__(self, item: Any) -> Any:
        if isinstance(item, (int, slice)):
            return super().__getitem__(item)
        try:
            return super().__getitem__(self.__fields__.index(item))
        except IndexError:
            raise KeyError(item) from None
        except ValueError:
            raise PySparkValueError(item) from None

    def __getattr__(self, item: str) -> Any:
        if item.startswith("__"):
            raise AttributeError(item)
        try:
            return super().__getitem__(self.__fields__.index(item))
        except (IndexError, ValueError):
            raise AttributeError(item) from None

    def __setattr__(self, key: str, value: Any) -> None:
        if key != "__fields__":
            raise RuntimeError("Row is read-only")
        self.__dict__[key] = value

    def __reduce__(self) -> str | tuple[Any, ...]:
        if hasattr(self, "__fields__"):
            return _create_row, (self.__fields__, tuple(self))
        return Row, tuple(self)

    def __repr__(self) -> str:
        if hasattr(self, "__fields__"):
            named = zip(self.__fields__, tuple(self), strict=False)
            return f"Row({', '.join(f'{name}={value!r}' for name, value in named)})"
        return f"<Row({', '.join(map(repr, self))})>"


def _named(names: Sequence[str], values: Sequence[Any], cls: type[Row]) -> Row:
    row = tuple.__new__(cls, values)
    row.__fields__ = names
    return row


def _create_row(fields: Sequence[str], values: Sequence[Any]) -> Row:
    return _named(fields, values, Row)


def _plain(value: Any) -> Any:
    if isinstance(value, Row):
        return value.asDict(True)
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return value


class SQLContext:
    """The entry to DataFrames, of which there are none here. Making one raises PySparkNotImplementedError."""

    def __init__(self, sparkContext: Any, sparkSession: Any = None, jsqlContext: Any = None) -> None:
        _no_dataframes(type(self).__name__)

    @classmethod
    def getOrCreate(cls, sc: Any) -> SQLContext:
        """Raises: there are no DataFrames."""
        _no_dataframes(cls.__name__)


class HiveContext(SQLContext):
    """The entry to Hive's tables, of which there are none here. Making one raises PySparkNotImplementedError."""


def _no_dataframes(name: str) -> NoReturn:
    raise PySparkNotImplementedError(
        f"{name} needs DataFrames, and dstreams has RDDs and DStreams alone: use the methods of RDD, or a Spark "
        "Connect client beside dstreams"
    )
