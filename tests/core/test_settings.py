"""Settings whose value makes no sense: refused by name, value and what is accepted, and none hangs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from py4j.protocol import Py4JJavaError
from pyspark import BarrierTaskContext, SparkConf, SparkContext, TaskContext

from dstreams.core.engine.settingkinds import anything
from dstreams.core.engine.settings import SETTINGS, check_core, check_streaming, value_of
from dstreams.core.engine.unread import UNREAD

HUGE = "1" + "0" * 20


@pytest.mark.parametrize(
    "master, problem",
    [
        ("local[0]", "Asked to run locally with 0 threads"),
        ("local[abc]", "Could not parse Master URL"),
        ("local[-1]", "Could not parse Master URL"),
        ("local[1.5]", "Could not parse Master URL"),
        ("local[]", "Could not parse Master URL"),
        ("local[ 2 ]", "Could not parse Master URL"),
        ("local[999999999]", "999999999 for its number of threads, which is 1 to 10000"),
        (f"local[{HUGE}]", "for its number of threads"),
        ("local[2,0]", "0 for its number of tries of a task"),
        ("local[2,x]", "Could not parse Master URL"),
        ("local-cluster[0,1,1024]", "number of workers"),
        ("local-cluster[1000,1000,1024]", "number of cores"),
    ],
)
def test_masters_that_make_no_sense(spark: Callable[..., SparkContext], master: str, problem: str) -> None:
    with pytest.raises(Py4JJavaError) as caught:
        spark(master)
    assert problem in str(caught.value) and master in str(caught.value) and "spark.master" in str(caught.value)


BAD = {
    "spark.default.parallelism": ["0", "-1", "abc", "", "2.5", HUGE, "999999999"],
    "spark.task.cpus": ["0", "-1", "3", "x", "1.5", ""],
    "spark.files.ignoreMissingFiles": ["x", "1", ""],
    "spark.files.ignoreCorruptFiles": ["x"],
    "spark.files.overwrite": ["x"],
    "spark.hadoopRDD.ignoreEmptySplits": ["x"],
    "spark.scheduler.mode": ["X", "NONE", ""],
    "spark.shuffle.compress": ["x"],
    "spark.cleaner.periodicGC.interval": ["soon", "-1"],
    "spark.storage.memoryMapThreshold": ["1.5m", "-1"],
    "spark.scheduler.minRegisteredResourcesRatio": ["2", "-0.5", "x"],
    "spark.task.maxFailures": ["0", "-1", "abc", HUGE],
    "spark.executor.memory": ["lots", "0", "-1", "1.5g", "", HUGE, HUGE + "g", "9000000p"],
    "spark.driver.memory": ["lots", "0", "-1g", HUGE],
    "spark.memory.fraction": ["abc", "0", "-1", "2", "nan", "inf"],
    "spark.python.worker.memory": ["lots", "0", "-1"],
    "spark.dstreams.memory.limit": ["lots", "0", "-1", HUGE],
    "spark.dstreams.python.workers": ["-1", "abc", "1000000000", HUGE, ""],
    "spark.python.profile": ["abc", "1"],
    "spark.python.profile.memory": ["yes"],
}


@pytest.mark.parametrize("key, value", [(key, value) for key, values in BAD.items() for value in values])
def test_values_that_make_no_sense_are_refused_by_name(
    spark: Callable[..., SparkContext], key: str, value: str
) -> None:
    with pytest.raises(Py4JJavaError) as caught:
        spark("local[2]", {key: value})
    assert key in str(caught.value) and value in str(caught.value)
    # Nothing is left behind.
    assert spark("local[2]").parallelize([1]).count() == 1


def test_every_core_setting_is_looked_at_when_a_context_is_made() -> None:
    for key in SETTINGS:
        conf = SparkConf(loadDefaults=False).set(key, "no such value")
        if key.startswith(("spark.streaming.", "spark.dstreams.receiver.")):
            check_core(conf)
        else:
            with pytest.raises(Py4JJavaError, match=key):
                check_core(conf)


@pytest.mark.parametrize("key", SETTINGS)
def test_defaults_make_sense(key: str) -> None:
    conf = SparkConf(loadDefaults=False)
    default = SETTINGS[key].default
    assert (value_of(conf, key) is None) == (default is None)
    if default is not None:
        assert value_of(conf, key) == value_of(conf.set(key, f" {default} "), key)


@pytest.mark.parametrize("key", UNREAD)
def test_what_nothing_reads_has_to_make_sense_all_the_same(key: str) -> None:
    conf = SparkConf(loadDefaults=False).set(key, "no such value")
    early, late = (check_streaming, check_core) if key.startswith("spark.streaming.") else (check_core, check_streaming)
    late(conf)
    if UNREAD[key] is anything:
        early(conf)
        return
    with pytest.raises(Py4JJavaError, match=key):
        early(conf)
    # Something is right: a number, a size, a time, a boolean or a word.
    right = 0
    for text in ("1", "10s", "1m", "0.5", "true", "FAIR", "CRC32"):
        try:
            early(SparkConf(loadDefaults=False).set(key, text))
            right += 1
        except Py4JJavaError as error:
            assert key in str(error)
    assert right


def test_no_setting_is_in_both_tables_and_all_are_in_the_chapter() -> None:
    assert not SETTINGS.keys() & UNREAD.keys()
    chapter = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()
    assert [key for key in (*SETTINGS, *UNREAD) if f"`{key}`" not in chapter] == []


def test_tasks_of_several_processors_run_less_side_by_side(spark: Callable[..., SparkContext]) -> None:
    sc = spark("local[4]", {"spark.task.cpus": "2"})
    assert sc.defaultParallelism == 4
    assert sc.parallelize([1, 2], 2).map(lambda _: TaskContext.get().cpus()).collect() == [2, 2]
    together = sc.parallelize(range(2), 2).barrier()
    assert together.mapPartitions(lambda _: [len(BarrierTaskContext.get().getTaskInfos())]).collect() == [2, 2]
    with pytest.raises(Py4JJavaError, match="SPARK-24819"):
        sc.parallelize(range(3), 3).barrier().mapPartitions(lambda _: [1]).collect()
    sc.stop()
    with pytest.raises(Py4JJavaError, match=r"cores per executor \(=2\) has to be >= the number of cpus per task = 3"):
        spark("local[2]", {"spark.task.cpus": "3"})


def test_tasks_in_other_processes_know_their_processors(spark: Callable[..., SparkContext]) -> None:
    sc = spark("local[2]", {"spark.task.cpus": "2", "spark.dstreams.python.workers": "1"})
    assert sc.parallelize([1], 1).map(lambda _: TaskContext.get().cpus()).collect() == [2]
