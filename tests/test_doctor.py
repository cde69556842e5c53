"""`dstreams doctor` and `--version`: what is installed here, and what to do about problems."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import dstreams


def told(*arguments: str, **environment: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "dstreams", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def installed(folder: Path, name: str, files: dict[str, str]) -> str:
    for file, text in files.items():
        place = folder / name / file
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    return str(folder)


def test_the_versions_are_told() -> None:
    code, said, complaints = told("--version")
    assert (code, complaints) == (0, "")
    assert said == f"dstreams {dstreams.__version__} (answers as Apache Spark {dstreams.SPARK_API_VERSION})\n"


def test_the_script_is_the_same_command() -> None:
    script = Path(sys.executable).with_name("dstreams")
    done = subprocess.run([script, "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("usage: dstreams ")


def test_without_a_problem_all_is_told_and_the_code_is_0(tmp_path: Path) -> None:
    code, said, complaints = told("doctor", SPARK_LOCAL_DIRS=str(tmp_path), DSTREAMS_ENGINE="")
    assert (code, complaints) == (0, "")
    assert said.endswith("\nNo problems.\n")
    assert sys.executable in said and f"{tmp_path}, " in said
    assert "pyspark      is dstreams\n" in said
    assert not list(tmp_path.iterdir())


def test_a_folder_that_can_be_made_is_none(tmp_path: Path) -> None:
    code, said, _ = told("doctor", SPARK_LOCAL_DIRS=f"file:{tmp_path}/new", DSTREAMS_ENGINE="")
    assert code == 0 and f"{tmp_path}/new, " in said
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_comes_with_a_cure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    folder = tmp_path / "file" / "below"
    code, said, _ = told("doctor", SPARK_LOCAL_DIRS=str(folder), DSTREAMS_ENGINE="")
    assert code == 1
    assert f"! local files  {folder}: Not a directory\n" in said
    assert "-> set SPARK_LOCAL_DIRS, or spark.local.dir in a SparkConf, to a folder that can be written\n" in said
    assert said.endswith("\n1 to look at.\n")


def test_a_real_pyspark_that_wins_is_named_with_the_ways_to_choose(tmp_path: Path) -> None:
    real = installed(tmp_path, "pyspark", {"__init__.py": "", "context.py": ""})
    code, said, _ = told("doctor", PYTHONPATH=real, DSTREAMS_ENGINE="")
    assert code == 1
    assert "is Apache PySpark, as it is installed and nothing is chosen\n" in said
    assert "DSTREAMS_ENGINE=dstreams, dstreams.activate() or `dstreams run PROGRAM` choose dstreams\n" in said
    for engine, words in {
        "spark": "as DSTREAMS_ENGINE=spark says",
        "dstreams": "is dstreams, as DSTREAMS_ENGINE",
    }.items():
        code, said, _ = told("doctor", PYTHONPATH=real, DSTREAMS_ENGINE=engine)
        assert code == 0 and words in said


def test_a_choice_that_cannot_be_kept_is_a_problem() -> None:
    code, said, _ = told("doctor", DSTREAMS_ENGINE="spark")
    assert code == 1
    assert "cannot be imported: DSTREAMS_ENGINE=spark, and there is no PySpark\n" in said
    code, said, _ = told("doctor", DSTREAMS_ENGINE="flink")
    assert code == 1 and "'flink'" in said
