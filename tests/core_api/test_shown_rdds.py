"""What PySpark shows of RDDs: their numbers, texts and lineages, as Apache PySpark 3.5.9 has recorded them.

`shown_rdds.txt` holds, for each way to make an RDD below, how many numbers it took and the two texts. Numbers count
from the RDD that was made just before.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dstreams import RDD, SparkContext, StorageLevel

RECORDED = Path(__file__).with_name("shown_rdds.txt").read_text(encoding="utf-8")
EXPECTED = {part.partition("\n")[0]: part.partition("\n")[2] for part in RECORDED.split("## ")[1:]}
Make = Callable[[SparkContext, str], RDD[Any]]


def after(rdd: RDD[Any], do: Callable[[RDD[Any]], object], then: Callable[[RDD[Any]], RDD[Any]]) -> RDD[Any]:
    do(rdd)
    return then(rdd)


WAYS: dict[str, Make] = {
    "parallelize": lambda sc, d: sc.parallelize(range(10), 2),
    "parallelize_list": lambda sc, d: sc.parallelize([1, 2, 3], 2),
    "parallelize_gen": lambda sc, d: sc.parallelize((x for x in range(5)), 2),
    "range": lambda sc, d: sc.range(10, numSlices=2),
    "empty_par": lambda sc, d: sc.parallelize([], 2),
    "emptyRDD": lambda sc, d: sc.emptyRDD(),
    "textFile": lambda sc, d: sc.textFile(f"{d}/t.txt"),
    "textFile_raw": lambda sc, d: sc.textFile(f"{d}/t.txt", use_unicode=False),
    "wholeTextFiles": lambda sc, d: sc.wholeTextFiles(f"{d}/t.txt"),
    "binaryFiles": lambda sc, d: sc.binaryFiles(f"{d}/t.txt"),
    "binaryRecords": lambda sc, d: sc.binaryRecords(f"{d}/t.txt", 2),
    "map": lambda sc, d: sc.parallelize(range(10), 2).map(str),
    "mapmap": lambda sc, d: sc.parallelize(range(10), 2).map(str).map(len),
    "flatMap": lambda sc, d: sc.parallelize(range(10), 2).flatMap(lambda x: [x]),
    "filter": lambda sc, d: sc.parallelize(range(10), 2).filter(bool),
    "mapPartitions": lambda sc, d: sc.parallelize(range(10), 2).mapPartitions(list),
    "mpwi": lambda sc, d: sc.parallelize(range(10), 2).mapPartitionsWithIndex(lambda i, x: x),
    "glom": lambda sc, d: sc.parallelize(range(10), 2).glom(),
    "distinct": lambda sc, d: sc.parallelize(range(10), 2).distinct(),
    "distinct4": lambda sc, d: sc.parallelize(range(10), 2).distinct(4),
    "sample": lambda sc, d: sc.parallelize(range(10), 2).sample(False, 0.5, 1),
    "randomSplit": lambda sc, d: sc.parallelize(range(10), 2).randomSplit([1, 1], 1)[0],
    "randomSplit1": lambda sc, d: sc.parallelize(range(10), 2).randomSplit([1, 1], 1)[1],
    "union": lambda sc, d: sc.parallelize(range(10), 2).union(sc.parallelize(range(4), 2)),
    "union_mixed": lambda sc, d: sc.parallelize(range(10), 2).map(str).union(sc.textFile(f"{d}/t.txt")),
    "scunion": lambda sc, d: sc.union(
        [sc.parallelize(range(10), 2), sc.parallelize(range(4), 2), sc.parallelize([1], 1)]
    ),
    "scunion1": lambda sc, d: sc.union([sc.parallelize(range(10), 2)]),
    "add": lambda sc, d: sc.parallelize(range(10), 2) + sc.parallelize(range(4), 2),
    "union_part": lambda sc, d: (
        sc.parallelize([(1, 2)], 2).partitionBy(2).union(sc.parallelize([(1, 2)], 2).partitionBy(2))
    ),
    "intersection": lambda sc, d: sc.parallelize(range(10), 2).intersection(sc.parallelize(range(4), 2)),
    "subtract": lambda sc, d: sc.parallelize(range(10), 2).subtract(sc.parallelize(range(4), 2)),
    "subtractByKey": lambda sc, d: sc.parallelize([(1, 2)], 2).subtractByKey(sc.parallelize([(1, 2)], 2)),
    "cartesian": lambda sc, d: sc.parallelize(range(10), 2).cartesian(sc.parallelize(range(4), 2)),
    "zip": lambda sc, d: sc.parallelize(range(4), 2).zip(sc.parallelize(range(4), 2)),
    "zipmap": lambda sc, d: sc.parallelize(range(4), 2).map(str).zip(sc.parallelize(range(4), 2)),
    "zipWithIndex": lambda sc, d: sc.parallelize(range(4), 2).zipWithIndex(),
    "zipWithIndex1": lambda sc, d: sc.parallelize(range(4), 1).zipWithIndex(),
    "zipWithUniqueId": lambda sc, d: sc.parallelize(range(4), 2).zipWithUniqueId(),
    "keyBy": lambda sc, d: sc.parallelize(range(4), 2).keyBy(str),
    "keys": lambda sc, d: sc.parallelize([(1, 2)], 2).keys(),
    "values": lambda sc, d: sc.parallelize([(1, 2)], 2).values(),
    "mapValues": lambda sc, d: sc.parallelize([(1, 2)], 2).mapValues(str),
    "flatMapValues": lambda sc, d: sc.parallelize([(1, "2")], 2).flatMapValues(list),
    "groupBy": lambda sc, d: sc.parallelize(range(4), 2).groupBy(str),
    "groupByKey": lambda sc, d: sc.parallelize([(1, 2)], 2).groupByKey(),
    "groupByKey3": lambda sc, d: sc.parallelize([(1, 2)], 2).groupByKey(3),
    "reduceByKey": lambda sc, d: sc.parallelize([(1, 2)], 2).reduceByKey(max),
    "foldByKey": lambda sc, d: sc.parallelize([(1, 2)], 2).foldByKey(0, max),
    "aggregateByKey": lambda sc, d: sc.parallelize([(1, 2)], 2).aggregateByKey(0, max, max),
    "combineByKey": lambda sc, d: sc.parallelize([(1, 2)], 2).combineByKey(int, max, max),
    "partitionBy": lambda sc, d: sc.parallelize([(1, 2)], 2).partitionBy(3),
    "partitionBy_f": lambda sc, d: sc.parallelize([(1, 2)], 2).partitionBy(3, lambda k: k),
    "partitionBy2x": lambda sc, d: sc.parallelize([(1, 2)], 2).partitionBy(3).partitionBy(3),
    "partitionBy_rbk": lambda sc, d: sc.parallelize([(1, 2)], 2).partitionBy(3).reduceByKey(max, 3),
    "sortBy": lambda sc, d: sc.parallelize(range(4), 2).sortBy(lambda x: x),
    "sortByKey": lambda sc, d: sc.parallelize([(1, 2)], 2).sortByKey(),
    "sortByKey1": lambda sc, d: sc.parallelize([(1, 2)], 2).sortByKey(numPartitions=1),
    "repartitionAndSort": lambda sc, d: sc.parallelize([(1, 2)], 2).repartitionAndSortWithinPartitions(2),
    "join": lambda sc, d: sc.parallelize([(1, 2)], 2).join(sc.parallelize([(1, 2)], 2)),
    "leftOuterJoin": lambda sc, d: sc.parallelize([(1, 2)], 2).leftOuterJoin(sc.parallelize([(1, 2)], 2)),
    "fullOuterJoin": lambda sc, d: sc.parallelize([(1, 2)], 2).fullOuterJoin(sc.parallelize([(1, 2)], 2)),
    "join_part": lambda sc, d: (
        sc.parallelize([(1, 2)], 2).partitionBy(2).join(sc.parallelize([(1, 2)], 2).partitionBy(2))
    ),
    "cogroup": lambda sc, d: sc.parallelize([(1, 2)], 2).cogroup(sc.parallelize([(1, 2)], 2)),
    "groupWith": lambda sc, d: sc.parallelize([(1, 2)], 2).groupWith(
        sc.parallelize([(1, 2)], 2), sc.parallelize([(1, 2)], 2)
    ),
    "coalesce": lambda sc, d: sc.parallelize(range(10), 4).coalesce(2),
    "coalesce_shuffle": lambda sc, d: sc.parallelize(range(10), 4).coalesce(2, True),
    "repartition": lambda sc, d: sc.parallelize(range(10), 2).repartition(4),
    "map_coalesce": lambda sc, d: sc.parallelize(range(10), 4).map(str).coalesce(2),
    "map_repartition": lambda sc, d: sc.parallelize(range(10), 2).map(str).repartition(4),
    "pipe": lambda sc, d: sc.parallelize(range(10), 2).pipe("cat"),
    "barrier": lambda sc, d: sc.parallelize(range(10), 2).barrier().mapPartitions(list),
    "cache": lambda sc, d: sc.parallelize(range(10), 2).cache(),
    "cachemap": lambda sc, d: sc.parallelize(range(10), 2).map(str).cache().map(len),
    "persist_map_counted": lambda sc, d: after(
        sc.parallelize(range(10), 2).map(str).persist(), lambda r: (r.count(),), lambda r: r
    ),
    "persist_disk": lambda sc, d: after(
        sc.parallelize(range(10), 2).map(str).persist(StorageLevel.DISK_ONLY), lambda r: (r.count(),), lambda r: r
    ),
    "checkpointed": lambda sc, d: after(
        sc.parallelize(range(10), 2).map(str),
        lambda r: (
            r.checkpoint(),
            r.count(),
        ),
        lambda r: r,
    ),
    "checkpointed_map": lambda sc, d: after(
        sc.parallelize(range(10), 2).map(str),
        lambda r: (
            r.checkpoint(),
            r.count(),
        ),
        lambda r: r.map(len),
    ),
    "localCheckpoint": lambda sc, d: after(
        sc.parallelize(range(10), 2).map(str),
        lambda r: (
            r.localCheckpoint(),
            r.count(),
        ),
        lambda r: r,
    ),
    "setName": lambda sc, d: sc.parallelize(range(10), 2).setName("named"),
    "setNameMap": lambda sc, d: sc.parallelize(range(10), 2).map(str).setName("named m"),
    "setNameBase": lambda sc, d: sc.parallelize(range(10), 2).setName("base").map(str),
    "histogram_after": lambda sc, d: after(
        sc.parallelize(range(10), 2), lambda r: (r.histogram(2),), lambda r: r.map(str)
    ),
    "take_after": lambda sc, d: after(sc.parallelize(range(10), 2), lambda r: (r.take(2),), lambda r: r.map(str)),
    "count_after": lambda sc, d: after(sc.parallelize(range(10), 2), lambda r: (r.count(),), lambda r: r.map(str)),
    "sum_after": lambda sc, d: after(sc.parallelize(range(10), 2), lambda r: (r.sum(),), lambda r: r.map(str)),
    "collect_after": lambda sc, d: after(sc.parallelize(range(10), 2), lambda r: (r.collect(),), lambda r: r.map(str)),
    "first_after": lambda sc, d: after(sc.parallelize(range(10), 2), lambda r: (r.first(),), lambda r: r.map(str)),
    "reduce_after": lambda sc, d: after(sc.parallelize(range(10), 2), lambda r: (r.reduce(max),), lambda r: r.map(str)),
    "isEmpty_after": lambda sc, d: after(sc.parallelize(range(10), 2), lambda r: (r.isEmpty(),), lambda r: r.map(str)),
    "foreach_after": lambda sc, d: after(
        sc.parallelize(range(10), 2), lambda r: (r.foreach(id),), lambda r: r.map(str)
    ),
    "top_after": lambda sc, d: after(sc.parallelize(range(10), 2), lambda r: (r.top(2),), lambda r: r.map(str)),
    "takeOrdered_after": lambda sc, d: after(
        sc.parallelize(range(10), 2), lambda r: (r.takeOrdered(2),), lambda r: r.map(str)
    ),
    "takeSample_after": lambda sc, d: after(
        sc.parallelize(range(10), 2), lambda r: (r.takeSample(False, 2, 1),), lambda r: r.map(str)
    ),
    "stats_after": lambda sc, d: after(sc.parallelize(range(10), 2), lambda r: (r.stats(),), lambda r: r.map(str)),
    "countByValue_after": lambda sc, d: after(
        sc.parallelize(range(10), 2), lambda r: (r.countByValue(),), lambda r: r.map(str)
    ),
    "lookup_after": lambda sc, d: after(
        sc.parallelize([(1, 2)], 2), lambda r: (r.lookup(1),), lambda r: r.mapValues(str)
    ),
    "treeReduce_after": lambda sc, d: after(
        sc.parallelize(range(10), 4), lambda r: (r.treeReduce(max),), lambda r: r.map(str)
    ),
    "countApprox_after": lambda sc, d: after(
        sc.parallelize(range(10), 2), lambda r: (r.countApproxDistinct(),), lambda r: r.map(str)
    ),
    "toLocalIterator_after": lambda sc, d: after(
        sc.parallelize(range(10), 2), lambda r: (list(r.toLocalIterator()),), lambda r: r.map(str)
    ),
    "saveText_after": lambda sc, d: after(
        sc.parallelize(range(10), 2), lambda r: (r.saveAsTextFile(f"{d}/out1"),), lambda r: r.map(str)
    ),
    "savePickle_after": lambda sc, d: after(
        sc.parallelize(range(10), 2), lambda r: (r.saveAsPickleFile(f"{d}/out2"),), lambda r: r.map(str)
    ),
    "pickleFile": lambda sc, d: sc.pickleFile(f"{d}/out2"),
    "getNum_after": lambda sc, d: after(
        sc.parallelize(range(10), 2).map(str), lambda r: (r.getNumPartitions(),), lambda r: r
    ),
    "runJob_after": lambda sc, d: after(
        sc.parallelize(range(10), 2), lambda r: (sc.runJob(r, list),), lambda r: r.map(str)
    ),
    "max_after": lambda sc, d: after(sc.parallelize(range(10), 2), lambda r: (r.max(),), lambda r: r.map(str)),
    "mean_after": lambda sc, d: after(sc.parallelize(range(10), 2), lambda r: (r.mean(),), lambda r: r.map(str)),
    "fold_after": lambda sc, d: after(sc.parallelize(range(10), 2), lambda r: (r.fold(0, max),), lambda r: r.map(str)),
    "foreachP_after": lambda sc, d: after(
        sc.parallelize(range(10), 2), lambda r: (r.foreachPartition(list),), lambda r: r.map(str)
    ),
    "collectAsMap_after": lambda sc, d: after(
        sc.parallelize([(1, 2)], 2), lambda r: (r.collectAsMap(),), lambda r: r.map(str)
    ),
    "countByKey_after": lambda sc, d: after(
        sc.parallelize([(1, 2)], 2), lambda r: (r.countByKey(),), lambda r: r.map(str)
    ),
    "sampleByKey": lambda sc, d: sc.parallelize([(1, 2)], 2).sampleByKey(False, {1: 0.5}, 1),
    "groupmapv": lambda sc, d: sc.parallelize([(1, 2)], 2).groupByKey().mapValues(list).filter(bool),
    "chain": lambda sc, d: (
        sc.parallelize([(1, 2)], 2)
        .map(lambda x: x)
        .reduceByKey(max)
        .map(lambda x: x)
        .sortByKey(numPartitions=1)
        .map(lambda x: x)
    ),
}


def shown(make: Make, sc: SparkContext, folder: Path) -> str:
    """The recorded form of what an RDD shows."""
    base = sc.parallelize([0], 1).id()
    rdd = make(sc, str(folder))
    number, text, lineage = rdd.id(), str(rdd), (rdd.toDebugString() or b"").decode()
    told = f"{number - base} {sc.parallelize([0], 1).id() - base} {rdd.name()}\n{text}\n{lineage}\n"
    told = re.sub(r"\[(\d+)\]", lambda found: f"[+{int(found[1]) - base}]", told.replace(str(folder), "FOLDER"))
    told = re.sub(r" at \S+\.py:\d+", " at PROGRAM", told)
    return re.sub(r"JavaPairRDD@\w+", "JavaPairRDD@", re.sub(r"Size: [0-9.]+ B", "Size: SIZE", told))


@pytest.mark.parametrize("way", WAYS)
def test_an_rdd_shows_what_sparks_does(sc: SparkContext, way: str, tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("a b\nc\n", encoding="utf-8")
    sc.setCheckpointDir(str(tmp_path / "checkpoints"))
    if way == "pickleFile":
        sc.parallelize(range(10), 2).saveAsPickleFile(str(tmp_path / "out2"))
    assert shown(WAYS[way], sc, tmp_path) == EXPECTED[way]


def test_all_that_is_recorded_is_compared() -> None:
    assert WAYS.keys() == EXPECTED.keys()
