"""The text server for tests and demos: every connection gets every line, at the rate that was asked for."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dstreams.testing.feeder import Feeder


def connect(feeder: Feeder) -> socket.socket:
    return socket.create_connection(("127.0.0.1", feeder.port), timeout=10)


def read(feeder: Feeder, lines: int | None = None) -> list[str]:
    """That many lines from a new connection, or all until the server closes it."""
    with connect(feeder) as connection:
        received = connection.makefile(encoding="utf-8", newline="\n")
        if lines is None:
            return [line.removesuffix("\n") for line in received]
        return [next(received).removesuffix("\n") for _ in range(lines)]


def test_every_connection_gets_all_lines_from_the_first() -> None:
    with Feeder(["one", "zwei", "três"], at_end="close") as feeder:
        assert read(feeder) == read(feeder) == ["one", "zwei", "três"]
        assert feeder.sent == 6


def test_bytes_are_sent_as_they_are() -> None:
    with Feeder([b"\xff\xfe"], at_end="close") as feeder, connect(feeder) as connection:
        assert connection.makefile("rb").read() == b"\xff\xfe\n"


def test_at_the_end_it_waits() -> None:
    with Feeder(["a"]) as feeder, connect(feeder) as connection:
        assert connection.recv(10) == b"a\n"
        connection.settimeout(0.1)
        with pytest.raises(TimeoutError):
            connection.recv(10)
        assert feeder.connections == 1


def test_at_the_end_it_begins_again() -> None:
    with Feeder(["a", "b"], at_end="repeat") as feeder:
        assert read(feeder, 5) == ["a", "b", "a", "b", "a"]


@pytest.mark.parametrize("at_end", ["close", "repeat"])
def test_the_rate_holds_on_average(at_end: str) -> None:
    with Feeder(["x"] * 100, rate=200, at_end=at_end) as feeder:
        begun = time.monotonic()
        assert len(read(feeder, 60)) == 60
        assert time.monotonic() - begun >= 59 / 200


def test_closing_ends_a_send_that_nobody_reads() -> None:
    feeder = Feeder(["x" * 100_000] * 100, at_end="repeat")
    with connect(feeder):
        while not feeder.connections:
            time.sleep(0.01)
        feeder.close()
        feeder.close()
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", feeder.port), timeout=1)


@pytest.mark.parametrize(("lines", "more"), [(["x"], {"rate": 0}), ([], {"at_end": "repeat"})])
def test_impossible_wishes_are_refused(lines: list[str], more: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        Feeder(lines, **more)


def test_from_a_shell_it_prints_its_port_and_ends_at_ctrl_c(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("first\nsecond\n")
    command = [sys.executable, "-m", "dstreams.testing.feeder", str(tmp_path / "text"), "--once"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    port = int(process.stdout.readline())
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        assert connection.makefile("r").read() == "first\nsecond\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=20) == ("", "")
    assert process.returncode == 0
