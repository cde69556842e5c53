"""What all tests share: waiting for something, and programs in an interpreter of their own."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from child import Child

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts background jobs like this. Programs that tests start would inherit it, and never see a Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)


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
