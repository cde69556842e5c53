"""What contexts leave behind when they are stopped: no threads, no open files, nothing in `threading`."""

from __future__ import annotations

import gc
import logging
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark import SparkConf, SparkContext
from pyspark.streaming import StreamingContext, StreamingListener

from dstreams.streaming.receiver import Receiver

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts in /proc")

TIMES = 12


def threads_of_the_system() -> int:
    return len(os.listdir("/proc/self/task"))


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def name_of_thread(x: int) -> tuple[str, int]:
    logging.getLogger("tasks").info("a record knows its thread")
    return threading.current_thread().name, x


class One(Receiver):
    """Stores an element."""

    def onStart(self) -> None:
        self.store(1)

    def onStop(self) -> None:
        pass


def job(sc: SparkContext, ssc: StreamingContext, folder: Path) -> None:
    sc.parallelize(range(8), 4).map(name_of_thread).collect()


def stream(sc: SparkContext, ssc: StreamingContext, folder: Path) -> None:
    run(ssc, ssc.queueStream([[1]] * 3))


def receiver(sc: SparkContext, ssc: StreamingContext, folder: Path) -> None:
    run(ssc, ssc.receiverStream(One()))


def checkpoint(sc: SparkContext, ssc: StreamingContext, folder: Path) -> None:
    ssc.checkpoint(str(folder / str(id(ssc))))
    run(ssc, ssc.queueStream([[1]] * 3))


def broken_off(sc: SparkContext, ssc: StreamingContext, folder: Path) -> None:
    run(ssc, ssc.queueStream([[1]] * 3))
    sc.stop()


def run(ssc: StreamingContext, source: Any) -> None:
    batches: list[int] = []
    ssc.addStreamingListener(StreamingListener())
    source.foreachRDD(lambda rdd: batches.append(rdd.map(name_of_thread).count()))
    ssc.start()
    while not batches:
        assert not ssc.awaitTerminationOrTimeout(0.01)


KINDS: dict[str, Callable[..., None]] = {
    "nothing": lambda sc, ssc, folder: None,
    "job": job,
    "stream": stream,
    "receiver": receiver,
    "checkpoint": checkpoint,
    "broken off": broken_off,
}


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize("kind", KINDS)
def test_stopped_contexts_leave_nothing_behind(
    kind: str, workers: str, tmp_path: Path, eventually: Callable[..., None]
) -> None:
    if workers != "0" and kind not in ("job", "stream"):
        pytest.skip("the same with worker processes")

    def one() -> None:
        conf = SparkConf().setMaster("local[4]").setAppName("test").set("spark.dstreams.python.workers", workers)
        sc = SparkContext(conf=conf)
        ssc = StreamingContext(sc, 0.02)
        KINDS[kind](sc, ssc, tmp_path)
        ssc.stop()

    one()
    gc.collect()
    gc.disable()  # not what the collector happens to find
    try:
        before = threads_of_the_system(), open_files(), len(threading._active)  # type: ignore[attr-defined]
        for _ in range(TIMES):
            one()
        # A thread that has ended is there for a moment longer.
        eventually(lambda: threads_of_the_system() <= before[0])
        eventually(lambda: open_files() <= before[1] and len(threading._active) <= before[2])  # type: ignore[attr-defined]
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("Dummy")]
    finally:
        gc.enable()
