"""`textFileStream` takes in files that appear in a folder, once each, as Spark does."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from py4j.protocol import Py4JJavaError
from pyspark import RDD
from pyspark.streaming import StreamingContext

Gather, Eventually, Log = Callable[..., list], Callable[..., None], Callable[[], list[str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder that is watched."""
    made = tmp_path / "in"
    made.mkdir()
    return made


@pytest.fixture
def put(tmp_path: Path, folder: Path) -> Callable[..., Path]:
    """Moves a whole file into the folder: `put("name", "text")`, or one last written `at` some other time."""

    def move(name: str, text: str | bytes, at: float | None = None) -> Path:
        draft = tmp_path / "draft"
        draft.write_bytes(text if isinstance(text, bytes) else text.encode())
        if at is not None:
            os.utime(draft, (at, at))
        return draft.rename(folder / name)

    return move


@pytest.fixture
def begin(ssc: StreamingContext, batches: Callable[[int], None]) -> Callable[[], None]:
    """Starts the context and waits for the first batch."""

    def start() -> None:
        ssc.start()
        batches(1)

    return start


@pytest.fixture
def batches(ssc: StreamingContext, eventually: Eventually) -> Callable[[int], None]:
    """Waits for that many more batches."""
    times: list[object] = []
    ssc.queueStream([[1]]).foreachRDD(lambda time, rdd: times.append(time))

    def wait(count: int) -> None:
        wanted = len(times) + count
        eventually(lambda: len(times) >= wanted)

    return wait


def test_files_moved_in_are_read_once_each(
    ssc: StreamingContext,
    folder: Path,
    put: Callable[..., Path],
    gather: Gather,
    eventually: Eventually,
    begin: Callable[[], None],
    batches: Callable[[int], None],
) -> None:
    found = gather(ssc.textFileStream(str(folder)))
    begin()
    put("a.txt", "1\n2\n")
    eventually(lambda: len(found) == 2)
    put("b.txt", "3\r\n4")
    eventually(lambda: len(found) == 4)
    batches(5)
    assert found == ["1", "2", "3", "4"]


def test_a_file_written_in_place_is_read_once(
    ssc: StreamingContext,
    folder: Path,
    gather: Gather,
    eventually: Eventually,
    begin: Callable[[], None],
    batches: Callable[[int], None],
) -> None:
    found = gather(ssc.textFileStream(f"file://{folder}"))
    begin()
    (folder / "a.txt").write_text("in place\n")
    eventually(lambda: found)
    batches(5)
    assert found == ["in place"]


@pytest.mark.parametrize("attempt", range(5))
def test_a_file_that_appears_right_after_the_start_is_read(
    ssc: StreamingContext, folder: Path, put: Callable[..., Path], gather: Gather, eventually: Eventually, attempt: int
) -> None:
    found = gather(ssc.textFileStream(str(folder)))
    ssc.start()
    put("a.txt", "at once\n")
    eventually(lambda: found, 2)


def test_files_from_before_the_stream_was_made_are_left_out(
    ssc: StreamingContext,
    folder: Path,
    put: Callable[..., Path],
    gather: Gather,
    eventually: Eventually,
    begin: Callable[[], None],
) -> None:
    put("old.txt", "old\n", at=time.time() - 100)
    found = gather(ssc.textFileStream(str(folder)))
    begin()
    put("new.txt", "new\n")
    eventually(lambda: found)
    assert found == ["new"]


def test_a_file_from_the_future_is_read_when_its_time_comes(
    ssc: StreamingContext,
    folder: Path,
    put: Callable[..., Path],
    gather: Gather,
    eventually: Eventually,
    begin: Callable[[], None],
) -> None:
    arrivals: list[float] = []
    lines = ssc.textFileStream(str(folder))
    found = gather(lines)
    lines.foreachRDD(lambda at, rdd: arrivals.extend(at.timestamp() for _ in rdd.collect()))
    begin()
    future = time.time() + 1.0
    put("future.txt", "future\n", at=future)
    put("now.txt", "now\n")
    eventually(lambda: len(arrivals) == 2)
    assert found == ["now", "future"]
    assert arrivals[0] < future <= arrivals[1] + 0.001


def test_names_with_a_dot_and_folders_are_left_out(
    ssc: StreamingContext,
    folder: Path,
    put: Callable[..., Path],
    gather: Gather,
    eventually: Eventually,
    begin: Callable[[], None],
    log: Log,
) -> None:
    found = gather(ssc.textFileStream(str(folder)))
    begin()
    put(".hidden", "hidden\n")
    (folder / "inner").mkdir()
    (folder / "inner" / "file").write_text("inner\n")
    put("plain", "plain\n")
    eventually(lambda: found)
    assert (found, log()) == (["plain"], [])


