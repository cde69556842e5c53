"""Modules that a program ships with its job."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from py4j.protocol import Py4JJavaError
from pyspark import SparkContext, SparkFiles


def test_a_module_is_importable_once_it_is_added_and_not_before(sc: SparkContext, tmp_path: Path) -> None:
    (tmp_path / "added_module_xyz.py").write_text("VALUE = 42\n")
    (tmp_path / "packed_module_xyz.py").write_text("VALUE = 43\n")
    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path, "packed_module_xyz.py")

    def value(name: str) -> Callable[[int], int]:
        return lambda _: __import__(name).VALUE

    for name, path, number in (
        ("added_module_xyz", str(tmp_path / "added_module_xyz.py"), 42),
        ("packed_module_xyz", packed, 43),
    ):
        with pytest.raises(ModuleNotFoundError):
            value(name)(0)
        with pytest.raises(Py4JJavaError, match="ModuleNotFoundError"):
            sc.parallelize([0], 1).map(value(name)).collect()
        sc.addPyFile(path)
        assert value(name)(0) == sc.parallelize([0], 1).map(value(name)).first() == number
        assert str(sys.modules[name].__file__).startswith(SparkFiles.getRootDirectory())
        assert f"file:{path}" in sc.listFiles
    assert sc._python_includes == ["packed.zip"]
    root = SparkFiles.getRootDirectory()
    sc.stop()
    assert not [folder for folder in sys.path if folder.startswith(root)]
    with pytest.raises(ModuleNotFoundError):
        del sys.modules["added_module_xyz"]
        value("added_module_xyz")(0)
