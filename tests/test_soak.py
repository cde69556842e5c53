"""Twenty seconds of `make soak`: short batches, and sockets that connect, dawdle, close and die."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SOAK = Path(__file__).parents[1] / "scripts" / "soak.py"


@pytest.mark.timeout(150)
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads its memory from /proc")
def test_a_stream_holds_out() -> None:
    # A young process still grows a little: the full run is the one that finds slow leaks.
    arguments = ["--seconds", "20", "--rate", "500", "--grow", "64"]
    done = subprocess.run([sys.executable, str(SOAK), *arguments], capture_output=True, text=True, timeout=140)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert "closed and complete" in done.stdout
