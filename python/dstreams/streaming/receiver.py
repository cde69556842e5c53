"""What is a receiver written in Python, and which ones come along?

A receiver gets records from outside, in threads that it starts itself, and stores them for the next batch. Facts are
those of Spark's Scala API (org.apache.spark.streaming.receiver.Receiver, 3.5); PySpark has no such class. Every method
has Spark's name and one in Python's style.

Who calls a receiver, and when, is in `supervisor.py`.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, Generic, TypeVar

from dstreams.core.engine import deep, process
from dstreams.core.storagelevel import StorageLevel

if TYPE_CHECKING:
    from dstreams.streaming.supervisor import Supervisor

__all__ = ["RawSocketReceiver", "Receiver", "SocketReceiver"]

T = TypeVar("T")


class Receiver(Generic[T]):
    """Gets records from outside. Define `onStart`, and `onStop` if there is something to clear up.

    `onStart()` must return soon: it starts the threads that receive. They call `store` until `isStopped()`. If it
    raises, the receiver is started again after a while (`spark.streaming.receiverRestartDelay`, 2000 ms). `onStop()`
    ends what `onStart` began. Both are called in threads of the stream's, one after the other, and again after a
    restart. A receiver is not copied: the very object that the program made is called.
    """

    max_pending_bytes: int | None = None
    """When about so many bytes wait to be processed, `store` waits too (default: the setting
    `spark.dstreams.receiver.maxWaiting`, 1g)."""

    _supervisor: Supervisor | None = None

    def __init__(self, storageLevel: StorageLevel = StorageLevel.MEMORY_AND_DISK_2) -> None:
        self.storageLevel = storageLevel

    def __getstate__(self) -> dict[str, Any]:
        """What a checkpoint holds of a receiver that has not been started."""
        return {name: value for name, value in self.__dict__.items() if name != "_supervisor"}

    # -- what programs define ---------------------------------------------------------------------
    def onStart(self) -> None:
        """Starts to receive, and returns."""
        self.on_start()

    def onStop(self) -> None:
        """Ends what `onStart` began."""
        self.on_stop()

    def on_start(self) -> None:
        """`onStart` in Python's style."""
        raise NotImplementedError(f"{type(self).__name__} has no onStart(): define what begins to receive")

    def on_stop(self) -> None:
        """`onStop` in Python's style."""

    @property
    def preferredLocation(self) -> str | None:
        """The host to run on. Accepted for Spark's sake: there is one host."""
        return self.preferred_location

    @property
    def preferred_location(self) -> str | None:
        """`preferredLocation` in Python's style."""
        return None

    # -- what programs call -----------------------------------------------------------------------
    def store(self, item: T) -> None:
        """Hands one record over. Waits while `spark.streaming.receiver.maxRate` or the memory bound says so.

        Once the receiver has been stopped for good, records go nowhere, and a thread that does not stop storing them is
        ended by SystemExit.
        Raises: PicklingError for what cannot be pickled; Py4JJavaError in the main thread, instead of ending it.
        """
        self._running.store(item)

    def store_many(self, items: Iterable[T]) -> None:
        """Hands many records over, which become a partition of their own. Otherwise like `store`."""
        self._running.store_many(items)

    def report_error(self, message: str, error: BaseException | None = None) -> None:
        """Tells the log and the listeners of an error; receiving goes on."""
        self._running.report_error(message, error)

    def restart(self, message: str, error: BaseException | None = None, millisecond: int | None = None) -> None:
        """Stops, and starts again after a while, in the background. Units: milliseconds."""
        self._running.restart(message, error, millisecond)

    def stop(self, message: str, error: BaseException | None = None) -> None:
        """Stops for good, in the background. What was stored is processed."""
        self._running.stop(message, error)

    def is_started(self) -> bool:
        """Whether it has been started, and not been stopped since."""
        return self._supervisor is not None and self._supervisor.is_started()

    def is_stopped(self) -> bool:
        """Whether it is to stop, perhaps only until a restart: threads of `onStart` end then."""
        return self._supervisor is not None and self._supervisor.is_stopped()

    @property
    def stream_id(self) -> int:
        """The number of its stream; -1 before it has one."""
        return -1 if self._supervisor is None else self._supervisor.stream_id

    @property
    def streamId(self) -> int:
        """The number of its stream; -1 before it has one."""
        return self.stream_id

    storeMany = store_many
    reportError = report_error
    isStarted = is_started
    isStopped = is_stopped

    @property
    def _running(self) -> Supervisor:
        if self._supervisor is None:
            raise RuntimeError(
                f"this {type(self).__name__} belongs to no stream yet: give it to receiverStream, and store only after "
                "onStart was called"
            )
        process.check(self._supervisor.process, f"this {type(self).__name__}")
        return self._supervisor


