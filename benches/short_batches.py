"""How short may batches be?

Runs a word count over a socket whose server sends lines all the time, in batches of a few milliseconds. Tells how long
after its time a batch is done, and whether the stream keeps up: if so, as many batches are done as fall due, and the
last ones wait no longer than the first ones. Fails if a batch is left out or a word is lost.

    python benches/short_batches.py [--interval 0.005] [--seconds 20] [--lines 20000]
"""

from __future__ import annotations

import argparse
import itertools
import json
import socket
import statistics
import threading
import time
from datetime import datetime
from operator import add

from pyspark import RDD, SparkConf, SparkContext
from pyspark.streaming import StreamingContext, StreamingListener

WORDS = "to be or not to be that is the question whether tis nobler in the mind to suffer"


class Delays(StreamingListener):
    """(batch time, milliseconds that it waited for the batch before it, records)"""

    def __init__(self) -> None:
        self.batches: list[tuple[int, int, int]] = []

    def onBatchCompleted(self, batchCompleted) -> None:
        info = batchCompleted.batchInfo()
        at = info.batchTime().milliseconds()
        self.batches.append((at, info.schedulingDelay(), info.numRecords()))


def serve(listening: socket.socket, lines_a_second: int, ending: threading.Event) -> None:
    """Sends so many lines a second, a hundred times a second."""
    connection, _ = listening.accept()
    part = (WORDS + "\n").encode() * max(1, lines_a_second // 100)
    due = time.monotonic()
    with connection:
        while not ending.is_set():
            try:
                connection.sendall(part)
            except OSError:  # the stream has ended
                return
            due += 0.01
            time.sleep(max(0.0, due - time.monotonic()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--interval", type=float, default=0.005)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--lines", type=int, default=20_000, help="a second")
    options = parser.parse_args()

    conf = SparkConf().setMaster("local[2]").setAppName("short").set("spark.streaming.blockInterval", "5ms")
    sc = SparkContext(conf=conf)
    ssc = StreamingContext(sc, options.interval)
    delays, ending = Delays(), threading.Event()
    ssc.addStreamingListener(delays)
    listening = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve, args=(listening, options.lines, ending), daemon=True).start()
    counted: list[int] = []
    late: list[float] = []

    def count(due: datetime, rdd: RDD) -> None:
        counted.append(sum(count for _, count in rdd.collect()))
        late.append((time.time() - due.timestamp()) * 1000)

    words = ssc.socketTextStream("127.0.0.1", listening.getsockname()[1]).flatMap(lambda line: line.split(" "))
    words.map(lambda word: (word, 1)).reduceByKey(add).foreachRDD(count)
    ssc.start()
    time.sleep(1)  # the first batches import what the rest uses
    first = len(delays.batches)
    late.clear()
    used = time.process_time()
    time.sleep(options.seconds)
    used = time.process_time() - used
    batches, done = delays.batches[first:], sorted(late)
    ending.set()
    ssc.stop(stopSparkContext=False, stopGraceFully=True)
    records = sum(one[2] for one in delays.batches)
    assert sum(counted) == records * len(WORDS.split()), "words were lost"
    sc.stop()

    step = options.interval * 1000
    times = [one[0] for one in batches]
    assert all(round((b - a) / step) == 1 for a, b in itertools.pairwise(times)), "a batch was left out"
    tenth = len(batches) // 10
    figures = {
        "batches": len(batches),
        "batches_due": options.seconds / options.interval,
        "due_to_done_ms_p50": statistics.median(done),
        "due_to_done_ms_p99": done[int(len(done) * 0.99)],
        "due_to_done_ms_max": done[-1],
        "scheduling_delay_ms_first_tenth": statistics.mean(one[1] for one in batches[:tenth]),
        "scheduling_delay_ms_last_tenth": statistics.mean(one[1] for one in batches[-tenth:]),
        "processor_ms_per_batch": used * 1000 / len(batches),
        "lines_per_second": sum(one[2] for one in batches) / options.seconds,
    }
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
