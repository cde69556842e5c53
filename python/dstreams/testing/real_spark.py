"""How is a stream of real PySpark advanced batch by batch?

For tests that run on both engines: what `dstreams.testing.advance` does there, through Spark's own objects. Imports
nothing of PySpark.
1. A clock that is turned by hand is turned; with the system's clock, batches take their time.
2. An error is told once, as by dstreams; `awaitTermination` alone would tell it again and again.
3. Spark says nothing about a batch without outputs, so a context that is to be advanced gets one that does nothing.
"""

from __future__ import annotations

import time
from typing import Any

_LOOK_SECONDS = 0.005
_BEATS = "_dstreams_beats"  # on the context: it has an output in each batch
_TOLD = "_dstreams_told"  # on the context: (time of the last batch waited for, text of the last error told)


def interval_ms(ssc: Any) -> int:
    """Distance of the batches."""
    return int(ssc._jssc.ssc().graph().batchDuration().milliseconds())


def prepare(ssc: Any) -> None:
    """Gives a context that is not started an output in each batch, so that the end of every batch can be seen."""
    if not hasattr(ssc, _BEATS) and ssc._jssc.ssc().getState().toString() == "INITIALIZED":
        setattr(ssc, _BEATS, True)
        ssc.queueStream([[None]]).foreachRDD(_nothing)


def _nothing(rdd: Any) -> None:
    """An output."""


def advance(ssc: Any, batches: int, patience: float) -> None:
    """Runs the next batches; each may take `patience` seconds beyond its time."""
    scala, interval = ssc._jssc.ssc(), interval_ms(ssc)
    if scala.getState().toString() != "ACTIVE":
        prepare(ssc)
        ssc.start()
    clock = scala.scheduler().clock()
    by_hand = "ManualClock" in clock.getClass().getName()
    for _ in range(batches):
        told, error = getattr(ssc, _TOLD, (int(scala.graph().zeroTime().milliseconds()), ""))
        target = told + interval
        if by_hand:
            # Also past the time at which the context was started, and times that the test has turned to itself.
            target = max(target, int(clock.getTimeMillis()) // interval * interval + interval)
            clock.setTime(target)
        setattr(ssc, _TOLD, (target, error))
        wait = 0.0 if by_hand else max(0.0, target / 1000.0 - time.time())
        _wait(ssc, scala, target, error, time.monotonic() + wait + patience)


def _wait(ssc: Any, scala: Any, target: int, known: str, deadline: float) -> None:
    while True:
        done = scala.progressListener().lastCompletedBatch()
        is_done = done.isDefined() and int(done.get().batchTime().milliseconds()) >= target
        failed = is_done and done.get().isFailed()
        try:
            # Spark tells of a batch before it tells of its error: give that a moment.
            ssc.awaitTerminationOrTimeout(5 if failed else 0)
        except Exception as raised:
            if failed or str(raised) != known:
                setattr(ssc, _TOLD, (target, str(raised)))
                raise
        if is_done or scala.getState().toString() == "STOPPED":
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"the batch of {target} ms has not ended")
        time.sleep(_LOOK_SECONDS)
