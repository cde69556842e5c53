"""How long do the usual operations on RDDs take, in plain PySpark code?

The same file runs on dstreams and on Apache Spark: the interpreter that runs it decides. `--plain` does the same work
in loops over lists, in one process, without any engine. Each case runs in a process of its own and prints one line of
JSON: the best of `--rounds` in seconds, all rounds, how many rows the result has and a checksum of all its rows, the
same for every engine, and the peak of resident memory (of this process, and summed over it and its children).

What is timed: building the operation and counting its result. Its input is in memory before (an RDD that was cached and
counted; a list with `--plain`), and every round builds its RDDs anew, so no round finds the shuffles of another.

    python benches/rdd.py [--only pairs. words.count] [--scale 0.01] [--rounds 3] [--plain]
"""

from __future__ import annotations

import argparse
import heapq
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

PARTITIONS = 8
MODULUS = 2**64
LOG = re.compile(r'^(\S+) - - \[([\w:/]+ [+-]\d{4})\] "(\S+) (\S+)" (\d{3}) (\d+)$')


@dataclass(frozen=True)
class Case:
    """An operation: what it reads, what it is on RDDs, and what it is on lists."""

    source: str
    on_rdds: Callable[..., Any]
    on_lists: Callable[..., Iterable[Any]]
    ordered: bool = False


