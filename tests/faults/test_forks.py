"""Forks in small: a child of each kind in every run of the tests. `make crash` forks 200."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import forks


def test_children_of_a_busy_program_disturb_nothing_and_end(tmp_path: Path) -> None:
    assert forks.run(tmp_path / "run", rounds=len(forks.CHILDREN), seed=5) == []
