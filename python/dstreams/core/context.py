"""How does a program reach the engine? `SparkContext`: makes RDDs, shared variables, and runs jobs.

One context may be active per process, as in Spark. A forked child has none of its parent's, and may make its own.
"""

from __future__ import annotations

import getpass
import html
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, Protocol, TypeVar

from dstreams import _native
from dstreams.core.accumulators import Accumulator, AccumulatorParam, new_accumulator
from dstreams.core.broadcast import Broadcast
from dstreams.core.conf import SparkConf, set_default
from dstreams.core.engine import callsite, deep, process, signals
from dstreams.core.engine import master as masters
from dstreams.core.engine.arguments import java_text
from dstreams.core.engine.atexit import at_exit
from dstreams.core.engine.context_files import FileInputs
from dstreams.core.engine.context_jobs import JobControl
from dstreams.core.engine.context_rdds import Sources
from dstreams.core.engine.errors import Py4JError, Py4JJavaError, java_error
from dstreams.core.engine.localdirs import LocalDirs
from dstreams.core.engine.memory import limit_of, task_limit_of
from dstreams.core.engine.naming import named_as_one
from dstreams.core.engine.settings import check_core, value_of
from dstreams.core.engine.surroundings import show_to_tasks
from dstreams.core.io.hadoopconf import Configuration
from dstreams.core.io.hadoopreading import FileSettings, Reading, reading_of
from dstreams.core.java import JavaContext, JavaGateway, JavaView
from dstreams.core.java.logs import LogManager
from dstreams.core.profiler import BasicProfiler, MemoryProfiler, Profiler, ProfilerCollector, UDFBasicProfiler
from dstreams.core.rdd import RDD
from dstreams.core.rdds import barrier, lineage
from dstreams.core.rdds.checkpoint import Checkpoints
from dstreams.core.serializers import (
    CPickleSerializer,
    Serializer,
    batched,
)
from dstreams.core.version import SPARK_API_VERSION
from dstreams.core.workers.crew import SEED, WorkerPools, executor_environment, task_environment, task_threads
from dstreams.errors import PySparkRuntimeError

__all__ = ["SparkContext"]

T = TypeVar("T")
U = TypeVar("U")

# Spark's own layout, for programs that look into it.
_PAGE = """
        <div>
            <p><b>SparkContext</b></p>

            <p><a href="{}">Spark UI</a></p>

            <dl>
              <dt>Version</dt>
                <dd><code>v{}</code></dd>
              <dt>Master</dt>
                <dd><code>{}</code></dd>
              <dt>AppName</dt>
                <dd><code>{}</code></dd>
            </dl>
        </div>
        """

# What jobs and streams fail with that a stop ends.
SHUT_DOWN = "Job aborted because SparkContext was shut down"
LOG_LEVELS = ("ALL", "DEBUG", "ERROR", "FATAL", "TRACE", "WARN", "INFO", "OFF")


class Breakable(Protocol):
    """What runs on a context and has to end with it."""

    def _break_off(self, reason: str) -> Callable[[], None] | None:
        """Begins to end; what is returned waits for that. None if it does not run."""


