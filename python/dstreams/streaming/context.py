"""The entry point of a streaming program: sources, the batch loop, start and stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar, TypeVar

from dstreams import _native
from dstreams.core.context import SHUT_DOWN, SparkContext
from dstreams.core.engine import process, watch
from dstreams.core.engine.arguments import java_bool, java_int, optional_text
from dstreams.core.engine.atexit import at_exit
from dstreams.core.engine.errors import Py4JError, java_error
from dstreams.core.engine.naming import named_as_one
from dstreams.core.engine.stopped import check_alive
from dstreams.core.io.output import local_path
from dstreams.core.rdd import RDD
from dstreams.core.rdds.checkpoint import checkpoint_path, make_private, remove_empty
from dstreams.core.storagelevel import StorageLevel, check_level
from dstreams.streaming import checkpointing, functions
from dstreams.streaming.base import check_one_context
from dstreams.streaming.dstream import DStream
from dstreams.streaming.durations import duration_ms, milliseconds_of
from dstreams.streaming.engine_side import EngineSide
from dstreams.streaming.events import BatchInfo, batch_info
from dstreams.streaming.listener import StreamingListener
from dstreams.streaming.log import logger
from dstreams.streaming.receiving import ReceiverSources
from dstreams.streaming.settings import (
    block_interval_ms,
    receiver_limits,
    remember_files_ms,
    restart_delay_ms,
    stops_gracefully,
    stream_settings,
    waiting_bytes,
)
from dstreams.streaming.shutdown import forget_sigterm, stop_on_sigterm
from dstreams.streaming.stopping import Stops
from dstreams.streaming.supervisor import ReceiverThread, Supervisor

__all__ = ["StreamingContext"]

T = TypeVar("T")

_PATIENCE = 2.0  # seconds for the batch that runs when the SparkContext is stopped


@named_as_one
class StreamingContext(ReceiverSources):
    """Cuts input into batches of `batchDuration` seconds and runs the program's operations on each.

    Raises: ValueError when the duration is not at least a millisecond; AssertionError, as in Spark, without one.
    Source: pyspark.streaming.StreamingContext (3.5).
    """

    _activeContext: ClassVar[StreamingContext | None] = None
    _lock: ClassVar[threading.RLock] = threading.RLock()

    def __init__(self, sparkContext: SparkContext, batchDuration: float | None = None, jssc: Any = None) -> None:
        if isinstance(sparkContext, SparkContext):
            check_alive(sparkContext)
        self._sc, self._process = sparkContext, process.current
        self._jssc = EngineSide(self)
        goes_on = isinstance(jssc, _native.Checkpoint)
        assert goes_on or batchDuration is not None, "batchDuration: expected a number of seconds, got none"
        interval = jssc.interval_ms if goes_on else duration_ms("batchDuration", batchDuration)
        settings = stream_settings(sparkContext._conf)
        self._runtime = _native.Streaming(sparkContext._running, interval, sparkContext, settings)
        self._checkpoint_folder: str | None = None
        self._has_receivers = False
        self._ran = False
        # The SparkContext was stopped under it: as in Spark it is the active one until it is stopped itself.
        self._broken_off = False
        self._stops = Stops()
        # The thread in which the start is under way, and what that thread's listeners ordered of `stop`.
        self._starter: int | None = None
        self._stop_after_start: list[tuple[bool, bool]] = []
        # Of a context that goes on from a checkpoint: how many outputs that has.
        self._outputs_before: int | None = None
        self._supervisors: list[tuple[int, Supervisor]] = []

    @property
    def _graph(self) -> _native.Streaming:
        process.check(self._process, "this StreamingContext")
        return self._runtime

    @property
    def sparkContext(self) -> SparkContext:
        """The SparkContext that runs the jobs."""
        return self._sc

    # -- life -------------------------------------------------------------------------------------
    def start(self) -> None:
        """Begins at the next multiple of the batch duration; after a checkpoint, with the batches that were missed.

        Raises: Py4JJavaError when there is nothing to do, when the checkpoint folder cannot be written, when a function
        cannot be pickled for it, and when outputs were added to what came back from a checkpoint.
        """
        self._start()
        # Without the lock, which code of the program may want before it ends.
        while self._stop_after_start:
            self.stop(*self._stop_after_start.pop(0))

    def _start(self) -> None:
        with StreamingContext._lock:
            active = StreamingContext.getActive()
            if active is self and self._broken_off:
                return
            if active is not None and active is not self:
                raise java_error(
                    "java.lang.IllegalStateException",
                    "Only one StreamingContext may be started in this JVM. Currently running StreamingContext was "
                    "started elsewhere in this program: call its `stop` first (that its SparkContext is stopped is not "
                    "enough)",
                )
            try:
                checkpointing.check_whole(self)
                self._graph.check_checkpoints(self._sc._checkpoint_dir is not None)
                checkpointing.check_logs(self, self._checkpoint_folder)
                if self._checkpoint_folder is not None and self._graph.is_new():
                    checkpointing.begin_keeping(self, self._checkpoint_folder, self._supervisors)
            except Exception:
                self._graph.stop(False)
                raise
            if watch.watcher is not None:
                watch.watcher.starting(self)
            if self._graph.is_new() and self._sc._engine is None:
                self._graph.stop(False)
                problem = "Cannot call methods on a stopped SparkContext: make a new one, and a StreamingContext of it"
                raise java_error("java.lang.IllegalStateException", problem)
            self._sc._streams.add(self)
            self._starter = threading.get_ident()
            try:
                self._graph.start()
            finally:
                self._starter = None
            if self._sc._stopping:  # by a receiver, say, that began with it
                self._break_off(SHUT_DOWN)
            self._ran = True
            StreamingContext._activeContext = self
            at_exit(_stop_active)
            stop_on_sigterm(self._stop_on_sigterm)

    def awaitTermination(self, timeout: float | None = None) -> None:
        """Waits until the streaming is stopped, or for `timeout` seconds; raises what a batch raised.

        Without a time, and with one below 0, it waits as long as it takes.
        """
        seconds = None if timeout is None else _longest(timeout)
        if watch.watcher is not None:
            watch.watcher.starting(self)
        if self._graph.wait(seconds):
            self._stops.wait(seconds)

    def awaitTerminationOrTimeout(self, timeout: float) -> bool:
        """Waits for at most `timeout` seconds: whether the streaming has ended. Raises what a batch raised.

        With a time below 0 it waits as long as it takes. A context that was stopped before it ran has not ended, as in
        Spark.
        """
        seconds = _longest(timeout)
        if watch.watcher is not None:
            watch.watcher.starting(self)
        stopped = self._graph.wait(seconds)
        if stopped and not self._ran:
            time.sleep(seconds or 0.0)
            return False
        if stopped:
            self._stops.wait(seconds)
        return stopped

    def stop(self, stopSparkContext: bool = True, stopGraceFully: bool = False) -> None:
        """Ends the streaming; with `stopGraceFully` after everything received has been processed.

        From within the stream it does not wait: a listener of the start stops it right after that, a receiver in the
        background; after a graceful one the SparkContext is stopped when the stream has ended.
        In a forked child it ends nothing: the stream is the parent's.
        """
        if not process.is_here(self._process):
            return
        java_bool("stopSparkContext", stopSparkContext)
        java_bool("stopGraceFully", stopGraceFully)
        if self._starter == threading.get_ident():
            self._stop_after_start.append((stopSparkContext, stopGraceFully))
        elif isinstance(threading.current_thread(), ReceiverThread):
            self._stops.begin(self._stop, stopSparkContext, stopGraceFully)
        else:
            self._stop(stopSparkContext, stopGraceFully)

    def _stop(self, stopSparkContext: bool, stopGraceFully: bool) -> None:
        self._graph.stop(stopGraceFully)
        self._forget_active()
        if not stopSparkContext:
            return
        if self._graph.is_active():
            # A thread of the stream has ordered it: the batches that are left want the SparkContext.
            self._stops.begin(self._stop, stopSparkContext, stopGraceFully)
        else:
            self._sc.stop()

    def _forget_active(self) -> None:
        self._broken_off = False
        with StreamingContext._lock:
            if StreamingContext._activeContext is self:
                StreamingContext._activeContext = None
        forget_sigterm(self._stop_on_sigterm)

    def _break_off(self, reason: str) -> Callable[[], None] | None:
        """The SparkContext is stopped."""
        # First: whoever waits for the end may ask for the active context as soon as there is one.
        before, self._broken_off = self._broken_off, True
        if not self._graph.break_off(reason):
            self._broken_off = before
            return None
        forget_sigterm(self._stop_on_sigterm)
        return partial(self._graph.join, _PATIENCE)

    def _stop_on_sigterm(self) -> None:
        self._graph.stop(stops_gracefully(self._sc._conf))

    def advance(self, batches: int = 1) -> None:
        """Turns the clock to the next batch time and waits until that batch and its outputs are done, `batches` times.

        For a context whose clock is turned by hand (`spark.streaming.clock`); not in PySpark.
        Raises: what a batch raised, as `awaitTermination` does; the batches after it are then not run. RuntimeError
        when the clock goes by itself, Py4JJavaError when the context does not run.
        """
        if type(batches) is not int or batches < 0:
            raise ValueError(f"batches: expected a whole number of batches, got {batches!r}")
        self._graph.advance(batches)

    def recentBatches(self) -> list[BatchInfo]:
        """What is known of the last batches, oldest first, at most `spark.streaming.ui.retainedBatches` (1000).

        Not in PySpark, where this is on a web page.
        """
        return [batch_info(facts) for facts in self._graph.recent_batches()]

    @classmethod
    def getActive(cls) -> StreamingContext | None:
        """The context that is started and not stopped, if any: that its SparkContext is stopped does not count."""
        active = cls._activeContext
        if active is not None and not active._broken_off and not active._graph.is_active():
            cls._activeContext = active = None
        return active

    @classmethod
    def getOrCreate(cls, checkpointPath: str, setupFunc: Callable[[], StreamingContext]) -> StreamingContext:
        """A context that goes on from the checkpoint in `checkpointPath`; without one, what `setupFunc()` makes.

        Going on, the setup function is not called: functions, settings, states and windows come from the checkpoint.
        Raises: Py4JJavaError (SparkException) when the folder holds checkpoints and none can be used.
        """
        found = checkpointing.read_checkpoint(checkpointPath)
        if found is not None:
            return checkpointing.go_on(cls, found, checkpointPath)
        made = setupFunc()
        made.checkpoint(checkpointPath)
        return made

    @classmethod
    def getActiveOrCreate(
        cls, checkpointPath: str | None, setupFunc: Callable[[], StreamingContext]
    ) -> StreamingContext:
        """The active context, or what `setupFunc()` makes."""
        if not callable(setupFunc):
            raise TypeError("setupFunc should be callable.")
        active = cls.getActive()
        if active is not None:
            return active
        return setupFunc() if checkpointPath is None else cls.getOrCreate(checkpointPath, setupFunc)

    def checkpoint(self, directory: str | None) -> None:
        """Names the folder for checkpoints: from the start on, and after each batch, all that is needed to go on with
        `getOrCreate`. States and incremental windows ask for it, as in Spark. None: no checkpoints.
        """
        process.check(self._process, "this StreamingContext")
        if directory == self._checkpoint_folder:
            return
        if directory is None:
            self._checkpoint_folder = None
            return
        if _native.Checkpoint.is_in(checkpoint_path(directory, "directory")):
            logger.warning(
                "checkpoint: %s holds the checkpoint of an earlier run, which this program will replace by its own; "
                "StreamingContext.getOrCreate would go on from it",
                directory,
            )
        self._set_checkpoint_folder(directory)

    def _set_checkpoint_folder(self, directory: str) -> None:
        if self._checkpoint_folder != directory:
            make_private(local_path(directory))
            remove_empty(local_path(directory))
            if self._sc._is_alive():
                self._sc.setCheckpointDir(local_path(directory))
            self._checkpoint_folder = directory

    def remember(self, duration: float) -> None:
        """Keeps the RDDs of the last `duration` seconds, if any, for use outside the stream's own operations."""
        self._graph.remember(milliseconds_of("duration", duration))

    # -- sources ------------------------------------------------------------------------------------
    def socketTextStream(
        self, hostname: str, port: int, storageLevel: StorageLevel = StorageLevel.MEMORY_AND_DISK_2
    ) -> DStream[str]:
        """The lines that a TCP server at `hostname:port` sends, as UTF-8 text.

        A server that is absent or goes away is tried again every 2 seconds (`spark.streaming.receiverRestartDelay`).
        """
        check_level(storageLevel)
        java_int("port", port)
        if not optional_text("hostname", hostname):
            raise TypeError(f"hostname: expected a host name as text, got {hostname!r}")
        if not 0 < port < 65536:
            raise ValueError(f"port: expected 1 to 65535, got {port}")
        conf = self._sc._conf
        self._graph.limit_receivers(*receiver_limits(conf))
        self._has_receivers = True
        times = block_interval_ms(conf), restart_delay_ms(conf)
        return DStream(self._graph.add_socket(hostname, port, *times, waiting_bytes(conf)), self)

    def textFileStream(self, directory: str) -> DStream[str]:
        """The lines of files that appear in a folder after the start, each file once. Move files in, whole."""
        _check_folder(directory)
        return DStream(self._graph.add_files(directory, remember_files_ms(self._sc._conf)), self)

    def binaryRecordsStream(self, directory: str, recordLength: int) -> DStream[bytes]:
        """Pieces of `recordLength` bytes of files that appear in a folder after the start, each file once."""
        _check_folder(directory)
        if java_int("recordLength", recordLength) <= 0:
            raise ValueError(f"recordLength: expected a positive number of bytes, got {recordLength!r}")
        return DStream(self._graph.add_files(directory, remember_files_ms(self._sc._conf), recordLength), self)

    def queueStream(self, rdds: Sequence[Any], oneAtATime: bool = True, default: Any = None) -> DStream[Any]:
        """RDDs (or lists) as batches, one after the other; then `default`, or empty batches."""
        if default and not isinstance(default, RDD):
            default = self._sc.parallelize(default)
        if not rdds and default:
            rdds = [rdds]
        java_bool("oneAtATime", oneAtATime)
        if isinstance(rdds, (list, tuple)) and not rdds:
            check_alive(self._sc, "java.lang.IllegalStateException")
            self._graph.add_queue([], oneAtATime, self._sc.parallelize([], 1)._node)  # refused after the start
            raise IndexError("rdds: a queue needs at least one RDD or list, or a default")
        first = rdds[0]
        queue = list(rdds)
        if not isinstance(first, RDD):
            queue = [self._sc.parallelize(batch) for batch in queue]
        empty = default if default else self._sc.parallelize([], 1)
        return DStream(self._graph.add_queue([rdd._node for rdd in queue], oneAtATime, empty._node), self)

    def addStreamingListener(self, streamingListener: StreamingListener) -> None:
        """Tells a listener what happens to batches from now on. Raises: TypeError or Py4JError when it is none."""
        if not isinstance(streamingListener, StreamingListener):
            accepted = streamingListener is None or isinstance(
                streamingListener, type
            )  # by Spark, which cannot call it
            problem = f"streamingListener: expected a StreamingListener, got {streamingListener!r:.80}"
            raise (TypeError if accepted else Py4JError)(problem)
        self._graph.add_listener(streamingListener)

    # -- several streams ----------------------------------------------------------------------------
    def union(self, *dstreams: DStream[Any]) -> DStream[Any]:
        """The elements of all streams, batch by batch. All must slide alike."""
        if not dstreams:
            raise ValueError("should have at least one DStream to union")
        if len(dstreams) == 1:
            return dstreams[0]
        if len({stream._slideDuration for stream in dstreams}) > 1:
            raise ValueError("All DStreams should have same slide duration")
        check_one_context(*dstreams)
        return DStream(self._graph.add_union([stream._id for stream in dstreams]), self)

    def transform(self, dstreams: Sequence[DStream[Any]], transformFunc: Callable[..., RDD[Any]]) -> DStream[Any]:
        """`transformFunc(rdds)` of the streams' RDDs of each batch. All must slide alike."""
        if dstreams is None:
            raise TypeError("dstreams: expected a list of streams, got None")
        if not dstreams:
            raise java_error("java.util.NoSuchElementException", "should have at least one DStream to transform")
        if len({stream._slideDuration for stream in dstreams}) > 1:
            raise java_error(
                "java.lang.IllegalArgumentException",
                "requirement failed: Some of the DStreams have different slide durations",
            )
        check_one_context(*dstreams)
        func = partial(functions.with_rdd_list, transformFunc)
        return DStream(self._graph.add_transformed([stream._id for stream in dstreams], func), self)


def _longest(timeout: object) -> float | None:
    """Seconds to wait; None for as long as it takes."""
    milliseconds = milliseconds_of("timeout", timeout)
    return None if milliseconds < 0 else milliseconds / 1000.0


def _check_folder(directory: object) -> None:
    if optional_text("directory", directory) is None:
        raise TypeError("directory: expected a path as text, got None")


def _begin_in_child() -> None:
    # Its lock may be that of a thread which the child does not have.
    StreamingContext._lock = threading.RLock()
    StreamingContext._activeContext = None


process.in_child(_begin_in_child)


def _stop_active() -> None:
    active = StreamingContext.getActive()
    if active is not None:
        active.stop(stopSparkContext=True, stopGraceFully=False)
