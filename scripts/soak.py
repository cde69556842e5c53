"""Does a stream hold out? Minutes of short batches, fed by sockets that connect, dawdle, close and die.

  python scripts/soak.py --seconds 600

Checks, and fails if it is not so:
1. Every line of a connection that was closed in order arrives once, and in order. Of a connection that died (reset by
   the server while it sent), what arrives is a beginning of what was sent: no line twice, none out of order, none left
   out before the last one that came; only that last one may be cut off.
2. Memory is flat: over the second half of the time the process does not grow by more than `--grow` MiB.
3. No batch fails, and every batch is processed.
"""

from __future__ import annotations

import argparse
import logging
import random
import socket
import statistics
import struct
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from dstreams import SparkConf, SparkContext
from dstreams.streaming import StreamingContext

LINGER_NOT = struct.pack("ii", 1, 0)  # close() then resets the connection and throws away what was not sent
PATIENCE = 30.0


class Connection:
    """What one connection sent, and what has arrived of it. Lines are `<connection> <number> <padding>`."""

    def __init__(self, number: int, ends: str, lines: int) -> None:
        self.number, self.ends, self.lines = number, ends, lines
        self.arrived = 0
        self.cut = False

    def text(self, line: int) -> str:
        """One of its lines."""
        return f"{self.number} {line} {'x' * (line * 37 % 61)}"

    def take(self, line: str) -> str | None:
        """Notes a line that has arrived; the answer is what is wrong with it."""
        if self.cut:
            return f"connection {self.number}: {line!r} came after a line that was cut off"
        wanted = self.text(self.arrived)
        if line == wanted:
            self.arrived += 1
            return None
        if self.ends == "dies" and wanted.startswith(line):
            self.cut = True
            return None
        return f"connection {self.number}: line {self.arrived} is {line!r}, not {wanted!r}"


class Server(threading.Thread):
    """One port; serves one connection after the other until told to end."""

    def __init__(self, seed: int, ledger: Ledger, rate: float) -> None:
        super().__init__(name="soak-server", daemon=True)
        self.dice, self.ledger, self.rate = random.Random(seed), ledger, rate
        self.ending = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]

    def run(self) -> None:
        """Serves, and is away for a moment now and then."""
        self.listener.settimeout(0.2)
        while not self.ending.is_set():
            try:
                peer, _ = self.listener.accept()
            except TimeoutError:
                continue
            self.serve(peer)
            if self.dice.random() < 0.2:
                self.listener.close()
                self.ending.wait(self.dice.random())
                self.listener = socket.create_server(("127.0.0.1", self.port))
                self.listener.settimeout(0.2)
        self.listener.close()

    def serve(self, peer: socket.socket) -> None:
        """Sends some lines in pieces of any size, and ends the connection in one way or the other."""
        ends = self.dice.choices(["closes", "dies", "says nothing"], [6, 3, 1])[0]
        count = 0 if ends == "says nothing" else self.dice.randrange(1, int(self.rate * 2))
        connection = self.ledger.begin(ends, count)
        peer.settimeout(PATIENCE)
        with peer:
            first = 0
            while first < count:
                last = min(count, first + self.dice.randrange(1, 200))
                lines = "".join(connection.text(line) + "\n" for line in range(first, last))
                # Without its line end, the last line of a connection is a line all the same.
                self.send(peer, (lines[:-1] if last == count and self.dice.random() < 0.5 else lines).encode())
                self.ending.wait((last - first) / self.rate)
                first = last
            if ends == "dies":
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
                return
            peer.shutdown(socket.SHUT_WR)
            # The reader closes once it has read to the end.
            while peer.recv(1):
                pass

    def send(self, peer: socket.socket, data: bytes) -> None:
        """In pieces, so that lines and characters are torn apart."""
        while data:
            size = self.dice.choice([1, 7, 100, len(data)])
            peer.sendall(data[:size])
            data = data[size:]


