"""Where do type checkers and editors find the names `pyspark`, `py4j` and `findspark`, which no file has?

In stub packages that a wheel installs beside the package (`packaging/platlib/*-stubs`): each module there imports from
the module of dstreams that stands behind the name, so the types are those of the code. This writes them, from the same
table that the imports follow; a test fails when they are not what it would write.

    python scripts/stubs.py --check | --write
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import dstreams
from dstreams.compat.table import ALIASES

# Of `pyspark.streaming`, what programs import; its other modules are the package's own.
STREAMING = {"context", "dstream", "listener", "once", "receiver", "source", "state", "util"}
# Rows of the table whose modules are not there yet.
AHEAD = {"pyspark.shuffle", "pyspark.sql"}
FOLDER = Path(__file__).parents[1] / "packaging" / "platlib"


def modules() -> Iterator[tuple[str, str]]:
    """(name that programs import, module of dstreams)."""
    yield "pyspark", "dstreams"
    for alias, target in ALIASES.items():
        if not target.startswith("dstreams."):
            continue
        if alias in AHEAD:
            continue
        module = importlib.import_module(target)
        yield alias, target
        for below in pkgutil.walk_packages(getattr(module, "__path__", ()), f"{target}."):
            own = alias == "pyspark.streaming" and below.name.rpartition(".")[2] not in STREAMING
            if not own and not any(part.startswith("_") for part in below.name.split(".")):
                yield alias + below.name.removeprefix(target), below.name


def names_of(module: ModuleType) -> list[str]:
    """What a program may import: what is listed, and the classes and functions of ours that are there."""
    listed = set(getattr(module, "__all__", ()))
    for name, value in vars(module).items():
        home = getattr(value, "__module__", None)
        if not name.startswith("_") and isinstance(home, str) and home.split(".")[0] in ("dstreams", "pyspark", "py4j"):
            listed.add(name)
    if module is dstreams:
        listed -= {"activate", "load_ipython_extension", "SPARK_API_VERSION"}
    return sorted(listed)


def text_of(target: str) -> str:
    """The stub of a name behind which `target` stands."""
    names = "".join(f"    {name} as {name},\n" for name in names_of(importlib.import_module(target)))
    imports = f"from {target} import (\n{names})\n" if names else ""
    return f'"""The types of `{target}`."""\n\n# Written by scripts/stubs.py.\n{imports}'


def wanted() -> dict[Path, str]:
    """All files of the stub packages."""
    known = dict(modules())
    files = {}
    for alias, target in known.items():
        root, *below = alias.split(".")
        folder = FOLDER / f"{root}-stubs"
        is_package = not below or any(other.startswith(alias + ".") for other in known)
        place = folder.joinpath(*below, "__init__.pyi") if is_package else folder.joinpath(*below).with_suffix(".pyi")
        files[place] = text_of(target)
        # A real PySpark's modules that are not here keep their own types.
        files[folder / "py.typed"] = "partial\n"
    return files


def main() -> int:
    """Compares, or writes."""
    parser = argparse.ArgumentParser(description="The stub packages of the names that programs import.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--check", action="store_true")
    what.add_argument("--write", action="store_true")
    given = parser.parse_args()
    files = wanted()
    there = {file: file.read_text(encoding="utf-8") for file in FOLDER.glob("*-stubs/**/*") if file.is_file()}
    if given.write:
        for folder in FOLDER.glob("*-stubs"):
            shutil.rmtree(folder)
        for file, text in files.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    elif there != files:
        print("The stub packages are not up to date: python scripts/stubs.py --write", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
