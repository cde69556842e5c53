"""Files for tasks, barriers, approximate answers, threads that inherit, settings of the process."""

from __future__ import annotations

import os
import pickle
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dstreams import InheritableThread, SparkConf, SparkContext, SparkFiles
from dstreams import inheritable_thread_target as inherits
from dstreams.core.engine.errors import Py4JJavaError
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


def test_files_are_listed_in_sparks_order_and_as_they_were_added(sc: SparkContext, tmp_path: Path) -> None:
    from dstreams.core.files import in_order, java_hash

    assert [java_hash(text) for text in ("", "hello", "Aa", "BB")] == [0, 99162322, 2112, 2112]
    # What Spark 3.5 gives.
    names = ["mymod_zz.py", "data.txt", ""]
    added = [f"file:/tmp/q/sm/pf/{name}" for name in names] + ["file:///tmp/q/sm/pf/data.txt"]
    assert in_order(added) == [added[2], added[0], added[1], added[3]]
    file = tmp_path / "listed.txt"
    file.write_text("a")
    for address in (f"file://{file}", str(file)):
        sc.addFile(address)
    assert {f"file://{file}", f"file:{file}"} <= set(sc.listFiles)
    assert type(sc.listFiles) is list


def test_a_task_cannot_take_a_broadcast_away(sc: SparkContext) -> None:
    shared = sc.broadcast(1)
    for work in (lambda _: shared.unpersist(), lambda _: shared.destroy()):
        with pytest.raises(Py4JJavaError, match="INVALID_BROADCAST_OPERATION"):
            sc.parallelize([0], 1).map(work).collect()
    assert sc.parallelize([0], 1).map(lambda _: shared.value).first() == 1


def test_keyword_only_keeps_what_was_given() -> None:
    from pyspark import keyword_only

    class Taking:
        """Takes arguments by name."""

        @keyword_only
        def take(self, *, a: int = 1, b: int = 2) -> dict[str, int]:
            """What it was given."""
            return self._input_kwargs  # type: ignore[attr-defined, no-any-return]

    assert Taking().take(a=3) == {"a": 3}
    assert Taking.take.__name__ == "take" and Taking.take.__doc__ == "What it was given."
    with pytest.raises(TypeError, match=r"Method take forces keyword arguments\."):
        Taking().take(3)


