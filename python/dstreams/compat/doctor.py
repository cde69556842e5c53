"""`dstreams doctor`: is everything here that programs need, who answers to `pyspark`, and what is to be done?

1. It changes nothing and starts nothing: it looks, and tries whether folders can be made and a local port opened.
2. Each problem comes with what to do about it. The exit code is 1 if there is one, else 0.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import socket
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass

import _dstreams_names as names
from dstreams import _native
from dstreams.core.conf import SparkConf
from dstreams.core.engine.localdirs import problem_of, roots_of
from dstreams.core.engine.master import usable_cores
from dstreams.core.version import SPARK_API_VERSION, __version__

# Nothing of these is needed; what there is more with them.
_EXTRAS = {
    "numpy": "arrays in elements; histograms of arrays",
    "ipykernel": "notebooks",
    "pytest": "the fixtures for tests of streams",
    "psutil": "the memory that PySpark's own tools report",
}
_LITTLE_SPACE = 1 << 30


@dataclass(frozen=True)
class Finding:
    """A line of the report; with `cure`, a problem and what to do about it."""

    what: str
    told: str
    cure: str = ""


def examine() -> int:
    """Prints what is found. Returns the exit code."""
    findings = list(look())
    width = max(len(finding.what) for finding in findings)
    for finding in findings:
        print(f"{'!' if finding.cure else ' '} {finding.what:<{width}}  {finding.told}")
        if finding.cure:
            print(f"  {'':<{width}}  -> {finding.cure}")
    problems = sum(bool(finding.cure) for finding in findings)
    print("\nNo problems." if not problems else f"\n{problems} to look at.")
    return 1 if problems else 0


def look() -> Iterator[Finding]:
    """What there is to tell, most important first."""
    yield Finding("dstreams", f"{__version__}, answers as Apache Spark {SPARK_API_VERSION}")
    yield _python()
    yield Finding("machine", f"{platform.system()} {platform.machine()}, {usable_cores()} for local[*]")
    yield Finding("native core", str(_native.__file__))
    yield from _pyspark()
    yield from _folders()
    yield _ports()
    for name, use in _EXTRAS.items():
        yield Finding(name, _version_of(name) or f"not installed (for: {use})")


def _python() -> Finding:
    lock = "without a global lock" if sysconfig.get_config_var("Py_GIL_DISABLED") else "with a global lock"
    return Finding("Python", f"{platform.python_implementation()} {platform.python_version()} {lock}, {sys.executable}")


def _version_of(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _pyspark() -> Iterator[Finding]:
    try:
        engine = names.chosen()
    except ImportError as problem:
        yield Finding("pyspark", str(problem), f"unset {names.VARIABLE}, or set it to dstreams or spark")
        return
    real, client = names.real_pyspark(), names.connect_client()
    version = _version_of("pyspark")
    if names.Names not in sys.meta_path:
        yield Finding("pyspark", "the finder of the name is not in place", "pip install --force-reinstall dstreams")
    elif engine == "dstreams":
        beside = f", before the PySpark {version} that is installed, too" if real else ""
        yield Finding("pyspark", f"is dstreams, as {names.VARIABLE}=dstreams says{beside}")
    elif real:
        wins = f"is Apache PySpark {version}".rstrip()
        why = f"as {names.VARIABLE}=spark says" if engine else "as it is installed and nothing is chosen"
        ways = f"{names.VARIABLE}=dstreams, dstreams.activate() or `dstreams run PROGRAM` choose dstreams"
        yield Finding("pyspark", f"{wins}, {why}", "" if engine else ways)
    elif engine == "spark":
        cure = f"unset {names.VARIABLE} to run on dstreams, or install PySpark"
        yield Finding("pyspark", f"cannot be imported: {names.VARIABLE}=spark, and there is no PySpark", cure)
    else:
        yield Finding("pyspark", "is dstreams" + (", and the Spark Connect client has pyspark.sql" if client else ""))


def _folders() -> Iterator[Finding]:
    for folder in roots_of(SparkConf()):
        problem = problem_of(folder)
        if problem is not None:
            cure = "set SPARK_LOCAL_DIRS, or spark.local.dir in a SparkConf, to a folder that can be written"
            yield Finding("local files", f"{folder}: {problem}", cure)
            continue
        there = folder
        while not os.path.exists(there):
            there = os.path.dirname(there)
        free = shutil.disk_usage(there).free
        cure = "what does not fit into memory goes there: free some space, or set SPARK_LOCAL_DIRS"
        yield Finding("local files", f"{folder}, {free >> 20} MiB free", cure if free < _LITTLE_SPACE else "")


def _ports() -> Finding:
    try:
        with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), 5):
            return Finding("local ports", "can be opened and reached")
    except OSError as problem:
        return Finding("local ports", str(problem), "streams of sockets need them: ask who manages this machine")
