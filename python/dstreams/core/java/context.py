"""What is `sc._jsc`, and `sc._jsc.sc()`? What a context tells of itself, by the names of Java's methods."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Generic, NoReturn, TypeVar

from dstreams.core.engine.errors import java_error
from dstreams.core.engine.memory import limit_of
from dstreams.core.io.hadoopconf import Configuration
from dstreams.core.java.refusal import Refusing

if TYPE_CHECKING:
    from dstreams.core.context import SparkContext

T = TypeVar("T")


class Option(Refusing, Generic[T]):
    """Scala's `Option`."""

    _called, _instead = "Option", "use isDefined, isEmpty, get or getOrElse"

    def __init__(self, value: T | None) -> None:
        self._value = value

    def isDefined(self) -> bool:
        """Whether there is something."""
        return self._value is not None

    nonEmpty = isDefined

    def isEmpty(self) -> bool:
        """Whether there is nothing."""
        return self._value is None

    def get(self) -> T:
        """What there is. Raises: Py4JJavaError when there is nothing."""
        if self._value is None:
            raise java_error("java.util.NoSuchElementException", "None.get")
        return self._value

    def toString(self) -> str:
        """As Scala prints it."""
        return "None" if self._value is None else f"Some({self._value})"

    __str__ = toString


class Sized(Refusing):
    """A collection of the JVM side of which the size is asked for."""

    _called, _instead = "the collection", "use size()"

    def __init__(self, *held: str) -> None:
        self._held = held

    def size(self) -> int:
        """How many there are."""
        return len(self._held)

    def isEmpty(self) -> bool:
        """Whether there are none."""
        return not self._held

    def toString(self) -> str:
        """What there is."""
        return f"Map({', '.join(self._held)})"

    __str__ = toString


class Executor(Refusing):
    """The one executor: this process."""

    _called, _instead = "SparkExecutorInfo", "use host() or port()"

    def host(self) -> str:
        """Where it is."""
        return "localhost"

    def port(self) -> int:
        """Its port: none."""
        return 0


class Tracker(Refusing):
    """`statusTracker()` of the JVM side."""

    _called, _instead = "sc._jsc.statusTracker()", "use sc.statusTracker()"

    def getExecutorInfos(self) -> list[Executor]:
        """The one executor."""
        return [Executor()]


class JavaConf(Refusing):
    """The settings of a context."""

    _called, _instead = "sc._jsc.sc().conf()", "use sc.getConf()"

    def __init__(self, sc: SparkContext) -> None:
        self._conf = sc._conf

    def get(self, key: str, default: str | None = None) -> str:
        """A setting. Raises: Py4JJavaError when it is not set and there is no default."""
        found = self._conf.get(key, default)
        if found is None:
            raise java_error("java.util.NoSuchElementException", key)
        return found

    def set(self, key: str, value: str) -> JavaConf:
        """Changes a setting."""
        self._conf.set(key, value)
        return self

    def contains(self, key: str) -> bool:
        """Whether a setting is set."""
        return self._conf.contains(key)

    def toDebugString(self) -> str:
        """All settings."""
        return self._conf.toDebugString()


class JavaContext(Refusing):
    """`sc._jsc` and `sc._jsc.sc()` in one."""

    _called, _instead = "sc._jsc", "use the methods of SparkContext"

    def __init__(self, sc: SparkContext) -> None:
        self._sc = sc

    def sc(self) -> JavaContext:
        """The same."""
        return self

    toSparkContext = sc

    def hadoopConfiguration(self) -> Configuration:
        """Hadoop's settings, which may be changed."""
        return self._sc._hadoop

    def conf(self) -> JavaConf:
        """The settings."""
        return JavaConf(self._sc)

    getConf = conf

    def isStopped(self) -> bool:
        """Whether the context was stopped."""
        return self._sc._engine is None

    def getExecutorMemoryStatus(self) -> Sized:
        """One entry: all tasks are in this process."""
        return Sized(f"localhost:0 -> ({limit_of(self._sc._conf)})")

    def uiWebUrl(self) -> Option[str]:
        """There is no page about the application."""
        return Option(self._sc.uiWebUrl)

    def getCheckpointDir(self) -> Option[str]:
        """The folder for checkpoints, if it is set."""
        return Option(self._sc.getCheckpointDir())

    def statusTracker(self) -> Tracker:
        """What is known of executors."""
        return Tracker()

    def version(self) -> str:
        """The version of Spark whose API this is."""
        return self._sc.version

    def applicationId(self) -> str:
        """A name for this run of the program."""
        return self._sc.applicationId

    def appName(self) -> str:
        """The application's name."""
        return self._sc.appName

    def master(self) -> str:
        """Where tasks run."""
        return self._sc.master

    def startTime(self) -> int:
        """When the context was made, in milliseconds since the epoch."""
        return self._sc.startTime

    def sparkUser(self) -> str:
        """Who runs the application."""
        return self._sc.sparkUser()

    def deployMode(self) -> str:
        """Where the driver runs: here."""
        return "client"

    def isLocal(self) -> bool:
        """Whether tasks run on this machine."""
        return True

    def defaultParallelism(self) -> int:
        """Partitions of `parallelize`."""
        return self._sc.defaultParallelism

    def defaultMinPartitions(self) -> int:
        """Partitions that file inputs are cut into at least."""
        return self._sc.defaultMinPartitions

    def setLogLevel(self, level: str) -> None:
        """Sets the level of messages."""
        self._sc.setLogLevel(level)

    def setLocalProperty(self, key: str, value: str) -> None:
        """Sets a property of the jobs of this thread."""
        self._sc.setLocalProperty(key, value)

    def getLocalProperty(self, key: str) -> str | None:
        """A property of the jobs of this thread."""
        return self._sc.getLocalProperty(key)

    def cancelAllJobs(self) -> None:
        """Cancels all jobs."""
        self._sc.cancelAllJobs()

    def addJar(self, path: str) -> NoReturn:
        """Raises Py4JJavaError: a jar is Java code."""
        name = os.path.basename(path)
        problem = f"addJar: {name} is Java code, and dstreams runs without a JVM: use addPyFile for Python modules"
        raise java_error("java.lang.UnsupportedOperationException", problem)

    def stop(self) -> None:
        """Stops the context."""
        self._sc.stop()

    close = stop
