"""Forks a busy program again and again, and proves that its children disturb nothing and that all of them end.

Run as `forks.py --rounds 200 [--seed 7]`; the seed is printed, and gives the same order of children and pauses again.
The program runs spilled jobs and a stream with checkpoints, and has threads that are blocked in system calls meanwhile:
a task that reads from a pipe, a receiver whose server says nothing. Whatever its children do, its data, its states and
its jobs are whole, and each child, and at last the program itself, ends within five seconds.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from pyspark import SparkConf, SparkContext, StorageLevel
from pyspark.streaming import StreamingContext

LIMIT = 5.0
ELEMENTS = 20_000
KEYS = 200
PATIENCE = 60.0

STATES: dict[str, int] = {}
"""What the stream has counted. Not the program's: functions of streams must be picklable."""


class Program:
    """What is forked: jobs, a stream, blocked threads."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.words = folder, Counter[str]()
        (folder / "inbox").mkdir()
        conf = SparkConf().setMaster("local[3]").setAppName("forks")
        conf.set("spark.dstreams.memory.limit", "1000000").set("spark.local.dir", str(folder / "local"))
        self.sc = SparkContext(conf=conf)
        pairs = self.sc.parallelize(range(ELEMENTS), 4).map(lambda x: (x % KEYS, f"value {x}"))
        self.kept = pairs.persist(StorageLevel.DISK_ONLY)
        self.grouped = self.kept.groupByKey(3)
        self.problems: list[str] = []
        self._check("at the start")
        self._ending = threading.Event()
        self._jobs = threading.Thread(target=self._run_jobs, daemon=True)
        self._jobs.start()
        self._block()
        self._begin_stream()

    def _block(self) -> None:
        """A task and a receiver that wait for the system, for ever."""
        reading, self._writing = os.pipe()
        blocked = self.sc.parallelize([0], 1).map(lambda _: os.read(reading, 1))
        threading.Thread(target=lambda: _ignored(blocked.collect), daemon=True).start()
        self._silent = socket.create_server(("127.0.0.1", 0))

    def _begin_stream(self) -> None:
        ssc = self.ssc = StreamingContext(self.sc, 0.2)
        ssc.checkpoint(str(self.folder / "checkpoint"))
        lines = ssc.textFileStream(str(self.folder / "inbox"))
        silent = ssc.socketTextStream("127.0.0.1", self._silent.getsockname()[1])
        pairs = lines.union(silent).map(lambda word: (word, 1))
        counts = pairs.updateStateByKey(lambda new, old: sum(new) + (old or 0))
        counts.foreachRDD(lambda rdd: STATES.update(rdd.collect()))
        ssc.start()

    def _run_jobs(self) -> None:
        while not self._ending.wait(0.02):
            self._check("in a job beside the forks")

    def _check(self, when: str) -> None:
        try:
            sizes = self.grouped.mapValues(len).collectAsMap()
            count = self.kept.count()
        except Exception as error:
            self.problems.append(f"{when}: {type(error).__name__}: {error}")
            return
        if sizes != dict.fromkeys(range(KEYS), ELEMENTS // KEYS) or count != ELEMENTS:
            self.problems.append(f"{when}: {count} elements, {len(sizes)} keys")

    def feed(self, number: int) -> None:
        """One more file for the stream."""
        word = f"word{number % 7}"
        draft = self.folder / "draft"
        draft.write_text(f"{word}\n", encoding="utf-8")
        draft.rename(self.folder / "inbox" / f"file-{number:06d}")
        self.words[word] += 1

    def end(self) -> list[str]:
        """Waits for the stream to have read all, and stops; what was wrong."""
        deadline = time.monotonic() + PATIENCE
        while self.words != STATES and time.monotonic() < deadline:
            time.sleep(0.05)
        self._ending.set()
        self._jobs.join()
        self._check("at the end")
        if self.words != STATES:
            self.problems.append(f"the stream counted {STATES}, of {dict(self.words)}")
        stopping = time.monotonic()
        self.ssc.stop()
        if time.monotonic() - stopping > LIMIT:
            self.problems.append(f"stop() took {time.monotonic() - stopping:.1f} s")
        left = [name for _, _, names in os.walk(self.folder / "local") for name in names]
        return self.problems + [f"{name} was left in the local folder" for name in left]


def _ignored(work: Callable[[], object]) -> None:
    try:
        work()
    except Exception:
        return  # the context stops under it


# -- what children do -------------------------------------------------------------------------------
def _use(program: Program) -> None:
    for work in (program.kept.count, program.ssc.awaitTermination, lambda: program.sc.parallelize([1])):
        try:
            work()
        except RuntimeError:
            continue
        os._exit(9)
    os._exit(0)


def _new(program: Program) -> None:
    sc = SparkContext("local[2]", "child")
    found = sc.parallelize(range(100), 4).map(lambda x: (x % 5, x)).groupByKey(2).mapValues(len).collect()
    sc.stop()
    os._exit(0 if sorted(found) == [(key, 20) for key in range(5)] else 9)


def _stop(program: Program) -> None:
    program.ssc.stop(True, True)
    program.sc.stop()
    sys.exit(0)


def _gc(program: Program) -> None:
    program.__dict__.clear()
    gc.collect()
    sys.exit(0)


def _pool(program: Program) -> None:
    with multiprocessing.get_context("fork").Pool(2) as pool:
        os._exit(0 if pool.map(abs, [-1, -2]) == [1, 2] else 9)


def _terminated(program: Program) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)


CHILDREN: dict[str, tuple[Callable[[Program], object], int]] = {
    "exit": (lambda program: sys.exit(0), 0),
    "gc": (_gc, 0),
    "leave": (lambda program: os._exit(0), 0),
    "new": (_new, 0),
    "pool": (_pool, 0),
    "stop": (_stop, 0),
    "terminated": (_terminated, -signal.SIGTERM),
    "use": (_use, 0),
}


def _fork(program: Program, kind: str) -> str | None:
    """One child; what was wrong with it."""
    act, expected = CHILDREN[kind]
    pid = os.fork()
    if pid == 0:
        act(program)
        os._exit(8)
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            code = os.waitstatus_to_exitcode(status)
            return None if code == expected else f"{kind} ended with {code}"
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return f"{kind} did not end within {LIMIT:.0f} s"


def inside(folder: Path, rounds: int, seed: int) -> None:
    """The program that is forked. Prints what was wrong, a line each, then `done`."""
    warnings.simplefilter("ignore")  # CPython 3.12 and later warn of forks beside threads
    chosen, program = random.Random(seed), Program(folder)
    kinds = [kind for _ in range(rounds // len(CHILDREN) + 1) for kind in CHILDREN][:rounds]
    chosen.shuffle(kinds)
    for number, kind in enumerate(kinds):
        program.feed(number)
        time.sleep(chosen.uniform(0, 0.05))
        problem = _fork(program, kind)
        if problem is not None:
            program.problems.append(f"round {number}: {problem}")
    for problem in program.end():
        print(problem)
    print("done", flush=True)


def run(folder: Path, rounds: int, seed: int) -> list[str]:
    """Runs all of it; what was wrong."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, __file__, "--inside", str(folder), "--rounds", str(rounds), "--seed", str(seed)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout is not None and child.stderr is not None
    patience = threading.Timer(2 * PATIENCE + rounds * LIMIT, child.kill)
    patience.start()
    complaints: list[str] = []
    listening = threading.Thread(target=lambda: complaints.append(child.stderr.read()))
    listening.start()
    problems = []
    for line in child.stdout:
        if line == "done\n":
            break
        problems.append(line.rstrip())
    try:
        child.wait(LIMIT)
    except subprocess.TimeoutExpired:
        problems.append(f"the program did not end within {LIMIT:.0f} s")
        child.kill()
        child.wait()
    patience.cancel()
    listening.join()
    child.stdout.close()
    child.stderr.close()
    if child.returncode != 0:
        problems.append(f"the program ended with {child.returncode}: {complaints[0]}")
    return problems


def main() -> None:
    """Runs it as asked on the command line."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rounds", type=int, default=200)
    asked.add_argument("--seed", type=int, default=random.randrange(10_000))
    asked.add_argument("--inside", type=Path)
    given = asked.parse_args()
    if given.inside is not None:
        inside(given.inside, given.rounds, given.seed)
        return
    print(f"seed {given.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        problems = run(Path(folder), given.rounds, given.seed)
    print("\n".join(problems) or f"{given.rounds} children: nothing was disturbed, and all ended")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
