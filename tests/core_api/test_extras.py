"""Files for tasks, barriers, approximate answers, threads that inherit, settings of the process."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from dstreams import BarrierTaskContext, InheritableThread, SparkConf, SparkContext, SparkFiles
from dstreams import inheritable_thread_target as inherits
from dstreams.core.errors import Py4JJavaError
from dstreams.core.join import python_cogroup, python_full_outer_join


def test_a_file_reaches_the_tasks_as_a_copy(sc: SparkContext, tmp_path: Path) -> None:
    file = tmp_path / "words.txt"
    file.write_text("hello")
    sc.addFile(str(file))
    file.unlink()
    found = sc.parallelize([1], 1).map(lambda _: Path(SparkFiles.get("words.txt")).read_text()).collect()
    assert found == ["hello"]
    assert f"file:{file}" in sc.listFiles


def test_files_that_cannot_be_added(sc: SparkContext, tmp_path: Path) -> None:
    for folder, text in (("one", "1"), ("two", "2")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.txt").write_text(text)
    sc.addFile(str(tmp_path / "one" / "same.txt"))
    with pytest.raises(Py4JJavaError, match="exists and does not match contents"):
        sc.addFile(str(tmp_path / "two" / "same.txt"))
    with pytest.raises(Py4JJavaError, match="is a directory"):
        sc.addFile(str(tmp_path / "two"))
    with pytest.raises(Py4JJavaError, match="does not exist"):
        sc.addFile(str(tmp_path / "three"))
    sc.addFile(str(tmp_path / "two"), recursive=True)
    assert os.listdir(SparkFiles.get("two")) == ["same.txt"]


def test_archives_are_unpacked_under_their_name(sc: SparkContext, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("a")
    archive = shutil.make_archive(str(tmp_path / "packed"), "gztar", tmp_path / "in")
    sc.addArchive(archive)
    sc.addArchive(f"{archive}#other")
    assert [os.listdir(SparkFiles.get(name)) for name in ("packed.tar.gz", "other")] == [["a.txt"], ["a.txt"]]
    assert sc.listArchives == [f"file:{archive}", f"file:{archive}#other"]
    with pytest.raises(Py4JJavaError, match=r"is no \.zip"):
        sc.addArchive(str(tmp_path / "in"))


def gather_twice(elements: Iterable[int]) -> Iterator[tuple[list[str], list[str], int]]:
    context = BarrierTaskContext.get()
    first = context.allGather(f"{context.partitionId()}: {sum(elements)}")
    context.barrier()
    yield first, context.allGather(), len(context.getTaskInfos())


def test_tasks_of_a_barrier_stage_meet(sc: SparkContext) -> None:
    found = sc.parallelize(range(6), 3).barrier().mapPartitions(gather_twice).collect()
    assert found == [(["0: 1", "1: 5", "2: 9"], ["", "", ""], 3)] * 3


def test_a_barrier_stage_needs_a_thread_per_task(sc: SparkContext) -> None:
    with pytest.raises(Py4JJavaError, match="SPARK-24819"):
        sc.parallelize(range(6), 4).barrier().mapPartitions(gather_twice).collect()


def test_nobody_waits_for_a_task_that_has_ended(sc: SparkContext) -> None:
    def one_fails(index: int, elements: Iterable[int]) -> Iterator[int]:
        if index == 1:
            raise ValueError("ended early")
        BarrierTaskContext.get().barrier()
        yield index

    with pytest.raises(Py4JJavaError, match=r"ended early|another task has ended"):
        sc.parallelize(range(3), 3).barrier().mapPartitionsWithIndex(one_fails).collect()
    assert sc.parallelize(range(3), 3).count() == 3


def test_outside_a_barrier_stage_there_is_no_barrier(sc: SparkContext) -> None:
    with pytest.raises(RuntimeError, match="NOT_IN_BARRIER_STAGE"):
        BarrierTaskContext.get()
    with pytest.raises(Py4JJavaError, match="NOT_IN_BARRIER_STAGE"):
        sc.parallelize([1], 1).map(lambda _: BarrierTaskContext.get()).collect()


def test_sums_and_means_are_exact(sc: SparkContext) -> None:
    numbers = sc.parallelize(range(6), 3)
    total, mean = numbers.sumApprox(10), numbers.meanApprox(10)
    assert (total, total.low, total.high, total.confidence, mean) == (15.0, 15.0, 15.0, 1.0, 2.5)


@pytest.mark.parametrize("size", [0, 1, 100, 20_000])
@pytest.mark.parametrize("error", [0.01, 0.05, 0.2])
def test_distinct_elements_are_estimated(sc: SparkContext, size: int, error: float) -> None:
    for values in (range(size), [f"word {n}" for n in range(size)]):
        found = sc.parallelize(list(values) * 2, 3).countApproxDistinct(error)
        assert abs(found - size) <= 4 * error * size + 1


def test_an_estimate_cannot_be_too_exact(sc: SparkContext) -> None:
    with pytest.raises(ValueError, match="greater than"):
        sc.parallelize([1]).countApproxDistinct(0.00001)


def test_threads_inherit_local_properties(sc: SparkContext) -> None:
    sc.setLocalProperty("who", "parent")
    seen: list[str | None] = []

    def look() -> None:
        seen.append(sc.getLocalProperty("who"))
        sc.setLocalProperty("who", "child")

    for thread in (InheritableThread(target=look), threading.Thread(target=inherits(look))):
        thread.start()
        thread.join()
    assert seen == ["parent", "parent"]
    assert sc.getLocalProperty("who") == "parent"


def test_a_system_property_is_a_default_of_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dstreams.core.conf._defaults", {})
    SparkContext.setSystemProperty("spark.some.setting", "on")
    assert SparkConf().get("spark.some.setting") == "on"
    assert SparkConf(loadDefaults=False).get("spark.some.setting") is None


def test_joins_as_functions(sc: SparkContext) -> None:
    left, right = sc.parallelize([("a", 1)], 1), sc.parallelize([("b", 2)], 1)
    assert sorted(python_full_outer_join(left, right, 1).collect()) == [("a", (1, None)), ("b", (None, 2))]
    grouped = python_cogroup([left, right], 1).mapValues(lambda sides: [list(side) for side in sides])
    assert sorted(grouped.collect()) == [("a", [[1], []]), ("b", [[], [2]])]
