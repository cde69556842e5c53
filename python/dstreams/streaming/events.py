"""What do listeners get? Event objects whose facts are read with getter methods, as from Spark's JVM objects.

1. Classes, fields and their order are those of Spark's Java side, so objects print as they do there.
2. Objects never change. Times and delays are milliseconds, -1 while unknown.
Elsewhere: the maps that some getters give (`javamaps.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dstreams.core.engine.errors import Py4JError
from dstreams.core.files import java_hash
from dstreams.streaming.javamaps import JavaMap, java_text
from dstreams.streaming.log import logger

_PACKAGE = "org.apache.spark.streaming.api.java."


class JavaClass:
    """What `getClass()` of such an object gives."""

    def __init__(self, name: str) -> None:
        self._name = name

    def getName(self) -> str:
        """The name with its package."""
        return self._name

    def getSimpleName(self) -> str:
        """The name without its package."""
        return self._name.rpartition(".")[2]

    def __str__(self) -> str:
        return f"class {self._name}"

    toString = __str__


class Time:
    """A batch time."""

    def __init__(self, milliseconds: int) -> None:
        self._milliseconds = milliseconds

    def milliseconds(self) -> int:
        """Milliseconds since 1970."""
        return self._milliseconds

    def toString(self) -> str:
        """Milliseconds and their unit."""
        return f"{self._milliseconds} ms"

    def equals(self, other: object) -> bool:
        """Whether it is the same time."""
        return self == other

    def hashCode(self) -> int:
        """A number that equal times share."""
        return java_hash(self.toString())

    def getClass(self) -> JavaClass:
        """Its class in Spark."""
        return JavaClass("org.apache.spark.streaming.Time")

    def __str__(self) -> str:
        return self.toString()

    __repr__ = __str__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Time) and self._milliseconds == other._milliseconds

    def __hash__(self) -> int:
        return hash(self._milliseconds)


class Facts:
    """Getter methods over a dict of facts. Calling one that there is not raises Py4JError, as in Spark."""

    _java: str
    _fields: tuple[str, ...]

    def __init__(self, facts: dict[str, Any]) -> None:
        self._facts = facts

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__} has no attribute {name}")

        def getter(*arguments: Any) -> Any:
            if name not in self._fields or arguments:
                problem = f"it has no such method without arguments, only {self._told()}"
                raise Py4JError(f"An error occurred while calling {self._java}.{name}: {problem}")
            return self._facts[name]

        return getter

    def _told(self) -> str:
        return ", ".join(f"{field}()" for field in self._fields)

    def toString(self) -> str:
        """Its class and its facts, as Spark prints them."""
        return f"{self._java}({','.join(java_text(self._facts[field]) for field in self._fields)})"

    def __str__(self) -> str:
        return self.toString()

    __repr__ = __str__

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._fields})

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._facts == other._facts

    def __hash__(self) -> int:
        return hash(self.toString())

    def equals(self, other: object) -> bool:
        """Whether the other one says the same."""
        return self == other

    def hashCode(self) -> int:
        """A number that equal objects share."""
        return java_hash(self.toString())

    def getClass(self) -> JavaClass:
        """Its class in Spark."""
        return JavaClass(_PACKAGE + self._java)

    def productArity(self) -> int:
        """How many facts there are."""
        return len(self._fields)

    def productElement(self, n: int) -> Any:
        """The fact number `n`, from 0."""
        if not 0 <= n < len(self._fields):
            raise Py4JError(f"n: {self._java} has facts 0 to {len(self._fields) - 1}, not {n}")
        return self._facts[self._fields[n]]

    def productPrefix(self) -> str:
        """The name of its class."""
        return self._java


class StreamInputInfo(Facts):
    """What an input brought into a batch; `metadataDescription()` is None unless it reads files."""

    _java = "JavaStreamInputInfo"
    _fields = ("inputStreamId", "numRecords", "metadata", "metadataDescription")


class OutputOperationInfo(Facts):
    """An output operation of a batch; `failureReason()` is None unless it failed."""

    _java = "JavaOutputOperationInfo"
    _fields = ("batchTime", "id", "name", "description", "startTime", "endTime", "failureReason")


class BatchInfo(Facts):
    """A batch: its time, numbers of records, delays and times, inputs and outputs by number."""

    _java = "JavaBatchInfo"
    _fields = (
        "batchTime",
        "streamIdToInputInfo",
        "submissionTime",
        "processingStartTime",
        "processingEndTime",
        "schedulingDelay",
        "processingDelay",
        "totalDelay",
        "numRecords",
        "outputOperationInfos",
    )


class ReceiverInfo(Facts):
    """A receiver; `lastErrorMessage()` and `lastError()`, with its traceback, are empty without an error."""

    _java = "JavaReceiverInfo"
    _fields = (
        "streamId",
        "name",
        "active",
        "location",
        "executorId",
        "lastErrorMessage",
        "lastError",
        "lastErrorTime",
    )


class Event(Facts):
    """An event: one getter for what it is about."""

    def __init__(self, name: str, facts: dict[str, Any]) -> None:
        super().__init__(facts)
        self._java = f"JavaStreamingListener{name.removeprefix('on')}"
        self._fields = tuple(facts)

    def toString(self) -> str:
        """Its class, and a number of its own: Spark's events say no more."""
        return f"{_PACKAGE}{self._java}@{id(self) & 0xFFFFFFFF:x}"


def _input(facts: dict[str, Any]) -> StreamInputInfo:
    # Those of files say which these are.
    text = facts["metadataDescription"]
    metadata = JavaMap() if text is None else JavaMap({"files": _Files(text.splitlines()), "Description": text})
    return StreamInputInfo({**facts, "metadata": metadata})


class _Files(list[str]):
    """Names that print as a list of Scala's."""

    def toString(self) -> str:
        return f"List({', '.join(self)})"


def _output(facts: dict[str, Any]) -> OutputOperationInfo:
    return OutputOperationInfo({**facts, "batchTime": Time(facts["batchTime"])})


def batch_info(facts: dict[str, Any]) -> BatchInfo:
    """The object for a batch's facts."""
    inputs = JavaMap((one["inputStreamId"], _input(one)) for one in facts["inputs"])
    outputs = JavaMap((one["id"], _output(one)) for one in facts["outputs"])
    time = Time(facts["batchTime"])
    return BatchInfo({**facts, "batchTime": time, "streamIdToInputInfo": inputs, "outputOperationInfos": outputs})


def _event(name: str, facts: dict[str, Any]) -> Event:
    if name == "onStreamingStarted":
        return Event(name, facts)
    if name.startswith("onReceiver"):
        return Event(name, {"receiverInfo": ReceiverInfo(facts)})
    if name.startswith("onBatch"):
        return Event(name, {"batchInfo": batch_info(facts)})
    return Event(name, {"outputOperationInfo": _output(facts)})


def tell(listener: Any, name: str, facts: dict[str, Any]) -> None:
    """Calls a listener's method; its error is logged and ends nothing."""
    try:
        getattr(listener, name)(_event(name, facts))
    except Exception:
        logger.exception("%s of a StreamingListener raised", name)
