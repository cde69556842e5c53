"""Names that are not quite public, and that tests and tools written for PySpark use all the same."""

from __future__ import annotations

import os
from collections import namedtuple
from pathlib import Path

import pytest
from pyspark import SparkConf, SparkContext, TaskContext
from pyspark.serializers import BatchedSerializer, CPickleSerializer, MarshalSerializer
from pyspark.util import VersionUtils


def test_in_a_task_the_constructor_gives_the_context_of_the_task(sc: SparkContext) -> None:
    def numbers(_: int) -> tuple[bool, int]:
        return TaskContext() is TaskContext.get(), TaskContext().partitionId()

    assert sc.parallelize(range(2), 2).map(numbers).collect() == [(True, 0), (True, 1)]
    assert TaskContext() is not TaskContext()


def test_a_checkpoint_can_be_read_by_the_name_of_its_folder(sc: SparkContext, tmp_path: Path) -> None:
    sc.setCheckpointDir(str(tmp_path))
    rdd = sc.parallelize([1, 2, 3], 2).map(lambda n: [n])
    rdd.checkpoint()
    rdd.count()
    folder = rdd.getCheckpointFile()
    assert folder is not None
    read = sc._checkpointFile(folder, rdd._jrdd_deserializer)
    assert (read.collect(), read.getNumPartitions()) == ([[1], [2], [3]], 2)
    with pytest.raises(Exception, match=r"Checkpoint directory does not exist: .*/nowhere"):
        sc._checkpointFile(f"{folder}/nowhere", rdd._jrdd_deserializer)


def test_elements_can_be_sent_through_any_serializer(sc: SparkContext) -> None:
    one = sc.parallelize(range(3))._reserialize(BatchedSerializer(CPickleSerializer(), 2))
    other = sc.parallelize(range(3, 6))._reserialize(MarshalSerializer())
    assert one.zip(other).collect() == [(0, 3), (1, 4), (2, 5)]
    with pytest.raises(Exception, match="unmarshallable object"):
        sc.parallelize([object])._reserialize(MarshalSerializer()).collect()


def test_the_folder_of_a_context_is_its_own(sc: SparkContext) -> None:
    before = os.listdir(sc._temp_dir)
    sc.parallelize([0, 1, 2])
    assert os.listdir(sc._temp_dir) == before
    assert f"-{os.getpid()}-" in sc._temp_dir


def test_settings_can_be_made_beneath_a_conf() -> None:
    conf = SparkConf(loadDefaults=False)
    conf._jconf.setExecutorEnv("WHERE", "here")
    assert conf.getAll() == [("spark.executorEnv.WHERE", "here")]


def test_a_gateway_without_a_secret_is_refused() -> None:
    gateway = namedtuple("gateway", "gateway_parameters")(namedtuple("parameters", "auth_token")(None))
    with pytest.raises(ValueError, match="insecure Py4j gateway"):
        SparkContext(gateway=gateway)


@pytest.mark.parametrize(("version", "numbers"), [("3.5.9", (3, 5)), ("2.4.0-SNAPSHOT", (2, 4)), ("10.12", (10, 12))])
def test_versions_are_taken_apart(version: str, numbers: tuple[int, int]) -> None:
    assert VersionUtils.majorMinorVersion(version) == numbers


@pytest.mark.parametrize("version", ["abced", "3", "3.x", ""])
def test_what_is_no_version_is_named(version: str) -> None:
    with pytest.raises(ValueError, match=f"sparkVersion: '{version}'"):
        VersionUtils.majorMinorVersion(version)
