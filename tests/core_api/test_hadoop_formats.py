"""Hadoop's formats by the names of their classes: text, text with keys, sequence files; and what is refused."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dstreams import SparkContext
from dstreams.core.engine.errors import Py4JJavaError
from dstreams.core.io.writables import in_java_order, java_text

OLD, NEW = "org.apache.hadoop.mapred.", "org.apache.hadoop.mapreduce.lib."
IO = "org.apache.hadoop.io."
LONG, TEXT, INT = IO + "LongWritable", IO + "Text", IO + "IntWritable"
HADOOP_DIR = "mapreduce.input.fileinputformat.inputdir"


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in sorted(os.listdir(folder)) if not name.endswith(".crc")}


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "lines.txt").write_bytes(b"ab\ncd\n\nef")
    return str(tmp_path / "lines.txt")


def test_lines_with_their_positions(sc: SparkContext, file: str) -> None:
    pairs = [(0, "ab"), (3, "cd"), (6, ""), (7, "ef")]
    old = sc.hadoopFile(file, OLD + "TextInputFormat", LONG, TEXT)
    new = sc.newAPIHadoopFile(file, NEW + "input.TextInputFormat", LONG, TEXT)
    assert (old.collect(), old.getNumPartitions()) == (pairs, 3)
    assert (new.collect(), new.getNumPartitions()) == (pairs, 1)
    conf = {HADOOP_DIR: file}
    assert sc.hadoopRDD(OLD + "TextInputFormat", LONG, TEXT, conf=conf).collect() == pairs
    assert sc.newAPIHadoopRDD(NEW + "input.TextInputFormat", LONG, TEXT, conf=conf).collect() == pairs


def test_lines_with_keys(sc: SparkContext, tmp_path: Path) -> None:
    (tmp_path / "keys.txt").write_text("a\tb\tc\nd\n")
    path = str(tmp_path / "keys.txt")
    assert sc.hadoopFile(path, OLD + "KeyValueTextInputFormat", TEXT, TEXT).collect() == [("a", "b\tc"), ("d", "")]
    conf = {"mapreduce.input.keyvaluelinerecordreader.key.value.separator": "b"}
    found = sc.newAPIHadoopFile(path, NEW + "input.KeyValueTextInputFormat", TEXT, TEXT, conf=conf)
    assert found.collect() == [("a\t", "\tc"), ("d", "")]


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(st.text("ab\u00e9", max_size=5), max_size=12), most=st.integers(1, 40))
def test_a_line_belongs_to_one_piece(sc: SparkContext, tmp_path: Path, lines: list[str], most: int) -> None:
    path = tmp_path / "lines"
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    conf = {"mapreduce.input.fileinputformat.split.maxsize": str(most)}
    found = sc.newAPIHadoopFile(str(path), NEW + "input.TextInputFormat", LONG, TEXT, conf=conf).collect()
    positions = [len("".join(line + "\n" for line in lines[:at]).encode()) for at in range(len(lines))]
    assert found == list(zip(positions, lines, strict=True))


def test_ends_of_lines_and_a_byte_order_mark(sc: SparkContext, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbfa\r\nb\rc\n\xff")
    found = sc.newAPIHadoopFile(str(tmp_path / "a"), NEW + "input.TextInputFormat", LONG, TEXT)
    assert found.collect() == [(0, "a"), (6, "b"), (8, "c"), (10, "\ufffd")]
    (tmp_path / "empty").write_bytes(b"")
    assert sc.newAPIHadoopFile(str(tmp_path / "empty"), NEW + "input.TextInputFormat", LONG, TEXT).collect() == []


@pytest.mark.parametrize(("new_api", "prefix"), [(False, "part-"), (True, "part-r-")])
def test_pairs_become_lines(sc: SparkContext, tmp_path: Path, new_api: bool, prefix: str) -> None:
    pairs = sc.parallelize([(1, "a"), (2, None), (None, 1.5)], 2)
    out = tmp_path / "out"
    if new_api:
        pairs.saveAsNewAPIHadoopFile(str(out), NEW + "output.TextOutputFormat")
    else:
        pairs.saveAsHadoopFile(str(out), OLD + "TextOutputFormat")
    assert contents(out) == {"_SUCCESS": b"", prefix + "00000": b"1\ta\n", prefix + "00001": b"2\n1.5\n"}
    with pytest.raises(Py4JJavaError, match="FileAlreadyExistsException"):
        pairs.saveAsHadoopFile(str(out), OLD + "TextOutputFormat")


def test_settings_of_a_job(sc: SparkContext, tmp_path: Path) -> None:
    pairs = sc.parallelize([(1, "a")], 1)
    conf = {"mapreduce.output.fileoutputformat.outputdir": str(tmp_path / "one"),
            "mapred.output.format.class": OLD + "TextOutputFormat",
            "mapreduce.output.textoutputformat.separator": "="}  # fmt: skip
    pairs.saveAsHadoopDataset(conf)
    assert contents(tmp_path / "one") == {"_SUCCESS": b"", "part-00000": b"1=a\n"}
    conf = {"mapreduce.output.fileoutputformat.outputdir": str(tmp_path / "two"),
            "mapreduce.job.outputformat.class": NEW + "output.SequenceFileOutputFormat",
            "mapreduce.job.output.key.class": INT,
            "mapreduce.output.fileoutputformat.compress": "true"}  # fmt: skip
    pairs.saveAsNewAPIHadoopDataset(conf)
    assert b"DefaultCodec" in contents(tmp_path / "two")["part-r-00000"]
    assert sc.sequenceFile(str(tmp_path / "two")).collect() == [(1, "a")]
    with pytest.raises(Py4JJavaError, match="Output directory not set"):
        pairs.saveAsHadoopDataset({})


def test_sequence_files_by_the_names_of_their_formats(sc: SparkContext, tmp_path: Path) -> None:
    pairs = sc.parallelize([(1, "a"), (2, "b")], 2)
    pairs.saveAsHadoopFile(str(tmp_path / "a"), OLD + "SequenceFileOutputFormat", INT, TEXT)
    pairs.saveAsNewAPIHadoopFile(str(tmp_path / "b"), NEW + "output.SequenceFileOutputFormat")
    for name in "ab":
        path = str(tmp_path / name)
        assert sc.hadoopFile(path, OLD + "SequenceFileInputFormat", INT, TEXT).collect() == [(1, "a"), (2, "b")]
        assert sc.newAPIHadoopFile(path, NEW + "input.SequenceFileInputFormat", INT, TEXT).count() == 2
    with pytest.raises(Py4JJavaError, match=r"wrong key class: .*IntWritable is not class .*Text"):
        pairs.saveAsHadoopFile(str(tmp_path / "c"), OLD + "SequenceFileOutputFormat", TEXT, TEXT)


def test_compressed_lines(sc: SparkContext, tmp_path: Path) -> None:
    codec = "org.apache.hadoop.io.compress.GzipCodec"
    pairs = sc.parallelize([(1, "a"), (2, "b")], 1)
    pairs.saveAsHadoopFile(str(tmp_path / "a"), OLD + "TextOutputFormat", compressionCodecClass=codec)
    assert list(contents(tmp_path / "a")) == ["_SUCCESS", "part-00000.gz"]
    found = sc.hadoopFile(str(tmp_path / "a"), OLD + "TextInputFormat", LONG, TEXT)
    assert found.collect() == [(0, "1\ta"), (4, "2\tb")]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"), (2**40, str(2**40)), ("\u00e9", "\u00e9"), (b"xy", "78 79"), (1.5, "1.5"), (0.0, "0.0"),
        (-1e10, "-1.0E10"), (1e-5, "1.0E-5"), (1.25e-4, "1.25E-4"), (1234567.5, "1234567.5"), (1e7, "1.0E7"),
        (0.001, "0.001"), (float("inf"), "Infinity"), (float("-inf"), "-Infinity"), (float("nan"), "NaN"),
        (1.7976931348623157e308, "1.7976931348623157E308"),
    ],
)  # fmt: skip
def test_values_are_printed_as_java_prints_them(value: Any, text: str) -> None:
    assert java_text(value) == text


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (lambda sc: sc.hadoopFile("x", "nope", LONG, TEXT), "ClassNotFoundException: nope"),
        (lambda sc: sc.hadoopFile("x", NEW + "input.TextInputFormat", LONG, TEXT), "ClassCastException: class org"),
        (lambda sc: sc.hadoopFile("x", OLD + "MultiFileInputFormat", LONG, TEXT), "is Java code.*use .*textFile"),
        (lambda sc: sc.hadoopFile("x", OLD + "TextInputFormat", LONG, TEXT, "my.Converter"),
         r"ClassNotFoundException: my\.Converter\nkeyConverter"),
        (lambda sc: sc.sequenceFile("x", None, None, valueConverter="my.Converter"),
         r"ClassNotFoundException: my\.Converter\nvalueConverter.*use map"),
        (lambda sc: sc.hadoopRDD(OLD + "TextInputFormat", LONG, TEXT), "IOException: No input paths specified"),
        (lambda sc: sc.hadoopFile("/none", OLD + "TextInputFormat", LONG, TEXT), "mapred.InvalidInputException"),
        (lambda sc: sc.newAPIHadoopFile("/none", NEW + "input.TextInputFormat", LONG, TEXT),
         r"mapreduce\.lib\.input\.InvalidInputException: Input path does not exist: file:/none"),
        (lambda sc: sc.parallelize([(1, 1)]).saveAsHadoopFile("x", "nope"), "ClassNotFoundException: nope"),
        (lambda sc: sc.parallelize([(1, 1)]).saveAsNewAPIHadoopFile("x", "a.B"),
         r"ClassNotFoundException: a\.B\n.*saveAsTextFile"),
        (lambda sc: sc.parallelize([(1, 1)]).saveAsHadoopFile("x", OLD + "MapFileOutputFormat"), "is Java code.*use "),
    ],
)  # fmt: skip
def test_what_is_refused(sc: SparkContext, wrong: Callable[[SparkContext], Any], problem: str) -> None:
    with pytest.raises(Py4JJavaError, match=problem):
        wrong(sc)


def test_only_pairs_of_simple_values_can_be_written(sc: SparkContext, tmp_path: Path) -> None:
    with pytest.raises(Py4JJavaError, match=r"RDD element of type java\.lang\.Integer cannot be used"):
        sc.parallelize([1], 1).saveAsHadoopFile(str(tmp_path / "a"), OLD + "TextOutputFormat")
    with pytest.raises(Py4JJavaError, match=r"Data of type java\.util\.ArrayList cannot be used"):
        sc.parallelize([(1, [2])], 1).saveAsHadoopFile(str(tmp_path / "b"), OLD + "TextOutputFormat")


def test_maps(sc: SparkContext, tmp_path: Path) -> None:
    pairs = [(1, {3.0: "bb"}), (2, {1.0: "aa"}), (3, {}), (4, {"a": None, "m": {2**40: True}, "b": b"zz"})]
    rdd = sc.parallelize(pairs, 1)
    rdd.saveAsSequenceFile(str(tmp_path / "a"))
    assert sc.sequenceFile(str(tmp_path / "a")).collect() == pairs
    # As Hadoop writes it: a class that is not every map's own, the number of pairs, and a number before each part.
    head = (tmp_path / "a" / "part-00000").read_bytes()
    assert b"\x01\x01\x00#" + IO.encode() + b"DoubleWritable\x00\x00\x00\x01\x01\x40\x08\x00" in head
    rdd.saveAsNewAPIHadoopFile(str(tmp_path / "b"), NEW + "output.SequenceFileOutputFormat", INT, IO + "MapWritable")
    found = sc.newAPIHadoopFile(str(tmp_path / "b"), NEW + "input.SequenceFileInputFormat", INT, IO + "MapWritable")
    assert found.collect() == pairs
    sc.parallelize(pairs[:1], 1).saveAsHadoopFile(str(tmp_path / "c"), OLD + "TextOutputFormat")
    assert contents(tmp_path / "c")["part-00000"] == b"1\t{3.0=bb}\n"
    with pytest.raises(Py4JJavaError, match=r"Data of type java\.util\.ArrayList"):
        sc.parallelize([(1, {"a": [1]})], 1).saveAsSequenceFile(str(tmp_path / "d"))


def test_a_map_comes_in_the_order_of_java() -> None:
    keys = [1e300, "k16", "k19", "k7", "k24", "k6", "k1", 1.5, 77, "k8", False, "k14", "k17"]
    # Recorded with Java 17, of a HashMap into which these were put one after the other.
    order = ["k1", "k6", "k7", "k24", 77, "k8", "k14", "k17", "k16", "k19", False, 1e300, 1.5]
    assert [key for key, _ in in_java_order([(key, None) for key in keys])] == order