class SocketReceiver(Receiver[Any]):
    """Objects made from the bytes that a TCP server sends. A server that is away is tried again."""

    def __init__(
        self,
        hostname: str,
        port: int,
        converter: Callable[[BinaryIO], Iterable[Any]],
        storageLevel: StorageLevel = StorageLevel.MEMORY_AND_DISK_2,
    ) -> None:
        super().__init__(storageLevel)
        self.hostname, self.port, self.converter = hostname, port, converter
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None

    def onStart(self) -> None:
        """Connects and reads in a thread of its own."""
        self._thread = threading.Thread(target=self._receive, name=f"Socket Receiver {self.stream_id}", daemon=True)
        deep.start(self._thread)

    def onStop(self) -> None:
        """Closes the connection, which ends the thread."""
        connection, thread = self._socket, self._thread
        if connection is not None:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the server was quicker
        if thread is not None:
            thread.join()

    def give_up_connection(self) -> None:
        """Closes a forked child's copy of the connection, which stays the parent's."""
        if self._socket is not None:
            os.close(self._socket.detach())

    def _receive(self) -> None:
        server = f"{self.hostname}:{self.port}"
        try:
            # Short, because it cannot be interrupted.
            connection = socket.create_connection((self.hostname, self.port), timeout=1.0)
        except OSError as error:
            if not self.is_stopped():
                self.restart(f"Error connecting to {server}", error)
            return
        with connection, connection.makefile("rb") as stream:
            connection.settimeout(None)
            self._socket = connection
            try:
                if not self.is_stopped():
                    self._store_all(stream)
            except Exception as error:
                # A connection that is closed in the middle of a record is no error once the receiver stops.
                if not self.is_stopped():
                    self.restart("Error receiving data", error)
            else:
                if not self.is_stopped():
                    self.restart("Socket data stream had no more data")
            finally:
                self._socket = None

    def _store_all(self, stream: BinaryIO) -> None:
        for item in self.converter(stream):
            self.store(item)
            if self.is_stopped():
                return


class RawSocketReceiver(SocketReceiver):
    """Blocks of bytes, each behind its length as four bytes, the highest first. A block becomes a partition."""

    def __init__(
        self,
        hostname: str,
        port: int,
        decoder: Callable[[bytes], Iterable[Any]] | None = None,
        storageLevel: StorageLevel = StorageLevel.MEMORY_AND_DISK_2,
    ) -> None:
        super().__init__(hostname, port, _blocks, storageLevel)
        self.decoder = decoder

    def _store_all(self, stream: BinaryIO) -> None:
        for block in self.converter(stream):
            self.store_many([block] if self.decoder is None else self.decoder(block))
            if self.is_stopped():
                return


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    while head := stream.read(4):
        length = struct.unpack(">i", head)[0] if len(head) == 4 else -1
        if length < 0:
            raise ValueError(f"a block of the raw socket stream begins with no length, but {head!r}")
        block = stream.read(length)
        if len(block) < length:
            raise EOFError(f"the raw socket stream ended {length - len(block)} bytes before the end of a block")
        yield block
