"""One active context, which masters there are, and what a stopped context says."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from py4j.protocol import Py4JJavaError
from pyspark import SparkConf, SparkContext, SparkFiles


def test_a_second_context_is_refused_and_told_about_the_first(spark: Callable[..., SparkContext]) -> None:
    first = spark("local[2]")
    text = (
        "Cannot run multiple SparkContexts at once; existing SparkContext(app=test, master=local[2]) "
        f"created by __init__ at {__file__.replace('test_contexts', 'conftest')}:"
    )
    with pytest.raises(ValueError, match="^" + re.escape(text) + r"\d+ $"):
        SparkContext("local")
    assert first.parallelize([1]).collect() == [1]


def test_after_a_stop_the_next_context_may_come(spark: Callable[..., SparkContext]) -> None:
    for threads in (1, 2, 3):
        sc = spark(f"local[{threads}]")
        assert sc.parallelize(range(10)).getNumPartitions() == threads
        sc.stop()


def test_a_context_that_fails_to_start_leaves_room_for_another(spark: Callable[..., SparkContext]) -> None:
    with pytest.raises(Py4JJavaError):
        spark("nowhere")
    assert spark("local[1]").parallelize([1]).count() == 1


def test_get_or_create_gives_the_active_one(spark: Callable[..., SparkContext]) -> None:
    made = SparkContext.getOrCreate(SparkConf().setMaster("local[1]").setAppName("own"))
    assert SparkContext.getOrCreate() is made
    made.stop()
    again = SparkContext.getOrCreate(SparkConf().setMaster("local[1]"))
    assert again is not made


def test_a_with_block_stops_it_whatever_happens(spark: Callable[..., SparkContext]) -> None:
    with pytest.raises(KeyError), spark("local[1]"):
        raise KeyError("own")
    spark("local[1]")


@pytest.mark.parametrize(
    ("master", "text"),
    [
        ("nowhere", "Could not parse Master URL: 'nowhere'"),
        ("local[", r"Could not parse Master URL: 'local\['"),
        ("local[x]", r"Could not parse Master URL: 'local\[x\]'"),
        ("local[-1]", "Could not parse Master URL"),
        ("LOCAL", "Could not parse Master URL"),
        ("local[0]", "Asked to run locally with 0 threads"),
        ("spark://host:7077", "this machine only"),
        ("yarn", "this machine only"),
        ("k8s://https://host", "this machine only"),
    ],
)
def test_an_unknown_master_raises(spark: Callable[..., SparkContext], master: str, text: str) -> None:
    with pytest.raises(Py4JJavaError, match=text):
        spark(master)


@pytest.mark.parametrize(
    ("master", "threads"),
    [("local", 1), ("local[3]", 3), ("local[2,4]", 2), ("local[2 , 4]", 2), ("local-cluster[2,3,512]", 6)],
)
def test_a_local_master_says_how_many_threads(spark: Callable[..., SparkContext], master: str, threads: int) -> None:
    sc = spark(master)
    assert (sc.defaultParallelism, sc.master) == (threads, master)


def test_the_setting_for_parallelism_wins(spark: Callable[..., SparkContext]) -> None:
    sc = spark("local[2]", {"spark.default.parallelism": "5"})
    pairs = sc.parallelize([(1, 1)])
    assert (pairs.getNumPartitions(), pairs.groupByKey().getNumPartitions(), sc.defaultMinPartitions) == (5, 5, 2)


USES: dict[str, Callable] = {
    "parallelize": lambda sc, rdd: sc.parallelize([1]),
    "range": lambda sc, rdd: sc.range(3),
    "textFile": lambda sc, rdd: sc.textFile("x"),
    "emptyRDD": lambda sc, rdd: sc.emptyRDD(),
    "broadcast": lambda sc, rdd: sc.broadcast(1),
    "defaultParallelism": lambda sc, rdd: sc.defaultParallelism,
    "union": lambda sc, rdd: sc.union([rdd, rdd]),
    "collect": lambda sc, rdd: rdd.collect(),
    "a new action on an old RDD": lambda sc, rdd: rdd.map(lambda x: x).count(),
    "take": lambda sc, rdd: rdd.take(1),
    "partitionBy": lambda sc, rdd: rdd.map(lambda x: (x, x)).partitionBy(2),
    "version": lambda sc, rdd: sc.version,
    "applicationId": lambda sc, rdd: sc.applicationId,
    "listFiles": lambda sc, rdd: sc.listFiles,
    "addFile": lambda sc, rdd: sc.addFile(__file__),
    "getCheckpointDir": lambda sc, rdd: sc.getCheckpointDir(),
    "setLogLevel": lambda sc, rdd: sc.setLogLevel("WARN"),
    "_repr_html_": lambda sc, rdd: sc._repr_html_(),
    "an iterator half way": lambda sc, rdd: list(rdd.toLocalIterator()),
}


@pytest.mark.parametrize("use", USES)
def test_a_stopped_context_refuses_what_needs_it(sc: SparkContext, use: str) -> None:
    # Spark's class: there it is an attribute of a JVM object that is gone.
    rdd = sc.parallelize([1, 2], 2)
    sc.stop()
    with pytest.raises(AttributeError, match="stopped SparkContext"):
        USES[use](sc, rdd)


def test_stopping_twice_is_harmless(sc: SparkContext) -> None:
    sc.stop()
    sc.stop()
    assert SparkContext._active_spark_context is None


def test_all_arguments_of_the_constructor_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)
    environment = {"VARIABLE": "x", "PYTHONHASHSEED": "0"}
    with SparkContext(
        "local[1]", "all", None, [], {"VARIABLE": "x"}, 0, None, SparkConf().set("own.key", "1"), None, None, None
    ) as sc:
        assert (sc.appName, sc.environment, sc.getConf().get("own.key")) == ("all", environment, "1")
        assert sc.getConf().get("spark.executorEnv.VARIABLE") == "x"


def test_the_configuration_is_a_copy(spark: Callable[..., SparkContext]) -> None:
    sc = spark("local[1]")
    sc.getConf().set("spark.app.name", "changed")
    assert sc.getConf().get("spark.app.name") == sc.appName == "test"


def test_the_log_level_says_which_messages_are_written(sc: SparkContext) -> None:
    logger = logging.getLogger("dstreams")
    before = logger.level
    try:
        sc.setLogLevel("error")
        with pytest.raises(Py4JJavaError, match="Supplied level LOUD did not match one of"):
            sc.setLogLevel("LOUD")
        assert (logger.isEnabledFor(logging.WARNING), logger.isEnabledFor(logging.ERROR)) == (False, True)
        sc.setLogLevel("OFF")
        assert not logger.isEnabledFor(logging.CRITICAL)
        sc.setLogLevel("WARN")
        assert logger.isEnabledFor(logging.WARNING)
    finally:
        logger.setLevel(before)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda sc: sc.parallelize([1, 2], 0), ZeroDivisionError, "by zero"),
        (
            lambda sc: sc.parallelize([1, 2], -1).collect(),
            Py4JJavaError,
            "Positive number of (slices|partitions) required",
        ),
        (lambda sc: sc.parallelize([1]).coalesce(0), ValueError, "Number of partitions must be positive."),
        (lambda sc: sc.parallelize([1]).repartition(0), ValueError, "Number of partitions must be positive."),
        (lambda sc: sc.parallelize([]).first(), ValueError, "RDD is empty"),
        (lambda sc: sc.parallelize([]).reduce(max), ValueError, r"Can not reduce\(\) empty RDD"),
        (lambda sc: sc.emptyRDD().countByValue(), ValueError, r"Can not reduce\(\) empty RDD"),
        (lambda sc: sc.parallelize([1], 1).zip(sc.parallelize([1], 2)), ValueError, "same number of partitions"),
        (lambda sc: sc.parallelize([1]).union([1]), AttributeError, None),
        (lambda sc: sc.parallelize([(1, 1)]).join([1]), AttributeError, None),
        (lambda sc: sc.parallelize([1, 2], 1).take(1.5), TypeError, None),
    ],
)
def test_bad_calls_raise_what_spark_raises(
    sc: SparkContext, call: Callable, error: type[Exception], text: str | None
) -> None:
    with pytest.raises(error, match=text):
        call(sc)


def test_what_a_notebook_shows_is_laid_out_as_in_spark(spark: Callable[..., SparkContext]) -> None:
    shown = spark("local[2]", {"spark.app.name": "a <b>"})._repr_html_()
    assert [line.strip() for line in shown.splitlines() if line.strip()] == [
        "<div>",
        "<p><b>SparkContext</b></p>",
        '<p><a href="None">Spark UI</a></p>',
        "<dl>",
        "<dt>Version</dt>",
        "<dd><code>v3.5.9</code></dd>",
        "<dt>Master</dt>",
        "<dd><code>local[2]</code></dd>",
        "<dt>AppName</dt>",
        "<dd><code>a &lt;b&gt;</code></dd>",
        "</dl>",
        "</div>",
    ]


@pytest.mark.parametrize("overwrites", ["true", "false"])
def test_another_file_of_a_known_name_replaces_it_if_the_setting_says_so(
    spark: Callable[..., SparkContext], tmp_path: Path, overwrites: str
) -> None:
    sc = spark("local[2]", {"spark.files.overwrite": overwrites})
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "name").write_text(folder)
    sc.addFile(str(tmp_path / "first" / "name"))
    if overwrites == "true":
        sc.addFile(str(tmp_path / "second" / "name"))
        assert Path(SparkFiles.get("name")).read_text() == "second"
    else:
        with pytest.raises(Py4JJavaError, match="exists and does not match contents"):
            sc.addFile(str(tmp_path / "second" / "name"))
