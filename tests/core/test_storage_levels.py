"""Storage levels: when one may follow another."""

from __future__ import annotations

import pytest
from py4j.protocol import Py4JJavaError
from pyspark import RDD, SparkContext, StorageLevel
from pyspark.streaming import StreamingContext

CHANGED = "SparkUnsupportedOperationException: Cannot change storage level"


def test_a_level_stays_until_it_is_taken_away(sc: SparkContext) -> None:
    rdd = sc.parallelize([1], 1)
    assert rdd.cache().cache() is rdd.persist(StorageLevel.MEMORY_ONLY) is rdd
    for other in (StorageLevel.DISK_ONLY, StorageLevel.NONE, StorageLevel.MEMORY_ONLY_2):
        with pytest.raises(Py4JJavaError, match=CHANGED):
            rdd.persist(other)
    assert rdd.unpersist().persist(StorageLevel.DISK_ONLY) is rdd
    with pytest.raises(Py4JJavaError, match=CHANGED):
        rdd.cache()


def test_no_level_may_become_one(sc: SparkContext) -> None:
    rdd = sc.parallelize([1], 1).map(str)
    assert rdd.persist(StorageLevel.NONE).is_cached
    assert str(rdd.getStorageLevel()) == "Serialized 1x Replicated"
    assert str(rdd.persist(StorageLevel.DISK_ONLY).getStorageLevel()) == "Disk Serialized 1x Replicated"
    with pytest.raises(Py4JJavaError, match=CHANGED):
        rdd.persist(StorageLevel.MEMORY_ONLY)


def test_a_local_checkpoint_is_on_disk_too(sc: SparkContext) -> None:
    fresh, cached, on_disk = (sc.parallelize([1], 1).map(str) for _ in range(3))
    fresh.localCheckpoint()
    cached.cache().localCheckpoint()
    on_disk.persist(StorageLevel.DISK_ONLY).localCheckpoint()
    levels = [str(rdd.getStorageLevel()) for rdd in (fresh, cached, on_disk)]
    assert levels == [
        "Disk Memory Deserialized 1x Replicated",
        "Disk Memory Serialized 1x Replicated",
        "Disk Serialized 1x Replicated",
    ]
    # Its level may be changed, as in Spark.
    assert str(fresh.persist(StorageLevel.MEMORY_ONLY).getStorageLevel()) == "Disk Memory Serialized 1x Replicated"
    assert str(fresh.persist(StorageLevel.DISK_ONLY).getStorageLevel()) == "Disk Serialized 1x Replicated"
    assert fresh.collect() == ["1"]


def test_forty_copies_are_too_many(sc: SparkContext) -> None:
    with pytest.raises(Py4JJavaError, match="less than 40"):
        sc.parallelize([1]).persist(StorageLevel(True, True, False, True, 41))


def test_what_a_stream_keeps_has_a_level(sc: SparkContext) -> None:
    ssc = StreamingContext(sc, 0.05)
    seen: list[tuple[bool, str]] = []

    def change(rdd: RDD[int]) -> None:
        seen.append((rdd.is_cached, str(rdd.getStorageLevel())))
        rdd.persist(StorageLevel.MEMORY_ONLY).persist(StorageLevel.DISK_ONLY)

    kept = ssc.queueStream([[1]]).map(lambda x: x)
    # The level of a stream may change before it starts.
    kept.persist(StorageLevel.DISK_ONLY).persist(StorageLevel.MEMORY_ONLY).foreachRDD(change)
    ssc.start()
    with pytest.raises(Py4JJavaError, match=CHANGED):
        ssc.awaitTerminationOrTimeout(20)
    ssc.stop(stopSparkContext=False)
    assert seen[0] == (False, "Memory Serialized 1x Replicated")
