"""Who may import whom, read from the sources, so that the picture in the architecture stays true."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RUST = sorted((ROOT / "src").rglob("*.rs"))
PYTHON = sorted((ROOT / "python").rglob("*.py"))

# A folder of `src/` (or a file beside them), and what it may name of this crate beside itself.
MAY_USE: dict[str, set[str]] = {
    "error": set(),
    "process": set(),
    "stack": set(),
    "doing": set(),
    "heap": set(),
    "watch": {"doing", "process", "stack"},
    "block": {"error"},
    "source": {"block", "process", "stack", "doing", "error"},
    "monitor": {"block", "error"},
    "kernel": {"block", "error"},
    "expr": {"block", "kernel", "error"},
    "memory": {"block", "heap", "process", "doing", "error"},
    "rdd": {"block", "memory", "kernel", "expr", "process", "error"},
    "step": {"rdd", "block", "memory", "kernel", "expr", "error"},
    "exec": {"step", "rdd", "block", "memory", "kernel", "expr", "process", "stack", "doing", "error"},
    "durable": {"exec", "step", "rdd", "block", "memory", "kernel", "expr", "process", "doing", "error"},
    "input": {
        "durable",
        "exec",
        "step",
        "rdd",
        "block",
        "memory",
        "kernel",
        "expr",
        "source",
        "monitor",
        "process",
        "stack",
        "doing",
        "error",
    },
    "stream": {
        "input",
        "durable",
        "exec",
        "step",
        "rdd",
        "block",
        "memory",
        "kernel",
        "expr",
        "source",
        "monitor",
        "process",
        "stack",
        "doing",
        "error",
    },
}
# These two know the interpreter, so they may use all the others; nobody may use them.
PYTHON_SIDE = {"object", "py"}
MAX_LINES = 600


def room_of(file: Path) -> str:
    return file.relative_to(ROOT / "src").parts[0].removesuffix(".rs")


def code_of(file: Path) -> str:
    """The source without comments."""
    return re.sub(r"//[^\n]*", "", file.read_text(encoding="utf-8"))


def rooms_used_by(code: str) -> set[str]:
    used = set(re.findall(r"\bcrate::(\w+)", code))
    for group in re.findall(r"\bcrate::\{(.*?)\};", code, flags=re.DOTALL):
        depth_0 = re.sub(r"\{[^{}]*\}", "", re.sub(r"\{[^{}]*\}", "", group))
        used |= {part.strip().partition("::")[0].split(" ")[0] for part in depth_0.split(",") if part.strip()}
    return used & (MAY_USE.keys() | PYTHON_SIDE)


@pytest.mark.parametrize("file", [f for f in RUST if f.name != "lib.rs"], ids=lambda f: str(f.relative_to(ROOT)))
def test_a_rust_file_uses_only_the_rooms_below_its_own(file: Path) -> None:
    room = room_of(file)
    allowed = MAY_USE.keys() | PYTHON_SIDE if room in PYTHON_SIDE else MAY_USE[room] | {room}
    assert rooms_used_by(code_of(file)) <= allowed


def test_every_room_has_a_row() -> None:
    assert {room_of(file) for file in RUST} <= MAY_USE.keys() | PYTHON_SIDE | {"lib"}


def test_the_reading_of_imports_understands_groups() -> None:
    code = "use crate::{block::{Block, kind::Kind}, exec as e, error::EngineError}; crate::stream::now();"
    assert rooms_used_by(code) == {"block", "exec", "error", "stream"}


def test_only_the_python_side_knows_the_interpreter() -> None:
    knowing = {room_of(file) for file in RUST if re.search(r"\bpyo3\b", code_of(file))}
    assert knowing <= PYTHON_SIDE | {"lib"}


@pytest.mark.parametrize("file", RUST + PYTHON, ids=lambda f: str(f.relative_to(ROOT)))
def test_a_file_begins_by_saying_what_it_is_for_and_stays_readable(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".rs":
        assert text.startswith("//! ")
    else:
        assert ast.get_docstring(ast.parse(text))
    assert text.count("\n") <= MAX_LINES
