"""The engine calls functions of the package by their names: each of them is there."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

from dstreams import _native

SOURCES = sorted((Path(__file__).parents[1] / "src").rglob("*.rs"))


def test_what_the_engine_calls_by_name_is_there() -> None:
    listed = _native.called_by_name()
    assert len(listed) > 30 and len(set(listed)) == len(listed)
    for module, name in listed:
        assert callable(getattr(importlib.import_module(module), name))


def test_no_other_file_names_a_module_of_the_package() -> None:
    naming = [file.name for file in SOURCES if re.search(r'import\([^)]*"dstreams\.', file.read_text(encoding="utf-8"))]
    assert naming == []
