"""Which steps run in worker processes, beside those that run natively; and what workers hold in memory."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark import SparkContext

WORKERS = "spark.dstreams.python.workers"


@pytest.fixture
def pooled(spark: Callable[..., SparkContext]) -> Callable[..., SparkContext]:
    """Makes a context with two worker processes, and more settings."""

    def make(**more: str) -> SparkContext:
        return spark("local[2]", {WORKERS: "2", **{key.replace("_", "."): value for key, value in more.items()}})

    return make


def processes(sc: SparkContext) -> list[int]:
    return sc._workers.processes()


def opaque(x: Any) -> Any:
    os.getpid()
    return x


def test_functions_that_run_natively_need_no_worker(pooled: Callable[..., SparkContext]) -> None:
    sc = pooled()
    numbers = sc.parallelize(range(100), 4)
    assert numbers.map(lambda x: x + 1).filter(lambda x: x % 2 == 0).sum() == sum(range(2, 101, 2))
    assert numbers.map(lambda x: (x % 2, 1)).reduceByKey(lambda a, b: a + b).collectAsMap() == {0: 50, 1: 50}
    assert processes(sc) == []


@pytest.mark.parametrize(
    "job",
    [
        lambda sc: sc.parallelize([3, 4], 1).map(lambda x: os.getpid()).collect(),
        lambda sc: sc.parallelize([3, 4], 1).map(lambda x: x + 1).map(lambda x: os.getpid()).collect(),
        lambda sc: sc.parallelize([3, 4], 1).map(lambda x: os.getpid()).filter(lambda p: p > 0).collect(),
        lambda sc: sc.parallelize([3, 4], 1).map(lambda x: (os.getpid(), x)).reduceByKey(max).keys().collect(),
    ],
    ids=["alone", "behind a native one", "before a native one", "before a native fold"],
)
def test_a_chain_with_a_function_that_does_not_runs_in_a_worker(
    pooled: Callable[..., SparkContext], job: Callable[[SparkContext], list[int]]
) -> None:
    sc = pooled()
    found = set(job(sc))
    assert len(found) == 1
    assert found <= set(processes(sc))


def in_groups(sc: SparkContext) -> Any:
    pairs = sc.parallelize(range(20_000), 2).map(lambda x: (opaque(x % 50), str(x) * 20))
    return pairs.groupByKey(2).mapValues(lambda found: (len(found), sum(map(len, found)))).sortByKey().collect()


def combined(sc: SparkContext) -> Any:
    pairs = sc.parallelize(range(20_000), 2).map(lambda x: (opaque(x), [x]))
    return pairs.reduceByKey(lambda a, b: opaque(a) + b).mapValues(len).sortByKey().collect()


def in_order(sc: SparkContext) -> Any:
    pairs = sc.parallelize(range(20_000), 2).map(lambda x: (x * 7919 % 20_011, str(x) * 20))
    return pairs.sortByKey(keyfunc=opaque).values().collect()


@pytest.mark.parametrize(("job", "native"), [(in_groups, "0"), (combined, "0"), (combined, "1"), (in_order, "1")])
def test_workers_write_what_does_not_fit_and_leave_no_file(
    pooled: Callable[..., SparkContext],
    spark: Callable[..., SparkContext],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    job: Callable[[SparkContext], Any],
    native: str,
) -> None:
    monkeypatch.setenv("DSTREAMS_NATIVE", native)
    alone = spark("local[2]", {})
    expected = job(alone)
    alone.stop()
    sc = pooled(spark_local_dir=str(tmp_path), spark_dstreams_memory_limit="256k")
    assert job(sc) == expected
    # Each worker that had to write has made a folder of its own.
    assert list(tmp_path.glob("dstreams-*/worker-*"))
    assert not list(tmp_path.glob("dstreams-*/worker-*/*"))
    sc.stop()
    assert not list(tmp_path.iterdir())


def test_profiles_come_from_workers(pooled: Callable[..., SparkContext], capsys: pytest.CaptureFixture[str]) -> None:
    sc = pooled(spark_python_profile="true")
    found = sc.parallelize(range(10), 2).map(lambda x: os.getpid()).collect()
    assert set(found) <= set(processes(sc))
    sc.show_profiles()
    assert "built-in method posix.getpid" in capsys.readouterr().out
