"""Keys that hardly repeat are sent through a shuffle before they are folded; the answers are those of Python's dicts.

What decides is CPython: every case runs once with native functions and once without.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from natively import check_both_ways
from pyspark import SparkContext

from dstreams import _native

# A partition of so many rows is looked at, and one with twice as many keys hardly repeats them.
ROWS, KEYS = 12_000, 60_000


@pytest.fixture(scope="module")
def sc() -> Iterator[SparkContext]:
    context = SparkContext("local[2]", "many keys")
    yield context
    context.stop()


def drawn(rows: int, keys: int, seed: int = 3) -> list[int]:
    source = random.Random(seed)
    return [source.randrange(keys) for _ in range(rows)]


KINDS: dict[str, Callable[[int], Any]] = {
    "int": lambda n: n * 7919 - 10**6,
    "short text": lambda n: f"k{n}",
    "long text": lambda n: f"a key that is longer: {n}",
    "text of both lengths": lambda n: "é" * (n % 9) + str(n),
    "bytes": lambda n: b"%d" % n,
    "tuple": lambda n: (n % 300, str(n // 300)),
    "float": lambda n: n / 8 if n else float("nan"),
    "None, too": lambda n: None if n % 5000 == 1 else n,
}
MERGES: dict[str, Callable[[Any, Any], Any]] = {
    "sum": lambda a, b: a + b,
    "max": max,
    "first": lambda a, b: a,
    "last": lambda a, b: b,
    "difference": lambda a, b: a - b,
}


@pytest.mark.parametrize("kind", KINDS)
def test_keys_of_any_kind(sc: SparkContext, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    pairs = [(KINDS[kind](n), at) for at, n in enumerate(drawn(2 * ROWS, KEYS))]
    summed = sc.parallelize(pairs, 2).reduceByKey(lambda a, b: a + b, 3)
    check_both_ways(monkeypatch, lambda: summed.glom().collect())


@pytest.mark.parametrize("merge", MERGES)
@pytest.mark.parametrize("make", [int, float, lambda at: (at, -at)], ids=["int", "float", "tuple"])
def test_functions_of_any_kind(sc: SparkContext, monkeypatch: pytest.MonkeyPatch, merge: str, make: Any) -> None:
    if merge == "difference" and type(make(1)) is tuple:
        pytest.skip("tuples have no difference")
    pairs = sc.parallelize([(f"k{n}", make(at)) for at, n in enumerate(drawn(2 * ROWS, KEYS))], 2)
    check_both_ways(monkeypatch, lambda: pairs.reduceByKey(MERGES[merge], 3).glom().collect())


def test_what_puts_parts_together_may_be_another_function(sc: SparkContext, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = sc.parallelize([(n, at) for at, n in enumerate(drawn(2 * ROWS, KEYS))], 2)
    combined = pairs.combineByKey(lambda v: v, lambda a, b: a + b, max, 3)
    check_both_ways(monkeypatch, lambda: combined.glom().collect())


def test_sums_beyond_64_bits(sc: SparkContext, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = sc.parallelize([(n, 2**62 + n) for n in drawn(2 * ROWS, KEYS)], 2)
    found = check_both_ways(monkeypatch, lambda: pairs.reduceByKey(lambda a, b: a + b, 3).collect())
    assert any(value > 2**63 for _, value in found)


@pytest.mark.parametrize("odd", [None, "text", 1.5, 2**70])
def test_a_value_of_another_kind_late_in_the_partition(
    sc: SparkContext, monkeypatch: pytest.MonkeyPatch, odd: Any
) -> None:
    numbers = drawn(2 * ROWS, KEYS)
    # Of a key that does not come again.
    pairs: list[tuple[Any, Any]] = [(n, at) for at, n in enumerate(numbers)]
    pairs.insert(len(pairs) - 50, (-1, odd))
    summed = sc.parallelize(pairs, 2).reduceByKey(lambda a, b: a + b, 3)
    check_both_ways(monkeypatch, lambda: summed.glom().collect())


def test_many_rows_that_begin_like_few(sc: SparkContext, monkeypatch: pytest.MonkeyPatch) -> None:
    # All new at first, then the same again and again: in one block, and in the blocks of several files' lines.
    numbers = [at % 9_000 for at in range(200_000)]
    summed = sc.parallelize([(n, 1) for n in numbers], 1).reduceByKey(lambda a, b: a + b, 2)
    found = check_both_ways(monkeypatch, lambda: summed.glom().collect())
    assert sum(count for part in found for _, count in part) == len(numbers)


def test_blocks_of_one_partition(sc: SparkContext, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    path = tmp_path / "lines.txt"
    path.write_text("".join(f"k{n}\n" for n in drawn(400_000, 2_000_000)))
    counted = sc.textFile(str(path), 1).map(lambda line: (line, 1)).reduceByKey(lambda a, b: a + b, 2)
    check_both_ways(monkeypatch, lambda: counted.glom().collect())


def end_of(child: int) -> int | None:
    """How a process ended; None if it had to be killed."""
    limit = time.monotonic() + 20
    while time.monotonic() < limit:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="warns of forks beside threads")
def test_processes_that_are_forked_while_jobs_run_can_allocate(sc: SparkContext) -> None:
    stop = threading.Event()

    def jobs() -> None:
        while not stop.is_set():
            sc.parallelize([(n, 1) for n in range(20_000)], 4).reduceByKey(lambda a, b: a + b, 4).count()

    threads = [threading.Thread(target=jobs) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(300):
            child = os.fork()
            if child == 0:
                try:
                    _native.zstd_pack(bytes(100_000))
                    os._exit(0)
                finally:
                    os._exit(1)
            assert end_of(child) == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_a_module_that_is_imported_anew_can_fork() -> None:
    program = (
        "import importlib, os, sys\n"
        "importlib.import_module('dstreams._native')\n"
        "del sys.modules['dstreams._native']\n"
        "native = importlib.import_module('dstreams._native')\n"
        "child = os.fork()\n"
        "native.zstd_pack(bytes(100_000))\n"
        "if child == 0:\n"
        "    os._exit(0)\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)
