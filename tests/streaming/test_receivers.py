"""Receivers written in Python: what they store is processed, once and in order; how they start, restart and stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from py4j.protocol import Py4JJavaError
from pyspark import RDD, SparkConf, SparkContext
from pyspark.streaming import Receiver, StreamingContext, StreamingListener

Eventually = Callable[..., None]


class Driven(Receiver):
    """Stores what the test tells it to, from the test's thread; notes what is called."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def onStart(self) -> None:
        self.calls.append("onStart")

    def onStop(self) -> None:
        self.calls.append("onStop")


class Counting(Receiver):
    """Stores 0, 1, 2 ... from a thread of its own until it is to stop."""

    def __init__(self) -> None:
        super().__init__()
        self.stored = 0

    def on_start(self) -> None:
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def on_stop(self) -> None:
        self.thread.join()

    def run(self) -> None:
        while not self.is_stopped():
            self.store(self.stored)
            self.stored += 1
            if self.stored % 100 == 0:
                time.sleep(0)


class Events(StreamingListener):
    """What listeners hear of receivers."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, object]] = []

    def onReceiverStarted(self, receiverStarted) -> None:
        self.heard.append(("started", receiverStarted.receiverInfo()))

    def onReceiverError(self, receiverError) -> None:
        self.heard.append(("error", receiverError.receiverInfo()))

    def onReceiverStopped(self, receiverStopped) -> None:
        self.heard.append(("stopped", receiverStopped.receiverInfo()))

    def names(self) -> list[str]:
        return [name for name, _ in self.heard]


@pytest.fixture
def conf() -> dict[str, str]:
    """Settings of the context; tests change them before they ask for `sc`."""
    return {"spark.streaming.receiverRestartDelay": "10"}


@pytest.fixture
def sc(conf: dict[str, str], request: pytest.FixtureRequest) -> Iterator[SparkContext]:
    conf.update(getattr(request, "param", {}))
    context = SparkContext(conf=SparkConf().setMaster("local[2]").setAppName("test").setAll(conf.items()))
    yield context
    context.stop()


@pytest.fixture
def seen(ssc: StreamingContext) -> Callable[..., list]:
    """Starts a stream; the elements of its batches so far."""

    def start(stream) -> list:
        elements: list = []
        stream.foreachRDD(lambda rdd: elements.extend(rdd.collect()))
        ssc.start()
        return elements

    return start


def started(receiver: Receiver, eventually: Eventually) -> None:
    eventually(receiver.is_started)


def test_what_is_stored_is_processed_once_and_in_order(ssc: StreamingContext, seen: Callable) -> None:
    receiver = Counting()
    elements = seen(ssc.receiverStream(receiver))
    ssc.awaitTerminationOrTimeout(0.3)
    ssc.stop(stopSparkContext=False, stopGraceFully=True)
    assert receiver.stored > 0
    assert elements == list(range(receiver.stored))


def test_a_graceful_stop_processes_what_is_still_being_stored(
    ssc: StreamingContext, seen: Callable, eventually: Eventually
) -> None:
    receiver = Counting()
    receiver.max_pending_bytes = 0
    elements = seen(ssc.receiverStream(receiver))
    eventually(lambda: receiver.stored > 3000)
    ssc.stop(stopSparkContext=False, stopGraceFully=True)
    assert elements == list(range(receiver.stored))


def test_receivers_run_side_by_side_and_can_be_united(ssc: StreamingContext, seen: Callable) -> None:
    receivers = [Counting() for _ in range(3)]
    tagged = [ssc.receiverStream(receiver).map(lambda item, n=n: (n, item)) for n, receiver in enumerate(receivers)]
    elements = seen(ssc.union(*tagged))
    ssc.awaitTerminationOrTimeout(0.2)
    ssc.stop(stopSparkContext=False, stopGraceFully=True)
    for n, receiver in enumerate(receivers):
        assert [item for tag, item in elements if tag == n] == list(range(receiver.stored))
    assert [receiver.stream_id for receiver in receivers] == sorted({receiver.streamId for receiver in receivers})


def test_items_of_a_block_interval_are_a_partition(
    ssc: StreamingContext, seen: Callable, eventually: Eventually
) -> None:
    receiver = Driven()
    elements = seen(ssc.receiverStream(receiver).glom())
    started(receiver, eventually)
    receiver.store_many([])
    receiver.store_many(iter(["a", "b"]))
    receiver.storeMany(["c"])
    receiver.store("d")
    eventually(lambda: sum(map(len, elements)) == 4)
    partitions = [part for part in elements if part]
    assert partitions == [["a", "b"], ["c"], ["d"]]


@pytest.mark.parametrize("sc", [{"spark.streaming.blockInterval": "10ms"}], indirect=True)
def test_a_slow_iterable_comes_bit_by_bit(ssc: StreamingContext, seen: Callable, eventually: Eventually) -> None:
    receiver, go_on = Driven(), threading.Event()
    elements = seen(ssc.receiverStream(receiver))
    started(receiver, eventually)

    def slow():
        yield 1
        eventually(lambda: time.monotonic() > begun + 0.02)
        yield 2
        assert go_on.wait(20)
        yield 3

    begun = time.monotonic()
    thread = threading.Thread(target=receiver.store_many, args=(slow(),))
    thread.start()
    eventually(lambda: elements == [1, 2])
    go_on.set()
    thread.join()
    eventually(lambda: elements == [1, 2, 3])


@pytest.mark.parametrize("sc", [{"spark.streaming.blockInterval": "10ms"}], indirect=True)
def test_a_long_batch_has_many_blocks(streams: Callable[..., StreamingContext], eventually: Eventually) -> None:
    ssc = streams(0.5)
    receiver, partitions = Counting(), []
    ssc.receiverStream(receiver).foreachRDD(lambda rdd: partitions.append(rdd.getNumPartitions()))
    begun = time.monotonic()
    ssc.start()
    # In full batches; how many blocks depends on what else the machine does, and a late batch has more.
    eventually(lambda: len(partitions) >= 3)
    assert max(partitions) >= 2
    assert sum(partitions) <= (time.monotonic() - begun) / 0.01 + len(partitions)


ITEMS = [1, 2.5, "text", None, (1, "a"), [1, [2]], {"k": [1]}, b"bytes", 1 << 80]


def test_items_may_be_anything_and_are_not_shared(
    ssc: StreamingContext, seen: Callable, eventually: Eventually
) -> None:
    receiver = Driven()
    elements = seen(ssc.receiverStream(receiver))
    started(receiver, eventually)
    mutable = [1]
    receiver.store_many([*ITEMS, mutable])
    mutable.append("spoiled")
    eventually(lambda: len(elements) == len(ITEMS) + 1)
    assert elements == [*ITEMS, [1]]
    assert [type(item) for item in elements] == [*map(type, ITEMS), list]


def test_many_threads_may_store(ssc: StreamingContext, seen: Callable, eventually: Eventually) -> None:
    receiver = Driven()
    elements = seen(ssc.receiverStream(receiver))
    started(receiver, eventually)
    threads = [
        threading.Thread(target=lambda n=n: [receiver.store((n, item)) for item in range(2000)]) for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ssc.stop(stopSparkContext=False, stopGraceFully=True)
    for n in range(4):
        assert [item for tag, item in elements if tag == n] == list(range(2000))


def test_store_waits_when_too_much_waits(streams: Callable[..., StreamingContext], eventually: Eventually) -> None:
    ssc = streams(3600)
    receiver = Counting()
    receiver.max_pending_bytes = 10_000
    ssc.receiverStream(receiver).foreachRDD(lambda rdd: rdd.count() and None)
    ssc.start()
    # A block of a thousand numbers has 8000 bytes: two of them are too many, and part of a third waits for no room.
    eventually(lambda: receiver.stored >= 2000)
    threading.Event().wait(0.05)
    assert receiver.stored == 2000
    ssc.stop(stopSparkContext=False)
    receiver.thread.join(10)
    assert not receiver.thread.is_alive()


def test_the_state_of_a_receiver(ssc: StreamingContext, seen: Callable, eventually: Eventually) -> None:
    receiver = Driven()
    assert (receiver.stream_id, receiver.is_started(), receiver.is_stopped()) == (-1, False, False)
    with pytest.raises(RuntimeError, match="this Driven belongs to no stream yet"):
        receiver.store(1)
    seen(ssc.receiverStream(receiver))
    assert receiver.streamId >= 0
    started(receiver, eventually)
    assert not receiver.isStopped() and receiver.preferredLocation is None
    ssc.stop(stopSparkContext=False)
    assert (receiver.isStarted(), receiver.is_stopped(), receiver.calls) == (False, True, ["onStart", "onStop"])
    with pytest.raises(Py4JJavaError, match=r"the receiver has been stopped \(ask is_stopped\(\)\)"):
        receiver.store(1)
    with pytest.raises(Py4JJavaError, match="SparkException"):
        receiver.store_many([1])


def test_a_restart_stops_and_starts(
    ssc: StreamingContext, seen: Callable, eventually: Eventually, log: Callable[[], list[str]]
) -> None:
    receiver, events = Driven(), Events()
    ssc.addStreamingListener(events)
    elements = seen(ssc.receiverStream(receiver))
    started(receiver, eventually)
    receiver.restart("lost it", OSError("gone"))
    assert receiver.is_stopped()
    receiver.restart("again")  # one is enough
    receiver.store("meanwhile")
    started(receiver, eventually)
    receiver.restart("at once", millisecond=0)
    eventually(lambda: receiver.calls == ["onStart", "onStop", "onStart", "onStop", "onStart"])
    eventually(lambda: elements == ["meanwhile"])
    eventually(lambda: len(events.heard) == 5)
    assert events.names() == ["started", "stopped", "started", "stopped", "started"]
    info = events.heard[1][1]
    assert info.lastErrorMessage() == "Restarting receiver with delay 10ms: lost it"
    assert info.lastError() == "OSError: gone"
    assert abs(info.lastErrorTime() - time.time() * 1000) < 60_000
    again = events.heard[2][1]
    assert (again.active(), again.lastErrorMessage(), again.lastErrorTime()) == (True, "", -1)
    assert f"receiver {receiver.stream_id}: Restarting receiver with delay 10ms: lost it - OSError: gone" in log()


def test_an_on_start_that_raises_is_told_and_tried_again(
    ssc: StreamingContext, seen: Callable, eventually: Eventually
) -> None:
    class Fragile(Driven):
        def onStart(self) -> None:
            super().onStart()
            if len(self.calls) < 4:
                raise ConnectionError("not yet")

    receiver, events = Fragile(), Events()
    ssc.addStreamingListener(events)
    seen(ssc.receiverStream(receiver))
    eventually(lambda: len(events.heard) == 5)
    assert receiver.calls == ["onStart", "onStop"] * 2 + ["onStart"]
    info = events.heard[1][1]
    assert info.lastErrorMessage().endswith(f"Error starting receiver {receiver.stream_id}")
    assert info.lastError().endswith("ConnectionError: not yet") and "Traceback" in info.lastError()


def test_a_receiver_without_on_start_says_so(
    ssc: StreamingContext, seen: Callable, eventually: Eventually, log: Callable[[], list[str]]
) -> None:
    seen(ssc.receiverStream(Receiver()))
    eventually(lambda: any("Receiver has no onStart(): define what begins to receive" in text for text in log()))


def test_a_receiver_that_stops_itself_stays_stopped(
    ssc: StreamingContext, seen: Callable, eventually: Eventually
) -> None:
    receiver, events = Driven(), Events()
    ssc.addStreamingListener(events)
    elements = seen(ssc.receiverStream(receiver))
    started(receiver, eventually)
    receiver.store("last")
    receiver.stop("enough", ValueError("of this"))
    assert receiver.is_stopped()
    receiver.restart("no")
    eventually(lambda: elements == ["last"])
    eventually(lambda: len(events.heard) == 2)
    ssc.stop(stopSparkContext=False, stopGraceFully=True)
    assert receiver.calls == ["onStart", "onStop"]
    assert events.names() == ["started", "stopped"]
    info = events.heard[1][1]
    assert (info.active(), info.lastErrorMessage(), info.lastError()) == (False, "enough", "ValueError: of this")


def test_errors_are_reported(
    ssc: StreamingContext, seen: Callable, eventually: Eventually, log: Callable[[], list[str]]
) -> None:
    receiver, events = Driven(), Events()
    ssc.addStreamingListener(events)
    seen(ssc.receiverStream(receiver))
    started(receiver, eventually)
    receiver.reportError("a bad record", ValueError("x"))
    receiver.report_error("another")
    eventually(lambda: len(events.heard) == 3)
    first, second = (info for name, info in events.heard if name == "error")
    assert first.name() == f"Driven-{receiver.stream_id}" and first.streamId() == receiver.stream_id
    assert (first.active(), first.location(), first.executorId()) == (True, "localhost", "driver")
    assert (first.lastErrorMessage(), first.lastError()) == ("a bad record", "ValueError: x")
    assert (second.lastErrorMessage(), second.lastError(), second.lastErrorTime()) == ("another", "", -1)
    assert f"receiver {receiver.stream_id}: a bad record - ValueError: x" in log()


def test_an_on_stop_that_raises_or_hangs_does_not_keep_the_stream(
    ssc: StreamingContext, eventually: Eventually, log: Callable[[], list[str]]
) -> None:
    release = threading.Event()

    class Bad(Driven):
        def onStop(self) -> None:
            release.wait(30)
            raise RuntimeError("bad")

    receiver = Bad()
    ssc.receiverStream(receiver).foreachRDD(lambda rdd: rdd.count() and None)
    ssc.start()
    started(receiver, eventually)
    ssc.stop(stopSparkContext=False)
    assert f"receiver {receiver.stream_id}: its onStop() does not return" in log()
    release.set()
    eventually(lambda: any("onStop() raised - RuntimeError: bad" in text for text in log()))


def test_a_listener_may_stop_the_stream(ssc: StreamingContext, seen: Callable, eventually: Eventually) -> None:
    class Stopping(Events):
        def onReceiverError(self, receiverError) -> None:
            ssc.stop(stopSparkContext=False, stopGraceFully=True)
            super().onReceiverError(receiverError)

    receiver, events = Driven(), Stopping()
    ssc.addStreamingListener(events)
    elements = seen(ssc.receiverStream(receiver))
    started(receiver, eventually)
    receiver.store(1)
    receiver.report_error("enough")
    assert ssc.awaitTerminationOrTimeout(20)
    eventually(lambda: events.names()[:2] == ["started", "error"])
    assert elements == [1]


def test_an_item_that_cannot_be_pickled_is_told_of(
    ssc: StreamingContext, seen: Callable, eventually: Eventually
) -> None:
    receiver, events = Driven(), Events()
    ssc.addStreamingListener(events)
    elements = seen(ssc.receiverStream(receiver))
    started(receiver, eventually)
    with pytest.raises(Exception, match=r"[Pp]ickle|serialize"):
        receiver.store_many([threading.Lock()])
    receiver.store(threading.Lock())
    eventually(lambda: "error" in events.names())
    receiver.store("good")
    eventually(lambda: elements == ["good"])
    info = dict(events.heard)["error"]
    assert "cannot be pickled and are lost" in info.lastErrorMessage()


@pytest.mark.parametrize("sc", [{"spark.streaming.receiver.maxRate": "200"}], indirect=True)
def test_the_rate_is_limited(ssc: StreamingContext, seen: Callable, eventually: Eventually) -> None:
    receiver = Counting()
    begun = time.monotonic()
    elements = seen(ssc.receiverStream(receiver))
    eventually(lambda: len(elements) >= 60)
    # Nothing had been saved up: sixty records need 0.295 s, less what whole milliseconds hide.
    assert time.monotonic() - begun >= 0.29
    assert ssc._graph.receiver_rate(receiver.stream_id) == 200


PID = {"enabled": "true", "initialRate": "2000", "pid.minRate": "10"}
BACKPRESSURE = {"spark.streaming.backpressure." + key: value for key, value in PID.items()}


@pytest.mark.parametrize("sc", [BACKPRESSURE], indirect=True)
def test_backpressure_slows_store_down_to_what_is_processed(ssc: StreamingContext, eventually: Eventually) -> None:
    receiver, gate = Counting(), threading.Event()
    # 5 ms a record: 200 a second.
    ssc.receiverStream(receiver).foreachRDD(lambda rdd: gate.wait(rdd.count() * 0.005) and None)
    ssc.start()
    eventually(lambda: (ssc._graph.receiver_rate(receiver.stream_id) or 2000) < 500)
    begun, before = time.monotonic(), receiver.stored
    eventually(lambda: time.monotonic() > begun + 1)
    # At the first rate it would be 2000.
    assert receiver.stored - before < 1300
    eventually(lambda: receiver.stored > before)


@pytest.mark.parametrize("sc", [{"spark.dstreams.receiver.maxWaiting": "10k"}], indirect=True)
def test_store_waits_until_what_was_taken_is_processed(ssc: StreamingContext, eventually: Eventually) -> None:
    class Thousands(Counting):
        def run(self) -> None:
            while not self.is_stopped():
                self.store_many(range(1000))
                self.stored += 1000

    receiver, gate = Thousands(), threading.Event()
    taken: list[int] = []

    def process(rdd: RDD) -> None:
        if count := rdd.count():  # the first batches may come before the first block
            taken.append(count)
            gate.wait(30)

    ssc.receiverStream(receiver).foreachRDD(process)
    ssc.start()
    eventually(lambda: taken)
    # Two blocks of a thousand numbers are too many, wherever they are; a third one asks for room and gets none.
    eventually(lambda: receiver.stored >= 1000)
    threading.Event().wait(0.2)
    assert receiver.stored <= 2000
    gate.set()
    eventually(lambda: receiver.stored > 10_000, 30)


@pytest.mark.parametrize("sc", [{"spark.streaming.receiver.maxRate": "0.1"}], indirect=True)
def test_a_rate_is_a_whole_number(ssc: StreamingContext) -> None:
    with pytest.raises(Py4JJavaError, match=r"receiver\.maxRate should be long, but was 0\.1"):
        ssc.receiverStream(Driven())


@pytest.mark.parametrize("sc", [{"spark.streaming.receiver.maxRate": "1"}], indirect=True)
@pytest.mark.parametrize("graceful", [True, False])
def test_a_stop_does_not_wait_for_the_rate(
    ssc: StreamingContext, seen: Callable, eventually: Eventually, graceful: bool
) -> None:
    class Bulk(Counting):
        def run(self) -> None:
            try:
                self.store_many(range(1000))
            finally:
                self.stored = 1000

    receiver = Bulk()
    elements = seen(ssc.receiverStream(receiver))
    eventually(lambda: elements)
    if graceful:
        ssc.stop(stopSparkContext=False, stopGraceFully=True)
        assert elements == list(range(1000))
    else:
        ssc.stop(stopSparkContext=False)
        assert receiver.stored == 1000 and len(elements) < 1000


def test_wrong_receivers(ssc: StreamingContext) -> None:
    with pytest.raises(TypeError, match=r"receiver: expected a pyspark\.streaming\.receiver\.Receiver, got 7"):
        ssc.receiverStream(7)
    receiver = Driven()
    ssc.receiverStream(receiver)
    with pytest.raises(ValueError, match="this Driven feeds another stream already"):
        ssc.receiverStream(receiver)


def test_a_thread_that_does_not_ask_is_ended(ssc: StreamingContext, seen: Callable, eventually: Eventually) -> None:
    class Deaf(Driven):
        def run(self) -> None:
            try:
                while True:
                    self.store(0)
            except SystemExit as end:
                self.calls.append(str(end))

    receiver = Deaf()
    elements = seen(ssc.receiverStream(receiver))
    started(receiver, eventually)
    thread = threading.Thread(target=receiver.run)
    thread.start()
    eventually(lambda: elements)
    ssc.stop(stopSparkContext=False)
    thread.join(20)
    assert any("the receiver has been stopped" in call for call in receiver.calls)
