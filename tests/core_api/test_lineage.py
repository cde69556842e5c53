"""Lineages as text, and lineages cut by checkpoints."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from dstreams import SparkContext
from dstreams.core.engine.errors import Py4JJavaError


def shape(text: bytes | None) -> str:
    """The drawing with its numbers of RDDs taken out."""
    return re.sub(r"\[\d+\] at .* \[", " [", (text or b"").decode())


def test_the_drawing_of_a_lineage(sc: SparkContext) -> None:
    words = sc.parallelize(["a", "b"], 2).map(lambda w: (w, 1))
    counts = words.reduceByKey(lambda a, b: a + b, 3)
    assert shape(counts.union(words).toDebugString()) == (
        "(5) UnionRDD []\n"
        " |  PythonRDD []\n"
        " |  MapPartitionsRDD []\n"
        " |  ShuffledRDD []\n"
        " +-(2) PairwiseRDD []\n"
        "    |  PythonRDD []\n"
        "    |  ParallelCollectionRDD []\n"
        " |  PythonRDD []\n"
        " |  ParallelCollectionRDD []"
    )


def test_names_and_storage_are_shown(sc: SparkContext) -> None:
    named = sc.parallelize([1], 1).setName("numbers").cache()
    assert shape(named.toDebugString()) == "(1) numbers ParallelCollectionRDD [Memory Serialized 1x Replicated]"
    assert named.name() == "numbers"


def test_a_long_lineage_is_drawn_too(sc: SparkContext) -> None:
    rdd = sc.parallelize([1], 1)
    for _ in range(3000):
        rdd = rdd.coalesce(1)
    assert (rdd.toDebugString() or b"").count(b"\n") == 3000


def test_a_checkpoint_needs_a_folder(sc: SparkContext) -> None:
    with pytest.raises(Py4JJavaError, match="Checkpoint directory has not been set"):
        sc.parallelize([1]).checkpoint()


def test_a_checkpoint_is_written_after_the_next_job_and_read_from_then_on(sc: SparkContext, tmp_path: Path) -> None:
    sc.setCheckpointDir(str(tmp_path))
    calls = sc.accumulator(0)

    def visit(pair: tuple[str, int]) -> tuple[str, int]:
        calls.add(1)
        return pair

    counts = sc.parallelize([("a", 1), ("b", 2)], 2).map(visit).reduceByKey(max, 2).mapValues(str)
    counts.checkpoint()
    assert (counts.isCheckpointed(), counts.getCheckpointFile()) == (False, None)
    child = counts.map(lambda pair: pair[1])
    before = counts.glom().collect()
    folder = counts.getCheckpointFile()
    assert folder is not None and folder == f"{sc.getCheckpointDir()}/rdd-{counts.id()}"
    assert sorted(os.listdir(folder.removeprefix("file:"))) == ["part-00000", "part-00001"]
    assert "Shuffled" not in str(counts.toDebugString())
    assert (counts.glom().collect(), sorted(child.collect()), calls.value) == (before, ["1", "2"], 2)
    assert counts.isCheckpointed() and not counts.isLocallyCheckpointed()


def test_any_job_that_needs_an_rdd_checkpoints_it(sc: SparkContext, tmp_path: Path) -> None:
    sc.setCheckpointDir(str(tmp_path))
    base = sc.parallelize(range(4), 2).map(str)
    base.checkpoint()
    sc.parallelize([1]).count()
    assert not base.isCheckpointed()
    base.map(len).sum()
    assert base.isCheckpointed()


def test_a_local_checkpoint_computes_once(sc: SparkContext) -> None:
    calls = sc.accumulator(0)
    numbers = sc.parallelize([1, 2, 3], 3).map(lambda n: calls.add(1) or n)
    numbers.localCheckpoint()
    assert (numbers.isLocallyCheckpointed(), numbers.isCheckpointed()) == (True, False)
    assert (numbers.map(str).first(), calls.value) == ("1", 1)
    assert not numbers.isCheckpointed(), "steps of Python run as one with those on top of them"
    assert (numbers.collect(), numbers.collect(), calls.value) == ([1, 2, 3], [1, 2, 3], 4)
    assert numbers.isCheckpointed() and numbers.getCheckpointFile() is None
    assert str(numbers.getStorageLevel()) == "Disk Memory Deserialized 1x Replicated"


def test_a_cleaned_shuffle_runs_again(sc: SparkContext) -> None:
    calls = sc.accumulator(0)
    pairs = sc.parallelize([("a", 1)], 1).map(lambda pair: calls.add(1) or pair)
    summed = pairs.reduceByKey(lambda a, b: a + b)
    summed.collect()
    summed.cleanShuffleDependencies(blocking=True)
    assert (summed.collect(), calls.value) == ([("a", 1)], 2)
