"""What does a checkpoint cost, and how many short records a second does the log of receivers make durable?

For a million keys held and 10,000 touched per batch, with `updateStateByKey` and with `mapWithState`, and for a batch
with next to nothing in it: milliseconds from the end of a batch's outputs until its checkpoint is durable (the clock is
turned by hand, and `advance` waits for it), and bytes handed to the system meanwhile. For the log: records that
`store_many` has returned for, and those that were read, logged and counted by batches. Every answer is checked.

    python benches/checkpoint.py [--keys 1000000] [--touched 10000] [--batches 150] [--records 3000000] [FOLDER]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any

from pyspark import SparkConf, SparkContext
from pyspark.streaming import StateSpec, StreamingContext
from pyspark.streaming.receiver import Receiver

CHUNK = 10_000


ENDED: list[float] = []
SECONDS: list[float] = []
SEEN: list[int] = []


def note_end(rdd: Any) -> None:
    """The last output of a batch. Notes in the program itself: variables of its functions would be in checkpoints."""
    import __main__ as program

    rdd.count()
    program.ENDED.append(time.perf_counter())


def see(rdd: Any) -> None:
    """Counts what came."""
    import __main__ as program

    program.SEEN.append(rdd.count())


def written() -> int:
    """Bytes that this process has handed to the system."""
    with open("/proc/self/io", encoding="ascii") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("wchar"))


def conf() -> SparkConf:
    return SparkConf().setMaster("local[2]").setAppName("checkpoint").set("spark.ui.enabled", "false")


def checkpoints(folder: str, batches: int, build: Callable[[StreamingContext], None]) -> dict[str, float]:
    """The cost of the checkpoint of each batch but the first ones, which write everything."""
    sc = SparkContext(conf=conf().set("spark.streaming.clock", "manual"))
    ssc = StreamingContext(sc, 1)
    ssc.checkpoint(folder)
    build(ssc)
    ssc.start()
    times: list[float] = []
    sizes: list[int] = []
    whole: list[float] = []
    for batch in range(batches):
        before = written()
        begun = time.perf_counter()
        ssc.advance()
        done = time.perf_counter()
        if batch > 1:
            times.append((done - ENDED[-1]) * 1000)
            sizes.append(written() - before)
            whole.append((done - begun) * 1000)
    ssc.stop()
    if os.environ.get("VERBOSE"):
        print(sizes, [round(t) for t in times])
    return {
        "checkpoint_ms_median": round(statistics.median(times), 1),
        "checkpoint_ms_95": round(statistics.quantiles(times, n=20)[-1], 1),
        "checkpoint_ms_max": round(max(times), 1),
        "bytes_median": round(statistics.median(sizes)),
        "bytes_max": max(sizes),
        "batch_and_checkpoint_ms_median": round(statistics.median(whole), 1),
    }


def touches(options: argparse.Namespace) -> list[list[tuple[str, int]]]:
    pick = random.Random(7)
    return [
        [(f"user-{key:08}", 1) for key in pick.sample(range(options.keys), options.touched)]
        for _ in range(options.batches)
    ]


def add(new: list[int], old: int | None) -> int:
    return sum(new) + (old or 0)


def count(key: str, value: int, state: Any) -> None:
    state.update((state.getOption() or 0) + value)


def update_state(options: argparse.Namespace, folder: str) -> dict[str, float]:
    """`updateStateByKey`."""

    def build(ssc: StreamingContext) -> None:
        initial = ssc.sparkContext.parallelize([(f"user-{key:08}", 0) for key in range(options.keys)], 2)
        pairs = ssc.queueStream(touches(options))
        states = pairs.updateStateByKey(add, 2, initial)
        states.foreachRDD(note_end)

    return checkpoints(folder, options.batches, build)


def map_with_state(options: argparse.Namespace, folder: str) -> dict[str, float]:
    """`mapWithState`."""

    def build(ssc: StreamingContext) -> None:
        initial = ssc.sparkContext.parallelize([(f"user-{key:08}", 0) for key in range(options.keys)], 2)
        spec = StateSpec.function(count).numPartitions(2).initialState(initial).timeout(3600)
        ssc.queueStream(touches(options)).mapWithState(spec).foreachRDD(note_end)

    return checkpoints(folder, options.batches, build)


def tiny(options: argparse.Namespace, folder: str) -> dict[str, float]:
    """A word count of one word per batch, with a few functions."""

    def build(ssc: StreamingContext) -> None:
        lines = ssc.queueStream([["a b"]] * options.batches)
        words = lines.flatMap(lambda line: line.split()).map(lambda word: (word, 1))
        words.updateStateByKey(add, 2).foreachRDD(note_end)

    return checkpoints(folder, options.batches, build)


class Fast(Receiver[str]):
    """Stores lists of short records as fast as it can."""

    def __init__(self, records: int) -> None:
        super().__init__()
        self.records = records

    def onStart(self) -> None:
        """Begins."""
        threading.Thread(target=self.run, daemon=True).start()

    def onStop(self) -> None:
        """Nothing to end."""

    def run(self) -> None:
        """Notes how long all `store_many` took."""
        chunks = [[f"a short record {n}" for n in range(at, at + CHUNK)] for at in range(0, self.records, CHUNK)]
        begun = time.perf_counter()
        for chunk in chunks:
            self.store_many(chunk)
        SECONDS.append(time.perf_counter() - begun)


def logged(options: argparse.Namespace, folder: str, make: Callable[[StreamingContext], Any]) -> dict[str, float]:
    """Records a second that a receiver makes durable."""
    SECONDS.clear()
    SEEN.clear()
    setting = conf().set("spark.streaming.receiver.writeAheadLog.enable", "true")
    sc = SparkContext(conf=setting)
    ssc = StreamingContext(sc, 0.5)
    ssc.checkpoint(folder)
    make(ssc).foreachRDD(see)
    begun = time.perf_counter()
    ssc.start()
    while sum(SEEN) < options.records:
        time.sleep(0.02)
        assert time.perf_counter() - begun < 120, (sum(SEEN), options.records)
    whole = time.perf_counter() - begun
    ssc.stop()
    assert sum(SEEN) == options.records
    stored = {"stored_per_second": round(options.records / SECONDS[0])} if SECONDS else {}
    return {**stored, "processed_per_second": round(options.records / whole)}


def serve(records: int) -> int:
    """A server that sends numbered lines to the first who connects; its port."""
    server = socket.create_server(("localhost", 0))

    def run() -> None:
        connection, _ = server.accept()
        chunks = [
            "".join(f"a short record {n}\n" for n in range(at, at + CHUNK)).encode() for at in range(0, records, CHUNK)
        ]
        for chunk in chunks:
            connection.sendall(chunk)
        connection.close()
        server.close()

    threading.Thread(target=run, daemon=True).start()
    return server.getsockname()[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--touched", type=int, default=10_000)
    parser.add_argument("--batches", type=int, default=150)
    parser.add_argument("--records", type=int, default=3_000_000)
    parser.add_argument("--only", choices=["update", "map", "tiny", "store", "socket"])
    parser.add_argument("folder", nargs="?", help="on the disk in question")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="dstreams-bench-", dir=options.folder)
    cases: dict[str, Callable[[str], dict[str, float]]] = {
        "update": lambda at: update_state(options, at),
        "map": lambda at: map_with_state(options, at),
        "tiny": lambda at: tiny(options, at),
        "store": lambda at: logged(options, at, lambda ssc: ssc.receiverStream(Fast(options.records))),
        "socket": lambda at: logged(options, at, lambda ssc: ssc.socketTextStream("localhost", serve(options.records))),
    }
    for name, run in cases.items():
        if options.only in (None, name):
            print(json.dumps({"case": name, **run(os.path.join(folder, name))}), flush=True)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
