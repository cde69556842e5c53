"""`socketStream` and `rawSocketStream` over real sockets, and what listeners hear of all receivers of sockets."""

from __future__ import annotations

import pickle
import socket
import struct
from collections.abc import Callable, Iterator

import pytest
from pyspark import SparkConf, SparkContext
from pyspark.streaming import StreamingContext, StreamingListener

Eventually = Callable[..., None]


@pytest.fixture
def sc() -> Iterator[SparkContext]:
    """A context whose receivers start again soon."""
    conf = SparkConf().setMaster("local[2]").setAppName("test").set("spark.streaming.receiverRestartDelay", "20")
    context = SparkContext(conf=conf)
    yield context
    context.stop()


class Server:
    """A TCP server: who connects gets what the test sends."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.listening.settimeout(20)
        self.port: int = self.listening.getsockname()[1]
        self.clients: list[socket.socket] = []

    def accept(self) -> socket.socket:
        client, _ = self.listening.accept()
        self.clients.append(client)
        return client

    def close(self) -> None:
        for each in (self.listening, *self.clients):
            each.close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture
def seen(ssc: StreamingContext) -> Callable[..., list]:
    """Starts a stream; the elements of its batches so far."""

    def start(stream) -> list:
        elements: list = []
        stream.foreachRDD(lambda rdd: elements.extend(rdd.collect()))
        ssc.start()
        return elements

    return start


class Heard(StreamingListener):
    """What listeners hear of receivers."""

    def __init__(self) -> None:
        self.events: list[tuple[str, object]] = []

    def onReceiverStarted(self, receiverStarted) -> None:
        self.events.append(("started", receiverStarted.receiverInfo()))

    def onReceiverStopped(self, receiverStopped) -> None:
        self.events.append(("stopped", receiverStopped.receiverInfo()))

    def messages(self) -> list[str]:
        return [info.lastErrorMessage() for name, info in self.events if name == "stopped"]


def numbers(stream):
    """Four bytes a number."""
    while head := stream.read(4):
        yield struct.unpack(">i", head)[0]


def test_a_converter_makes_objects_of_bytes(
    ssc: StreamingContext, seen: Callable, server: Server, eventually: Eventually
) -> None:
    elements = seen(ssc.socketStream("127.0.0.1", server.port, numbers))
    client = server.accept()
    data = struct.pack(">5i", *range(5))
    client.sendall(data[:6])
    eventually(lambda: elements == [0])
    client.sendall(data[6:])
    eventually(lambda: elements == [0, 1, 2, 3, 4])
    ssc.stop(stopSparkContext=False)
    assert client.recv(1) == b"", "the stream closes its connection"


def test_a_converter_may_give_any_iterable(
    ssc: StreamingContext, seen: Callable, server: Server, eventually: Eventually
) -> None:
    elements = seen(ssc.socketStream("127.0.0.1", server.port, lambda stream: [stream.read()]))
    client = server.accept()
    client.sendall(b"all of it")
    client.close()
    eventually(lambda: elements == [b"all of it"])


def test_a_server_that_goes_away_is_tried_again(
    ssc: StreamingContext, seen: Callable, server: Server, eventually: Eventually
) -> None:
    heard = Heard()
    ssc.addStreamingListener(heard)
    elements = seen(ssc.socketStream("127.0.0.1", server.port, lambda stream: map(bytes.strip, stream)))
    for line in (b"one\n", b"two\n"):
        client = server.accept()
        client.sendall(line)
        client.close()
    eventually(lambda: elements == [b"one", b"two"])
    eventually(lambda: len(heard.messages()) >= 2)
    assert heard.messages()[0] == "Restarting receiver with delay 20ms: Socket data stream had no more data"
    name, info = heard.events[0]
    assert (name, info.name(), info.active()) == ("started", f"SocketReceiver-{info.streamId()}", True)


def test_a_server_that_is_not_there_yet_is_tried_again(
    ssc: StreamingContext, seen: Callable, eventually: Eventually
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    heard = Heard()
    ssc.addStreamingListener(heard)
    elements = seen(ssc.socketStream("127.0.0.1", port, numbers))
    eventually(lambda: heard.messages())
    assert heard.messages()[0] == f"Restarting receiver with delay 20ms: Error connecting to 127.0.0.1:{port}"
    assert "ConnectionRefusedError" in heard.events[1][1].lastError()
    with socket.create_server(("127.0.0.1", port)) as server:
        server.settimeout(20)
        client, _ = server.accept()
        with client:
            client.sendall(struct.pack(">i", 7))
            eventually(lambda: elements == [7])


def test_a_converter_that_raises_is_told_and_called_again(
    ssc: StreamingContext, seen: Callable, server: Server, eventually: Eventually
) -> None:
    heard = Heard()
    ssc.addStreamingListener(heard)
    elements = seen(ssc.socketStream("127.0.0.1", server.port, numbers))
    client = server.accept()
    client.sendall(struct.pack(">i", 1) + b"xy")
    client.close()
    server.accept().sendall(struct.pack(">i", 2))
    eventually(lambda: elements == [1, 2])
    eventually(lambda: heard.messages())
    assert heard.messages()[0] == "Restarting receiver with delay 20ms: Error receiving data"
    assert "struct.error" in heard.events[1][1].lastError()


def framed(block: bytes) -> bytes:
    return struct.pack(">i", len(block)) + block


def test_raw_blocks_are_partitions_of_one_element(
    ssc: StreamingContext, seen: Callable, server: Server, eventually: Eventually
) -> None:
    elements = seen(ssc.rawSocketStream("127.0.0.1", server.port).glom())
    client = server.accept()
    client.sendall(framed(b"first") + framed(b"") + framed(b"x" * 100_000)[:5000])
    eventually(lambda: [part for part in elements if part] == [[b"first"], [b""]])
    client.sendall(framed(b"x" * 100_000)[5000:])
    eventually(lambda: [part for part in elements if part][2:] == [[b"x" * 100_000]])


def test_raw_blocks_can_be_decoded(
    ssc: StreamingContext, seen: Callable, server: Server, eventually: Eventually
) -> None:
    elements = seen(ssc.rawSocketStream("127.0.0.1", server.port, decoder=pickle.loads).glom())
    server.accept().sendall(framed(pickle.dumps([1, "a"])) + framed(pickle.dumps((None,))))
    eventually(lambda: [part for part in elements if part] == [[1, "a"], [None]])


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (struct.pack(">i", -5), "begins with no length"),
        (b"ab", "begins with no length, but b'ab'"),
        (framed(b"half")[:6], "ended 2 bytes before the end of a block"),
    ],
)
def test_broken_raw_blocks_are_told_of(
    ssc: StreamingContext, seen: Callable, server: Server, eventually: Eventually, sent: bytes, error: str
) -> None:
    heard = Heard()
    ssc.addStreamingListener(heard)
    elements = seen(ssc.rawSocketStream("127.0.0.1", server.port))
    client = server.accept()
    client.sendall(framed(b"good") + sent)
    client.close()
    eventually(lambda: elements == [b"good"])
    eventually(lambda: heard.messages())
    assert error in heard.events[1][1].lastError()


def test_lines_have_events_too(ssc: StreamingContext, seen: Callable, server: Server, eventually: Eventually) -> None:
    heard = Heard()
    ssc.addStreamingListener(heard)
    elements = seen(ssc.socketTextStream("127.0.0.1", server.port))
    client = server.accept()
    client.sendall(b"a\nb\n")
    eventually(lambda: elements == ["a", "b"])
    client.close()
    eventually(lambda: len(heard.events) >= 2)
    name, info = heard.events[0]
    assert (name, info.name(), info.active()) == ("started", f"SocketReceiver-{info.streamId()}", True)
    assert (info.location(), info.executorId(), info.lastErrorTime()) == ("localhost", "driver", -1)
    assert heard.messages()[0] == "Restarting receiver with delay 20ms: Socket data stream had no more data"
    ssc.stop(stopSparkContext=False)
    eventually(lambda: heard.messages()[-1] == "Stopped by driver")


def test_lines_of_a_server_that_is_not_there(
    ssc: StreamingContext, seen: Callable, eventually: Eventually, log: Callable[[], list[str]]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    heard = Heard()
    ssc.addStreamingListener(heard)
    seen(ssc.socketTextStream("127.0.0.1", port))
    eventually(lambda: len(heard.events) >= 2)
    info = heard.events[1][1]
    assert info.lastErrorMessage() == f"Restarting receiver with delay 20ms: Error connecting to 127.0.0.1:{port}"
    assert "refused" in info.lastError() and info.lastErrorTime() > 0


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda ssc: ssc.socketStream(7, 1, iter), TypeError, "hostname: expected a host name as text, got 7"),
        (lambda ssc: ssc.socketStream("h", "1", iter), TypeError, "port: expected a whole number, got '1'"),
        (lambda ssc: ssc.socketStream("h", 0, iter), ValueError, "port: expected 1 to 65535, got 0"),
        (lambda ssc: ssc.socketStream("h", 1, None), TypeError, "converter: expected a function of a binary file"),
        (lambda ssc: ssc.rawSocketStream("", 1), TypeError, "hostname"),
        (lambda ssc: ssc.rawSocketStream("h", 1, decoder=3), TypeError, "decoder: expected a function of bytes, got 3"),
    ],
)
def test_wrong_calls(ssc: StreamingContext, call: Callable, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call(ssc)
