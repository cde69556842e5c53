"""Starts streams on folders that others write to, and proves that one of them goes on and nothing is lost or doubled.

Run as `owners.py --rounds 200 [--seed 7]`. One stream runs; in each round something happens to it, right after a write
into its folder in half of them, so that it is paused within a checkpoint or before an acknowledgement:

- *locked*: it is paused, and a second process starts on the folder: that one is refused, and names the first.
- *unlocked*: it is paused and its lock file removed, as on a file system whose locks do not reach the other machine.
  The second one takes over; the first one wakes and ends with an error.
- *lockless*: the same, with a second process that does not ask for locks.
- *copied*: it is paused, the folder is moved away and a copy put in its place, on which a second process starts.
- *raced*: it is killed, and two processes start at once: one of them runs.

What all of them made together is compared as in `harness.py`.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import harness
from killer import Killer

KINDS = ("locked", "unlocked", "lockless", "copied", "raced")
LOCKLESS = {"DSTREAMS_CHECKPOINT_LOCKS": "off"}


class Verdict(NamedTuple):
    """What was found; all lists of problems are empty when nothing is wrong."""

    rounds: Counter[str]
    slowest_end: float
    refused_late: int
    batches: int
    words: int
    logged: int
    problems: list[str]


class Owners:
    """The stream that owns a folder, and those that try to."""

    def __init__(self, folder: Path, seed: int, batch_ms: int, patience: float) -> None:
        (folder / "inbox").mkdir(parents=True)
        self._folder, self._batch_ms, self._patience = folder, batch_ms, patience
        self._checkpoints = folder / "checkpoint"
        self._killer = Killer(self._checkpoints, seed + 1, batch_ms / 1000)
        self.slowest_end = 0.0
        self.refused_late = 0
        self.problems: list[str] = []
        self.running = harness.start(folder, batch_ms)
        self._has_lock = True

    def play(self, kind: str) -> None:
        """One round."""
        self._killer.wait()
        if kind == "raced":
            return self._race()
        if kind == "locked" and not self._has_lock:
            self.kill()
            self.running, self._has_lock = harness.start(self._folder, self._batch_ms), True
        first = self.running
        first.send_signal(signal.SIGSTOP)
        try:
            if kind == "locked":
                return self._refused(harness.begin(self._folder, self._batch_ms), first.pid)
            if kind == "unlocked":
                (self._checkpoints / "lock").unlink(missing_ok=True)
            if kind == "copied":
                self._put_copy()
            self.running = self._successor(LOCKLESS if kind == "lockless" else {})
            self._has_lock = kind != "lockless"
        finally:
            first.send_signal(signal.SIGCONT)
        self._ends(first, kind)

    def _successor(self, variables: dict[str, str]) -> subprocess.Popen[str]:
        """A second stream.

        What was under way in the first one when it was paused may still end, seconds later on a busy disk: a stream
        that had read the folder before is refused, and one that reads it afterwards is not.
        """
        for _ in range(3):
            try:
                return harness.start(self._folder, self._batch_ms, **variables)
            except RuntimeError as refused:
                if "it has changed since it was read" not in str(refused):
                    raise
                self.refused_late += 1
        raise RuntimeError("a folder goes on changing although its stream is paused")

    def _put_copy(self) -> None:
        aside = self._folder / f"aside-{time.monotonic_ns()}"
        shutil.copytree(self._checkpoints, self._folder / "copy", symlinks=True)
        self._checkpoints.rename(aside)
        (self._folder / "copy").rename(self._checkpoints)

    def _race(self) -> None:
        self.kill()
        both = [harness.begin(self._folder, self._batch_ms) for _ in range(2)]
        started = []
        for child in both:
            assert child.stdout is not None
            if child.stdout.readline() == "started\n":
                started.append(child)
            else:
                told = child.communicate()[1]
                # It lost at the start, or while it read what the other one was about to change.
                if "writes to it" not in told and "taken over by" not in told:
                    self.problems.append(f"raced: lost with {told[-400:]}")
        if len(started) != 1:
            self.problems.append(f"raced: {len(started)} of 2 started")
        self.running = started[0] if started else harness.start(self._folder, self._batch_ms)
        self._has_lock = True

    def _refused(self, second: subprocess.Popen[str], pid: int) -> None:
        # It has to begin first: on a busy machine that alone takes seconds.
        told = self._end_of(second, "locked", 4 * self._patience)
        if f"process {pid} on {socket.gethostname()}" not in told:
            self.problems.append(f"locked: not refused with the process, but: {told[-400:]}")

    def _ends(self, first: subprocess.Popen[str], kind: str) -> None:
        told = self._end_of(first, kind)
        if "taken over by process" not in told:
            self.problems.append(f"{kind}: the first one ended with {first.returncode}: {told[-400:]}")

    def _end_of(self, child: subprocess.Popen[str], kind: str, patience: float = 0.0) -> str:
        begun = time.monotonic()
        try:
            told = child.communicate(timeout=patience or self._patience)[1]
        except subprocess.TimeoutExpired:
            child.kill()
            self.problems.append(f"{kind}: a process that has to end was there after {self._patience} s")
            return child.communicate()[1]
        self.slowest_end = max(self.slowest_end, time.monotonic() - begun)
        if child.returncode == 0:
            self.problems.append(f"{kind}: a process that has to fail ended without an error")
        return told

    def kill(self) -> None:
        """Ends the stream at once."""
        self.running.kill()
        self.running.communicate()


def run(folder: Path, rounds: int, seed: int, batch_ms: int, patience: float) -> Verdict:
    """Plays rounds of all kinds, each as often as the others, and compares."""
    chance = random.Random(seed)
    kinds = [kind for _ in range(-(-rounds // len(KINDS))) for kind in chance.sample(KINDS, len(KINDS))][:rounds]
    owners = Owners(folder, seed, batch_ms, patience)
    feeder = harness.Feeder(folder, seed)
    try:
        for kind in kinds:
            owners.play(kind)
        time.sleep(batch_ms / 1000)
    except BaseException:
        owners.kill()
        raise
    finally:
        feeder.stop()
        (folder / "enough").touch()
    problems = owners.problems + harness.end(folder, owners.running, feeder.words, batch_ms)
    batches, logged = len(harness.batches_of(folder, "words")), len(harness.lines_of(folder, "logged"))
    return Verdict(
        Counter(kinds), owners.slowest_end, owners.refused_late, batches, len(feeder.words), logged, problems
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--batch", type=int, default=500, help="milliseconds")
    parser.add_argument("--patience", type=float, default=5.0, help="seconds until a process that has to end has ended")
    parser.add_argument("--keep", action="store_true", help="leave the folder for a look")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="dstreams-owners-"))
    print(f"seed {asked.seed}, {asked.rounds} rounds, in {folder}", flush=True)
    begun = time.monotonic()
    verdict = run(folder / "run", asked.rounds, asked.seed, asked.batch, asked.patience)
    print("\n".join(verdict.problems[:20]), end="\n" if verdict.problems else "")
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(verdict.rounds.items()))
    print(
        f"{verdict.rounds.total()} rounds in {time.monotonic() - begun:.0f} s ({told}), every end within "
        f"{verdict.slowest_end:.1f} s, {verdict.refused_late} starts tried again: {verdict.batches} batches, "
        f"{verdict.words} words, {verdict.logged} logged records, {len(verdict.problems)} problems"
    )
    if not asked.keep and not verdict.problems:
        shutil.rmtree(folder)
    sys.exit(1 if verdict.problems else 0)


if __name__ == "__main__":
    main()