class Ledger:
    """All connections, and what is wrong with what arrived."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.open: dict[int, Connection] = {}
        self.wrong: list[str] = []
        self.counts: Counter[str] = Counter()

    def __reduce__(self) -> tuple[type[Ledger], tuple[()]]:
        """An empty one stands for it in the stream's checkpoints: nobody goes on from those."""
        return Ledger, ()

    def begin(self, ends: str, lines: int) -> Connection:
        """A new connection."""
        with self.lock:
            self.counts[ends] += 1
            self.counts["lines of closed connections"] += lines if ends == "closes" else 0
            number = sum(self.counts[kind] for kind in ("closes", "dies", "says nothing"))
            self.open[number] = Connection(number, ends, lines)
            return self.open[number]

    def take(self, lines: list[str]) -> None:
        """Compares lines that have arrived with those that were sent."""
        with self.lock:
            for line in lines:
                number = line.partition(" ")[0]
                connection = self.open.get(int(number)) if number.isdigit() else None
                if connection is None:
                    # A connection that died may have been cut within its number: then no line is known by it.
                    self.counts["cut off beyond recognition"] += 1
                    continue
                problem = connection.take(line)
                if problem is not None:
                    self.wrong.append(problem)
                self.counts["lines"] += 1
                if connection.ends == "closes" and connection.arrived == connection.lines:
                    self.counts["closed and complete"] += 1
                    del self.open[connection.number]

    def findings(self) -> list[str]:
        """What is wrong, once everything has arrived."""
        found = self.wrong[:20]
        for connection in self.open.values():
            if connection.ends == "closes":
                found.append(
                    f"connection {connection.number}: {connection.arrived} of {connection.lines} lines arrived"
                )
        if self.counts["cut off beyond recognition"] > self.counts["dies"]:
            found.append(f"{self.counts['cut off beyond recognition']} lines belong to no connection")
        return found


def memory_mib() -> float:
    """Resident memory of this process."""
    fields = Path("/proc/self/statm").read_text(encoding="ascii").split()
    return int(fields[1]) * 4096 / (1 << 20)


def build(ssc: StreamingContext, ports: list[int], ledger: Ledger) -> None:
    """All lines checked; and a window and a state over them, which keep and let go of batches."""
    streams = [ssc.socketTextStream("127.0.0.1", port) for port in ports]
    lines = ssc.union(*streams)
    lines.foreachRDD(lambda rdd: ledger.take(rdd.collect()))
    lines.window(1, 0.5).count().foreachRDD(lambda rdd: rdd.collect() and None)
    lengths = lines.map(lambda line: (len(line) % 16, 1))
    lengths.updateStateByKey(lambda new, old: sum(new) + (old or 0)).foreachRDD(lambda rdd: rdd.count() and None)


def soak(seconds: float, interval: float, sockets: int, rate: float, grow: float, seed: int) -> list[str]:
    """What went wrong."""
    ledger = Ledger()
    servers = [Server(seed + number, ledger, rate) for number in range(sockets)]
    sc = SparkContext(conf=SparkConf().setMaster("local[2]").setAppName("soak"))
    ssc = StreamingContext(sc, interval)
    with tempfile.TemporaryDirectory() as folder:
        ssc.checkpoint(folder)
        build(ssc, [server.port for server in servers], ledger)
        for server in servers:
            server.start()
        ssc.start()
        memory = watch(ssc, seconds, ledger)
        for server in servers:
            server.ending.set()
        for server in servers:
            server.join(PATIENCE)
        ssc.stop(stopSparkContext=True, stopGraceFully=True)
        findings = ledger.findings() + [str(server) for server in servers if server.is_alive()]
    quarter = len(memory) // 4
    early, late = statistics.median(memory[2 * quarter : 3 * quarter]), statistics.median(memory[3 * quarter :])
    print(f"memory: {early:.1f} MiB after half of the time, {late:.1f} MiB at the end")
    print(", ".join(f"{name}: {count}" for name, count in sorted(ledger.counts.items())))
    if late - early > grow:
        findings.append(f"memory grew by {late - early:.1f} MiB, more than {grow:g}")
    if not ledger.counts["closed and complete"]:
        findings.append("not one connection was closed in order: nothing has been tested")
    return findings


def watch(ssc: StreamingContext, seconds: float, ledger: Ledger) -> list[float]:
    """Waits; memory every half second. Raises what a batch raised."""
    memory, begun = [], time.monotonic()
    told = begun
    while time.monotonic() < begun + seconds:
        ssc.awaitTerminationOrTimeout(0.5)
        memory.append(memory_mib())
        if time.monotonic() > told + 30:
            told = time.monotonic()
            print(f"{told - begun:4.0f} s, {memory[-1]:.1f} MiB, {ledger.counts['lines']} lines", flush=True)
    return memory


def main(arguments: list[Any] | None = None) -> int:
    """Runs, and says what went wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=600, help="how long (default: 600)")
    parser.add_argument("--interval", type=float, default=0.05, help="seconds between batches (default: 0.05)")
    parser.add_argument("--sockets", type=int, default=6, help="servers, and streams that read them (default: 6)")
    parser.add_argument("--rate", type=float, default=1000, help="lines a second and connection (default: 1000)")
    parser.add_argument("--grow", type=float, default=32, help="MiB that memory may grow by (default: 32)")
    parser.add_argument("--seed", type=int, default=1, help="of the dice (default: 1)")
    given = parser.parse_args(arguments)
    # Connections that end are what this is about.
    logging.getLogger("dstreams").setLevel(logging.ERROR)
    findings = soak(given.seconds, given.interval, given.sockets, given.rate, given.grow, given.seed)
    for finding in findings:
        print(f"soak: {finding}", file=sys.stderr)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
