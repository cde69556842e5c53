"""Who calls a receiver's `onStart` and `onStop`, when, and what is told of it?

Owns `Supervisor`, one per receiver stream.
1. Whatever is called of the receiver's runs in a thread of its own: neither the stream nor the receiver's threads wait.
2. `onStop` is called once for each `onStart` that was called. They do not overlap, unless `onStart` does not return.
3. A receiver stopped for good, by itself or with its stream, is not started again. What it stored is processed.
4. The pause before a restart is on the stream's clock.
"""

from __future__ import annotations

import threading
import time
import traceback
import weakref
from collections.abc import Callable
from typing import Any

from dstreams import _native
from dstreams.core.closures import by_value
from dstreams.core.engine import deep, process
from dstreams.core.engine.atexit import at_thread_exit
from dstreams.streaming.log import logger
from dstreams.streaming.receiver import Receiver, SocketReceiver

# Seconds that a stop waits for `onStart` to return, and one that is not graceful for `onStop`.
PATIENCE = 2.0
# Seconds that a graceful stop waits for `onStop`: for ever would be too long if that waits for the stop in turn.
GRACE = 60.0


class ReceiverThread(threading.Thread):
    """A thread that calls what is the receiver's: who waits in it for the end of the stream waits for himself."""


class Supervisor:
    """Starts, restarts and stops one receiver, and passes on what it stores and tells."""

    def __init__(self, receiver: Receiver[Any], intake: _native.Intake, restart_ms: int) -> None:
        self.stream_id = -1
        self.process = process.current
        self._receiver = receiver
        self._intake = intake
        self._restart_ms = restart_ms
        self._lock = threading.Lock()
        # Under the lock.
        self._running = False  # between onStart and onStop
        self._restarting = False
        self._ended = False
        self._marked = False  # to stop, as its threads see it
        self._halting = threading.Lock()  # while onStop runs
        self._starting = threading.Event()
        self._starting.set()  # set while no onStart runs
        self._stopped = threading.Event()
        self._hurry = False
        self._dumped: bytes | None = None
        self.store = intake.store
        self.store_many = intake.store_many

    # -- for the receiver -------------------------------------------------------------------------
    def is_started(self) -> bool:
        """Whether it was started and is not to stop."""
        return self._running and not self._marked

    def is_stopped(self) -> bool:
        """Whether it is to stop."""
        return self._marked

    def report_error(self, message: str, error: BaseException | None) -> None:
        """Tells of an error."""
        logger.warning("receiver %d: %s%s", self.stream_id, message, _after_dash(error))
        self._intake.tell_error(message, text_of(error))

    def restart(self, message: str, error: BaseException | None, milliseconds: int | None) -> None:
        """Stops it and starts it again after a while."""
        delay = self._restart_ms if milliseconds is None else milliseconds
        with self._lock:
            if self._ended or self._restarting:
                return
            self._restarting = self._marked = True
        said = f"Restarting receiver with delay {delay}ms: {message}"
        logger.warning("receiver %d: %s%s", self.stream_id, said, _after_dash(error))
        self._in_background(lambda: self._restart(said, error, delay))

    def stop(self, message: str, error: BaseException | None) -> None:
        """Stops it for good."""
        if self._end():
            if error is not None:
                logger.error("receiver %d: stopped: %s%s", self.stream_id, message, _after_dash(error))
            self._in_background(lambda: self._finish(message, error))

    # -- for checkpoints --------------------------------------------------------------------------
    def dump_receiver(self) -> bytes:
        """The receiver as it was before it was started."""
        if self._dumped is None:
            self._dumped = by_value.dumps(self._receiver)
        return self._dumped

    def can_be_dumped(self) -> bool:
        """Whether it can be pickled."""
        try:
            self.dump_receiver()
        except Exception:  # whatever a `__reduce__` raises: here only whether it does
            return False
        return True

    # -- for the stream ---------------------------------------------------------------------------
    def start(self) -> None:
        """Starts it."""
        _all.add(self)
        at_thread_exit(_end_all)
        self._in_background(self._start)

    def end(self, graceful: bool) -> None:
        """Stops it with its stream. Graceful: what is being stored may still come in."""
        first = self._end()
        if graceful:
            self._intake.open()
        else:
            self._hurry = True
            self._intake.close()
        if first:
            self._in_background(lambda: self._finish("Stopped by driver", None))

    def wait(self, graceful: bool) -> None:
        """Waits until it has stopped; not for long unless graceful."""
        begun = time.monotonic()
        while not self._stopped.wait(0.05):
            if time.monotonic() - begun > (GRACE if graceful and not self._hurry else PATIENCE):
                logger.warning("receiver %d: its onStop() does not return", self.stream_id)
                break
        self._intake.close()

    def lost(self, error: BaseException) -> None:
        """Items could not be put into a batch."""
        self.report_error("Error storing data: some records cannot be pickled and are lost", error)

    # -- inside -----------------------------------------------------------------------------------
    def _in_background(self, work: Callable[[], None]) -> None:
        thread = ReceiverThread(target=work, name=f"receiver-{self.stream_id}", daemon=True)
        try:
            deep.start(thread)
        except RuntimeError:
            if not self._ended:
                raise
            # The interpreter ends and gives no threads any more: nobody is to wait for one.
            self._stopped.set()

    def _start(self) -> None:
        with self._lock:
            self._restarting = False
            if self._ended:
                return
            self._starting.clear()
            # First of all: whoever sees that it is started may report an error, which is to come after this.
            self._intake.tell_started()
            self._running, self._marked = True, False
        try:
            self._receiver.onStart()
        except Exception as error:
            self.restart(f"Error starting receiver {self.stream_id}", error, None)
        finally:
            self._starting.set()

    def _restart(self, message: str, error: BaseException | None, delay: int) -> None:
        self._halt(message, error)
        # False: the stream ends meanwhile.
        if self._intake.pause(delay):
            self._start()

    def _end(self) -> bool:
        """Whether the caller is the one to end it."""
        with self._lock:
            first, self._ended, self._marked = not self._ended, True, True
            return first

    def _finish(self, message: str, error: BaseException | None) -> None:
        try:
            self._halt(message, error)
        finally:
            self._stopped.set()

    def _halt(self, message: str, error: BaseException | None) -> None:
        # An onStart that has not returned gets some time.
        self._starting.wait(PATIENCE)
        with self._halting:
            with self._lock:
                running, self._running = self._running, False
            if not running:
                return
            try:
                self._receiver.onStop()
            except Exception as failed:
                logger.error("receiver %d: onStop() raised%s", self.stream_id, _after_dash(failed), exc_info=failed)
            self._intake.tell_stopped(message, text_of(error))


