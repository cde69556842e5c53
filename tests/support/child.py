"""Programs that tests run in an interpreter of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path


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

    def wait_for_task(self, line: str) -> None:
        """Reads what its tasks print, which goes to standard error, until this line."""
        assert self.process.stderr is not None
        while (read := self.process.stderr.readline().decode()) != line + "\n":
            assert read, f"the program ended before a task printed {line!r}: {self.ended()}"

    def interrupt(self) -> None:
        """What Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)

    def ended(self, seconds: float = 30.0) -> tuple[int, str, str]:
        """Closes its stdin; exit code, the rest of stdout, and stderr, once it has ended by itself."""
        output, complaints = self.process.communicate(timeout=seconds)
        return self.process.returncode, output.decode(), complaints.decode()
