"""The harness in small: a few kills in every run of the tests. `make crash` kills 200 times."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import harness


def test_a_stream_that_is_killed_loses_and_doubles_nothing(tmp_path: Path) -> None:
    verdict = harness.run(tmp_path / "run", kills=3, seed=11, batch_ms=400)
    assert verdict.problems == []
    assert verdict.words and verdict.logged and verdict.batches
