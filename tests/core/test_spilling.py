"""Does data larger than memory give the same answers, and does it stay within its bounds?"""

from __future__ import annotations

import operator
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark import RDD, SparkConf, SparkContext, StorageLevel
from pyspark.streaming import StreamingContext

Spark = Callable[..., SparkContext]
AMPLE = {"spark.executor.memory": "1g"}
# So little that whatever is gathered goes to files.
TIGHT = {"spark.dstreams.memory.limit": "200k"}


class Point:
    """What no column can hold."""

    def __init__(self, x: int) -> None:
        self.x = x

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Point) and self.x == other.x

    def __hash__(self) -> int:
        return hash(self.x)


class OnlyLess:
    """A key that knows `<` and nothing else."""

    def __init__(self, x: int) -> None:
        self.x = x

    def __lt__(self, other: OnlyLess) -> bool:
        return self.x < other.x


def scrambled(i: int) -> int:
    return i * 7919 % 1009


def pairs(sc: SparkContext) -> RDD[tuple[int, Any]]:
    return sc.range(6000, numSlices=3).map(lambda i: (scrambled(i), (i, "x" * (i % 50))))


def few(sc: SparkContext) -> RDD[tuple[int, int]]:
    return sc.range(300, numSlices=2).map(lambda i: (scrambled(i * 5), -i))


def mixed_keys(sc: SparkContext) -> RDD[tuple[Any, int]]:
    forms = [int, float, str, bool, lambda i: (i, None), lambda i: None]
    return sc.range(12000, numSlices=3).map(lambda i: (forms[i % 6](scrambled(i)), i))


