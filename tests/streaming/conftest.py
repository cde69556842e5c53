"""Streaming contexts with short batches that end with their test, programs in child interpreters, and waiting."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pyspark import SparkContext
from pyspark.streaming import StreamingContext


@pytest.fixture
def sc() -> Iterator[SparkContext]:
    """A context with two task threads."""
    context = SparkContext("local[2]", "test")
    yield context
    context.stop()


@pytest.fixture
def streams(sc: SparkContext) -> Iterator[Callable[..., StreamingContext]]:
    """Makes streaming contexts on `sc`: `streams(0.05)`."""
    made: list[StreamingContext] = []

    def make(seconds: float = 0.05) -> StreamingContext:
        made.append(StreamingContext(sc, seconds))
        return made[-1]

    yield make
    for ssc in made:
        ssc.stop(stopSparkContext=False)


@pytest.fixture
def ssc(streams: Callable[..., StreamingContext]) -> StreamingContext:
    """Batches of 50 ms."""
    return streams()


@pytest.fixture
def eventually() -> Callable[..., None]:
    """Waits until `check()` is true: `eventually(lambda: seen)`."""

    def wait(check: Callable[[], object], seconds: float = 10.0) -> None:
        deadline = time.monotonic() + seconds
        while not check():
            assert time.monotonic() < deadline, f"not true after {seconds} s"
            time.sleep(0.005)

    return wait


@pytest.fixture
def batches(eventually: Callable[..., None]) -> Callable[..., list]:
    """Starts a stream's context and returns what its first `count` batches hold: `batches(stream, 3)`."""

    def run(stream: object, count: int) -> list[list]:
        seen: list[list] = []
        stream.foreachRDD(lambda rdd: seen.append(rdd.collect()))
        stream.context().start()
        eventually(lambda: len(seen) >= count)
        stream.context().stop(stopSparkContext=False)
        return seen[:count]

    return run


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """The messages of the logger `dstreams` so far."""
    caplog.set_level(logging.WARNING, logger="dstreams")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "dstreams"]


class Child:
    """A Python program in an interpreter of its own."""

    def __init__(self, file: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-u", str(file)],
            cwd=file.parent,
            env={**os.environ, "PYTHONWARNINGS": "error"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_for(self, line: str) -> None:
        """Reads what it prints until this line."""
        assert self.process.stdout is not None
        while (read := self.process.stdout.readline()) != line + "\n":
            assert read, f"the program ended before it printed {line!r}: {self.ended()}"

    def interrupt(self) -> None:
        """What Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)

    def ended(self, seconds: float = 30.0) -> tuple[int, str, str]:
        """Closes its stdin; exit code, the rest of stdout, and stderr, once it has ended by itself."""
        output, complaints = self.process.communicate(timeout=seconds)
        return self.process.returncode, output, complaints


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Callable[[str], Child]]:
    """Starts the text of a program as `__main__`."""
    children: list[Child] = []

    def start(text: str) -> Child:
        file = tmp_path / f"program{len(children)}.py"
        file.write_text(text, encoding="utf-8")
        children.append(Child(file))
        return children[-1]

    yield start
    for child in children:
        child.process.kill()
        child.process.communicate()
