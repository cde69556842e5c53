"""`scripts/check_toolchain.sh`: a lack is one sentence with what to do, and exit code 1."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a POSIX shell script")

SCRIPT = Path(__file__).parents[1] / "scripts" / "check_toolchain.sh"
WORKING_PYTHON = f'exec "{sys.executable}" "$@"'
OLD_PYTHON = "echo cpython 3 8"


@pytest.fixture
def check(tmp_path: Path):
    """Run the script where these commands exist and no others, but for a few basic ones."""
    for name in ("sh", "dirname", "sed", "cut", "tr"):
        (tmp_path / name).symlink_to(shutil.which(name))

    def run(variables: dict[str, str] | None = None, **commands: str) -> subprocess.CompletedProcess[str]:
        for name, script in commands.items():
            (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
            (tmp_path / name).chmod(0o755)
        environment = {"PATH": str(tmp_path), **(variables or {})}
        return subprocess.run(["sh", str(SCRIPT)], env=environment, capture_output=True, text=True, timeout=30)

    return run


def complete(**changes: str) -> dict[str, str]:
    commands = {"python3": WORKING_PYTHON, "cargo": "", "rustc": "echo rustc 1.99.0", "cc": ""}
    return {name: script for name, script in (commands | changes).items() if script != "missing"}


def test_it_prints_the_python_to_use(check, tmp_path: Path) -> None:
    done = check(**complete())
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{tmp_path / 'python3'}\n", "")


def test_a_later_name_is_taken_if_the_first_is_too_old_or_does_not_run(check, tmp_path: Path) -> None:
    done = check(**complete(python3=OLD_PYTHON), **{"python3.14": "exit 127", "python3.11": WORKING_PYTHON})
    assert (done.returncode, done.stdout) == (0, f"{tmp_path / 'python3.11'}\n")


@pytest.mark.parametrize(
    ("changes", "variables", "sentence"),
    [
        ({"python3": "missing"}, {}, "no Python was found: install CPython 3.10 to 3.14"),
        (
            {"python3": OLD_PYTHON},
            {},
            "found only cpython 3.8, but CPython 3.10 to 3.14 is needed: install one",
        ),
        ({"python3": "echo cpython 3 15"}, {}, "found only cpython 3.15, but"),
        ({"python3": "echo pypy 3 11"}, {}, "found only pypy 3.11, but"),
        ({}, {"PYTHON": "nowhere"}, "PYTHON=nowhere is no command"),
        ({"old": OLD_PYTHON}, {"PYTHON": "old"}, "PYTHON=old does not run as CPython 3.10 to 3.14"),
        ({"cargo": "missing"}, {}, "no Rust toolchain (cargo, rustc) was found: install one"),
        ({"rustc": "missing"}, {}, "no Rust toolchain (cargo, rustc) was found: install one"),
        ({"rustc": "exit 1"}, {}, "rustc is there but does not run: repair"),
        ({"rustc": "echo rustc 1.63.0"}, {}, "rustc 1.63 is too old, 1."),
        ({"rustc": "echo rustc 0.99.0"}, {}, "rustc 0.99 is too old, 1."),
        ({"cc": "missing"}, {}, "no C linker (cc) was found"),
    ],
)
def test_a_lack_is_one_sentence(check, changes: dict[str, str], variables: dict[str, str], sentence: str) -> None:
    done = check(variables, **complete(**changes))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"dstreams: {sentence}")
    assert done.stderr.count("\n") == 1


def test_a_python_without_venv_is_told_from_a_python(check) -> None:
    done = check(**complete(python3='case "$2" in *ensurepip*) exit 1;; esac; ' + WORKING_PYTHON))
    assert done.returncode == 1 and "cannot make virtual environments" in done.stderr
