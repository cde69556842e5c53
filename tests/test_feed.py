"""`dstreams feed` and the lines that it makes up."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from dstreams.testing.samples import KINDS, sample_lines

SHAPES = {
    "words": r"[a-z]+ [a-z]+ the [a-z]+( and [a-z]+ a [a-z]+)?",
    "hashtags": r"[a-z ]+( #[a-z]+){1,3}",
    "logs": r'10\.0\.\d\.\d+ - - \[01/Jan/2025:[\d:]{8} \+0000\] "(GET|POST) /\S* HTTP/1.1" (200|304|404|500) \d+',
    "events": r"\{.*\}",
    "sensors": r"2025-01-01T\d\d:\d\d:\d\d\.\d{3}\+00:00,sensor-\d,-?\d+\.\d\d",
}


@pytest.mark.parametrize("kind", KINDS)
def test_lines_have_the_shape_of_their_kind_and_follow_from_the_seed(kind: str) -> None:
    lines = sample_lines(kind, 500, seed=3)
    assert [line for line in lines if not re.fullmatch(SHAPES[kind], line)] == []
    assert lines == sample_lines(kind, 500, seed=3)
    assert lines[:100] == sample_lines(kind, 100, seed=3)
    assert lines != sample_lines(kind, 500, seed=4)


def test_events_are_json_with_a_price_where_something_is_bought() -> None:
    events = [json.loads(line) for line in sample_lines("events", 500)]
    assert all(("price" in event) == (event["action"] == "buy") for event in events)
    assert [event["time"] for event in events] == sorted(event["time"] for event in events)


def test_what_cannot_be_made_up_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"kind must be one of words, .*, not 'tweets'"):
        sample_lines("tweets", 1)
    with pytest.raises(ValueError, match="count must be at least 1, not 0"):
        sample_lines("words", 0)


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "dstreams", "feed", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def port_of(feeding: subprocess.Popen[str]) -> int:
    assert feeding.stdout is not None
    return int(feeding.stdout.readline().split()[-1])


def received(port: int, count: int) -> list[str]:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection, connection.makefile() as lines:
        return [next(lines).rstrip("\n") for _ in range(count)]


def test_it_serves_until_ctrl_c() -> None:
    feeding = start("events", "--port", "0", "--rate", "1000", "--seed", "5")
    port = port_of(feeding)
    assert received(port, 50) == received(port, 50) == sample_lines("events", 50, seed=5)
    feeding.send_signal(signal.SIGINT)
    _, complaints = feeding.communicate(timeout=40)
    assert (feeding.returncode, complaints) == (0, "")


def test_it_ends_after_the_seconds_and_serves_a_file_once(tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_text("one\ntwo\nthree\n")
    feeding = start(str(tmp_path / "lines.txt"), "--port", "0", "--once", "--seconds", "3", "--rate", "100")
    with socket.create_connection(("127.0.0.1", port_of(feeding)), timeout=30) as connection:
        assert connection.makefile().read() == "one\ntwo\nthree\n"
    _, complaints = feeding.communicate(timeout=40)
    assert (feeding.returncode, complaints) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["nothing.txt"], "there is no file 'nothing.txt', and it is none of words, hashtags, logs, events, sensors\n"),
        (["--rate", "0"], "rate must be above 0 lines per second, not 0.0\n"),
        (["--port", "70000"], "port must be 0-65535"),
    ],
)
def test_what_cannot_begin_is_one_sentence(arguments: list[str], problem: str) -> None:
    feeding = start("--port", "0", *arguments)
    output, complaints = feeding.communicate(timeout=40)
    assert (feeding.returncode, output) == (2, "")
    assert complaints.startswith("dstreams feed: ") and problem in complaints and complaints.count("\n") == 1


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        feeding = start("--port", str(port))
        _, complaints = feeding.communicate(timeout=40)
    assert feeding.returncode == 2
    assert f"port {port} of 127.0.0.1 cannot be served" in complaints and "--port" in complaints
