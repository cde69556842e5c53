"""What do Hadoop's settings say in this program? `sc._jsc.hadoopConfiguration()`, and the settings of a single call.

1. A context's settings are what `spark.hadoop.*` says, changed by the program while it runs; those of a call are these
   and, above them, its `conf=`.
2. Values are text, as Hadoop keeps them. An old name of a setting means the same setting as its current name.
3. Whether a value makes sense is found out where it is used, as in Spark.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dstreams.core.engine.errors import Py4JError, Py4JJavaError, java_error
from dstreams.core.io.hadoopkeys import DEFAULTS, current_name, warn_of_unknown
from dstreams.core.io.javatext import java_class

_PREFIX = "spark.hadoop."
_VARIABLE = re.compile(r"\$\{([^}$\s]+)\}")
_MOST_VARIABLES = 20
_ARGUMENT = "java.lang.IllegalArgumentException"


class Configuration:
    """Hadoop's settings, by the names of Java's methods.

    Methods that there are in Java and not here raise `Py4JError`, which names them.
    """

    def __init__(self, values: Mapping[str, str] | None = None, changed: Callable[[], None] | None = None) -> None:
        self._values: dict[str, str] = {}
        self._lock = threading.Lock()
        self._changed: Callable[[], None] | None = None
        for name, value in (values or {}).items():
            self.set(name, value)
        self._changed = changed

    @classmethod
    def of_spark(cls, pairs: list[tuple[str, str]]) -> Configuration:
        """What a SparkConf says about Hadoop."""
        return cls({key.removeprefix(_PREFIX): value for key, value in pairs if key.startswith(_PREFIX)})

    def with_call(self, conf: Mapping[str, str] | None) -> Configuration:
        """These settings now, and above them those of a call, of which unknown ones are warned of.

        Raises: Py4JJavaError when a value is no text.
        """
        merged = Configuration()
        with self._lock:
            merged._values.update(self._values)
        for name, value in (conf or {}).items():
            if not isinstance(value, (str, type(None))):
                kinds = java_class(value), "java.lang.String"
                modules = f"({' and '.join(kinds)} are in module java.base of loader 'bootstrap')"
                problem = f"class {kinds[0]} cannot be cast to class {kinds[1]} {modules}"
                advice = f"conf: the value of {name} must be text, not {value!r} ({type(value).__name__})"
                raise java_error("java.lang.ClassCastException", problem, advice)
            merged.set(name, value)
        warn_of_unknown(conf or {})
        return merged

    def on_change(self, changed: Callable[[], None]) -> None:
        """Calls `changed()` after each change from now on."""
        self._changed = changed

    # -- reading ----------------------------------------------------------------------------------
    def get(self, name: str, defaultValue: str | None = None) -> str | None:
        """A setting, with variables (`${other.setting}`) filled in; else the default."""
        found = self.getRaw(name)
        if found is None:
            return defaultValue
        for _ in range(_MOST_VARIABLES):
            variable = _VARIABLE.search(found)
            value = self.getRaw(variable[1]) if variable else None
            if variable is None or value is None:
                break
            found = found[: variable.start()] + value + found[variable.end() :]
        return found

    def getRaw(self, name: str) -> str | None:
        """A setting as it was set."""
        current = current_name(name)
        with self._lock:
            return self._values.get(current, DEFAULTS.get(current))

    def getTrimmed(self, name: str, defaultValue: str | None = None) -> str | None:
        """A setting without blanks around it."""
        found = self.get(name)
        return defaultValue if found is None else found.strip()

    def getBoolean(self, name: str, defaultValue: bool) -> bool:
        """Whether a setting is `true`; the default if it is neither that nor `false`."""
        found = (self.getTrimmed(name) or "").lower()
        return found == "true" if found in ("true", "false") else defaultValue

    def getInt(self, name: str, defaultValue: int) -> int:
        """A setting as whole number within 32 bits. Raises Py4JJavaError when it is none."""
        return self._whole(name, defaultValue, 31)

    def getLong(self, name: str, defaultValue: int) -> int:
        """A setting as whole number within 64 bits. Raises Py4JJavaError when it is none."""
        return self._whole(name, defaultValue, 63)

    def getFloat(self, name: str, defaultValue: float) -> float:
        """A setting as number. Raises Py4JJavaError when it is none."""
        found = self.getTrimmed(name)
        if found is None:
            return defaultValue
        try:
            return float(found)
        except ValueError:
            raise _no_number(name, found) from None

    getDouble = getFloat

    def getStrings(self, name: str, *defaultValue: str) -> list[str] | None:
        """A setting as list, separated by commas."""
        found = self.get(name)
        if found is None:
            return list(defaultValue) or None
        return [one for one in found.split(",") if one]

    def _whole(self, name: str, default: int, bits: int) -> int:
        found = self.getTrimmed(name)
        if found is None:
            return default
        match = re.fullmatch(r"(-?)(?:0[xX]([0-9a-fA-F]+)|([0-9]+))|\+([0-9]+)", found)
        if match is None:
            raise _no_number(name, found)
        value = int(match[2], 16) if match[2] else int(match[3] or match[4])
        value = -value if match[1] else value
        if not -(2**bits) <= value < 2**bits:
            raise _no_number(name, found)
        return value

    # -- changing ---------------------------------------------------------------------------------
    def set(self, name: str, value: str, source: str | None = None) -> None:
        """Sets a setting. Raises: Py4JJavaError for None, Py4JError for what is no text."""
        for what in (name, value):
            if not isinstance(what, (str, type(None))):
                raise Py4JError(f"Method set with {what!r} ({type(what).__name__}) does not exist: settings are text")
            if what is None:
                raise java_error(_ARGUMENT, f"The value of property {name} must not be null")
        with self._lock:
            self._values[current_name(name.strip())] = value
        self._tell()

    def setIfUnset(self, name: str, value: str) -> None:
        """Sets a setting unless it is set."""
        if self.get(name) is None:
            self.set(name, value)

    def setBoolean(self, name: str, value: bool) -> None:
        """Sets a setting to `true` or `false`."""
        self.set(name, "true" if value else "false")

    def setInt(self, name: str, value: int) -> None:
        """Sets a setting to a whole number."""
        self.set(name, str(int(value)))

    setLong = setInt

    def setFloat(self, name: str, value: float) -> None:
        """Sets a setting to a number."""
        self.set(name, repr(float(value)))

    setDouble = setFloat

    def setStrings(self, name: str, *values: str) -> None:
        """Sets a setting to a list."""
        self.set(name, ",".join(values))

    def unset(self, name: str) -> None:
        """Takes a setting back, its default too."""
        with self._lock:
            self._values.pop(current_name(name), None)
        self._tell()

    def clear(self) -> None:
        """Takes all settings back."""
        with self._lock:
            self._values.clear()
        self._tell()

    def _tell(self) -> None:
        if self._changed is not None:
            self._changed()

    # -- all of them ------------------------------------------------------------------------------
    def size(self) -> int:
        """The number of settings."""
        return len(self._all())

    def iterator(self) -> Iterator[Entry]:
        """All settings, as entries with `getKey()` and `getValue()`."""
        return iter([Entry(name, value) for name, value in sorted(self._all().items())])

    __iter__ = iterator

    def _all(self) -> dict[str, str]:
        with self._lock:
            return {**DEFAULTS, **self._values}

    def toString(self) -> str:
        """What it is."""
        return f"Configuration: {len(self._values)} settings of the program, and Hadoop's defaults"

    __str__ = toString

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise Py4JError(f"Method {name} of Hadoop's Configuration does not exist here: use get, set and the like")


class Entry:
    """A setting and its value."""

    def __init__(self, key: str, value: str) -> None:
        self._key, self._value = key, value

    def getKey(self) -> str:
        """The setting's name."""
        return self._key

    def getValue(self) -> str:
        """Its value."""
        return self._value

    def __str__(self) -> str:
        return f"{self._key}={self._value}"


def _no_number(name: str, value: str) -> Py4JJavaError:
    return java_error("java.lang.NumberFormatException", f'For input string: "{value}"', f"{name} must be a number")