# -- the same work on lists -----------------------------------------------------------------------
def grouped(pairs: Iterable[tuple[Any, Any]]) -> dict[Any, list[Any]]:
    groups: dict[Any, list[Any]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return groups


def reduced(function: Callable[[Any, Any], Any], pairs: Iterable[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    found: dict[Any, Any] = {}
    for key, value in pairs:
        found[key] = function(found[key], value) if key in found else value
    return list(found.items())


def joined(left: Iterable[tuple[Any, Any]], right: Iterable[tuple[Any, Any]]) -> list[tuple[Any, tuple[Any, Any]]]:
    table = grouped(right)
    return [(key, (one, other)) for key, one in left for other in table.get(key, ())]


def words_of(lines: Iterable[str]) -> list[str]:
    return [word for line in lines for word in line.split(" ")]


def wider(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    """The range that holds two ranges."""
    return (min(a[0], b[0]), max(a[1], b[1]))


def totals_of(values: Any) -> tuple[int, int, int, int, int]:
    """Sum, extremes, a fold and a count, each an action of its own."""
    folded = values.aggregate(0, lambda a, v: a + v * v, lambda a, b: a + b)
    return values.sum(), values.min(), values.max(), folded, values.stats().count()


def totals_of_list(values: list[int]) -> tuple[int, int, int, int, int]:
    return sum(values), min(values), max(values), sum(value * value for value in values), len(values)


# -- functions that no engine can see into -----------------------------------------------------------
def parse(line: str) -> tuple[str, int]:
    """(address, bytes) of a line of a web server's log; bytes is 0 for a line of another form."""
    match = LOG.match(line)
    return (match.group(1), int(match.group(6))) if match else ("", 0)


def hour(line: str) -> tuple[str, int]:
    """(hour of the day, 1) of a line of a web server's log."""
    begin = line.index("[") + 1
    moment = datetime.strptime(line[begin : line.index("]")], "%d/%b/%Y:%H:%M:%S %z")
    return (moment.strftime("%H"), 1)


PAIR_CASES = {
    "count": Case("", lambda p, _: p, lambda p, _: p),
    "map": Case(
        "",
        lambda p, _: p.map(lambda kv: (kv[1], kv[0] + 1)).filter(lambda kv: kv[0] % 3 != 0),
        lambda p, _: list(filter(lambda kv: kv[0] % 3 != 0, map(lambda kv: (kv[1], kv[0] + 1), p))),  # noqa: C417
    ),
    "distinct": Case("", lambda p, _: p.distinct(), lambda p, _: set(p)),
    "sort": Case("", lambda p, _: p.sortByKey(), lambda p, _: sorted(p, key=lambda kv: kv[0]), ordered=True),
    "join": Case("", lambda p, t: p.join(t), joined),
    "group": Case(
        "",
        lambda p, _: p.groupByKey().mapValues(sum),
        lambda p, _: [(key, sum(values)) for key, values in grouped(p).items()],
    ),
    "reduce": Case("", lambda p, _: p.reduceByKey(lambda a, b: a + b), lambda p, _: reduced(lambda a, b: a + b, p)),
}
FOLD_CASES = {
    "aggregate": Case(
        "",
        lambda p, _: p.aggregateByKey(
            (0, 0), lambda a, v: (a[0] + v, a[1] + 1), lambda a, b: (a[0] + b[0], a[1] + b[1])
        ),
        lambda p, _: [(key, (sum(values), len(values))) for key, values in grouped(p).items()],
    ),
    "combine": Case(
        "",
        lambda p, _: p.combineByKey(lambda v: (v, v), lambda a, v: (min(a[0], v), max(a[1], v)), wider),
        lambda p, _: [(key, (min(values), max(values))) for key, values in grouped(p).items()],
    ),
    "choose": Case(
        "",
        lambda p, _: p.mapValues(lambda v: (v, v % 7)).reduceByKey(lambda a, b: a if a[1] >= b[1] else b),
        lambda p, _: reduced(lambda a, b: a if a[1] >= b[1] else b, [(key, (v, v % 7)) for key, v in p]),
    ),
}
ACTION_CASES = {
    "top": Case(
        "",
        lambda p, _: p.ctx.parallelize(p.map(lambda kv: (kv[1], kv[0])).top(100), 1),
        lambda p, _: heapq.nlargest(100, [(value, key) for key, value in p]),
        ordered=True,
    ),
    "ordered": Case(
        "",
        lambda p, _: p.ctx.parallelize(p.takeOrdered(100, key=lambda kv: -kv[1]), 1),
        lambda p, _: heapq.nsmallest(100, p, key=lambda kv: -kv[1]),
        ordered=True,
    ),
    "countByValue": Case(
        "",
        lambda p, _: p.ctx.parallelize(list(p.values().countByValue().items()), 1),
        lambda p, _: Counter(value for _, value in p).items(),
    ),
    "totals": Case(
        "",
        lambda p, _: p.ctx.parallelize([totals_of(p.values())], 1),
        lambda p, _: [totals_of_list([value for _, value in p])],
    ),
}
TEXT_CASES = {
    "words.count": Case(
        "words",
        lambda lines: lines.flatMap(lambda line: line.split(" ")).map(lambda w: (w, 1)).reduceByKey(lambda a, b: a + b),
        lambda lines: Counter(words_of(lines)).items(),
    ),
    "words.distinct": Case(
        "words",
        lambda lines: lines.flatMap(lambda line: line.split(" ")).distinct(),
        lambda lines: set(words_of(lines)),
    ),
    "words.sort": Case(
        "words",
        lambda lines: lines.flatMap(lambda line: line.split(" ")).sortBy(lambda w: w),
        lambda lines: sorted(words_of(lines)),
        ordered=True,
    ),
    "words.group": Case(
        "words",
        lambda lines: lines.flatMap(lambda line: line.split(" ")).map(lambda w: (w, 1)).groupByKey().mapValues(len),
        lambda lines: [(w, len(ones)) for w, ones in grouped((w, 1) for w in words_of(lines)).items()],
    ),
    "log.regex": Case(
        "log",
        lambda lines: lines.map(parse).reduceByKey(lambda a, b: a + b),
        lambda lines: reduced(lambda a, b: a + b, map(parse, lines)),
    ),
    "log.dates": Case(
        "log",
        lambda lines: lines.map(hour).reduceByKey(lambda a, b: a + b),
        lambda lines: reduced(lambda a, b: a + b, map(hour, lines)),
    ),
}
CASES = {
    **{
        f"{source}.{name}": Case(source, case.on_rdds, case.on_lists, case.ordered)
        for source in ("pairs", "unique")
        for name, case in {**PAIR_CASES, **FOLD_CASES, **ACTION_CASES}.items()
    },
    **TEXT_CASES,
}


# -- what the cases read ----------------------------------------------------------------------------
def text(name: str, size: int) -> Path:
    """The file of `size` bytes of words, or lines of a log: the same bytes for every engine."""
    path = Path(tempfile.gettempdir(), f"dstreams_bench_{name}_{size}.txt")
    if not path.exists():
        rand = random.Random(7)
        chunks = word_lines(rand) if name == "words" else log_lines(rand)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
            written = 0
            while written < size:
                written += file.write(next(chunks))
        os.replace(file.name, path)
    return path


def word_lines(rand: random.Random) -> Iterable[str]:
    """Ten words a line out of 50,000, the n-th of them 1/n as frequent as the first."""
    vocabulary = [f"w{i:05d}" for i in range(50_000)]
    weights = [1 / (i + 1) for i in range(50_000)]
    while True:
        drawn = iter(rand.choices(vocabulary, weights, k=10_000))
        yield "".join(" ".join(line) + "\n" for line in zip(*[drawn] * 10, strict=True))


def log_lines(rand: random.Random) -> Iterable[str]:
    """Lines of a web server's log, from 4,096 addresses in one day."""
    while True:
        address = f"10.0.{rand.randrange(16)}.{rand.randrange(256)}"
        moment = f"07/Mar/2004:{rand.randrange(24):02}:{rand.randrange(60):02}:49 -0800"
        answer = f"{rand.choice((200, 200, 404))} {rand.randrange(99_999)}"
        yield f'{address} - - [{moment}] "GET /p/{rand.randrange(1000)}" {answer}\n'


def pair_function(source: str, n: int) -> Callable[[int], tuple[int, int]]:
    """The i-th pair: with n/50 keys, or mostly distinct ones. The steps are primes, so keys come in no order."""
    if source == "pairs":
        keys = max(n // 50, 1)
        return lambda i: (i * 7919 % keys, i % 1000)
    keys = 4 * n
    return lambda i: (i * i * 31 % 2147483647 % keys, i % 1000)


def table_function(source: str, n: int) -> tuple[Callable[[int], tuple[int, int]], int]:
    """The other side of the join: a pair for every key, or for every fourth possible one."""
    if source == "pairs":
        return lambda i: (i, i % 7), max(n // 50, 1)
    return lambda i: (i * 4, i % 7), n


def rdds(sc: Any, case: Case, scale: float) -> list[Any]:
    """The case's input as cached RDDs, already in memory."""
    if case.source in ("pairs", "unique"):
        n = int(5_000_000 * scale)
        other, rows = table_function(case.source, n)
        made = [
            sc.parallelize(range(n), PARTITIONS).map(pair_function(case.source, n)),
            sc.parallelize(range(rows), PARTITIONS).map(other),
        ]
    else:
        made = [sc.textFile(str(text(case.source, int(30_000_000 * scale))), PARTITIONS)]
    for rdd in made:
        rdd.cache().count()
    return made


def lists(case: Case, scale: float) -> list[list[Any]]:
    """The case's input as lists."""
    if case.source in ("pairs", "unique"):
        n = int(5_000_000 * scale)
        other, rows = table_function(case.source, n)
        return [list(map(pair_function(case.source, n), range(n))), list(map(other, range(rows)))]
    return [text(case.source, int(30_000_000 * scale)).read_text().splitlines()]


# -- measuring --------------------------------------------------------------------------------------
def checksum(rows: Iterable[Any], ordered: bool) -> int:
    """A number that depends on all rows, and on their order where that is part of the answer."""
    total, factor = 0, 31 if ordered else 1
    for row in rows:
        total = (total * factor + zlib.crc32(repr(row).encode())) % MODULUS
    return total


def checksum_of_rdd(rdd: Any, ordered: bool) -> int:
    """The same number, computed by the engine: one part for each partition."""
    parts = rdd.mapPartitions(lambda part: [part_sum(part, ordered)]).collect()
    total, factor = 0, 31 if ordered else 1
    for part, rows in parts:
        total = (total * pow(factor, rows, MODULUS) + part) % MODULUS
    return total


def part_sum(part: Iterable[Any], ordered: bool) -> tuple[int, int]:
    rows = list(part)
    return checksum(rows, ordered), len(rows)


def peaks() -> dict[str, float]:
    """Megabytes: the peak of this process, and the sum of the peaks of it and its descendants.

    Pages that forked processes share count once for each, so the sum is an upper bound.
    """
    table = subprocess.run(["ps", "-eo", "pid,ppid"], capture_output=True, text=True, check=True).stdout
    links = [[int(field) for field in line.split()] for line in table.splitlines()[1:]]
    family = {os.getpid()}
    for _ in links:  # children may stand before their parents
        family |= {pid for pid, parent in links if parent in family}
    each = {pid: peak_of(pid) for pid in family}
    return {"peak_mb": round(each[os.getpid()], 1), "peak_with_children_mb": round(sum(each.values()), 1)}


def peak_of(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:  # it has ended: `ps` itself, for one
        return 0.0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found.group(1)) / 1024 if found else 0.0


def measured(run: Callable[[], Any], size: Callable[[Any], int], rounds: int) -> tuple[list[float], Any, int]:
    """Seconds of each round, and the last round's result with its number of rows."""
    seconds: list[float] = []
    result, rows = None, 0
    for _ in range(rounds):
        result = None  # let go of the round before: its memory is not this one's
        begun = time.perf_counter()
        result = run()
        rows = size(result)
        seconds.append(time.perf_counter() - begun)
    return seconds, result, rows


def with_engine(case: Case, options: argparse.Namespace) -> tuple[str, list[float], int, int, dict[str, float]]:
    from pyspark import SparkConf, SparkContext

    conf = SparkConf().setMaster("local[2]").setAppName("rdd")
    conf.set("spark.ui.enabled", "false").set("spark.ui.showConsoleProgress", "false")
    sc = SparkContext(conf=conf)
    sc.setLogLevel("OFF")
    given = rdds(sc, case, options.scale)
    seconds, result, rows = measured(lambda: case.on_rdds(*given), lambda rdd: rdd.count(), options.rounds)
    memory = peaks()
    engine = "dstreams" if "dstreams" in sys.modules else f"Spark {sc.version}"
    return engine, seconds, rows, checksum_of_rdd(result, case.ordered), memory


def without_engine(case: Case, options: argparse.Namespace) -> tuple[str, list[float], int, int, dict[str, float]]:
    given = lists(case, options.scale)
    seconds, result, rows = measured(lambda: case.on_lists(*given), len, options.rounds)
    memory = peaks()
    return "plain", seconds, rows, checksum(result, case.ordered), memory


def run_here(name: str, options: argparse.Namespace) -> None:
    """Measures one case in this process and prints its line."""
    home = os.getcwd()
    os.chdir(tempfile.mkdtemp())  # Spark leaves folders behind
    run = without_engine if options.plain else with_engine
    engine, seconds, rows, answer, memory = run(CASES[name], options)
    os.chdir(home)
    line = {
        "case": name,
        "engine": engine,
        "scale": options.scale,
        "seconds": round(min(seconds), 4),
        "rounds": [round(s, 4) for s in seconds],
        "rows": rows,
        "checksum": answer,
        **memory,
    }
    print(json.dumps(line), flush=True)
    os._exit(0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", nargs="*", default=[""], help="beginnings of the names of cases")
    parser.add_argument("--scale", type=float, default=1.0, help="1 is 5 million pairs, 30 MB of text")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--plain", action="store_true", help="loops over lists, no engine")
    parser.add_argument("--case", choices=CASES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        run_here(options.case, options)
    for name in CASES:
        if name.startswith(tuple(options.only)):
            settings = ["--case", name, f"--scale={options.scale}", f"--rounds={options.rounds}"]
            subprocess.run([sys.executable, __file__, *settings, *["--plain"] * options.plain], check=True)


if __name__ == "__main__":
    main()
