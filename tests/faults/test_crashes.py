"""The harnesses in small: a few kills and takeovers in every run of the tests. `make crash` has 200 of each."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import harness
import owners


def test_a_stream_that_is_killed_loses_and_doubles_nothing(tmp_path: Path) -> None:
    verdict = harness.run(tmp_path / "run", kills=3, seed=11, batch_ms=400)
    assert verdict.problems == []
    assert verdict.words and verdict.logged and verdict.batches


def test_of_two_streams_on_a_folder_one_goes_on_and_nothing_is_lost(tmp_path: Path) -> None:
    verdict = owners.run(tmp_path / "run", rounds=len(owners.KINDS), seed=5, batch_ms=400, patience=120.0)
    assert verdict.problems == []
    assert verdict.words and verdict.logged and verdict.batches