_all: weakref.WeakSet[Supervisor] = weakref.WeakSet()


def _forget_in_child() -> None:
    # Connections are the parent's: a child that keeps them would keep them open when the parent has gone.
    for supervisor in _all:
        if isinstance(supervisor._receiver, SocketReceiver):
            supervisor._receiver.give_up_connection()
    _all.clear()


process.in_child(_forget_in_child)


def _end_all() -> None:
    """The program ends: the receivers' threads, for which it would wait, have to."""
    for supervisor in list(_all):
        supervisor.end(False)


def text_of(error: BaseException | None) -> str:
    """An error with its traceback; empty without one."""
    if error is None:
        return ""
    return "".join(traceback.format_exception(type(error), error, error.__traceback__)).rstrip()


def _after_dash(error: BaseException | None) -> str:
    return "" if error is None else f" - {type(error).__name__}: {error}"


def supervise(receiver: Receiver[Any], intake: _native.Intake, restart_ms: int) -> Supervisor:
    """A receiver's supervisor. Raises: ValueError when it has one."""
    if receiver._supervisor is not None:
        raise ValueError(f"receiver: this {type(receiver).__name__} feeds another stream already; make one for each")
    receiver._supervisor = Supervisor(receiver, intake, restart_ms)
    return receiver._supervisor
