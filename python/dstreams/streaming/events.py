"""What do listeners get? Event objects whose facts are read with getter methods, as from Spark's JVM objects."""

from __future__ import annotations

from typing import Any

from dstreams.streaming.log import logger


class Time:
    """A batch time."""

    def __init__(self, milliseconds: int) -> None:
        self._milliseconds = milliseconds

    def milliseconds(self) -> int:
        """Milliseconds since 1970."""
        return self._milliseconds

    def __str__(self) -> str:
        return f"{self._milliseconds} ms"

    def __repr__(self) -> str:
        return str(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Time) and self._milliseconds == other._milliseconds

    def __hash__(self) -> int:
        return hash(self._milliseconds)


class Facts:
    """Getter methods over a dict of facts; times of batches are `Time` objects."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self._facts = facts

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._facts:
            raise AttributeError(f"{type(self).__name__} has no getter {name}()")
        return lambda: self._facts[name]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={fact!r}' for name, fact in self._facts.items())})"


class StreamInputInfo(Facts):
    """What an input brought into a batch: inputStreamId(), numRecords(), metadataDescription()."""


class OutputOperationInfo(Facts):
    """An output operation: batchTime(), id(), name(), description(), startTime(), endTime(), failureReason()."""


class BatchInfo(Facts):
    """A batch: batchTime(), numRecords(), delays and times (-1 while unknown), inputs and outputs by number."""

    def streamIdToInputInfo(self) -> dict[int, StreamInputInfo]:
        """What each input brought."""
        return {one["inputStreamId"]: StreamInputInfo(one) for one in self._facts["inputs"]}

    def outputOperationInfos(self) -> dict[int, OutputOperationInfo]:
        """The output operations."""
        return {one["id"]: _output(one) for one in self._facts["outputs"]}


class ReceiverInfo(Facts):
    """A receiver: streamId(), name(), active(), location(), executorId(), lastErrorMessage(), lastError() with its
    traceback, lastErrorTime() in milliseconds; the last three are empty or -1 without an error."""


def batch_info(facts: dict[str, Any]) -> BatchInfo:
    """The object for a batch's facts."""
    return BatchInfo(_with_time(facts))


class Event(Facts):
    """An event: one getter for what it is about."""


def _with_time(facts: dict[str, Any]) -> dict[str, Any]:
    return {**facts, "batchTime": Time(facts["batchTime"])}


def _output(facts: dict[str, Any]) -> OutputOperationInfo:
    return OutputOperationInfo(_with_time(facts))


def _event(name: str, facts: dict[str, Any]) -> Event:
    if name == "onStreamingStarted":
        return Event(facts)
    if name.startswith("onReceiver"):
        return Event({"receiverInfo": ReceiverInfo(facts)})
    if name.startswith("onBatch"):
        return Event({"batchInfo": batch_info(facts)})
    return Event({"outputOperationInfo": _output(facts)})


def tell(listener: Any, name: str, facts: dict[str, Any]) -> None:
    """Calls a listener's method; its error is logged and ends nothing."""
    try:
        getattr(listener, name)(_event(name, facts))
    except Exception:
        logger.exception("%s of a StreamingListener raised", name)
