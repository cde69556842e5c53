"""How do whole streaming programs do, in plain PySpark code?

The same file runs on dstreams and on Apache Spark: the interpreter that runs it decides. Each case checks its answer
and prints one line of JSON.

    python benches/streaming.py [startup|socket|memory ...]
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable

BEGUN = time.perf_counter()


def contexts(batch: float):
    from pyspark import SparkConf, SparkContext
    from pyspark.streaming import StreamingContext

    conf = SparkConf().setMaster("local[2]").setAppName("bench").set("spark.ui.enabled", "false")
    sc = SparkContext(conf=conf)
    sc.setLogLevel("OFF")
    return sc, StreamingContext(sc, batch)


def wait_until(done: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(0.002)
    return done()


def startup() -> dict[str, float]:
    """Seconds from before the first import to the first batch's result, with batches of 0.1 s."""
    _, ssc = contexts(0.1)
    found: list[list] = []
    pairs = ssc.queueStream([[("a", 1), ("b", 2), ("a", 3)]])
    pairs.reduceByKey(lambda x, y: x + y).foreachRDD(lambda rdd: found.append(rdd.collect()))
    ssc.start()
    assert wait_until(lambda: any(found), 60)
    seconds = time.perf_counter() - BEGUN
    assert sorted(found[0]) == [("a", 4), ("b", 2)]
    ssc.stop(True, False)
    return {"first_result_s": seconds}


# Another process: it must not share the interpreter lock with the engine that it feeds.
SENDER = """
import socket, sys, time
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("listening", flush=True)
client, _ = server.accept()
block, sent, end = b"alpha beta gamma delta\\n" * 2000, 0, time.time() + float(sys.argv[2])
while time.time() < end:
    client.sendall(block)
    sent += 2000
print(sent, flush=True)
time.sleep(1)
client.close()
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def socket_lines() -> dict[str, float]:
    """Records per second from one TCP socket at full speed for 8 s, counted; none may be lost."""
    port, seconds = free_port(), 8.0
    sender = subprocess.Popen(
        [sys.executable, "-c", SENDER, str(port), str(seconds)], stdout=subprocess.PIPE, text=True
    )
    assert sender.stdout is not None and sender.stdout.readline() == "listening\n"
    _, ssc = contexts(1.0)
    seen, last = [0], [0.0]

    def count(rdd) -> None:
        records = rdd.count()
        if records:
            seen[0] += records
            last[0] = time.perf_counter()

    ssc.socketTextStream("127.0.0.1", port).foreachRDD(count)
    ssc.start()
    begun = time.perf_counter()
    sent = int(sender.stdout.readline())
    assert wait_until(lambda: seen[0] >= sent, 60), f"lost {sent - seen[0]} of {sent}"
    ssc.stop(True, False)
    sender.wait()
    return {"records_per_s": seen[0] / (last[0] - begun), "lost": sent - seen[0]}


def memory() -> dict[str, float]:
    """Resident megabytes of an idle stream, all processes together."""
    _, ssc = contexts(1.0)
    ssc.queueStream([[1]]).map(lambda x: x + 1).foreachRDD(lambda rdd: rdd.collect() and None)
    ssc.start()
    threading.Event().wait(4)
    table = subprocess.run(["ps", "-eo", "pid,ppid,rss"], capture_output=True, text=True, check=True).stdout
    rows = [[int(field) for field in line.split()] for line in table.splitlines()[1:]]
    family = {os.getpid()}
    for _ in rows:  # children may stand before their parents
        family |= {pid for pid, parent, _ in rows if parent in family}
    total = sum(rss for pid, _, rss in rows if pid in family) / 1024
    ssc.stop(True, False)
    return {"resident_mb": total}


CASES = {"startup": startup, "socket": socket_lines, "memory": memory}


def run(program: str, cases: dict[str, Callable[[], dict[str, float]]]) -> None:
    """Runs the case that the command line names in this process, several of them in one each."""
    chosen = sys.argv[1:] or list(cases)
    if len(chosen) == 1:
        os.chdir(tempfile.mkdtemp())  # Spark leaves folders behind
        print(json.dumps({"case": chosen[0], **cases[chosen[0]]()}), flush=True)
        os._exit(0)
    for case in chosen:
        subprocess.run([sys.executable, program, case], check=True)


if __name__ == "__main__":
    run(os.path.abspath(__file__), CASES)
