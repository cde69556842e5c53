"""`python -m dstreams demo`: ends by itself or at Ctrl-C, in order both times, and tells of a failure."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="ends programs by SIGINT")

READER = """
import socket, sys
connection = socket.create_connection((sys.argv[1], int(sys.argv[2])))
try:
    for line in connection.makefile():
        print("got", line, end="")
except KeyboardInterrupt:
    print("stopped in order")
"""


def demo(tmp_path: Path, program: str, *options: str) -> subprocess.Popen[str]:
    (tmp_path / "program.py").write_text(program)
    command = [sys.executable, "-m", "dstreams", "demo", *options, str(tmp_path / "program.py")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1)


def test_it_ends_after_the_seconds(tmp_path: Path) -> None:
    running = demo(tmp_path, READER, "--seconds", "1.5")
    output, complaints = running.communicate(timeout=40)
    lines = output.splitlines()
    assert "got a stream is a river of small batches" in lines
    assert lines[-2:] == ["stopped in order", "The demo has ended."]
    assert (complaints, running.returncode) == ("", 0)


def test_ctrl_c_ends_it_once_and_in_order(tmp_path: Path) -> None:
    running = demo(tmp_path, READER)
    assert running.stdout is not None
    while not running.stdout.readline().startswith("got"):
        pass
    running.send_signal(signal.SIGINT)
    running.send_signal(signal.SIGINT)
    output, complaints = running.communicate(timeout=40)
    assert output.splitlines()[-2:] == ["stopped in order", "The demo has ended."]
    assert (complaints, running.returncode) == ("", 0)


def test_a_program_that_fails_fails_the_demo(tmp_path: Path) -> None:
    running = demo(tmp_path, "import sys; sys.exit(3)", "--seconds", "20")
    _, complaints = running.communicate(timeout=40)
    assert complaints == f"demo: {tmp_path / 'program.py'} ended with exit code 3\n"
    assert running.returncode == 1


def test_a_program_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "dstreams", "demo", str(tmp_path / "none.py")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=40)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
