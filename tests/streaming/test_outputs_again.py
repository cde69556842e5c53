"""Outputs of batches into folders that are there: written into, as in Spark, where a batch may run again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from py4j.protocol import Py4JJavaError
from pyspark import SparkContext
from pyspark.streaming import StreamingContext

TEXT = "org.apache.hadoop.mapreduce.lib.output.TextOutputFormat"
SAVES: dict[str, Callable[[Any, str], None]] = {
    "saveAsTextFile": lambda rdd, path: rdd.saveAsTextFile(path),
    "saveAsPickleFile": lambda rdd, path: rdd.saveAsPickleFile(path),
    "saveAsSequenceFile": lambda rdd, path: rdd.map(lambda x: (x, x)).saveAsSequenceFile(path),
    "saveAsNewAPIHadoopFile": lambda rdd, path: rdd.map(lambda x: (x, x)).saveAsNewAPIHadoopFile(path, TEXT),
}


@pytest.mark.parametrize("save", SAVES)
def test_batches_write_into_folders_that_are_there(
    sc: SparkContext, ssc: StreamingContext, tmp_path: Path, save: str, eventually: Callable[..., None]
) -> None:
    path, done = str(tmp_path / "out"), []
    SAVES[save](sc.parallelize([1, 2], 2), path)
    (tmp_path / "out" / "other").touch()

    def again(rdd: Any) -> Any:
        SAVES[save](rdd.context.parallelize([7], 1), path)
        done.append("in a transformation")
        return rdd

    def output(rdd: Any) -> None:
        SAVES[save](rdd, path)
        done.append("in an output")

    ssc.queueStream([[3]]).transform(again).foreachRDD(output)
    ssc.start()
    eventually(lambda: {"in a transformation", "in an output"} <= set(done))
    ssc.stop(stopSparkContext=False)
    names = {name.name for name in (tmp_path / "out").iterdir()}
    assert {"_SUCCESS", "other"} < names and "_temporary" not in names
    with pytest.raises(Py4JJavaError, match="FileAlreadyExistsException"):
        SAVES[save](sc.parallelize([1], 1), path)


def test_what_an_earlier_output_left_beside_it_stays(
    sc: SparkContext, ssc: StreamingContext, tmp_path: Path, eventually: Callable[..., None]
) -> None:
    path = str(tmp_path / "out")
    sc.parallelize(["old 1", "old 2"], 2).saveAsTextFile(path)
    done: list[bool] = []
    batches = ssc.queueStream([sc.parallelize([7], 1)])

    def output(rdd: Any) -> None:
        if not done:
            rdd.saveAsTextFile(path)
            done.append(True)

    batches.foreachRDD(output)
    ssc.start()
    eventually(lambda: done)
    ssc.stop(stopSparkContext=False)
    read = {name.name: name.read_text() for name in (tmp_path / "out").iterdir() if name.name.startswith("part")}
    assert read == {"part-00000": "7\n", "part-00001": "old 2\n"}
