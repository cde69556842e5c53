"""Are there worker processes, how many, and how are they started?

`spark.dstreams.python.workers` is their number: 0, the default, runs functions in the driver's own process, except
those that make sets (`sets.py`). `none` has these run there, too.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from dstreams import _native
from dstreams.core.closures.sets import makes_sets, seed_is_zero
from dstreams.core.engine.errors import java_error
from dstreams.core.engine.memory import limit_of, task_limit_of
from dstreams.core.engine.settings import value_of
from dstreams.core.taskcontext import CPUS
from dstreams.core.workers.travel import shipment

if TYPE_CHECKING:
    from dstreams.core.conf import SparkConf
    from dstreams.core.engine.localdirs import LocalDirs
    from dstreams.core.rdds.native import Form

COUNT = "spark.dstreams.python.workers"
TRIES = "spark.task.maxFailures"
SEED = "PYTHONHASHSEED"
_ENVIRONMENT = "spark.executorEnv."

# The name in the middle is for whoever looks at a list of processes.
_NAME = "dstreams-worker"
_PROGRAM = """
import sys; sys.path[:] = sys.argv[2:]; del sys.argv[1:]
from dstreams.core.workers import worker; worker.main({})
""".strip()


class WorkerPools:
    """The worker processes of one context: for all functions of the program, or for those that make sets.

    Raises: Py4JJavaError (IllegalArgumentException) when the settings are wrong.
    """

    def __init__(self, conf: SparkConf, local_dirs: LocalDirs, threads: int) -> None:
        self._lock = threading.Lock()
        self._make: Callable[[int], _native.Workers] = partial(_workers_of, conf, local_dirs)
        self._threads = threads
        count: int | None = value_of(conf, COUNT)
        self._for_sets = count is not None and bool(sys.executable) and not seed_is_zero()
        self._for_all = self._make(count) if count else None
        self._pool = self._for_all

    def remote_form(
        self, steps: list[tuple[str, int]], functions: list[Any], forms: list[Form] | None
    ) -> tuple[_native.Workers, bytes, list[bool]] | None:
        """A chain as worker processes get it; None when it runs in this process."""
        workers = self._for_all
        if workers is None and self._for_sets and any(map(makes_sets, functions)):
            with self._lock:
                # As many as there are task threads: tasks may wait for each other.
                workers = self._pool = self._pool or self._make(self._threads)
        shipped = shipment(steps, functions, forms) if workers is not None else None
        return (workers, *shipped) if workers is not None and shipped is not None else None

    def processes(self) -> list[int]:
        """The process numbers of those that are there now."""
        return [] if self._pool is None else self._pool.processes()

    def stop(self) -> None:
        """Ends all of them."""
        if self._pool is not None:
            self._pool.stop()


def executor_environment(conf: SparkConf) -> dict[str, str]:
    """The environment variables that the program sets for its tasks."""
    set_here = ((key, value) for key, value in conf.getAll() if key.startswith(_ENVIRONMENT))
    return {key[len(_ENVIRONMENT) :]: value for key, value in set_here}


def task_environment(conf: SparkConf) -> dict[str, str]:
    """What tasks find in their environment beside what the driver has: hash seed 0, as Spark's workers have."""
    cpus = value_of(conf, "spark.task.cpus")
    told = {CPUS: str(cpus)} if cpus > 1 else {}
    return {SEED: "0", **told, **executor_environment(conf)}


def task_threads(conf: SparkConf, cores: int) -> int:
    """How many tasks run side by side. Raises: Py4JJavaError when one wants more processors than there are."""
    cpus: int = value_of(conf, "spark.task.cpus")
    if cpus > cores:
        raise java_error(
            "org.apache.spark.SparkException",
            f"The number of cores per executor (={cores}) has to be >= the number of cpus per task = {cpus} "
            f"(spark.task.cpus, and the master {conf.get('spark.master')})",
        )
    return cores // cpus


def _workers_of(conf: SparkConf, local_dirs: LocalDirs, count: int) -> _native.Workers:
    """So many worker processes, of which none is started yet."""
    environment = list(task_environment(conf).items())
    # The budget of the driver's engine once more, for all of them together.
    limits = limit_of(conf) // count, task_limit_of(conf)
    return _native.Workers(count, value_of(conf, TRIES), _command(limits), environment, local_dirs.claim)


def _command(limits: tuple[int, int | None]) -> list[str]:
    if not sys.executable:
        raise java_error(
            "java.lang.IllegalArgumentException",
            f"{COUNT}: sys.executable does not say which Python this is, so no other process can run it; use 0 here",
        )
    # Of this interpreter's options, those that would make it overlook PYTHONHASHSEED are left out.
    options = [option for option in subprocess._args_from_interpreter_flags() if option not in ("-E", "-I", "-R")]  # type: ignore[attr-defined]
    return [sys.executable, *options, "-c", _PROGRAM.format(limits), _NAME, *map(str, sys.path)]