def test_archives_are_unpacked_under_their_name(sc: SparkContext, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("a")
    archive = shutil.make_archive(str(tmp_path / "packed"), "gztar", tmp_path / "in")
    sc.addArchive(archive)
    sc.addArchive(f"{archive}#other")
    assert [os.listdir(SparkFiles.get(name)) for name in ("packed.tar.gz", "other")] == [["a.txt"], ["a.txt"]]
    assert sorted(sc.listArchives) == [f"file:{archive}", f"file:{archive}#other"]
    with pytest.raises(Py4JJavaError, match=r"is no \.zip"):
        sc.addArchive(str(tmp_path / "in"))


def test_sums_and_means_are_exact(sc: SparkContext) -> None:
    numbers = sc.parallelize(range(6), 3)
    total, mean = numbers.sumApprox(10), numbers.meanApprox(10)
    assert (total, total.low, total.high, total.confidence, mean) == (15.0, 15.0, 15.0, 1.0, 2.5)


# What Spark 3.5.9 estimates for the first 1, 2, 10, 100, 1000 and 10000 of them.
@pytest.mark.parametrize(
    ("kind", "error", "found"),
    [
        ("ints", 0.5, [1, 2, 11, 73, 1213, 9618]),
        ("ints", 0.2, [1, 2, 11, 87, 1476, 10249]),
        ("ints", 0.1, [1, 2, 10, 94, 1194, 8224]),
        ("ints", 0.05, [1, 2, 10, 99, 1006, 9760]),
        ("ints", 0.01, [1, 2, 10, 100, 1001, 9945]),
        ("words", 0.2, [1, 9, 112, 860]),
        ("words", 0.05, [1, 10, 101, 1017]),
        ("floats", 0.2, [1, 12, 90, 770]),
        ("large", 0.05, [1, 10, 103, 1047]),
        ("pairs", 0.2, [1, 9, 85, 985]),
    ],
)
def test_distinct_elements_are_estimated_as_in_spark(
    sc: SparkContext, kind: str, error: float, found: list[int]
) -> None:
    make: dict[str, Callable[[int], object]] = {
        "ints": int,
        "words": lambda n: f"word {n}",
        "floats": lambda n: n / 7,
        "large": lambda n: -n * 12345678912,
        "pairs": lambda n: (n, str(n)),
    }
    sizes = [1, 2, 10, 100, 1000, 10_000] if kind == "ints" else [1, 10, 100, 1000]
    estimates = [sc.parallelize([make[kind](n) for n in range(size)], 3).countApproxDistinct(error) for size in sizes]
    assert estimates == found


def test_estimates_at_the_edges(sc: SparkContext) -> None:
    assert sc.emptyRDD().countApproxDistinct() == 0
    assert sc.parallelize([None, True, False, 1, 0, "a", b"a"], 3).countApproxDistinct() == 3
    assert sc.parallelize(range(10), 3).countApproxDistinct(2.0) == 11
    with pytest.raises(Py4JJavaError, match="unhashable type: 'list'"):
        sc.parallelize([[1]]).countApproxDistinct()
    with pytest.raises(Py4JJavaError, match=r"accuracy \(1\.7E-5\) must be greater than 0\.000017"):
        sc.parallelize([1]).countApproxDistinct(0.000017)


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


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (
            lambda sc: sc.parallelize([1], -1).count(),
            "IllegalArgumentException: Positive number of partitions required$",
        ),
        (lambda sc: sc.addArchive("/none/such"), "NoSuchFileException: /none/such"),
        (lambda sc: sc.addPyFile("/none/such"), "FileNotFoundException: File file:/none/such does not exist"),
        (
            lambda sc: sc.runJob(sc.parallelize([1], 2), list, [0, 5]),
            "non-existent partition: 5",
        ),
    ],
)
def test_calls_that_spark_refuses(sc: SparkContext, wrong: Callable[[SparkContext], object], problem: str) -> None:
    with pytest.raises(Py4JJavaError, match=problem):
        wrong(sc)


def test_a_union_needs_an_rdd(sc: SparkContext) -> None:
    with pytest.raises(IndexError, match="at least one RDD"):
        sc.union([])


def test_a_notebook_shows_what_the_context_is(sc: SparkContext) -> None:
    shown = sc._repr_html_()
    assert all(f"<code>{text}</code>" in shown for text in ("v3.5.9", "local[3]", "core api"))


def test_joins_as_functions(sc: SparkContext) -> None:
    left, right = sc.parallelize([("a", 1)], 1), sc.parallelize([("b", 2)], 1)
    assert sorted(python_full_outer_join(left, right, 1).collect()) == [("a", (1, None)), ("b", (None, 2))]
    grouped = python_cogroup([left, right], 1).mapValues(lambda sides: [list(side) for side in sides])
    assert sorted(grouped.collect()) == [("a", [[1], []]), ("b", [[], [2]])]


@pytest.mark.parametrize("prefetch", [False, True])
def test_partitions_are_fetched_one_by_one(sc: SparkContext, prefetch: bool) -> None:
    ran = sc.accumulator(0)

    def seen(elements: Iterator[int]) -> Iterator[int]:
        ran.add(1)
        yield from elements

    elements = sc.parallelize(range(8), 4).mapPartitions(seen).toLocalIterator(prefetch)
    assert ran.value == 0
    assert [next(elements), next(elements), next(elements)] == [0, 1, 2]
    assert ran.value <= (3 if prefetch else 2)
    assert list(elements) == [3, 4, 5, 6, 7] and ran.value == 4


@pytest.mark.parametrize("prefetch", [False, True])
def test_a_partition_that_fails_says_so_when_it_is_asked_for(sc: SparkContext, prefetch: bool) -> None:
    elements = sc.parallelize([1, 0], 2).map(lambda n: 1 // n).toLocalIterator(prefetch)
    assert next(elements) == 1
    with pytest.raises(Py4JJavaError, match="ZeroDivisionError"):
        next(elements)


def test_what_cannot_travel_fails_before_the_first_element(sc: SparkContext) -> None:
    lock = threading.Lock()
    with pytest.raises(pickle.PicklingError):
        sc.parallelize([1]).map(lambda _: lock.locked()).toLocalIterator()
