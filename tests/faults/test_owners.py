"""Whose checkpoint folder is it, and can what is in it be loaded? Told at the start, with names."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from py4j.protocol import Py4JJavaError
from pyspark import SparkConf, SparkContext
from pyspark.streaming import StreamingContext

from dstreams.core.io.output import remove_half

PROGRAM = """
import sys
import states
from pyspark import SparkConf, SparkContext
from pyspark.streaming import StateSpec, StreamingContext

folder, kind = sys.argv[1:]

def setup():
    conf = SparkConf().setMaster("local[2]").setAppName("classes").set("spark.streaming.clock", "manual")
    sc = SparkContext(conf=conf)
    ssc = StreamingContext(sc, 1)
    ssc.checkpoint(folder)
    queue = [states.batch() for _ in range(6)] if kind == "queue" else [[("a", 1)]] * 6
    words = ssc.queueStream(queue)
    if kind == "state":
        words.updateStateByKey(states.update).pprint()
    elif kind == "table":
        words.mapWithState(StateSpec.function(states.mapped)).pprint()
    elif kind == "window":
        words.map(states.of_pair).window(4).count().pprint()
    else:
        words.count().pprint()
    return ssc

ssc = StreamingContext.getOrCreate(folder, setup)
print("came back", flush=True)
ssc.start()
ssc.advance(2)
ssc.stop()
"""
STATES = """
class {name}:
    def __init__(self, count):
        self.count = count

def of_pair(pair):
    return {name}(pair[1])

def update(new, old):
    return {name}(sum(new) + (old.count if old else 0))

def mapped(key, value, state):
    state.update({name}(value))
    return key

def batch():
    return [{name}(1)]
"""


def run(folder: Path, kind: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(folder / "program.py"), str(folder / "checkpoint"), kind]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, cwd=folder)


@pytest.mark.parametrize("kind", ["state", "table", "window", "queue"])
def test_a_class_that_is_gone_is_named_before_anything_runs(tmp_path: Path, kind: str) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "states.py").write_text(STATES.format(name="Total"))
    first = run(tmp_path, kind)
    assert first.returncode == 0, first.stderr
    (tmp_path / "states.py").write_text(STATES.format(name="Sum"))
    second = run(tmp_path, kind)
    assert second.returncode == 1 and "came back" not in second.stdout, second.stdout
    assert "Failed to read checkpoint from directory" in second.stderr and "'Total'" in second.stderr, second.stderr
    # The class is back, and so is everything else.
    (tmp_path / "states.py").write_text(STATES.format(name="Total"))
    third = run(tmp_path, kind)
    assert third.returncode == 0 and "came back" in third.stdout, third.stderr


def counting(folder: Path) -> StreamingContext:
    conf = SparkConf().setMaster("local[2]").setAppName("test").set("spark.streaming.clock", "manual")
    ssc = StreamingContext(SparkContext(conf=conf), 1)
    ssc.checkpoint(str(folder))
    ssc.queueStream([[("a", 1)], [("a", 2)]]).updateStateByKey(lambda new, old: sum(new) + (old or 0)).pprint()
    return ssc


def test_folders_and_files_are_for_their_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        ssc = counting(tmp_path / "checkpoint")
        ssc.start()
        ssc.advance(2)
        ssc.stop()
    finally:
        os.umask(before)
    assert (tmp_path / "checkpoint").stat().st_mode & 0o777 == 0o700
    files = [path for path in (tmp_path / "checkpoint").iterdir() if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600} and len(files) > 4


def test_a_folder_that_others_may_write_to_is_refused_to_write_and_to_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    folder.chmod(0o777)
    ssc = counting(folder)
    with pytest.raises(Py4JJavaError, match="other users may write to the folder"):
        ssc.start()
    ssc.stop()
    with pytest.raises(Py4JJavaError, match="other users may write to the folder"):
        StreamingContext.getOrCreate(str(folder), lambda: pytest.fail("begins anew"))
    monkeypatch.setenv("DSTREAMS_CHECKPOINTS_OF_ANYBODY", "1")
    ssc = counting(folder)
    ssc.start()
    ssc.advance(1)
    ssc.stop()


def test_a_stream_that_is_replaced_ends_with_the_error_of_that(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint"
    ssc = counting(folder)
    ssc.start()
    ssc.advance(1)
    # As another machine would, which does not see the lock.
    [epoch] = folder.glob("epoch-*")
    epoch.rename(folder / f"epoch-{int(epoch.name.rpartition('-')[2]) + 1}")
    with pytest.raises(Py4JJavaError, match=rf"taken over by process {os.getpid()} on "):
        ssc.advance(1)
    deadline = time.monotonic() + 60
    while ssc._graph.is_active() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not ssc._graph.is_active()
    with pytest.raises(Py4JJavaError, match="the stream has stopped here"):
        ssc.awaitTermination(10)
    ssc.stop()


def test_a_half_result_is_removed_and_one_that_another_process_writes_meanwhile_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result, removed = tmp_path / "out-1000", shutil.rmtree
    result.mkdir()
    (result / "part-00000").write_text("half")

    def paused(folder: str) -> None:
        # The process sleeps here, and the one in its place has done its work when it wakes.
        result.mkdir()
        (result / "part-00000").write_text("whole")
        (result / "_SUCCESS").touch()
        removed(folder)

    monkeypatch.setattr(shutil, "rmtree", paused)
    remove_half(str(result))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out-1000"]
    assert (result / "part-00000").read_text() == "whole"
    remove_half(str(result))
    assert (result / "_SUCCESS").exists()


def test_a_half_result_that_a_killed_process_had_put_aside_is_removed(tmp_path: Path) -> None:
    aside = tmp_path / ".counts-1000.half"
    aside.mkdir()
    (aside / "part-00000").write_text("1")
    remove_half(str(tmp_path / "counts-1000"))
    assert list(tmp_path.iterdir()) == []
