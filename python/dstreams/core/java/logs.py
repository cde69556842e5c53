"""Where do the loggers of log4j write, and what do their levels set? The logger `dstreams`, and loggers below it.

The root logger, `org` and all below `org.apache` are the library's own logger; a name of the program is one below it.
"""

from __future__ import annotations

import logging

from dstreams.core.engine.errors import java_error
from dstreams.core.java.refusal import Refusing

_OURS = "dstreams"
_LEVELS = {"ALL": 1, "TRACE": 5, "DEBUG": 10, "INFO": 20, "WARN": 30, "ERROR": 40, "FATAL": 50, "OFF": 100}


class Level(Refusing):
    """A level of log4j."""

    _called, _instead = "Level", f"levels are {', '.join(_LEVELS)}"

    ALL: Level
    TRACE: Level
    DEBUG: Level
    INFO: Level
    WARN: Level
    ERROR: Level
    FATAL: Level
    OFF: Level

    def __init__(self, name: str) -> None:
        self._name = name

    @staticmethod
    def toLevel(name: str, defaultLevel: Level | None = None) -> Level:
        """The level of a name; without one, the default, or DEBUG."""
        return LEVELS.get(str(name).upper(), defaultLevel or LEVELS["DEBUG"])

    @staticmethod
    def valueOf(name: str) -> Level:
        """The level of a name. Raises Py4JJavaError when there is none."""
        found = LEVELS.get(str(name).upper())
        if found is None:
            raise java_error("java.lang.IllegalArgumentException", f"Unknown level constant [{str(name).upper()}].")
        return found

    getLevel = toLevel

    def toString(self) -> str:
        """The level's name."""
        return self._name

    name = __str__ = toString

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Level) and other._name == self._name

    def __hash__(self) -> int:
        return hash(self._name)


LEVELS = {name: Level(name) for name in _LEVELS}
for _name, _level in LEVELS.items():
    setattr(Level, _name, _level)


class Logger(Refusing):
    """A logger of log4j."""

    _called, _instead = "Logger", "use setLevel, getLevel, and trace, debug, info, warn, error or fatal"

    def __init__(self, name: str) -> None:
        self._name = name
        is_ours = name in ("", "org") or (name + ".").startswith("org.apache.")
        self._logger = logging.getLogger(_OURS if is_ours else f"{_OURS}.{name}")

    def getName(self) -> str:
        """Its name."""
        return self._name or "root"

    def setLevel(self, level: Level | str | None) -> None:
        """Writes messages of this level and above alone; None: as the logger above it."""
        self._logger.setLevel(_LEVELS[str(level)] if level is not None else logging.NOTSET)

    def getLevel(self) -> Level | None:
        """Its own level, if it has one; the root logger always has."""
        own = self._logger.level or (self._logger.getEffectiveLevel() if not self._name else logging.NOTSET)
        return next((LEVELS[name] for name, number in _LEVELS.items() if number >= own), None) if own else None

    def getEffectiveLevel(self) -> Level:
        """The level that decides."""
        own = self._logger.getEffectiveLevel()
        return next(LEVELS[name] for name, number in _LEVELS.items() if number >= min(own, _LEVELS["OFF"]))

    def trace(self, message: object, *values: object) -> None:
        """Writes a message of the lowest level."""
        self._write("TRACE", message, values)

    def debug(self, message: object, *values: object) -> None:
        """Writes a message of level DEBUG."""
        self._write("DEBUG", message, values)

    def info(self, message: object, *values: object) -> None:
        """Writes a message of level INFO."""
        self._write("INFO", message, values)

    def warn(self, message: object, *values: object) -> None:
        """Writes a message of level WARN."""
        self._write("WARN", message, values)

    def error(self, message: object, *values: object) -> None:
        """Writes a message of level ERROR."""
        self._write("ERROR", message, values)

    def fatal(self, message: object, *values: object) -> None:
        """Writes a message of the highest level."""
        self._write("FATAL", message, values)

    def _write(self, level: str, message: object, values: tuple[object, ...]) -> None:
        text = str(message)
        for value in values:  # a `{}` for each, as log4j 2 has it
            text = text.replace("{}", str(value), 1)
        self._logger.log(_LEVELS[level], "%s", text)

    def isInfoEnabled(self) -> bool:
        """Whether messages of level INFO are written."""
        return self._logger.isEnabledFor(logging.INFO)

    def isDebugEnabled(self) -> bool:
        """Whether messages of level DEBUG are written."""
        return self._logger.isEnabledFor(logging.DEBUG)


class LogManager(Refusing):
    """Gives loggers: `LogManager` and `Logger` of both versions of log4j."""

    _called, _instead = "LogManager", "use getLogger(name) or getRootLogger()"

    @staticmethod
    def getLogger(name: object = "") -> Logger:
        """The logger of a name."""
        return Logger(str(name))

    @staticmethod
    def getRootLogger() -> Logger:
        """The logger above all others."""
        return Logger("")


class Configurator(Refusing):
    """Sets levels: `org.apache.logging.log4j.core.config.Configurator`."""

    _called, _instead = "Configurator", "use setLevel(name, level) or setRootLevel(level)"

    @staticmethod
    def setLevel(logger: Logger | str, level: Level | str) -> None:
        """Sets the level of a logger."""
        (logger if isinstance(logger, Logger) else Logger(logger)).setLevel(level)

    setAllLevels = setLevel

    @staticmethod
    def setRootLevel(level: Level | str) -> None:
        """Sets the level of the root logger."""
        Logger("").setLevel(level)
