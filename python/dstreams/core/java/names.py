"""Which names of Java are known in `sc._jvm`, and what do they mean here?"""

from __future__ import annotations

import gc
import getpass
import os
import platform
import tempfile
import time
import uuid
from collections.abc import Mapping
from typing import Any

from dstreams.core.conf import set_default
from dstreams.core.engine.errors import Py4JError
from dstreams.core.io.hadoopconf import Configuration
from dstreams.core.java.files import Address, FileStatus, FileSystem, Path
from dstreams.core.java.logs import Configurator, Level, LogManager
from dstreams.core.java.refusal import Refusing, refuse

_INSTEAD = "do it in Python, or run the program on Apache Spark (DSTREAMS_ENGINE=spark)"
_HADOOP_VERSION = "3.3.4"
_SCALA_VERSION = "2.12.18"


class System(Refusing):
    """`java.lang.System`."""

    _called, _instead = "java.lang.System", "use Python's time, os and platform"

    @staticmethod
    def currentTimeMillis() -> int:
        """Milliseconds since 1970."""
        return time.time_ns() // 1_000_000

    @staticmethod
    def nanoTime() -> int:
        """Nanoseconds since some moment."""
        return time.perf_counter_ns()

    @staticmethod
    def getProperty(name: str, default: str | None = None) -> str | None:
        """A property: of the machine and the user, or one that was set; what tells of a JVM has no value."""
        known = {
            "file.separator": os.sep, "java.io.tmpdir": tempfile.gettempdir(), "line.separator": os.linesep,
            "os.arch": platform.machine(), "os.name": platform.system(), "os.version": platform.release(),
            "path.separator": os.pathsep, "user.dir": os.getcwd(), "user.home": os.path.expanduser("~"),
            "user.name": getpass.getuser(), **_properties,
        }  # fmt: skip
        return known.get(name, default)

    @staticmethod
    def setProperty(name: str, value: str) -> str | None:
        """Sets a property, and gives the old one; `spark.*` are settings of contexts made afterwards."""
        before = System.getProperty(name)
        _properties[name] = value
        if name.startswith("spark."):
            set_default(name, value)
        return before

    @staticmethod
    def getenv(name: str | None = None) -> Any:
        """A variable of the environment, or all of them."""
        return dict(os.environ) if name is None else os.environ.get(name)

    @staticmethod
    def gc() -> None:
        """Collects garbage."""
        gc.collect()


_properties: dict[str, str] = {}


class Runtime(Refusing):
    """`java.lang.Runtime`, of this process."""

    _called, _instead = "java.lang.Runtime", "use Python's os and resource"

    @staticmethod
    def getRuntime() -> Runtime:
        """The process."""
        return Runtime()

    def availableProcessors(self) -> int:
        """Cores of the machine."""
        return os.cpu_count() or 1

    def maxMemory(self) -> int:
        """Bytes of the machine's memory."""
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")

    totalMemory = maxMemory

    def gc(self) -> None:
        """Collects garbage."""
        gc.collect()


class RandomId(Refusing):
    """`java.util.UUID`."""

    _called, _instead = "java.util.UUID", "use Python's uuid"

    def __init__(self) -> None:
        self._text = str(uuid.uuid4())

    @staticmethod
    def randomUUID() -> RandomId:
        """A new one."""
        return RandomId()

    def toString(self) -> str:
        """Its text."""
        return self._text

    __str__ = toString


class Versions(Refusing):
    """What asks for versions: those whose answers are given here."""

    _called, _instead = "the class", "ask sc.version"

    def __init__(self, text: str) -> None:
        self._text = text

    def getVersion(self) -> str:
        """The version."""
        return self._text

    def versionNumberString(self) -> str:
        """The version."""
        return self._text

    def versionString(self) -> str:
        """The version in words."""
        return f"version {self._text}"


_NAMES: dict[str, Any] = {
    "System": System,
    "Runtime": Runtime,
    "java.lang.System": System,
    "java.lang.Runtime": Runtime,
    "java.net.URI": Address,
    "java.util.UUID": RandomId,
    "org.apache.hadoop.conf.Configuration": Configuration,
    "org.apache.hadoop.fs.FileStatus": FileStatus,
    "org.apache.hadoop.fs.FileSystem": FileSystem,
    "org.apache.hadoop.fs.Path": Path,
    "org.apache.hadoop.util.VersionInfo": Versions(_HADOOP_VERSION),
    "org.apache.log4j.Level": Level,
    "org.apache.log4j.LogManager": LogManager,
    "org.apache.log4j.Logger": LogManager,
    "org.apache.logging.log4j.Level": Level,
    "org.apache.logging.log4j.LogManager": LogManager,
    "org.apache.logging.log4j.core.config.Configurator": Configurator,
    "scala.util.Properties": Versions(_SCALA_VERSION),
}


class JavaPackage:
    """A package of Java, or what could be one: its classes are attributes."""

    def __init__(self, name: str, known: Mapping[str, Any]) -> None:
        self._name, self._known = name, known

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        full = f"{self._name}.{name}" if self._name else name
        if full in self._known:
            return self._known[full]
        if name[:1].isupper():
            refuse(f"sc._jvm.{full}", _INSTEAD)
        return JavaPackage(full, self._known)

    def __call__(self, *arguments: object) -> Any:
        refuse(f"sc._jvm.{self._name}()", _INSTEAD)


class JavaView(JavaPackage):
    """`sc._jvm`: the top of all packages."""

    def __init__(self) -> None:
        super().__init__("", _NAMES)

    def __call__(self, *arguments: object) -> Any:
        raise Py4JError("sc._jvm is no function")


class JavaGateway(Refusing):
    """`sc._gateway`: of it, `jvm` alone."""

    _called, _instead = "sc._gateway", _INSTEAD

    def __init__(self, jvm: JavaView) -> None:
        self.jvm = jvm