@named_as_one
class SparkContext(JobControl, Sources, FileInputs):
    """The main entry point: a pool of task threads and what runs on it.

    All arguments are Spark's; `sparkHome`, `gateway` and `jsc` are accepted and not needed. With another `serializer`
    than the usual one, elements pass through it when they leave the driver and when they come back, in lists of
    `batchSize`: 1 for elements one by one, 0 for lists of as many as are worth it.
    Raises: ValueError when another context is active; Py4JJavaError when the master is none of Spark's.
    """

    _active_spark_context: ClassVar[SparkContext | None] = None
    _lock: ClassVar[threading.RLock] = threading.RLock()
    _gateway: ClassVar[Any] = None
    _jvm: ClassVar[Any] = None

    def __init__(
        self,
        master: str | None = None,
        appName: str | None = None,
        sparkHome: str | None = None,
        pyFiles: list[str] | None = None,
        environment: dict[str, Any] | None = None,
        batchSize: int = 0,
        serializer: Serializer = CPickleSerializer(),  # noqa: B008 - it has no state
        conf: SparkConf | None = None,
        gateway: Any = None,
        jsc: Any = None,
        profiler_cls: type[Profiler] = BasicProfiler,
        udf_profiler_cls: type[Profiler] = UDFBasicProfiler,
        memory_profiler_cls: type[Profiler] = MemoryProfiler,
    ) -> None:
        if _native.task_info() is not None:
            raise PySparkRuntimeError(error_class="CONTEXT_ONLY_VALID_ON_DRIVER", message_parameters={})
        self._callsite = callsite.where()
        if gateway is not None and gateway.gateway_parameters.auth_token is None:
            raise ValueError("gateway: an insecure Py4j gateway, one without auth_token, is refused, as in Spark")
        with SparkContext._lock:
            self._check_alone()
            self._process = process.current
            self._engine: _native.Engine | None = None
            self._stopping = False
            self._set_up(master, appName, sparkHome, environment, conf)
            self._batchSize, self._unbatched_serializer = batchSize, serializer
            self.serializer = batched(serializer, batchSize)
            self.profiler_collector = self._profilers(profiler_cls, udf_profiler_cls, memory_profiler_cls)
            SparkContext._active_spark_context = self
            at_exit(_stop_active)
        for path in pyFiles or []:
            self.addPyFile(path)

    def _profilers(
        self, profiler: type[Profiler], udf_profiler: type[Profiler], memory_profiler: type[Profiler]
    ) -> ProfilerCollector | None:
        if not any(value_of(self._conf, f"spark.python.profile{which}") for which in ("", ".memory")):
            return None
        dump_path = self._conf.get("spark.python.profile.dump")
        return ProfilerCollector(profiler, udf_profiler, memory_profiler, dump_path)

    def _check_alone(self) -> None:
        active = SparkContext._active_spark_context
        if active is not None:
            function, file, line = active._callsite
            raise ValueError(
                "Cannot run multiple SparkContexts at once; existing SparkContext"
                f"(app={active.appName}, master={active.master}) created by {function} at {file}:{line} "
            )

    def _set_up(
        self,
        master: str | None,
        app_name: str | None,
        home: str | None,
        environment: dict[str, Any] | None,
        conf: SparkConf | None,
    ) -> None:
        self._conf = conf._copy() if conf is not None else SparkConf()
        for key, value in (("spark.master", master), ("spark.app.name", app_name), ("spark.home", home)):
            if value:
                self._conf.set(key, value)
        for key, value in (environment or {}).items():
            self._conf.setExecutorEnv(key, str(value))
        self._conf.setIfMissing("spark.master", os.environ.get("MASTER") or "local[*]")
        self._conf.setIfMissing("spark.app.name", "pyspark-shell")
        self.environment = dict(environment or {})
        self.master = self._conf.get("spark.master") or ""
        self.appName = self._conf.get("spark.app.name") or ""
        self.sparkHome = self._conf.get("spark.home")
        self._streams: weakref.WeakSet[Breakable] = weakref.WeakSet()
        check_core(self._conf)
        cores, failures = masters.parse(self.master)
        self._cores, threads = cores, task_threads(self._conf, cores)
        self._local_dirs = LocalDirs(self._conf)
        self._workers = WorkerPools(self._conf, self._local_dirs, threads)
        limits = limit_of(self._conf), task_limit_of(self._conf)
        self._engine = _native.Engine(threads, failures, *limits, self._local_dirs.claim)
        signals.begin()
        deep.bound_calls()
        self._next_rdd = lineage.numbers()
        self._start_time = int(time.time() * 1000)
        self.pythonExec = os.environ.get("PYSPARK_PYTHON", "python3")
        self.pythonVer = "{}.{}".format(*sys.version_info[:2])
        self._python_includes = []
        SparkContext._jvm = SparkContext._jvm or JavaView()
        SparkContext._gateway = SparkContext._gateway or JavaGateway(SparkContext._jvm)
        self._java = JavaContext(self)
        self._hadoop = Configuration.of_spark(self._conf.getAll())
        self._file_settings = FileSettings.of(self._conf, self._hadoop)
        self._hadoop.on_change(self._tell_engine)
        self._tell_engine()
        self._checkpoints = Checkpoints(self)
        self._checkpoint_dir: str | None = None
        self._barriers: dict[int, tuple[int, ...]] = {}  # the barrier steps in each node that has some
        seed = {SEED: os.environ.get(SEED, "0")}
        self.environment |= {**executor_environment(self._conf), **seed}
        show_to_tasks({**task_environment(self._conf), **seed, **executor_environment(self._conf)})
        self._conf.setIfMissing("spark.app.id", self.applicationId)
        self._conf.setIfMissing("spark.app.startTime", str(self.startTime))
        self._conf.setIfMissing("spark.executor.id", "driver")
        self._conf.setIfMissing("spark.driver.host", "localhost")

    @property
    def _jsc(self) -> JavaContext | None:
        """What programs reach of the JVM side; nothing once the context was stopped."""
        return self._java if self._engine is not None else None

    def _tell_engine(self) -> None:
        """Tells the engine what Hadoop's settings say about reading; what cannot be used is reported by who reads."""
        engine = self._engine
        if engine is None:
            return
        try:
            engine.tell(self._reading_of_streams())
        except Py4JJavaError as error:
            name = error.java_exception.getName()
            # With what there is more to say than Java does.
            engine.tell(Reading(), (name, str(error).partition(f": {name}: ")[2]))

    def _reading_of_streams(self) -> Reading:
        try:
            return reading_of(self._hadoop, self._file_settings, new_api=True)
        except Py4JJavaError:  # if it is the largest split, that is no matter for `textFile`
            return reading_of(self._hadoop, self._file_settings)

    # -- what the context tells -----------------------------------------------------------------
    def __repr__(self) -> str:
        return f"<SparkContext master={self.master} appName={self.appName}>"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return _PAGE.format(*map(html.escape, (str(self.uiWebUrl), self.version, self.master, self.appName)))

    def __getnewargs__(self) -> Any:
        raise PySparkRuntimeError(error_class="CONTEXT_ONLY_VALID_ON_DRIVER", message_parameters={})

    def __enter__(self) -> SparkContext:
        return self

    def __exit__(self, *failure: object) -> None:
        self.stop()

    @classmethod
    def getOrCreate(cls, conf: SparkConf | None = None) -> SparkContext:
        """The active context, or a new one with `conf`."""
        with cls._lock:
            active = cls._active_spark_context
            return active if active is not None else cls(conf=conf)

    @classmethod
    def setSystemProperty(cls, key: str, value: str) -> None:
        """Sets a setting for contexts made afterwards. Names that do not begin with `spark.` have no meaning here."""
        known = java_text("key", key), java_text("value", value)
        if key.startswith("spark."):
            set_default(*known)

    @property
    def resources(self) -> dict[str, Any]:
        """Resources of the driver beside processors, such as GPUs: none."""
        self._running  # noqa: B018 - a stopped context must say so
        return {}

    def getConf(self) -> SparkConf:
        """A copy of the settings."""
        return self._conf._copy()

    @property
    def version(self) -> str:
        """The version of Spark whose API and answers these are."""
        self._running  # noqa: B018 - a stopped context must say so
        return SPARK_API_VERSION

    @property
    def startTime(self) -> int:
        """When the context was made, in milliseconds since the epoch."""
        self._running  # noqa: B018 - a stopped context must say so
        return self._start_time

    @property
    def applicationId(self) -> str:
        """A name for this run of the program."""
        self._running  # noqa: B018 - a stopped context must say so
        return f"local-{self._start_time}"

    @property
    def uiWebUrl(self) -> str | None:
        """The address of the web page about this application; None when there is none."""
        self._running  # noqa: B018 - a stopped context must say so
        return None

    @property
    def defaultParallelism(self) -> int:
        """Partitions of `parallelize`: `spark.default.parallelism`, else the number of processors."""
        self._running  # noqa: B018 - a stopped context must say so
        return value_of(self._conf, "spark.default.parallelism") or self._cores

    @property
    def defaultMinPartitions(self) -> int:
        """Partitions that file inputs are cut into at least."""
        return min(self.defaultParallelism, 2)

    def sparkUser(self) -> str:
        """Name of the user who runs the application."""
        self._running  # noqa: B018 - a stopped context must say so
        return getpass.getuser()

    def setLogLevel(self, logLevel: str) -> None:
        """Messages of this level and above alone are written, by Python's logger `dstreams`.

        Raises: Py4JJavaError, naming the level, for one that Spark does not know.
        """
        self._running  # noqa: B018 - a stopped context must say so
        if java_text("logLevel", logLevel).upper() not in LOG_LEVELS:
            raise java_error(
                "java.lang.IllegalArgumentException",
                f"requirement failed: Supplied level {logLevel} did not match one of: {','.join(LOG_LEVELS)}",
            )
        LogManager.getRootLogger().setLevel(logLevel.upper())

    @property
    def _running(self) -> _native.Engine:
        process.check(self._process, "this SparkContext")
        if self._engine is None:
            # Spark's own failure here is an AttributeError about its missing JVM object.
            raise AttributeError("Cannot call methods on a stopped SparkContext; create a new one")
        return self._engine

    def _is_alive(self) -> bool:
        return self._engine is not None

    def stop(self) -> None:
        """End all jobs; the context cannot be used afterwards. Stopping twice is harmless.

        Streams that run on it end: `awaitTermination` raises Py4JJavaError. What their last batches had not finished is
        not in their checkpoints, so a stream that goes on from there makes these batches again.
        In a forked child it ends nothing: the context is the parent's.
        """
        if not process.is_here(self._process):
            return
        # A stream that begins at this moment looks at it.
        self._stopping = True
        # Without the lock, which code of the program may want before it ends.
        broken = [end for end in map(_ending, list(self._streams)) if end is not None]
        with SparkContext._lock:
            engine, self._engine = self._engine, None
            if engine is not None:
                engine.stop("because SparkContext was shut down")
                for join in broken:
                    join()
                self._workers.stop()
                self._local_dirs.remove()
                self._forget_files()
            if SparkContext._active_spark_context is self:
                SparkContext._active_spark_context = None

    # -- shared variables -----------------------------------------------------------------------
    def broadcast(self, value: T) -> Broadcast[T]:
        """A read-only copy of `value` for all tasks."""
        self._running  # noqa: B018 - a stopped context must say so
        return Broadcast(self, value)

    def accumulator(self, value: T, accum_param: AccumulatorParam[T] | None = None) -> Accumulator[T]:
        """A variable that tasks add to. Numbers add with `+=`; other types need an `AccumulatorParam`."""
        return new_accumulator(value, accum_param)

    # -- jobs -----------------------------------------------------------------------------------
    def runJob(
        self,
        rdd: RDD[T],
        partitionFunc: Callable[[Iterable[T]], Iterable[U]],
        partitions: Sequence[int] | None = None,
        allowLocal: bool = False,
    ) -> list[U]:
        """Runs `partitionFunc` on the given partitions (default: all); the results in one list, in that order."""
        total = rdd.getNumPartitions()
        chosen = None if partitions is None else _partitions(partitions)
        if chosen is None:
            rdd._show()  # which Spark asks for its partitions
        for partition in chosen or ():
            if not 0 <= partition < total:
                raise java_error(
                    "java.lang.IllegalArgumentException",
                    f"Attempting to access a non-existent partition: {partition}. Total number of partitions: {total}",
                )
        return rdd._collect_node(rdd.mapPartitions(partitionFunc), chosen)

    def _collect(self, node: _native.Rdd, partitions: list[int] | None = None) -> list[Any]:
        """All elements of the given partitions (default: all), then the checkpoints that were due."""
        found = barrier.collect(self, node, partitions) if self._barriers else self._running.collect(node, partitions)
        self._checkpoints.after_job(node)
        return found

    def _collect_some(self, node: _native.Rdd, partition: int) -> tuple[list[Any], BaseException | None]:
        """The elements of a partition, or of pairs those that fit, and the exception for the others."""
        if self._barriers:
            return self._collect(node, [partition]), None
        found = self._running.collect_to_misfit(node, partition)
        self._checkpoints.after_job(node)
        return found

    def show_profiles(self) -> None:
        """Prints what the profilers found that was not shown yet. Raises PySparkRuntimeError without profiling."""
        self._profiling.show_profiles()

    def dump_profiles(self, path: str) -> None:
        """Writes `rdd_<id>.pstats` for each profiled RDD into a folder, and forgets what the profilers found.

        Raises: PySparkRuntimeError without profiling, which `spark.python.profile` turns on.
        """
        self._profiling.dump_profiles(path)

    @property
    def _profiling(self) -> ProfilerCollector:
        if self.profiler_collector is None:
            raise PySparkRuntimeError(error_class="INCORRECT_CONF_FOR_PROFILE", message_parameters={})
        return self.profiler_collector

    @property
    def _temp_dir(self) -> str:
        """A folder for files of the program, removed when the context stops."""
        return self._local_dirs.claim()[0]


def _begin_in_child() -> None:
    # Its lock may be that of a thread which the child does not have.
    SparkContext._lock = threading.RLock()
    SparkContext._active_spark_context = None


process.in_child(_begin_in_child)


def _stop_active() -> None:
    active = SparkContext._active_spark_context
    if active is not None:
        active.stop()


def _partitions(chosen: Any) -> list[int]:
    """Numbers of partitions. Raises: Py4JError for what is no list, Py4JJavaError for a list of something else."""
    if isinstance(chosen, str) or not hasattr(chosen, "__iter__"):
        raise Py4JError(f"partitions: expected a list of whole numbers, got {chosen!r:.80}")
    numbers = list(chosen)
    for number in numbers:
        if not isinstance(number, int) or isinstance(number, bool):
            raise java_error("java.lang.ClassCastException", f"partitions: {number!r:.80} is no whole number")
    return numbers


def _ending(stream: Breakable) -> Callable[[], None] | None:
    return stream._break_off(SHUT_DOWN)
