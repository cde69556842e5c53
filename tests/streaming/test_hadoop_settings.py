"""Streams of files read and write by Hadoop's settings."""

from __future__ import annotations

import os
from pathlib import Path

from dstreams import SparkConf, SparkContext
from dstreams.streaming import StreamingContext


def test_a_delimiter_and_no_mark_of_success(tmp_path: Path) -> None:
    inbox = tmp_path / "in"
    inbox.mkdir()
    conf = SparkConf(loadDefaults=False).setMaster("local[2]").setAppName("settings")
    conf.set("spark.streaming.clock", "org.apache.spark.util.ManualClock")
    conf.set("spark.hadoop.textinputformat.record.delimiter", "|")
    conf.set("spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs", "false")
    with SparkContext(conf=conf) as sc:
        ssc = StreamingContext(sc, 1)
        found: list[list[str]] = []
        lines = ssc.textFileStream(str(inbox))
        lines.foreachRDD(lambda rdd: found.append(rdd.collect()))
        lines.saveAsTextFiles(str(tmp_path / "batch"))
        ssc.start()
        (tmp_path / "a.txt").write_text("a\nb|c|")
        os.utime(tmp_path / "a.txt", (1.5, 1.5))
        (tmp_path / "a.txt").rename(inbox / "a.txt")
        ssc._graph.advance(2)
        ssc.stop(stopSparkContext=False)
    assert [batch for batch in found if batch] == [["a\nb", "c"]]
    assert [name for name in sorted(os.listdir(tmp_path / "batch-2000")) if name[0] != "."] == ["part-00000"]
    assert (tmp_path / "batch-2000" / "part-00000").read_text() == "a\nb\nc\n"
