"""What is a line? Ends, encodings, lengths and unfinished lines; several sockets; many lines."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from pyspark.streaming import StreamingContext

from dstreams.testing.feeder import Feeder

Gather, Eventually, Log = Callable[..., list], Callable[..., None], Callable[[], list[str]]
Server = Callable[..., Any]


def lines_of(
    ssc: StreamingContext, server: Server, gather: Gather, eventually: Eventually, *pieces: bytes, count: int
) -> list[str]:
    """The lines that arrive when the server sends these pieces and hangs up."""
    serving = server()
    found = gather(ssc.socketTextStream("127.0.0.1", serving.port))
    ssc.start()
    serving.accept()
    for piece in pieces:
        serving.send(piece)
    serving.hang_up()
    eventually(lambda: len(found) >= count)
    return found


@pytest.mark.parametrize(
    ("sent", "lines"),
    [
        (b"a\nb\n", ["a", "b"]),
        (b"a\r\nb\r\n", ["a", "b"]),
        (b"a\rb\rc\n", ["a", "b", "c"]),
        (b"a\n\nb\r\r\nc\n", ["a", "", "b", "", "c"]),
        (b"a\nlast", ["a", "last"]),
        (b" spaces kept \n\ttab\n", [" spaces kept ", "\ttab"]),
        (b"form\x0cfeed \x1c \x85 \xc2\x85 \xe2\x80\xa8 end\n", ["form\x0cfeed \x1c \ufffd \x85 \u2028 end"]),
        ("ünï ☃ 𝄞\n".encode(), ["ünï ☃ 𝄞"]),
        (b"a\xff\xfeb\n\xe2\x82\n\xed\xa0\x80\n", ["a\ufffd\ufffdb", "\ufffd", "\ufffd"]),
        (b"nul\x00inside\n", ["nul\x00inside"]),
    ],
)
def test_bytes_become_lines(
    ssc: StreamingContext, server: Server, gather: Gather, eventually: Eventually, sent: bytes, lines: list[str]
) -> None:
    assert lines_of(ssc, server, gather, eventually, sent, count=len(lines)) == lines


def test_a_line_may_come_in_pieces(
    ssc: StreamingContext, server: Server, gather: Gather, eventually: Eventually
) -> None:
    serving = server()
    found = gather(ssc.socketTextStream("127.0.0.1", serving.port))
    times: list[object] = []
    ssc.queueStream([[1]]).foreachRDD(lambda time, rdd: times.append(time))
    ssc.start()
    serving.accept()
    for piece in (b"begin \xe2", b"\x98\x83 end\r", b"\nnext\n"):
        serving.send(piece)
        batches = len(times) + 2
        eventually(lambda wanted=batches: len(times) >= wanted)
    eventually(lambda: len(found) >= 2)
    assert found == ["begin ☃ end", "next"]


def test_a_line_beyond_64_mib_is_reported_and_the_stream_goes_on(
    ssc: StreamingContext, server: Server, gather: Gather, eventually: Eventually, log: Log
) -> None:
    serving = server()
    lengths = gather(ssc.socketTextStream("127.0.0.1", serving.port).map(len))
    ssc.start()
    serving.accept()
    mebibyte = b"x" * 2**20
    serving.send(b"before\n")
    for _ in range(65):
        serving.send(mebibyte)
    serving.send(b"\nafter\n")
    eventually(lambda: len(lengths) >= 2)
    assert lengths == [6, 5]
    assert log() == [f"socketTextStream: dropped a line longer than {64 * 2**20} bytes from 127.0.0.1:{serving.port}"]


def test_a_line_of_32_mib_arrives_whole(
    ssc: StreamingContext, server: Server, gather: Gather, eventually: Eventually
) -> None:
    serving = server()
    lengths = gather(ssc.socketTextStream("127.0.0.1", serving.port).map(len))
    ssc.start()
    serving.accept()
    serving.send(b"x" * 2**25 + b"\n")
    eventually(lambda: lengths)
    assert lengths == [2**25]


def test_two_sockets_are_united(ssc: StreamingContext, gather: Gather, eventually: Eventually) -> None:
    with (
        Feeder([f"a{number}" for number in range(1000)]) as one,
        Feeder([f"b{number}" for number in range(1000)]) as two,
    ):
        streams = [ssc.socketTextStream("127.0.0.1", feeder.port) for feeder in (one, two)]
        found = gather(ssc.union(*streams))
        ssc.start()
        eventually(lambda: len(found) >= 2000)
        assert [line for line in found if line[0] == "a"] == [f"a{number}" for number in range(1000)]
        assert [line for line in found if line[0] == "b"] == [f"b{number}" for number in range(1000)]
        ssc.stop(stopSparkContext=False)


def test_two_streams_may_read_the_same_server(ssc: StreamingContext, gather: Gather, eventually: Eventually) -> None:
    with Feeder(["x", "y"]) as feeder:
        first = gather(ssc.socketTextStream("127.0.0.1", feeder.port))
        second = gather(ssc.socketTextStream("127.0.0.1", feeder.port))
        ssc.start()
        eventually(lambda: len(first) >= 2 and len(second) >= 2)
        assert (first, second) == (["x", "y"], ["x", "y"])
        ssc.stop(stopSparkContext=False)


def test_a_server_that_closes_after_each_line_is_read_again_and_again(
    ssc: StreamingContext, server: Server, gather: Gather, eventually: Eventually, log: Log
) -> None:
    serving = server()
    found = gather(ssc.socketTextStream("127.0.0.1", serving.port))
    ssc.start()
    for number in range(2):
        serving.accept()
        serving.send(b"line %d" % number)
        serving.hang_up()
    eventually(lambda: len(found) >= 2)
    assert found == ["line 0", "line 1"]


def test_lines_wait_while_batches_are_late(ssc: StreamingContext, gather: Gather, eventually: Eventually) -> None:
    free, stuck = threading.Event(), threading.Event()
    with Feeder([str(number) for number in range(5000)], rate=20_000) as feeder:
        lines = ssc.socketTextStream("127.0.0.1", feeder.port)
        lines.foreachRDD(lambda rdd: (stuck.set() or free.wait(15)) and None)
        found = gather(lines)
        ssc.start()
        eventually(lambda: feeder.sent == 5000 and stuck.is_set())
        free.set()
        eventually(lambda: len(found) >= 5000)
        assert found == [str(number) for number in range(5000)]
        ssc.stop(stopSparkContext=False)


def test_a_graceful_stop_takes_in_what_was_received(
    ssc: StreamingContext, server: Server, gather: Gather, eventually: Eventually
) -> None:
    serving = server()
    found = gather(ssc.socketTextStream("127.0.0.1", serving.port))
    ssc.start()
    serving.accept()
    serving.send(b"first\n")
    eventually(lambda: found)
    serving.send(b"".join(b"%d\n" % number for number in range(1000)))
    serving.send(b"end\n")
    eventually(lambda: len(found) > 1)
    ssc.stop(stopSparkContext=False, stopGraceFully=True)
    assert found[0] == "first"
    assert found[1:] == [*map(str, range(1000)), "end"][: len(found) - 1]


def test_the_partitions_of_a_batch_are_its_blocks(
    ssc: StreamingContext, server: Server, eventually: Eventually
) -> None:
    serving = server()
    partitions: list[tuple[int, int]] = []
    lines = ssc.socketTextStream("127.0.0.1", serving.port)
    lines.foreachRDD(lambda rdd: partitions.append((rdd.getNumPartitions(), rdd.count())))
    ssc.start()
    serving.accept()
    serving.send(b"one\n")
    eventually(lambda: any(count for _, count in partitions))
    assert set(partitions) <= {(0, 0), (1, 1)}
