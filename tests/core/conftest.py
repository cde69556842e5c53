"""Contexts that end with their test, child interpreters that run whole programs, and waiting with a deadline."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pyspark import SparkConf, SparkContext


@pytest.fixture
def spark() -> Iterator[Callable[..., SparkContext]]:
    """Makes the context of a test: `spark("local[2]", {"some.setting": "x"})`."""

    def make(master: str = "local[4]", settings: dict[str, str] | None = None) -> SparkContext:
        conf = SparkConf().setMaster(master).setAppName("test").setAll(list((settings or {}).items()))
        return SparkContext(conf=conf)

    yield make
    if SparkContext._active_spark_context is not None:
        SparkContext._active_spark_context.stop()


@pytest.fixture
def sc(spark: Callable[..., SparkContext]) -> SparkContext:
    """A context with four task threads."""
    return spark()


@pytest.fixture
def eventually() -> Callable[..., None]:
    """Waits until `check()` is true: `eventually(lambda: seen)`."""

    def wait(check: Callable[[], object], seconds: float = 10.0) -> None:
        deadline = time.monotonic() + seconds
        while not check():
            assert time.monotonic() < deadline, f"not true after {seconds} s"
            time.sleep(0.005)

    return wait


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
            # Nothing is read ahead, which `communicate` would not see.
            bufsize=0,
        )

    def wait_for(self, line: str) -> None:
        """Reads what it prints until this line."""
        assert self.process.stdout is not None
        while (read := self.process.stdout.readline().decode()) != line + "\n":
            assert read, f"the program ended before it printed {line!r}: {self.ended()}"

    def interrupt(self) -> None:
        """What Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)

    def ended(self, seconds: float = 30.0) -> tuple[int, str, str]:
        """Closes its stdin; exit code, the rest of stdout, and stderr, once it has ended by itself."""
        output, complaints = self.process.communicate(timeout=seconds)
        return self.process.returncode, output.decode(), complaints.decode()


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
