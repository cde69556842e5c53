"""Who removes the files of data that did not fit, and what happens when they cannot be written or read?"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from py4j.protocol import Py4JJavaError
from pyspark import SparkContext, SparkFiles, StorageLevel

Spark = Callable[..., SparkContext]


def disk(sc: SparkContext) -> Any:
    return sc.range(5000, numSlices=2).map(str).persist(StorageLevel.DISK_ONLY)


def test_files_are_dealt_out_to_all_local_folders_and_gone_after_stop(spark: Spark, tmp_path: Path) -> None:
    roots = [tmp_path / "one", tmp_path / "two"]
    sc = spark("local[2]", {"spark.local.dir": ", ".join(map(str, roots))})
    kept = disk(sc)
    assert kept.count() == 5000
    assert all(list(root.rglob("*.spill")) for root in roots)
    sc.stop()
    assert [list(root.iterdir()) for root in roots] == [[], []]


def test_nothing_is_made_as_long_as_everything_fits(spark: Spark, tmp_path: Path) -> None:
    sc = spark("local[2]", {"spark.local.dir": str(tmp_path / "not there yet")})
    assert sc.range(1000).map(lambda i: (i % 7, i)).groupByKey().count() == 7
    assert list(tmp_path.iterdir()) == []


def test_the_environment_names_the_folders_before_the_setting(
    spark: Spark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARK_LOCAL_DIRS", str(tmp_path / "named"))
    sc = spark("local[2]", {"spark.local.dir": str(tmp_path / "set")})
    disk(sc).count()
    assert [folder.name for folder in tmp_path.iterdir()] == ["named"]


PROGRAM = """
import sys
from pyspark import SparkConf, SparkContext, StorageLevel, SparkFiles
sc = SparkContext(conf=SparkConf().setMaster("local[2]").set("spark.local.dir", {root!r}))
kept = sc.range(5000, numSlices=2).map(str).persist(StorageLevel.DISK_ONLY)
kept.count()
sc.addFile(__file__)
print("ready", flush=True)
sys.stdin.read()
"""


def folders(root: Path) -> list[Path]:
    return [path for path in root.iterdir() if path.name.startswith("dstreams-")]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, of this process and of those it starts."""
    root = tmp_path / "temporary"
    root.mkdir()
    monkeypatch.setenv("TMPDIR", str(root))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return root


def test_files_are_gone_when_a_program_ends_by_itself(program: Callable[[str], Any], root: Path) -> None:
    child = program(PROGRAM.format(root=str(root)))
    child.wait_for("ready")
    assert len(folders(root)) == 2 and list(root.rglob("*.spill"))
    assert child.ended() == (0, "", "")
    assert folders(root) == []


def test_files_of_a_killed_process_are_removed_by_the_next_start(
    spark: Spark, program: Callable[[str], Any], root: Path
) -> None:
    killed, living = program(PROGRAM.format(root=str(root))), program(PROGRAM.format(root=str(root)))
    killed.wait_for("ready")
    living.wait_for("ready")
    killed.process.send_signal(signal.SIGKILL)
    killed.process.wait()
    assert len(folders(root)) == 4
    sc = spark("local[2]", {"spark.local.dir": str(root)})
    left = folders(root)
    assert len(left) == 2 and all(f"-{living.process.pid}-" in folder.name for folder in left)
    assert disk(sc).count() == 5000
    sc.stop()
    assert sorted(folders(root)) == sorted(left)


def test_folders_that_never_got_their_lock_are_removed_after_an_hour(spark: Spark, root: Path) -> None:
    def made(name: str, age: float) -> Path:
        folder = root / name
        folder.mkdir()
        (folder / "shipped").mkdir()
        os.utime(folder, (time.time() - age,) * 2)
        return folder

    old = made("dstreams-files-12345-abcd_123", 3700)
    kept = [made("dstreams-files-12345-zzzz1234", 3000)]
    kept += [made(name, 10**6) for name in ("dstreams-notes", "dstreams-files-mine")]  # of the user's own
    spark("local[2]")
    assert not old.exists() and all(folder.exists() for folder in kept)


def test_shipped_files_are_in_a_folder_of_their_own(spark: Spark, root: Path, tmp_path: Path) -> None:
    sc = spark("local[2]")
    (tmp_path / "shipped.txt").write_text("here", encoding="utf-8")
    sc.addFile(str(tmp_path / "shipped.txt"))
    assert Path(SparkFiles.get("shipped.txt")).read_text(encoding="utf-8") == "here"
    assert os.listdir(SparkFiles.getRootDirectory()) == ["shipped.txt"]
    sc.stop()
    assert folders(root) == []


def test_a_folder_that_cannot_be_written_is_left_out_if_there_is_another(spark: Spark, tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    sc = spark("local[2]", {"spark.local.dir": f"{tmp_path / 'a file'},{tmp_path / 'good'}"})
    assert disk(sc).count() == 5000


def test_without_any_folder_there_is_no_context_and_the_error_names_the_setting(spark: Spark, tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    for wrong in (tmp_path / "a file", tmp_path / "a file" / "folder", ""):
        with pytest.raises(Py4JJavaError, match=r"Failed to get a temp directory under .*spark\.local\.dir") as caught:
            spark("local[2]", {"spark.local.dir": str(wrong)})
        assert caught.value.java_exception.getClass().getName() == "java.io.IOException"
    assert spark("local[2]").range(10).count() == 10


def test_a_folder_that_cannot_be_written_later_is_named_and_the_next_job_runs(spark: Spark, tmp_path: Path) -> None:
    sc = spark("local[2]", {"spark.local.dir": str(tmp_path / "not there yet")})
    (tmp_path / "not there yet").touch()
    with pytest.raises(Py4JJavaError, match=r"none of the folders of spark\.local\.dir can be written"):
        disk(sc).count()
    assert sc.range(10).count() == 10


def test_a_deleted_folder_is_reported_on_writing_and_on_reading(spark: Spark, tmp_path: Path) -> None:
    sc = spark("local[2]", {"spark.local.dir": str(tmp_path), "spark.dstreams.memory.limit": "64k"})
    kept = disk(sc)
    assert kept.count() == 5000
    shutil.rmtree(folders(tmp_path)[0])
    with pytest.raises(Py4JJavaError, match="was its folder cleaned while it was in use"):
        kept.collect()
    with pytest.raises(Py4JJavaError, match=r"is the disk full, or the folder gone\? spark\.local\.dir"):
        sc.range(20000).map(lambda i: (i, str(i))).groupByKey().count()
    assert sc.range(10).map(lambda i: (i % 3, i)).groupByKey().count() == 3


def test_a_damaged_file_is_reported(spark: Spark, tmp_path: Path) -> None:
    sc = spark("local[2]", {"spark.local.dir": str(tmp_path)})
    kept = disk(sc)
    kept.count()
    file = sorted(tmp_path.rglob("*.spill"))[0]
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(Py4JJavaError, match="the checksum does not fit"):
        kept.collect()
