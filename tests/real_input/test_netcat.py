"""`socketTextStream` reads from a real `nc -lk`, which may come late, go away, and come back."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from pyspark.streaming import StreamingContext

Gather, Eventually, Log = Callable[..., list], Callable[..., None], Callable[[], list[str]]


def test_words_typed_into_netcat_are_counted(
    ssc: StreamingContext, netcat: Callable[[int], Any], free_port: int, gather: Gather, eventually: Eventually
) -> None:
    typing = netcat(free_port)
    words = ssc.socketTextStream("localhost", free_port).flatMap(lambda line: line.split(" "))
    counts = gather(words.map(lambda word: (word, 1)).reduceByKey(lambda a, b: a + b))
    ssc.start()
    typing.send(b"to be or\nnot to be\n")

    def total() -> Counter[str]:
        found: Counter[str] = Counter()
        for word, count in list(counts):
            found[word] += count
        return found

    eventually(lambda: sum(total().values()) == 6)
    assert total() == {"to": 2, "be": 2, "or": 1, "not": 1}
    typing.send(b"to\n")
    eventually(lambda: total()["to"] == 3)


def test_nothing_is_lost_or_doubled_or_out_of_order(
    ssc: StreamingContext, netcat: Callable[[int], Any], free_port: int, gather: Gather, eventually: Eventually
) -> None:
    count = 300_000
    typing = netcat(free_port)
    numbers = ssc.socketTextStream("127.0.0.1", free_port).map(int)
    sizes = gather(numbers.count())
    found = gather(numbers)
    ssc.start()
    step = count // 30
    for start in range(0, count, step):
        typing.send(b"".join(b"%d\n" % number for number in range(start, start + step)))
        time.sleep(0.02)  # spreads them over batches
    eventually(lambda: len(found) >= count, 30)
    assert found == list(range(count))
    assert len([size for size in sizes if size]) >= 3


def test_a_server_that_comes_late_is_warned_of_once(
    ssc: StreamingContext,
    netcat: Callable[[int], Any],
    free_port: int,
    gather: Gather,
    eventually: Eventually,
    log: Log,
) -> None:
    found = gather(ssc.socketTextStream("127.0.0.1", free_port))
    ssc.start()
    eventually(log)
    time.sleep(2.2)  # a second attempt
    assert log() == [
        f"socketTextStream: cannot connect to 127.0.0.1:{free_port} (Connection refused); trying again every 2 s"
    ]
    typing = netcat(free_port)
    typing.send(b"late\n")
    eventually(lambda: found)
    assert found == ["late"]
    assert len(log()) == 1


def test_a_server_that_dies_and_comes_back_goes_on(
    ssc: StreamingContext,
    netcat: Callable[[int], Any],
    free_port: int,
    gather: Gather,
    eventually: Eventually,
    log: Log,
) -> None:
    first = netcat(free_port)
    found = gather(ssc.socketTextStream("127.0.0.1", free_port))
    ssc.start()
    first.send(b"before\n")
    eventually(lambda: found == ["before"])
    first.end()
    eventually(log)
    assert log() == [f"socketTextStream: connection to 127.0.0.1:{free_port} closed; trying again every 2 s"]
    second = netcat(free_port)
    second.send(b"after\n")
    eventually(lambda: found == ["before", "after"])


@pytest.mark.parametrize("graceful", [False, True])
def test_a_stop_hangs_up(
    ssc: StreamingContext,
    netcat: Callable[[int], Any],
    free_port: int,
    gather: Gather,
    eventually: Eventually,
    graceful: bool,
) -> None:
    typing = netcat(free_port)
    found = gather(ssc.socketTextStream("127.0.0.1", free_port))
    ssc.start()
    typing.send(b"one\n")
    eventually(lambda: found)
    begun = time.monotonic()
    ssc.stop(stopSparkContext=False, stopGraceFully=graceful)
    assert time.monotonic() - begun < 2
    assert found == ["one"]
