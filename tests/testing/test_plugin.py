"""The fixtures in a run of their own: the lesson's examples, what bad tests leave behind, what they cost others."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFTEST = "from _dstreams_pytest import pytest_configure, spark_conf, spark_context, streaming_context\n"


def examples() -> str:
    """The lesson's Python, in order."""
    lesson = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    return "\n\n".join(re.findall(r"^```python\n(.*?)^```", lesson, re.DOTALL | re.MULTILINE))


def run_pytest(folder: Path, text: str, *arguments: str) -> tuple[int, str]:
    """Exit code and output of pytest over a file of this text."""
    (folder / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (folder / "test_it.py").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", *arguments, "test_it.py"],
        cwd=folder,
        env={**os.environ, "PYTEST_ADDOPTS": ""},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=50,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_examples_of_the_lesson_work(tmp_path: Path) -> None:
    text = examples()
    assert text.count("def test_") >= 4
    code, output = run_pytest(tmp_path, text)
    assert code == 0, output
    assert f"{text.count('def test_')} passed" in output


def test_a_test_that_leaves_its_stream_running_does_not_hurt_the_next(tmp_path: Path) -> None:
    text = """
        import threading
        from dstreams.testing import expect, feed

        def test_left_running(streaming_context):
            feed(streaming_context, [[1]]).foreachRDD(lambda rdd: None)
            streaming_context.start()
            raise AssertionError("left")

        def test_next(streaming_context):
            expect(feed(streaming_context, [[1]]), [[1]])
            assert not [thread for thread in threading.enumerate() if "left" in thread.name]
    """
    code, output = run_pytest(tmp_path, re.sub("^        ", "", text, flags=re.MULTILINE))
    assert code == 1
    assert "1 failed, 1 passed" in output


def test_a_test_that_stops_the_shared_context_is_told_so(tmp_path: Path) -> None:
    code, output = run_pytest(tmp_path, "def test_it(streaming_context):\n    streaming_context.stop()\n")
    assert code == 1
    assert "use ssc.stop(stopSparkContext=False)" in output


def test_settings_are_those_of_the_overridden_fixture(tmp_path: Path) -> None:
    text = """
import pytest

@pytest.fixture(scope="session")
def spark_conf(spark_conf):
    spark_conf.set("spark.streaming.clock", "org.apache.spark.util.SystemClock")
    return spark_conf.set("spark.default.parallelism", "7")

@pytest.mark.batch_seconds(0.05)
def test_it(streaming_context):
    from dstreams.testing import collect, expect, feed

    assert streaming_context.sparkContext.defaultParallelism == 7
    out = expect(feed(streaming_context, [[1], [2]]), [[1], [2], []])
    assert out.times[1].timestamp() - out.times[0].timestamp() == pytest.approx(0.05, abs=0.001)
    with pytest.raises(RuntimeError, match="ManualClock"):
        streaming_context.advance()
"""
    code, output = run_pytest(tmp_path, text)
    assert code == 0, output


def test_runs_that_do_not_use_the_fixtures_import_nothing(tmp_path: Path) -> None:
    text = """
import sys

def test_it():
    assert "_dstreams_pytest" in sys.modules
    assert not [name for name in sys.modules if name.partition(".")[0] in ("dstreams", "pyspark", "cloudpickle")]
"""
    code, output = run_pytest(tmp_path, text)
    assert code == 0, output


def test_pytest_finds_the_fixtures_where_the_package_is_installed() -> None:
    assert 'pytest11]\ndstreams = "_dstreams_pytest"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    try:
        version("dstreams")
    except PackageNotFoundError:
        pytest.skip("dstreams is on the path, not installed")
    assert "_dstreams_pytest" in [point.value for point in entry_points(group="pytest11")]