def test_a_name_with_an_underscore_fails_its_batch_as_in_spark(
    ssc: StreamingContext,
    folder: Path,
    put: Callable[..., Path],
    gather: Gather,
    eventually: Eventually,
    begin: Callable[[], None],
    log: Log,
) -> None:
    found = gather(ssc.textFileStream(str(folder)))
    begin()
    put("_underscore", "hidden\n")
    eventually(log)
    put("plain", "plain\n")
    eventually(lambda: found)
    assert found == ["plain"]
    with pytest.raises(Py4JJavaError, match="_underscore"):
        ssc.awaitTermination()


def test_a_file_that_vanishes_is_a_warning(
    ssc: StreamingContext,
    folder: Path,
    put: Callable[..., Path],
    gather: Gather,
    eventually: Eventually,
    begin: Callable[[], None],
    log: Log,
) -> None:
    # The file is selected when its batch is made, and gone before the batch reads it.
    lines = ssc.textFileStream(str(folder))
    lines.foreachRDD(lambda rdd: [file.unlink() for file in folder.glob("gone*") if rdd.getNumPartitions()] and None)
    found = gather(lines)
    begin()
    put("gone.txt", "gone\n")
    eventually(lambda: not list(folder.iterdir()))
    put("stays.txt", "stays\n")
    eventually(lambda: found)
    assert found == ["stays"]
    assert [message for message in log() if "gone.txt" in message]
    assert ssc.awaitTerminationOrTimeout(0.1) is False


def test_a_file_that_cannot_be_read_is_a_warning(
    ssc: StreamingContext,
    folder: Path,
    put: Callable[..., Path],
    gather: Gather,
    eventually: Eventually,
    begin: Callable[[], None],
    log: Log,
) -> None:
    # Permissions do not stop root, so the file becomes a folder once its batch is made.
    def spoil(rdd: RDD) -> None:
        for file in folder.glob("bad*"):
            if rdd.getNumPartitions() and not file.is_dir():
                file.unlink()
                file.mkdir()

    lines = ssc.textFileStream(str(folder))
    lines.foreachRDD(spoil)
    found = gather(lines)
    begin()
    put("bad.txt", "bad\n")
    eventually(lambda: (folder / "bad.txt").is_dir())
    put("good.txt", "good\n")
    eventually(lambda: found)
    assert found == ["good"]
    assert [message for message in log() if "bad.txt" in message]
    assert ssc.awaitTerminationOrTimeout(0.1) is False


def test_a_folder_that_comes_late_is_warned_of_once(
    ssc: StreamingContext,
    tmp_path: Path,
    put: Callable[..., Path],
    gather: Gather,
    eventually: Eventually,
    begin: Callable[[], None],
    batches: Callable[[int], None],
    log: Log,
) -> None:
    late = tmp_path / "late"
    found = gather(ssc.textFileStream(str(late)))
    begin()
    eventually(log)
    batches(3)
    assert len(log()) == 1 and str(late) in log()[0]
    late.mkdir()
    put("a.txt", "late\n").rename(late / "a.txt")
    eventually(lambda: found)
    assert (found, len(log())) == (["late"], 1)


def test_several_files_of_a_batch_are_partitions_of_one_rdd(
    ssc: StreamingContext, folder: Path, put: Callable[..., Path], eventually: Eventually, begin: Callable[[], None]
) -> None:
    seen: list[list] = []
    ssc.textFileStream(str(folder)).glom().foreachRDD(lambda rdd: seen.extend(rdd.collect()))
    begin()
    for number in range(20):
        put(f"{number}.txt", f"{number}\n")
    eventually(lambda: sum(len(part) for part in seen) >= 20)
    assert sorted(seen, key=lambda part: int(part[0])) == [[str(number)] for number in range(20)]


def test_a_pattern_of_folders_is_watched(
    ssc: StreamingContext,
    tmp_path: Path,
    put: Callable[..., Path],
    gather: Gather,
    eventually: Eventually,
    begin: Callable[[], None],
) -> None:
    for name in ("x1", "x2", "y"):
        (tmp_path / name).mkdir()
    found = gather(ssc.textFileStream(str(tmp_path / "x*")))
    begin()
    for name in ("x1", "x2", "y"):
        put("file", f"{name}\n").rename(tmp_path / name / "file")
    eventually(lambda: len(found) >= 2)
    assert sorted(found) == ["x1", "x2"]


def test_bytes_that_are_no_utf_8_are_replaced(
    ssc: StreamingContext,
    folder: Path,
    put: Callable[..., Path],
    gather: Gather,
    eventually: Eventually,
    begin: Callable[[], None],
) -> None:
    found = gather(ssc.textFileStream(str(folder)))
    begin()
    put("bad", b"a\xffb\n")
    eventually(lambda: found)
    assert found == ["a\ufffdb"]


def test_a_large_file_is_read_whole(
    ssc: StreamingContext,
    folder: Path,
    put: Callable[..., Path],
    gather: Gather,
    eventually: Eventually,
    begin: Callable[[], None],
) -> None:
    found = gather(ssc.textFileStream(str(folder)).map(int))
    begin()
    put("large", "".join(f"{number}\n" for number in range(300_000)))
    eventually(lambda: len(found) >= 300_000)
    assert found == list(range(300_000))
