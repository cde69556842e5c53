"""Profilers: what they see of tasks, where it is shown and written."""

from __future__ import annotations

import os
import pstats
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dstreams import BasicProfiler, SparkConf, SparkContext
from dstreams.core.profiler import MemoryProfiler, MemUsageParam, ProfilerCollector
from dstreams.errors import PySparkRuntimeError


def times_of(found: pstats.Stats, name: str) -> int:
    """How often a function was called."""
    return sum(row[1] for (_, _, function), row in found.stats.items() if function == name)  # type: ignore[attr-defined]


def double(x: int) -> int:
    return 2 * x


def even(x: int) -> bool:
    return x % 4 == 0


class Brief(BasicProfiler):
    def show(self, id: int) -> None:
        print(f"RDD {id}: {times_of(self.stats(), 'double')} times double")


@pytest.fixture
def profiled() -> Iterator[SparkContext]:
    conf = SparkConf(loadDefaults=False).set("spark.python.profile", "true")
    with SparkContext("local[2]", "profiled", conf=conf, profiler_cls=Brief) as sc:
        yield sc
        assert sc.profiler_collector is not None
        sc.profiler_collector.profilers.clear()  # or they were shown when the tests end


def test_functions_of_tasks_are_counted(
    profiled: SparkContext, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    numbers = profiled.parallelize(range(100), 4)
    doubled = numbers.map(double)
    assert doubled.filter(even).count() == 50
    assert doubled.take(3) == [0, 2, 4]
    profiled.show_profiles()
    profiled.show_profiles()  # once is enough
    assert capsys.readouterr().out.splitlines() == ["RDD 1: 100 times double", "RDD 2: 3 times double"]
    profiled.dump_profiles(str(tmp_path / "out"))
    assert sorted(os.listdir(tmp_path / "out")) == ["rdd_1.pstats", "rdd_2.pstats"]
    assert times_of(pstats.Stats(str(tmp_path / "out" / "rdd_1.pstats")), "double") == 100
    assert profiled.profiler_collector is not None and profiled.profiler_collector.profilers == []


def by_index(index: int, elements: Iterable[Any]) -> Iterator[Any]:
    return ((index, element) for element in elements)


def test_profiled_jobs_have_the_same_results(profiled: SparkContext) -> None:
    numbers = profiled.parallelize(range(10), 3)
    pairs = numbers.map(lambda n: (n % 2, n))
    assert numbers.mapPartitionsWithIndex(by_index).glom().map(len).collect() == [3, 3, 4]
    assert sorted(pairs.reduceByKey(lambda a, b: a + b, 2).collect()) == [(0, 20), (1, 25)]
    assert sorted(pairs.groupByKey(2).mapValues(list).collect()) == [(0, [0, 2, 4, 6, 8]), (1, [1, 3, 5, 7, 9])]
    assert pairs.flatMapValues(lambda n: [n] * 2).keys().sum() == 10
    assert pairs.mapValues(str).values().flatMap(list).mapPartitions(list).collect() == list("0123456789")


def test_a_profile_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    conf = SparkConf(loadDefaults=False).set("spark.python.profile", "true")
    with SparkContext("local[1]", "profiled", conf=conf) as sc:
        sc.parallelize([1], 1).map(double).collect()
        sc.show_profiles()
    shown = capsys.readouterr().out
    assert shown.startswith("=" * 60 + "\nProfile of RDD<id=1>\n" + "=" * 60 + "\n")
    assert "(double)" in shown and "function calls" in shown


def test_without_profiling_there_is_nothing_to_show(sc: SparkContext, tmp_path: Path) -> None:
    for ask in (sc.show_profiles, lambda: sc.dump_profiles(str(tmp_path))):
        with pytest.raises(PySparkRuntimeError, match="must be set to `true`") as caught:
            ask()
        assert caught.value.getErrorClass() == "INCORRECT_CONF_FOR_PROFILE"


def test_a_collector_makes_profilers_of_its_classes(sc: SparkContext) -> None:
    collector = ProfilerCollector(Brief, BasicProfiler, MemoryProfiler)
    made = (collector.new_profiler(sc), collector.new_udf_profiler(sc), collector.new_memory_profiler(sc))
    assert [type(each) for each in made] == [Brief, BasicProfiler, MemoryProfiler]


def test_memory_of_lines_adds_up(sc: SparkContext, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = {__file__: [(1, (0.5, 10.0, 2)), (2, None)]}
    other = {__file__: [(1, (0.25, 11.0, 1)), (2, (1.0, 3.0, 1))]}
    profiler = MemoryProfiler(sc)
    profiler._accumulator.add(one)  # type: ignore[arg-type]
    profiler._accumulator.add(other)  # type: ignore[arg-type]
    assert profiler.stats() == {__file__: [(1, (0.75, 21.0, 3)), (2, (1.0, 3.0, 1))]}
    assert MemUsageParam.addInPlace(None, other) == other
    profiler.show(7)
    profiler.dump(7, str(tmp_path))
    shown = capsys.readouterr().out
    written = (tmp_path / "udf_7_memory.txt").read_text()
    assert shown.endswith(written) and '     1     21.0 MiB      0.8 MiB           3   """Profilers' in written
