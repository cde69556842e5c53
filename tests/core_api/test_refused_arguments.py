"""Arguments of the wrong type: what Spark's bridge to its JVM, its JVM, or a task makes of them.

Classes of exceptions were recorded with Apache PySpark 3.5.9.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dstreams import RDD, SparkContext, StorageLevel
from dstreams.core.engine.errors import Py4JError, Py4JJavaError
from dstreams.errors import PySparkRuntimeError

Call = Callable[[RDD[Any], Any], Any]

# Of an RDD of 3, 1, 2: the call, and for each argument the exception, or what comes out.
CALLS: dict[str, tuple[Call, list[tuple[Any, Any]]]] = {
    "sortBy": (
        lambda n, a: n.sortBy(lambda x: x, numPartitions=a).collect(),
        [("2", TypeError), (2.5, TypeError), ([1], TypeError), (True, [1, 2, 3]), (10**20, Py4JError)],
    ),
    "sortByKey": (
        lambda n, a: n.map(lambda x: (x, 0)).sortByKey(True, a).keys().collect(),
        [("2", TypeError), (2.5, TypeError), (True, [1, 2, 3]), (None, [1, 2, 3])],
    ),
    "histogram": (
        lambda n, a: n.histogram(a),
        [([0, 10**400], OverflowError), ([0, 2, 4], ([0, 2, 4], [1, 2])), (2, ([1, 2, 3], [1, 2])), ("2", TypeError)],
    ),
    "meanApprox": (
        lambda n, a: n.meanApprox(a),
        [(None, Py4JError), ("2", Py4JError), (2.5, Py4JError), (True, Py4JError), (10, 2.0), (-1, 2.0)],
    ),
    "meanApprox, confidence": (lambda n, a: n.meanApprox(10, a), [(1, Py4JError), ("2", Py4JError), (None, 2.0)]),
    "sumApprox": (lambda n, a: n.sumApprox(10, a), [(0, Py4JError), (-1, Py4JError), (0.9, 6.0)]),
    "countApprox": (lambda n, a: n.countApprox(a), [(None, Py4JError), (2.5, Py4JError), (10, 3)]),
    "countApproxDistinct": (
        lambda n, a: n.countApproxDistinct(a),
        [(1, Py4JError), (True, Py4JError), (None, TypeError), (0, ValueError), (0.3, 3)],
    ),
    "toLocalIterator": (
        lambda n, a: list(n.toLocalIterator(a)),
        [(None, Py4JError), (1, Py4JError), ("x", Py4JError), (True, [3, 1, 2])],
    ),
    "sample": (lambda n, a: n.sample(False, 0.5, a).count(), [("x", Py4JJavaError), (2.5, Py4JJavaError)]),
    "takeSample": (lambda n, a: n.takeSample(False, 1, a), [("x", Py4JJavaError), (2.5, Py4JJavaError)]),
    "pipe": (lambda n, a: n.pipe("cat", a).collect(), [("x", Py4JJavaError), ([1], Py4JJavaError)]),
    "setName": (lambda n, a: n.setName(a).name(), [(1, Py4JError), (b"x", Py4JError), ("x", "x")]),
    "saveAsTextFile": (
        lambda n, a: n.saveAsTextFile(a),
        [(None, Py4JJavaError), (1, Py4JError), (b"x", Py4JError), (Path("/x"), AttributeError)],
    ),
    "saveAsTextFile, codec": (lambda n, a: n.saveAsTextFile("/nowhere", a), [(1, Py4JError)]),
    "saveAsPickleFile": (
        lambda n, a: n.saveAsPickleFile(a),
        [(None, Py4JJavaError), (1, Py4JError), (Path("/x"), AttributeError)],
    ),
    "saveAsSequenceFile": (lambda n, a: n.saveAsSequenceFile(a), [(None, Py4JJavaError)]),
    "runJob": (
        lambda n, a: n.ctx.runJob(n, lambda elements: elements, a),
        [("x", Py4JError), (1, Py4JError), (["0"], Py4JJavaError), ([5], Py4JJavaError), ((0,), [3])],
    ),
}

PATHS: dict[str, Callable[[SparkContext, Any], Any]] = {
    "textFile": lambda sc, path: sc.textFile(path).count(),
    "wholeTextFiles": lambda sc, path: sc.wholeTextFiles(path).count(),
    "binaryFiles": lambda sc, path: sc.binaryFiles(path).count(),
    "binaryRecords": lambda sc, path: sc.binaryRecords(path, 2).count(),
    "pickleFile": lambda sc, path: sc.pickleFile(path).count(),
    "sequenceFile": lambda sc, path: sc.sequenceFile(path).count(),
    "addFile": lambda sc, path: sc.addFile(path),
    "addPyFile": lambda sc, path: sc.addPyFile(path),
    "setLocalProperty": lambda sc, path: sc.setLocalProperty(path, "x"),
    "setLogLevel": lambda sc, path: sc.setLogLevel(path),
}


@pytest.mark.parametrize(
    ("name", "argument", "expected"),
    [(name, argument, expected) for name, (_, cases) in CALLS.items() for argument, expected in cases],
)
def test_arguments_of_methods(sc: SparkContext, name: str, argument: Any, expected: Any) -> None:
    numbers, call = sc.parallelize([3, 1, 2], 2), CALLS[name][0]
    if not isinstance(expected, type):
        assert call(numbers, argument) == expected
        return
    with pytest.raises(expected) as raised:
        call(numbers, argument)
    assert type(raised.value) is expected


@pytest.mark.parametrize("name", PATHS)
def test_paths_that_are_no_text(sc: SparkContext, name: str) -> None:
    for path, expected in ((None, Py4JJavaError), (1, Py4JError), (b"x", Py4JError), (Path("/x"), AttributeError)):
        with pytest.raises(expected) as raised:
            PATHS[name](sc, path)
        assert type(raised.value) is expected


def test_a_path_of_none_fails_when_files_are_looked_for(sc: SparkContext) -> None:
    for lines in (sc.textFile(None), sc.pickleFile(None)):  # type: ignore[arg-type]
        with pytest.raises(Py4JJavaError, match="NullPointerException"):
            lines.count()


def test_without_elements(sc: SparkContext) -> None:
    nothing = sc.emptyRDD()
    for found in (nothing.sumApprox(10), nothing.meanApprox(10)):
        assert (found, found.low, found.high, found.confidence) == (0.0, 0.0, 0.0, 1.0)
    with pytest.raises(ValueError, match=r"^Can not reduce\(\) empty RDD$"):
        nothing.histogram(2)
    with pytest.raises(ZeroDivisionError, match="integer division or modulo by zero"):
        sc.range(3, numSlices=0)


def test_any_size_of_batches_saves_pickles(sc: SparkContext, tmp_path: Path) -> None:
    for at, size in enumerate(("2", 2.5, -1, 0, 2)):
        path = str(tmp_path / str(at))
        sc.parallelize(range(5), 1).saveAsPickleFile(path, size)  # type: ignore[arg-type]
        assert sc.pickleFile(path, 1).collect() == list(range(5))


def test_an_unfit_zip_gives_the_pairs_before(sc: SparkContext) -> None:
    left, right = (sc.parallelize(range(size), 1).map(lambda x: x) for size in (250, 249))
    for prefetch in (False, True):
        found = left.zip(right).toLocalIterator(prefetch)
        assert list(itertools.islice(found, 200)) == [(x, x) for x in range(200)]
        with pytest.raises(ValueError, match=r"\(50, 49\)"):
            next(found)


def test_a_level_that_keeps_nothing_fails_tasks(sc: SparkContext) -> None:
    for level in (StorageLevel(False, False, False, False, 2), StorageLevel(True, True, False, False, 0)):
        kept = sc.parallelize([1, 2], 2).map(str).persist(level)
        for rdd in (kept, kept.map(int)):
            with pytest.raises(Py4JJavaError, match="StorageLevel is null or invalid"):
                rdd.collect()
        assert kept.unpersist().collect() == ["1", "2"]


def test_a_broadcast_of_a_broadcast_is_for_tasks(sc: SparkContext) -> None:
    inner = sc.broadcast([1])
    outer = sc.broadcast(inner)
    assert sc.parallelize([0], 1).map(lambda _: outer.value.value).collect() == [[1]]
    for _ in range(2):
        with pytest.raises(PySparkRuntimeError, match="BROADCAST_VARIABLE_NOT_LOADED"):
            _ = outer.value
    assert inner.value == [1]
