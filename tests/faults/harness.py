"""Kills a stream again and again, and proves that nothing was lost and nothing counted twice.

Run as `harness.py --kills 200 [--seed 7]`; the seed is printed, and gives the same words and the same pauses again. The
moments of the kills are random, half of them right after a write into the checkpoint folder (`killer.py`); those that
cut a checkpoint off are counted.

What an uninterrupted run would give is computed from what each batch read, batch by batch: so every output of every
batch is compared, not the end alone.
"""

from __future__ import annotations

import argparse
import ast
import functools
import itertools
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from killer import Killer, traces

WORKLOAD = Path(__file__).with_name("workload.py")
WINDOW = 5
# Batches until an idle key times out, and between two looks for such keys.
IDLE, SCAN = 6, 2
PATIENCE = 300.0


class Verdict(NamedTuple):
    """What was found; all lists of problems are empty when nothing is wrong."""

    kills: int
    cut_off: int
    batches: int
    words: int
    logged: int
    problems: list[str]


class Feeder:
    """Drops files of words into the inbox, every word once, at random pauses."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder, self._random = folder, random.Random(seed)
        self._stop = threading.Event()
        self.words: list[str] = []
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        number = 0
        while not self._stop.wait(self._random.uniform(0.01, 0.15)):
            words = [f"w{self._random.randrange(200)}-{number}-{at}" for at in range(self._random.randrange(1, 8))]
            draft = self._folder / "draft"
            draft.write_text(" ".join(words) + "\n", encoding="utf-8")
            draft.rename(self._folder / "inbox" / f"file-{number:06d}")
            self.words += words
            number += 1

    def stop(self) -> None:
        """No more files."""
        self._stop.set()
        self._thread.join()


def run(folder: Path, kills: int, seed: int, batch_ms: int) -> Verdict:
    """Runs the workload, kills it `kills` times, lets it end, and compares.

    Batches that are missed while the stream is down are made up for: with batches too short for the machine, it
    would fall behind further with each kill.
    """
    (folder / "inbox").mkdir(parents=True)
    checkpoints = folder / "checkpoint"
    killer, cut_off = Killer(checkpoints, seed + 1, batch_ms / 1000), 0
    # Files that are older than a stream are not new to it: so the first run begins before them.
    child = start(folder, batch_ms)
    feeder = Feeder(folder, seed)
    try:
        for _ in range(kills):
            before = traces(checkpoints)
            killer.wait()
            child.kill()
            child.communicate()
            cut_off += bool(traces(checkpoints) - before)
            child = start(folder, batch_ms)
        time.sleep(batch_ms / 1000)
    finally:
        feeder.stop()
        (folder / "enough").touch()
    problems = end(folder, child, feeder.words, batch_ms)
    batches, logged = len(batches_of(folder, "words")), len(lines_of(folder, "logged"))
    return Verdict(kills, cut_off, batches, len(feeder.words), logged, problems)


def end(folder: Path, child: subprocess.Popen[str], words: list[str], batch_ms: int) -> list[str]:
    """Waits until a stream has read everything, lets it end, and compares all that it and those before it made."""
    wait_until(lambda: has_read(folder, words[-1]))
    (folder / "finish").touch()
    try:
        told = child.communicate(timeout=PATIENCE)[1]
    except subprocess.TimeoutExpired:
        child.kill()
        told = "it did not end"
    problems = compare(folder, words, batch_ms)
    if child.returncode != 0:
        problems.append(f"the last run ended with {child.returncode}: {told}")
    return problems


def begin(folder: Path, batch_ms: int, **variables: str) -> subprocess.Popen[str]:
    """A process of the workload, which may not have come far yet."""
    command = [sys.executable, str(WORKLOAD), str(folder), str(batch_ms / 1000)]
    environment = {**os.environ, **variables}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def start(folder: Path, batch_ms: int, **variables: str) -> subprocess.Popen[str]:
    """A stream of the workload that has started."""
    child = begin(folder, batch_ms, **variables)
    assert child.stdout is not None
    if child.stdout.readline() != "started\n":
        raise RuntimeError(f"the stream did not start: {child.communicate()[1]}")
    return child


def has_read(folder: Path, word: str) -> bool:
    """Whether a whole batch has a word; looks at the newest ones alone."""
    newest = sorted((folder / "out").glob("words-*"), reverse=True)[:20]
    return any(word in part.read_text().split() for path in newest for part in path.glob("part-*"))


def wait_until(check: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not check():
        if time.monotonic() > deadline:
            return  # the comparison tells what is missing
        time.sleep(0.2)


# -- comparing --------------------------------------------------------------------------------------
def batches_of(folder: Path, output: str) -> dict[int, list[str]]:
    """The lines of each whole batch of an output, by time."""
    found = {}
    for path in (folder / "out").glob(f"{output}-*"):
        if (path / "_SUCCESS").exists():
            parts = sorted(path.glob("part-*"))
            found[int(path.name.rpartition("-")[2])] = [
                line for part in parts for line in part.read_text().splitlines()
            ]
    return dict(sorted(found.items()))


def lines_of(folder: Path, output: str) -> list[str]:
    return [line for lines in batches_of(folder, output).values() for line in lines]


def _pairs(lines: list[str]) -> dict[str, int]:
    return dict(map(_pair, lines))


@functools.lru_cache(maxsize=1 << 16)
def _pair(line: str) -> tuple[str, int]:
    key, number = ast.literal_eval(line)
    return key, number


def compare(folder: Path, fed: list[str], batch_ms: int) -> list[str]:
    problems = _compare_words(folder, fed) + _compare_logged(folder)
    halves = [path.name for path in (folder / "out").iterdir() if not (path / "_SUCCESS").exists()]
    problems += [f"a half result remains: {name}" for name in halves]
    words = {
        time: Counter(word.partition("-")[0] for word in read) for time, read in batches_of(folder, "words").items()
    }
    outputs = {name: batches_of(folder, name) for name in ("state", "inverse", "window", "table", "timed")}
    timed = _timed(words, batch_ms)
    total: Counter[str] = Counter()
    for time_ms, came in words.items():
        total += came
        window: Counter[str] = Counter()
        for back in range(WINDOW):
            window += words.get(time_ms - back * batch_ms, Counter())
        wanted = {"state": total, "table": total, "window": window, "inverse": window, "timed": timed[time_ms]}
        for name, value in wanted.items():
            if time_ms not in outputs[name]:
                problems.append(f"{name} of {time_ms} is missing")
                continue
            found = {key: number for key, number in _pairs(outputs[name][time_ms]).items() if number}
            if found != dict(value):
                problems.append(f"{name} of {time_ms}: {found} and not {dict(value)}")
    times = list(words)
    problems += [f"no batch at {a + batch_ms}" for a, b in itertools.pairwise(times) if b != a + batch_ms]
    return problems


def _timed(words: dict[int, Counter[str]], batch_ms: int) -> dict[int, dict[str, int]]:
    """The counts of the keys that have not timed out, after each batch."""
    counts: dict[str, int] = {}
    touched: dict[str, int] = {}
    found = {}
    zero = min(words, default=0) - batch_ms
    for time_ms, came in words.items():
        for key, number in came.items():
            counts[key] = counts.get(key, 0) + number
            touched[key] = time_ms
        if (time_ms - zero) % (SCAN * batch_ms) == 0:
            for key in [key for key, at in touched.items() if at < time_ms - IDLE * batch_ms]:
                del counts[key], touched[key]
        found[time_ms] = dict(counts)
    return found


def _compare_words(folder: Path, fed: list[str]) -> list[str]:
    seen = Counter(lines_of(folder, "words"))
    lost = [word for word in fed if word not in seen]
    doubled = [word for word, times in seen.items() if times > 1]
    return [f"word lost: {word}" for word in lost] + [f"word doubled: {word}" for word in doubled]


def _compare_logged(folder: Path) -> list[str]:
    seen = Counter(lines_of(folder, "logged"))
    acked = (folder / "acked").read_text().split()
    sent = set((folder / "sent").read_text().split())
    problems = [f"acknowledged record lost: {record}" for record in acked if record not in seen]
    problems += [f"record doubled: {record}" for record, times in seen.items() if times > 1]
    return problems + [f"record from nowhere: {record}" for record in seen if record not in sent]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--batch", type=int, default=500, help="milliseconds")
    parser.add_argument("--keep", action="store_true", help="leave the folder for a look")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="dstreams-crashes-"))
    print(f"seed {asked.seed}, {asked.kills} kills, in {folder}", flush=True)
    begun = time.monotonic()
    verdict = run(folder, asked.kills, asked.seed, asked.batch)
    print("\n".join(verdict.problems[:20]), end="\n" if verdict.problems else "")
    print(
        f"{verdict.kills} kills survived in {time.monotonic() - begun:.0f} s, {verdict.cut_off} of them within the "
        f"writing of a checkpoint: {verdict.batches} batches, "
        f"{verdict.words} words, {verdict.logged} logged records, {len(verdict.problems)} problems"
    )
    if not asked.keep and not verdict.problems:
        shutil.rmtree(folder)
    sys.exit(1 if verdict.problems else 0)


if __name__ == "__main__":
    main()
