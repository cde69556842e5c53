"""Interpreters to ask about names: child processes in an environment that holds dstreams and nothing else."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

import cloudpickle
import pytest

import _dstreams_names
import dstreams

Ask = Callable[..., str]


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a fresh environment in which dstreams is installed, and neither PySpark nor py4j."""
    home = tmp_path_factory.mktemp("bare")
    venv.create(home, with_pip=False, symlinks=os.name != "nt")
    site = Path(sysconfig.get_path("platlib", vars={"base": str(home), "platbase": str(home)}))
    for module in (_dstreams_names, dstreams, cloudpickle):
        file = Path(module.__file__)
        source = file.parent if file.name == "__init__.py" else file
        (site / source.name).symlink_to(source)
    start_line = next(file for file in importlib.metadata.files("dstreams") if file.name == "dstreams_names.pth")
    (site / start_line.name).write_text(start_line.read_text())
    return home / ("Scripts" if os.name == "nt" else "bin") / "python"


@pytest.fixture
def ask(bare_python: Path, tmp_path: Path) -> Ask:
    """Run code in a child interpreter and return its output; with `fails=True` what it says on stderr."""

    def run(code: str, *, path: Path | None = None, engine: str | None = None, fails: bool = False, **more: str) -> str:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "DSTREAMS"))}
        environment |= {"PYTHONWARNINGS": "error", "PYTHONDONTWRITEBYTECODE": "1", **more}
        if path is not None:
            environment["PYTHONPATH"] = str(path)
        if engine is not None:
            environment["DSTREAMS_ENGINE"] = engine
        command = [bare_python, "-c", code]
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=50)
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return (done.stderr if fails else done.stdout).strip()

    return run


@pytest.fixture
def real_spark(tmp_path: Path) -> Path:
    """A folder with what `pip install pyspark findspark` brings, as far as names go."""
    site = tmp_path / "real"
    for name in ("pyspark", "py4j", "findspark"):
        package = site / name
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("REAL = True\n__version__ = '3.5.0'\n")
    (site / "pyspark" / "jars").mkdir()
    (site / "pyspark" / "context.py").write_text("")
    (site / "pyspark" / "rdd.py").write_text("REAL = True\n")
    (site / "py4j" / "protocol.py").write_text("REAL = True\n")
    return site


@pytest.fixture
def connect_client(tmp_path: Path) -> Path:
    """A folder with a Spark Connect client: PySpark's files less those that need a JVM."""
    package = tmp_path / "client" / "pyspark"
    files = {
        "__init__.py": "raise AssertionError('the client may not answer for pyspark itself')\n",
        "_globals.py": "_NoValue = object()\n",
        "conf.py": "raise AssertionError('not needed: ours does')\n",
        "errors/__init__.py": "from pyspark.errors.base import PySparkException\n",
        "errors/base.py": "class PySparkException(Exception): CLIENT = True\n",
        "java_gateway.py": "",
        "loose_version.py": "CLIENT = True\n",
        "sql/__init__.py": (
            "from pyspark import _NoValue\n"
            "from pyspark.conf import SparkConf\n"
            "from pyspark.errors import PySparkException\n"
            "from pyspark.loose_version import CLIENT\n"
            "from pyspark.sql.types import Row\n"
            "from pyspark.util import is_remote_only\n"
            "assert is_remote_only()\n"
        ),
        "sql/types.py": "class Row(tuple): pass\n",
        "streaming/__init__.py": "",
        "util.py": (
            "def is_remote_only():\n"
            "    try:\n"
            "        from pyspark import core\n"
            "    except ImportError:\n"
            "        return True\n"
            "    return False\n"
        ),
    }
    for name, text in files.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)
    return package.parent
