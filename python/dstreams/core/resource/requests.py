"""What does a stage ask for: of each executor, and for each of its tasks?"""

from __future__ import annotations

import re
from typing import Any

from dstreams.core.engine.errors import java_error

__all__ = ["ExecutorResourceRequest", "ExecutorResourceRequests", "TaskResourceRequest", "TaskResourceRequests"]

_SIZE = re.compile("([0-9]+)([a-z]*)")
_BYTES = {"b": 0, "k": 10, "m": 20, "g": 30, "t": 40, "p": 50}


class ExecutorResourceRequest:
    """So much of a resource for an executor, and for special resources how it finds them."""

    def __init__(self, resourceName: str, amount: int, discoveryScript: str = "", vendor: str = "") -> None:
        self._name = resourceName
        self._amount = amount
        self._discovery_script = discoveryScript
        self._vendor = vendor

    @property
    def resourceName(self) -> str:
        """The resource: `cores`, `memory`, ..., or the name of a special one."""
        return self._name

    @property
    def amount(self) -> int:
        """How many; memory in MiB."""
        return self._amount

    @property
    def discoveryScript(self) -> str:
        """The program that tells an executor its addresses."""
        return self._discovery_script

    @property
    def vendor(self) -> str:
        """Who makes it."""
        return self._vendor


class ExecutorResourceRequests:
    """What each executor needs. Each method returns the object itself, so that calls chain."""

    _CORES = "cores"
    _MEMORY = "memory"
    _OVERHEAD_MEM = "memoryOverhead"
    _PYSPARK_MEM = "pyspark.memory"
    _OFFHEAP_MEM = "offHeap"

    def __init__(self, _jvm: Any = None, _requests: dict[str, ExecutorResourceRequest] | None = None) -> None:
        self._executor_resources = dict(_requests or {})

    def memory(self, amount: str) -> ExecutorResourceRequests:
        """Memory of the executor, such as `512m` or `2g`; a bare number counts MiB."""
        return self._memory(self._MEMORY, amount)

    def memoryOverhead(self, amount: str) -> ExecutorResourceRequests:
        """Memory beside the executor's own."""
        return self._memory(self._OVERHEAD_MEM, amount)

    def pysparkMemory(self, amount: str) -> ExecutorResourceRequests:
        """Memory of the Python processes."""
        return self._memory(self._PYSPARK_MEM, amount)

    def offheapMemory(self, amount: str) -> ExecutorResourceRequests:
        """Memory outside the heap."""
        return self._memory(self._OFFHEAP_MEM, amount)

    def _memory(self, name: str, amount: str) -> ExecutorResourceRequests:
        self._executor_resources[name] = ExecutorResourceRequest(name, mebibytes(amount))
        return self

    def cores(self, amount: int) -> ExecutorResourceRequests:
        """Processors."""
        self._executor_resources[self._CORES] = ExecutorResourceRequest(self._CORES, amount)
        return self

    def resource(
        self, resourceName: str, amount: int, discoveryScript: str = "", vendor: str = ""
    ) -> ExecutorResourceRequests:
        """A special resource, such as `gpu`."""
        self._executor_resources[resourceName] = ExecutorResourceRequest(resourceName, amount, discoveryScript, vendor)
        return self

    @property
    def requests(self) -> dict[str, ExecutorResourceRequest]:
        """All that was asked for, by name."""
        return self._executor_resources


class TaskResourceRequest:
    """So much of a resource for a task; half of one or less means that tasks share it."""

    def __init__(self, resourceName: str, amount: float) -> None:
        self._name = resourceName
        self._amount = float(amount)

    @property
    def resourceName(self) -> str:
        """The resource: `cpus`, or the name of a special one."""
        return self._name

    @property
    def amount(self) -> float:
        """How many."""
        return self._amount


class TaskResourceRequests:
    """What each task needs. Each method returns the object itself, so that calls chain."""

    _CPUS = "cpus"

    def __init__(self, _jvm: Any = None, _requests: dict[str, TaskResourceRequest] | None = None) -> None:
        self._task_resources = dict(_requests or {})

    def cpus(self, amount: int) -> TaskResourceRequests:
        """Processors."""
        self._task_resources[self._CPUS] = TaskResourceRequest(self._CPUS, amount)
        return self

    def resource(self, resourceName: str, amount: float) -> TaskResourceRequests:
        """A special resource. Raises Py4JJavaError for an amount that is neither whole nor at most a half."""
        if amount > 0.5 and amount % 1:
            problem = f"assertion failed: The resource amount {amount} must be either <= 0.5, or a whole number."
            raise java_error("java.lang.AssertionError", problem)
        self._task_resources[resourceName] = TaskResourceRequest(resourceName, amount)
        return self

    @property
    def requests(self) -> dict[str, TaskResourceRequest]:
        """All that was asked for, by name."""
        return self._task_resources


def mebibytes(amount: str) -> int:
    """A size as Spark writes it, in whole MiB. Raises Py4JJavaError when it is none."""
    found = _SIZE.fullmatch(amount.strip().lower())
    unit = found.group(2).removesuffix("b") or found.group(2) or "m" if found else ""
    if found is None or unit not in _BYTES:
        raise java_error(
            "java.lang.NumberFormatException",
            "Size must be specified as bytes (b), kibibytes (k), mebibytes (m), gibibytes (g), tebibytes (t), or "
            f"pebibytes(p). E.g. 50b, 100k, or 250m.\nFailed to parse byte string: {amount}",
        )
    return (int(found.group(1)) << _BYTES[unit]) >> 20