PIPELINES: dict[str, Callable[[SparkContext], Any]] = {
    "groupByKey": lambda sc: pairs(sc).groupByKey().mapValues(list).collect(),
    "groupByKey in one partition": lambda sc: pairs(sc).groupByKey(1).mapValues(list).collect(),
    "groups of lists": lambda sc: pairs(sc).mapValues(list).groupByKey(2).mapValues(list).collect(),
    "keys that are all different": lambda sc: (
        pairs(sc).map(lambda kv: (kv[1][0], kv[1][1])).groupByKey(2).mapValues(list).collect()
    ),
    "one key": lambda sc: pairs(sc).map(lambda kv: (0, kv[1])).groupByKey(2).mapValues(list).collect(),
    "keys of several types": lambda sc: mixed_keys(sc).groupByKey(2).mapValues(list).collect(),
    "objects": lambda sc: pairs(sc).mapValues(lambda v: Point(v[0])).groupByKey(2).mapValues(list).collect(),
    "keys that are objects": lambda sc: pairs(sc).map(lambda kv: (kv[0], Point(kv[0]))).distinct(2).collect(),
    "reduceByKey": lambda sc: pairs(sc).map(lambda kv: (kv[1][0] % 2900, kv[0])).reduceByKey(operator.add).collect(),
    "reduceByKey of text": lambda sc: pairs(sc).mapValues(lambda v: v[1]).reduceByKey(operator.add, 2).collect(),
    "combineByKey": lambda sc: (
        pairs(sc).combineByKey(lambda v: [v], lambda c, v: [*c, v], lambda c, d: c + d, 2).collect()
    ),
    "aggregateByKey": lambda sc: pairs(sc).aggregateByKey((), lambda c, v: (*c, v[0]), operator.add, 2).collect(),
    "distinct": lambda sc: pairs(sc).map(lambda kv: (kv[0], kv[1][1])).distinct().collect(),
    "sortByKey": lambda sc: pairs(sc).sortByKey(numPartitions=2).collect(),
    "sortByKey downwards": lambda sc: pairs(sc).sortByKey(False, 1).collect(),
    "sortBy": lambda sc: pairs(sc).sortBy(lambda kv: kv[1][1], numPartitions=2).collect(),
    "a sort by keys that only know less": lambda sc: (
        pairs(sc).sortByKey(True, 1, lambda k: OnlyLess(k % 7)).map(lambda kv: kv[1][0]).collect()
    ),
    "a sort downwards by keys that only know less": lambda sc: (
        pairs(sc).sortByKey(False, 1, lambda k: OnlyLess(k % 7)).map(lambda kv: kv[1][0]).collect()
    ),
    "join": lambda sc: pairs(sc).join(few(sc)).collect(),
    "fullOuterJoin": lambda sc: few(sc).fullOuterJoin(pairs(sc), 3).collect(),
    "cogroup": lambda sc: pairs(sc).cogroup(few(sc)).mapValues(lambda sides: [list(side) for side in sides]).collect(),
    "subtract": lambda sc: pairs(sc).keys().subtract(few(sc).keys()).collect(),
    "repartition": lambda sc: pairs(sc).repartition(4).glom().collect(),
    "partitionBy": lambda sc: pairs(sc).partitionBy(4, lambda k: k // 10).glom().collect(),
    "two shuffles in a row": lambda sc: (
        pairs(sc).groupByKey().flatMap(lambda kv: [(len(list(kv[1])), kv[0])]).groupByKey().mapValues(list).collect()
    ),
    "union with itself": lambda sc: (lambda r: r.union(r).groupByKey(2).mapValues(list).collect())(pairs(sc)),
}


@pytest.mark.parametrize("native", ["0", "1"])
@pytest.mark.parametrize("name", PIPELINES)
def test_whatever_goes_to_files_comes_back_the_same(
    spark: Spark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, native: str
) -> None:
    monkeypatch.setenv("DSTREAMS_NATIVE", native)
    sc = spark("local[2]", AMPLE)
    expected = PIPELINES[name](sc)
    sc.stop()
    sc = spark("local[2]", {**TIGHT, "spark.local.dir": str(tmp_path)})
    assert PIPELINES[name](sc) == expected
    # Otherwise this has tested nothing. (Columns may be small enough for the little memory there is.)
    assert native == "1" or list(tmp_path.iterdir()), "nothing was written"


LEVELS = ["MEMORY_ONLY", "MEMORY_ONLY_2", "MEMORY_AND_DISK", "MEMORY_AND_DISK_DESER", "DISK_ONLY", "DISK_ONLY_3"]


@pytest.mark.parametrize("limits", [AMPLE, TIGHT], ids=["ample", "tight"])
@pytest.mark.parametrize("level", [*LEVELS, "OFF_HEAP"])
def test_every_storage_level_gives_all_elements_again_and_again(
    spark: Spark, tmp_path: Path, level: str, limits: dict[str, str]
) -> None:
    sc = spark("local[2]", {**limits, "spark.local.dir": str(tmp_path)})
    computed = sc.accumulator(0)

    def seen(pair: tuple[int, Any]) -> tuple[int, Any]:
        computed.add(1)
        return pair

    kept = pairs(sc).groupByKey(2).mapValues(list).map(seen).persist(getattr(StorageLevel, level))
    first = kept.collect()
    assert [kept.collect(), kept.count()] == [first, len(first)]
    once = "MEMORY_ONLY" not in level or limits is AMPLE
    assert (computed.value == len(first)) == once, "computed again only where there was no room"


def files_in(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.suffix == ".spill"]


@pytest.mark.parametrize(
    ("level", "limits", "on_disk"),
    [
        ("DISK_ONLY", AMPLE, True),
        ("MEMORY_AND_DISK", AMPLE, False),
        ("MEMORY_AND_DISK", TIGHT, True),
        ("OFF_HEAP", TIGHT, True),
        ("MEMORY_ONLY", TIGHT, False),
    ],
)
def test_a_level_uses_the_disk_when_it_says_so_and_unpersist_removes_the_files(
    spark: Spark, tmp_path: Path, level: str, limits: dict[str, str], on_disk: bool
) -> None:
    sc = spark("local[2]", {**limits, "spark.local.dir": str(tmp_path)})
    kept = sc.range(20000, numSlices=2).map(str).persist(getattr(StorageLevel, level))
    kept.count()
    assert bool(files_in(tmp_path)) == on_disk
    kept.unpersist()
    assert (files_in(tmp_path), sc._running.memory_held) == ([], 0)


def test_memory_only_does_not_run_a_shuffle_again_that_it_relies_on(spark: Spark, tmp_path: Path) -> None:
    # Enough for one kept RDD, not for two: keeping the second sends the first away.
    sc = spark("local[2]", {"spark.dstreams.memory.limit": "3m", "spark.local.dir": str(tmp_path)})
    first = pairs(sc).partitionBy(2).map(lambda kv: kv[1]).cache()
    expected = first.collect()
    for _ in range(3):
        other = sc.range(20000, numSlices=2).map(str).cache()
        assert other.count() == 20000
        assert first.union(other.map(len)).take(3) == expected[:3]
        assert first.collect() == expected


def test_a_local_checkpoint_and_its_files_live_as_long_as_the_rdd(spark: Spark, tmp_path: Path) -> None:
    sc = spark("local[2]", {"spark.dstreams.memory.limit": "16k", "spark.local.dir": str(tmp_path)})
    rdd = pairs(sc).mapValues(lambda v: v[0])
    expected = rdd.collect()
    rdd.localCheckpoint()
    rdd.collect()
    assert rdd.isCheckpointed() and rdd.collect() == expected
    assert files_in(tmp_path)


def test_toLocalIterator_computes_a_partition_when_it_is_asked_for(spark: Spark) -> None:
    sc = spark("local[2]")
    computed = sc.accumulator(0)

    def seen(i: int) -> int:
        computed.add(1)
        return i

    elements = sc.range(40, numSlices=4).map(seen).toLocalIterator()
    assert [next(elements), computed.value] == [0, 10]
    assert [next(elements) for _ in range(10)][-1] == 10
    assert computed.value == 20


def streamed(sc: SparkContext, tmp_path: Path) -> list[Any]:
    """What windows and states over five batches give."""
    ssc = StreamingContext(sc, 0.05)
    ssc.checkpoint(str(tmp_path / "checkpoint"))
    batches = [sc.range(800, numSlices=2).map(lambda i, b=b: (i * 31 % 97 + b, (b, "y" * (i % 40)))) for b in range(5)]
    source = ssc.queueStream(batches)
    seen: dict[str, list[Any]] = {"windows": [], "states": [], "sums": []}

    def keep(name: str) -> Callable[[Any], None]:
        return lambda rdd: seen[name].append(rdd.collect()) if len(seen[name]) < 7 else None

    source.window(0.15, 0.05).groupByKey().mapValues(list).foreachRDD(keep("windows"))
    source.mapValues(lambda v: v[0]).updateStateByKey(lambda new, old: [*(old or []), *new]).foreachRDD(keep("states"))
    counted = source.map(lambda kv: (kv[0], 1))
    counted.reduceByKeyAndWindow(operator.add, operator.sub, 0.25, 0.05).foreachRDD(keep("sums"))
    ssc.start()
    while min(map(len, seen.values())) < 7:
        assert not ssc.awaitTerminationOrTimeout(0.02)
    ssc.stop(stopSparkContext=True)
    return [seen["windows"], seen["states"], seen["sums"]]


def test_windows_and_states_are_the_same_in_files(spark: Spark, tmp_path: Path) -> None:
    expected = streamed(spark("local[2]", AMPLE), tmp_path)
    assert streamed(spark("local[2]", {**TIGHT, "spark.local.dir": str(tmp_path)}), tmp_path) == expected


def test_nothing_is_left_of_a_job_whose_rdds_are_gone(
    spark: Spark, tmp_path: Path, eventually: Callable[..., None]
) -> None:
    sc = spark("local[2]", {"spark.dstreams.memory.limit": "1m", "spark.local.dir": str(tmp_path)})
    for _ in range(5):
        assert pairs(sc).groupByKey(2).count() == 1009
        # A task thread lets go of its task just after the job has heard of its end.
        eventually(lambda: (sc._running.memory_held, files_in(tmp_path)) == (0, []))


GROUPING = """
import resource, sys
from pyspark import SparkConf, SparkContext

megabytes, keys, key, value = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
sc = SparkContext(conf=SparkConf().setMaster("local[2]").set(key, value))
size, base = 1000, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
count = megabytes * 2**20 // size

def pair(i):
    return i * 2654435761 % keys, i.to_bytes(8, "big") * (size // 8)

def check(group):
    seen = [int.from_bytes(value[:8], "big") for value in group[1]]
    assert seen == sorted(seen), "the order of arrival is lost"
    return len(seen), sum(seen)

found = sc.range(count, numSlices=8).map(pair).groupByKey(4).map(check).collect()
assert len(found) == min(keys, count) and sum(n for n, _ in found) == count
assert sum(total for _, total in found) == count * (count - 1) // 2
print(base // 1024, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def peak_of_grouping(*arguments: str, seconds: float) -> tuple[int, int]:
    """Resident megabytes of a whole process before, and at most while, it groups pairs. (There are no other ones.)"""
    ended = subprocess.run(
        [sys.executable, "-c", GROUPING, *arguments], capture_output=True, text=True, timeout=seconds, check=False
    )
    assert ended.returncode == 0, ended.stderr
    base, peak = map(int, ended.stdout.split())
    return base, peak


@pytest.mark.timeout(300)
@pytest.mark.parametrize("keys", ["500", "40000"])
def test_grouping_200_megabytes_within_32_needs_little_more(keys: str) -> None:
    base, peak = peak_of_grouping("200", keys, "spark.dstreams.memory.limit", "32m", seconds=280)
    assert peak < base + 128


@pytest.mark.skipif("DSTREAMS_SLOW_TESTS" not in os.environ, reason="a minute or more: set DSTREAMS_SLOW_TESTS=1")
@pytest.mark.timeout(1200)
def test_grouping_2_gigabytes_within_512_megabytes_stays_below_1_gigabyte() -> None:
    _, peak = peak_of_grouping("2048", "100000", "spark.executor.memory", "512m", seconds=1100)
    assert peak < 1024


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, 2**30 * 6 // 10),
        ({"spark.executor.memory": "2g"}, 2**31 * 6 // 10),
        ({"spark.executor.memory": "512M", "spark.driver.memory": "4g"}, 2**29 * 6 // 10),
        ({"spark.driver.memory": "2048"}, 2**31 * 6 // 10),
        ({"spark.executor.memory": "1048576k", "spark.memory.fraction": "0.5"}, 2**29),
        ({"spark.dstreams.memory.limit": "4096", "spark.executor.memory": "1g"}, 4096),
    ],
)
def test_the_budget_follows_sparks_settings(settings: dict[str, str], expected: int) -> None:
    from dstreams.core.engine.memory import limit_of

    assert limit_of(SparkConf(loadDefaults=False).setAll(list(settings.items()))) == expected


@pytest.mark.parametrize(
    ("setting", "value", "problem"),
    [
        ("spark.executor.memory", "1.5g", "Fractional values are not supported"),
        ("spark.executor.memory", "much", "Size must be specified as bytes"),
        ("spark.driver.memory", "-1g", "should be positive"),
        ("spark.memory.fraction", "1.5", "at most 1, but was 1.5"),
        ("spark.memory.fraction", "half", "at most 1, but was half"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(spark: Spark, setting: str, value: str, problem: str) -> None:
    with pytest.raises(Exception, match=problem) as caught:
        spark("local[2]", {setting: value})
    assert setting in str(caught.value)
    assert SparkContext._active_spark_context is None
