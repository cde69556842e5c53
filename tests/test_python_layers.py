"""Which package of the Python side may import which, also within functions; and why some imports are not at the top."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "python"
FILES = sorted((ROOT / "dstreams").rglob("*.py"))

# errors <- udf <- core <- streaming <- explain, testing <- compat, and example programs over all. Of two packages on a
# level, neither may import the other.
LEVELS = {"errors": 0, "udf": 1, "core": 2, "streaming": 3, "explain": 4, "testing": 4, "compat": 5, "examples": 6}

# (importing module, what of the package above): a door, and what it is for.
UPWARDS = {
    ("core.rdds.base", "explain"): "RDD.explain()",
    ("streaming.dstream", "explain"): "DStream.explain()",
    ("core.engine.watch", "streaming.context"): "a type: who explains a program is told of its streams",
    ("explain.program", "compat.run"): "a program that is explained is run as any other",
}
# (importing module, imported one): why a function imports when it is called.
WITHIN_FUNCTIONS = {
    ("__main__", "explain.program"): "each command imports what it needs",
    ("__main__", "compat.doctor"): "each command imports what it needs",
    ("__main__", "testing.demo"): "each command imports what it needs",
    ("compat.aliases", ""): "`pyspark` is filled while the package is still being imported",
    ("core.files", "core.context"): "a context has a list of the program's files",
    ("core.io.hadoopinput", "core.rdd"): "RDDs save themselves in Hadoop's formats",
    ("core.io.hadoopinput", "core.rdds.base"): "RDDs save themselves in Hadoop's formats",
    ("core.join", "core.rdds.pairs"): "the methods join by these functions, which cogroup by a method",
    ("core.rdds.barrier", "core.rdd"): "RDD.barrier() gives what makes RDDs",
    ("core.rdds.base", "core.rdd"): "a part of the class of what it makes",
    ("core.rdds.narrow", "core.rdd"): "a part of the class of what it makes",
    ("core.rdds.pairs", "core.rdd"): "a part of the class of what it makes",
    ("core.resource.profile", "core.context"): "a context names its resources",
    ("core.util", "core.context"): "a context's threads inherit its properties",
    ("core.rdds.base", "explain"): "explaining costs nothing until it is asked for",
    ("streaming.dstream", "explain"): "explaining costs nothing until it is asked for",
    ("explain.lineage", "core.rdd"): "the reader of functions needs no RDDs",
    ("explain.lineage", "core.rdds.base"): "the reader of functions needs no RDDs",
    ("explain.streams", "core.rdd"): "the reader of functions needs no RDDs",
    ("streaming.base", "streaming.dstream"): "a part of the class of what it makes",
    ("streaming.callbacks", "streaming.checkpointing"): "only streams with a checkpoint folder need it",
    ("streaming.callbacks", "streaming.source"): "only streams with a source of the program's own need it",
    ("streaming.receiving", "streaming.dstream"): "a part of the class of what makes streams",
    ("streaming.source", "streaming.dstream"): "a stream of the program's own source",
    ("streaming.windows", "streaming.mapwithstate"): "a part of the class that its result has for a base",
    ("udf.by_key", "udf.calls"): "calls reads what is called, which may be folded by key again",
}


def module_of(file: Path) -> str:
    return ".".join(file.relative_to(ROOT / "dstreams").with_suffix("").parts).removesuffix(".__init__")


def imports_of(file: Path) -> Iterator[tuple[str, bool]]:
    """(imported module of ours, within a function?)."""

    def look(node: ast.AST, within: bool) -> Iterator[tuple[str, bool]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                names = [alias.name for alias in child.names]
            elif isinstance(child, ast.ImportFrom) and child.module:
                # What is imported from a package may be one of its modules.
                names = [
                    f"{child.module}.{alias.name}" if is_module(f"{child.module}.{alias.name}") else child.module
                    for alias in child.names
                ]
            else:
                is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
                yield from look(child, within or is_function)
                continue
            for name in names:
                if name.partition(".")[0] == "dstreams" and name != "dstreams._native":
                    yield name.partition(".")[2], within

    yield from look(ast.parse(file.read_text(encoding="utf-8")), False)


def is_module(name: str) -> bool:
    place = ROOT.joinpath(*name.split("."))
    return place.is_dir() or place.with_suffix(".py").exists() or name == "dstreams._native"


def upwards(file: Path) -> set[tuple[str, str]]:
    own = module_of(file)
    package = own.partition(".")[0]
    above = set()
    for name, _ in imports_of(file):
        other = name.partition(".")[0]
        if package in LEVELS and other != package and LEVELS.get(other, -1) >= LEVELS[package]:
            above.add((own, name))
    return above


def deferred(file: Path) -> set[tuple[str, str]]:
    return {(module_of(file), name) for name, within in imports_of(file) if within}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_module_imports_from_below_and_at_its_top_or_says_why(file: Path) -> None:
    assert upwards(file) <= UPWARDS.keys()
    assert deferred(file) <= WITHIN_FUNCTIONS.keys()


def test_no_reason_is_left_of_an_import_that_went() -> None:
    assert {door for file in FILES for door in upwards(file)} == UPWARDS.keys()
    assert {late for file in FILES for late in deferred(file)} == WITHIN_FUNCTIONS.keys()


def test_every_package_has_its_level() -> None:
    assert {
        file.relative_to(ROOT / "dstreams").parts[0] for file in FILES if file.parent != ROOT / "dstreams"
    } == LEVELS.keys()
