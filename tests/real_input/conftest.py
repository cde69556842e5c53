"""Real sources: netcat processes, servers under the test's control, folders; and streams that gather what arrives."""

from __future__ import annotations

import logging
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest
from pyspark import SparkContext
from pyspark.streaming import StreamingContext


@pytest.fixture
def ssc() -> Iterator[StreamingContext]:
    """Batches of 50 ms on two task threads."""
    sc = SparkContext("local[2]", "test")
    context = StreamingContext(sc, 0.05)
    yield context
    context.stop()


@pytest.fixture
def eventually() -> Callable[..., None]:
    """Waits until `check()` is true: `eventually(lambda: seen)`."""

    def wait(check: Callable[[], object], seconds: float = 15.0) -> None:
        deadline = time.monotonic() + seconds
        while not check():
            assert time.monotonic() < deadline, f"not true after {seconds} s"
            time.sleep(0.005)

    return wait


@pytest.fixture
def gather() -> Callable[..., list]:
    """A list that receives every element of a stream: `lines = gather(stream)`."""

    def begin(stream: object) -> list:
        found: list = []
        stream.foreachRDD(lambda rdd: found.extend(rdd.collect()))
        return found

    return begin


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """The messages of the logger `dstreams` so far."""
    caplog.set_level(logging.WARNING, logger="dstreams")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "dstreams"]


@pytest.fixture
def free_port() -> int:
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Netcat:
    """`nc -lk PORT`: sends its stdin to whoever is connected. Listens once the object is made."""

    def __init__(self, port: int) -> None:
        found = shutil.which("nc")
        if found is None:
            pytest.fail("these tests need the program nc: apt-get install netcat-openbsd", pytrace=False)
        self.process = subprocess.Popen(
            [found, "-lkv", "127.0.0.1", str(port)], stdin=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert self.process.stderr is not None
        said = self.process.stderr.readline()
        assert b"istening" in said, said

    def send(self, data: bytes) -> None:
        """Types `data`."""
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def end(self) -> None:
        """Kills it."""
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def netcat() -> Iterator[Callable[[int], Netcat]]:
    """Starts netcat on a port."""
    started: list[Netcat] = []

    def start(port: int) -> Netcat:
        started.append(Netcat(port))
        return started[-1]

    yield start
    for one in started:
        one.end()


class Server:
    """A TCP server for one client at a time, which sends and closes as the test says."""

    def __init__(self, port: int) -> None:
        self.listening = socket.create_server(("127.0.0.1", port))
        self.listening.settimeout(15)
        self.port: int = self.listening.getsockname()[1]
        self.client: socket.socket | None = None

    def accept(self) -> None:
        """Waits for the client."""
        self.client, _ = self.listening.accept()
        self.client.settimeout(30)

    def send(self, data: bytes) -> None:
        """Sends to the client."""
        assert self.client is not None
        self.client.sendall(data)

    def hang_up(self) -> None:
        """Closes the connection."""
        assert self.client is not None
        self.client.close()

    def end(self) -> None:
        """Closes everything."""
        if self.client is not None:
            self.client.close()
        self.listening.close()


@pytest.fixture
def server() -> Iterator[Callable[..., Server]]:
    """Starts a server, by default on a free port."""
    started: list[Server] = []

    def start(port: int = 0) -> Server:
        started.append(Server(port))
        return started[-1]

    yield start
    for one in started:
        one.end()
