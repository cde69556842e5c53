"""Where does a streaming program get text from, when there is no real server at hand?

A small TCP server, for tests, notebooks and the demo; `python -m dstreams.testing.feeder` runs it from a
shell. Owns its sockets and threads; all of them end with `close()`.
1. Every connection is served alike: all lines in order from the first one, each ended by one newline.
2. `rate` counts lines per second and connection. Time lost by a slow reader is made up for: the average
   holds.
3. Sending stops where the reader stops reading; nothing is dropped, nothing is kept for later connections.
"""

from __future__ import annotations

import argparse
import socket
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from dstreams.testing.ending import Ending

__all__ = ["SAMPLE", "Feeder"]

AtEnd = Literal["wait", "close", "repeat"]

SAMPLE = (
    "a stream is a river of small batches",
    "each batch is a data set and each data set is a list of lines",
    "count the words of a batch and you have counted a part of the river",
    "the river does not stop and the count does not stop",
    "a word that comes again is counted again",
)

# Sends are bundled: more often than this gains nothing that a batch could show.
_PAUSE_SECONDS = 0.01
_ACCEPT_SECONDS = 0.2


class Feeder:
    """Serve lines of text over TCP to whoever connects.

        with Feeder(["to be", "or not to be"]) as feeder:
            lines = ssc.socketTextStream("localhost", feeder.port)

    lines:   text (sent as UTF-8) or bytes (sent as they are), without their newline. rate:    lines per
    second for each connection; None sends as fast as the reader reads. at_end:  after the last line "wait"
    keeps the connection open and silent, "close" closes it, "repeat" begins again. port:    0 takes a free
    one. The server listens once the object is made.
    """

    def __init__(
        self,
        lines: Iterable[str | bytes] = SAMPLE,
        *,
        rate: float | None = None,
        at_end: AtEnd = "wait",
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        if rate is not None and not rate > 0:
            raise ValueError(f"rate must be above 0 lines per second, not {rate}")
        self._lines = [line.encode() if isinstance(line, str) else line for line in lines]
        if at_end == "repeat" and not self._lines:
            raise ValueError("there are no lines to repeat")
        self._rate = rate
        self._at_end = at_end
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._sent = 0
        self._server = socket.create_server((host, port))
        self._server.settimeout(_ACCEPT_SECONDS)
        self.host: str = host
        self.port: int = self._server.getsockname()[1]
        self._start(self._accept)

    @property
    def sent(self) -> int:
        """Lines handed to the network so far, summed over all connections."""
        with self._lock:
            return self._sent

    @property
    def connections(self) -> int:
        """Connections that are open now."""
        with self._lock:
            return len(self._connections)

    def close(self) -> None:
        """Close every connection and the port, and wait for the threads. May be called again."""
        self._closing.set()
        with self._lock:
            for connection in self._connections:
                _shut(connection)
        for thread in self._threads:
            thread.join()
        self._server.close()

    def __enter__(self) -> Feeder:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _start(self, work: object, *args: object) -> None:
        assert callable(work)
        thread = threading.Thread(target=work, args=args, name="dstreams-feeder", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._server.accept()
            except TimeoutError:
                continue
            connection.settimeout(None)
            with self._lock:
                self._connections.add(connection)
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        try:
            self._send_all(connection)
            if self._at_end == "wait":
                self._closing.wait()
        except OSError:
            pass  # the reader has gone, or `close` was called
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    def _send_all(self, connection: socket.socket) -> None:
        begun, position, count = time.monotonic(), 0, len(self._lines)
        while not self._closing.is_set():
            due = count if self._rate is None else 1 + int((time.monotonic() - begun) * self._rate)
            if self._at_end != "repeat":
                due = min(due, count)
            elif self._rate is None:
                due = position + count
            if position < due:
                # At most once through the lines per send, so that `close` is seen between sends.
                stop = min(due, position + count)
                chunk = [self._lines[at % count] for at in range(position, stop)]
                connection.sendall(b"\n".join(chunk) + b"\n")
                with self._lock:
                    self._sent += stop - position
                position = stop
            if position >= count and self._at_end != "repeat":
                return
            if self._rate is not None:
                self._closing.wait(_PAUSE_SECONDS)


def _shut(connection: socket.socket) -> None:
    """Wake a thread that is blocked in sending."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # not connected any more: there is nobody to wake


def main(arguments: list[str] | None = None) -> int:
    """Serve a file's lines, or built-in text, until Ctrl-C. Prints the port as its first line."""
    parser = argparse.ArgumentParser(prog="python -m dstreams.testing.feeder", description=main.__doc__)
    parser.add_argument("file", nargs="?", type=Path, help="UTF-8 text; without it, a few built-in sentences")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes a free one")
    parser.add_argument("--rate", type=float, default=10.0, help="lines per second and connection (default: 10)")
    parser.add_argument("--once", action="store_true", help="close each connection after the last line")
    given = parser.parse_args(arguments)
    try:
        lines = given.file.read_bytes().splitlines() if given.file else SAMPLE
        feeder = Feeder(
            lines,
            rate=given.rate,
            at_end="close" if given.once else "repeat",
            host=given.host,
            port=given.port,
        )
    except (OSError, ValueError) as problem:
        print(f"feeder: {problem}", file=sys.stderr)
        return 1
    ending = Ending()
    with feeder:
        print(feeder.port, flush=True)
        while not ending.wait(60.0):
            pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
