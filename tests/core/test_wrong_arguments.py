"""Calls with arguments of another kind, and calls of what is stopped: they raise what Spark was recorded to raise."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from pyspark import (
    Accumulator,
    AccumulatorParam,
    BarrierTaskContext,
    Broadcast,
    SparkConf,
    SparkContext,
    SparkFiles,
    TaskContext,
)
from recorded import calls, name_of

# By the exception, a Java class for that of a Py4JJavaError.
REFUSED = {
    "AssertionError": """
        Broadcast()
    """,
    "AttributeError": """
        sc.union([5])
        sc.union([sc.parallelize([1]), 5])
        sc.runJob(None, None)
        Broadcast(5, 5)
    """,
    "IndexError": """
        sc.union([])
    """,
    "NotImplementedError": """
        SparkFiles()
        AccumulatorParam().zero(1)
        AccumulatorParam().addInPlace(1, 2)
    """,
    "PicklingError": """
        sc.broadcast(lambda: 1)
        sc.broadcast(sc)
        sc.broadcast(threading.Lock())
        sc.broadcast(sc.parallelize([1]))
        bc.dump(1, None)
    """,
    "Py4JError": """
        sc.parallelize([1], 2**31)
        sc.textFile(5)
        sc.textFile([tmp])
        sc.textFile(tmp + "/f.txt", "x")
        sc.textFile(tmp + "/f.txt", 1.5)
        sc.textFile(tmp + "/f.txt", 2**31)
        sc.wholeTextFiles(tmp, "x")
        sc.binaryFiles(tmp, "x")
        sc.binaryRecords(tmp, None)
        sc.binaryRecords(tmp, "5")
        sc.addFile(5)
        sc.addFile(tmp + "/f.txt", "x")
        sc.setCheckpointDir(5)
        sc.setLogLevel(5)
        sc.setJobGroup(5, 5)
        sc.setJobGroup("a", "b", "x")
        sc.setLocalProperty("a", 5)
        sc.setLocalProperty(5, "a")
        sc.getLocalProperty(5)
        sc.setJobDescription(5)
        sc.cancelJobGroup(5)
        sc.runJob(sc.parallelize([1]), lambda it: it, 5)
        sc.setSystemProperty(5, 5)
        sc.statusTracker().getJobIdsForGroup(5)
        sc.statusTracker().getJobInfo(None)
        sc.statusTracker().getJobInfo("x")
        sc.statusTracker().getJobInfo(2**31)
        sc.statusTracker().getJobInfo(1.5)
        sc.statusTracker().getStageInfo(None)
        sc.statusTracker().getStageInfo("x")
        bc.unpersist("x")
        bc.destroy("x")
        SparkConf().set(5, "a").get(5)
        SparkConf().set(5, "a").get("5")
        SparkConf().get("nope", 5)
        SparkConf().get(5)
        SparkConf().contains(5)
        SparkConf(5)
        SparkConf(None)
    """,
    "PySparkRuntimeError": """
        sc.show_profiles()
        BarrierTaskContext.get()
        SparkConf().setExecutorEnv()
        SparkConf().setExecutorEnv("a", "b", [("c", "d")])
        SparkConf().setExecutorEnv(pairs=None)
    """,
    "TypeError": """
        sc.parallelize(None)
        sc.parallelize(5)
        sc.parallelize([1], [1])
        sc.range(None)
        sc.range("x")
        sc.range(1.5)
        sc.range(0, 10, None)
        sc.union(None)
        sc.union(5)
        sc.accumulator(None)
        sc.accumulator("x")
        sc.accumulator([1])
        SparkFiles.get(None)
        SparkFiles.get(5)
        acc.add(None)
        acc.add("x")
        acc.__iadd__("x")
        SparkConf().setAll(None)
        SparkConf().setAll([5])
        SparkConf().setExecutorEnv(pairs=[5])
    """,
    "ValueError": """
        sc.parallelize([1], "x")
        sc.range(0, 10, 0)
        sc.range(0, 10, 1, "x")
        SparkConf().setAll([("a",)])
        SparkConf().setAll({"a": 1})
        SparkConf().setAll("x")
    """,
    "ZeroDivisionError": """
        sc.parallelize([1], 0)
        sc.range(0, 10, 1, 0)
    """,
    "java.io.FileNotFoundException": """
        sc.addFile(tmp + "/none")
        sc.addPyFile(tmp + "/none.py")
        sc.setCheckpointDir("/proc/none")
    """,
    "java.lang.ClassCastException": """
        sc.runJob(sc.parallelize([1]), lambda it: it, ["x"])
    """,
    "java.lang.ClassNotFoundException": """
        sc.hadoopFile(tmp, "x", "y", "z")
        sc.newAPIHadoopFile(tmp, "x", "y", "z")
    """,
    "java.lang.IllegalArgumentException": """
        sc.textFile("").count()
        sc.textFile(tmp + "/f.txt", -1).count()
        sc.wholeTextFiles("").count()
        sc.setCheckpointDir("")
        sc.setLogLevel("x")
        sc.runJob(sc.parallelize([1]), lambda it: it, [5])
        sc.runJob(sc.parallelize([1]), lambda it: it, [-1])
    """,
    "java.lang.NullPointerException": """
        sc.wholeTextFiles(None)
        sc.binaryFiles(None)
        sc.binaryRecords(None, 5)
        sc.sequenceFile(None)
        sc.hadoopFile(None, None, None, None)
        sc.hadoopRDD(None, None, None)
        sc.addFile(None)
        sc.addPyFile(None)
        sc.addArchive(None)
        sc.setLogLevel(None)
        sc.setLocalProperty(None, "x")
        sc.getLocalProperty(None)
        sc.setSystemProperty(None, None)
        sc.setSystemProperty("a", None)
        SparkConf().set(None, "x")
        SparkConf().get(None)
        SparkConf().setIfMissing(None, "x")
        SparkConf().contains(None)
    """,
    "java.nio.file.NoSuchFileException": """
        sc.addArchive(tmp + "/none.zip")
    """,
    "org.apache.hadoop.fs.UnsupportedFileSystemException": """
        sc.textFile("nope://x").count()
        sc.setCheckpointDir("nope://x")
    """,
    "org.apache.hadoop.mapred.InvalidInputException": """
        sc.pickleFile(tmp + "/none").count()
        sc.sequenceFile(tmp + "/none")
    """,
    "org.apache.spark.SparkException": """
        sc.addFile("")
        sc.addFile(tmp)
        sc.addPyFile(tmp)
        sc.runJob(sc.parallelize([1]), None)
        sc.runJob(sc.parallelize([1]), lambda it: 5)
    """,
}

STOPPED = {
    "AttributeError": """
        sc.version
        sc.applicationId
        sc.startTime
        sc.uiWebUrl
        sc.defaultParallelism
        sc.defaultMinPartitions
        sc.resources
        sc.sparkUser()
        sc.listFiles
        sc.listArchives
        sc._repr_html_()
        sc.getCheckpointDir()
        sc.setCheckpointDir(tmp)
        sc.setCheckpointDir(None)
        sc.parallelize([1])
        sc.parallelize([])
        sc.parallelize(range(3))
        sc.range(3)
        sc.emptyRDD()
        sc.textFile("x")
        sc.wholeTextFiles("x")
        sc.binaryFiles("x")
        sc.binaryRecords("x", 5)
        sc.pickleFile("x")
        sc.sequenceFile("x")
        sc.union([rdd])
        sc.union([rdd, rdd])
        sc.broadcast(1)
        sc.addFile(tmp + "/f.txt")
        sc.addPyFile(tmp + "/f.txt")
        sc.addArchive(tmp + "/f.txt")
        sc.setLogLevel("WARN")
        sc.setJobGroup("a", "b")
        sc.setLocalProperty("a", "b")
        sc.getLocalProperty("a")
        sc.setJobDescription("x")
        sc.cancelJobGroup("x")
        sc.cancelAllJobs()
        sc.statusTracker()
        sc.runJob(rdd, lambda it: it)
        rdd.map(lambda x: x).collect()
        rdd.collect()
        rdd.count()
        rdd.take(1)
        rdd.first()
        rdd.groupByKey()
        rdd.sortBy(lambda x: x)
        rdd.zipWithIndex()
        rdd.foreach(print)
        rdd.isEmpty()
        rdd.toLocalIterator()
        list(rdd.toLocalIterator())
        pair.reduceByKey(lambda a, b: a)
        pair.partitionBy(2)
        pair.countByKey()
    """,
    "PySparkRuntimeError": """
        sc.show_profiles()
        sc.dump_profiles("x")
    """,
    "java.lang.IllegalStateException": """
        rdd.toDebugString()
    """,
    "java.lang.NullPointerException": """
        SparkFiles.getRootDirectory()
        SparkFiles.get("x")
        rdd.unpersist()
        rdd.repartition(2)
        rdd.saveAsTextFile(tmp + "/out")
        rdd.randomSplit([1, 1])
        pair.join(pair)
        bc.unpersist()
        bc.destroy()
    """,
}


def answers(table: dict[str, str], names: dict[str, Any]) -> list[tuple[str, str]]:
    """What the calls of a table raise."""
    return [(call, name_of(call, names)) for call, _ in calls(table)]


def test_wrong_arguments_are_refused_as_by_spark(sc: SparkContext, tmp_path: Path) -> None:
    (tmp_path / "f.txt").write_text("a\n")
    (tmp_path / "d").mkdir()
    kinds = [Accumulator, AccumulatorParam, BarrierTaskContext, Broadcast]
    kinds += [SparkConf, SparkContext, SparkFiles, TaskContext]
    names = {one.__name__: one for one in kinds} | {"sc": sc, "tmp": str(tmp_path), "threading": threading}
    names |= {"bc": sc.broadcast(1), "acc": sc.accumulator(1)}
    assert answers(REFUSED, names) == calls(REFUSED)


def test_what_is_stopped_refuses_and_answers_as_in_spark(sc: SparkContext, tmp_path: Path) -> None:
    (tmp_path / "f.txt").write_text("a\n")
    rdd, pair, tracker = sc.parallelize([1, 2]), sc.parallelize([(1, 2)]), sc.statusTracker()
    broadcast, accumulator = sc.broadcast(1), sc.accumulator(1)
    rdd.count()
    sc.stop()
    names = {"sc": sc, "rdd": rdd, "pair": pair, "tracker": tracker, "bc": broadcast, "acc": accumulator}
    names |= {"tmp": str(tmp_path), "SparkFiles": SparkFiles}
    assert answers(STOPPED, names) == calls(STOPPED)
    assert rdd.persist().is_cached and rdd.cache() is rdd
    assert (tracker.getJobInfo(0), tracker.getStageInfo(0)) == (None, None)
    assert (sc.master, accumulator.value, broadcast.value) == ("local[4]", 1, 1)
