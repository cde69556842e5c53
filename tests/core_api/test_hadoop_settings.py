"""Hadoop's settings: of a call, of the context, changed at run time; honoured, refused, or warned of.

Expected answers were recorded with Apache Spark 3.5.9.
"""

from __future__ import annotations

import gzip
import logging
import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dstreams import SparkContext
from dstreams.core.engine.errors import Py4JError, Py4JJavaError
from dstreams.core.io import hadoopkeys
from dstreams.core.io.hadoopconf import Configuration

OLD, NEW = "org.apache.hadoop.mapred.", "org.apache.hadoop.mapreduce.lib."
LONG, TEXT = "org.apache.hadoop.io.LongWritable", "org.apache.hadoop.io.Text"
DELIMITER = "textinputformat.record.delimiter"
RECURSIVE = "mapreduce.input.fileinputformat.input.dir.recursive"
MOST, LEAST = "mapreduce.input.fileinputformat.split.maxsize", "mapreduce.input.fileinputformat.split.minsize"
COMPRESS = "mapreduce.output.fileoutputformat.compress"
MARKS = "mapreduce.fileoutputcommitter.marksuccessfuljobs"
CODECS = "org.apache.hadoop.io.compress."


@pytest.fixture
def conf(sc: SparkContext) -> Iterator[Configuration]:
    """The context's own settings, taken back afterwards."""
    yield sc._jsc.hadoopConfiguration()  # type: ignore[union-attr]
    sc._hadoop.clear()


@pytest.fixture
def tree(tmp_path: Path) -> str:
    (tmp_path / "tree" / "sub" / "more").mkdir(parents=True)
    (tmp_path / "tree" / "top.txt").write_text("top\n")
    (tmp_path / "tree" / "sub" / "deep.txt").write_text("deep\n")
    (tmp_path / "tree" / "sub" / "more" / "deeper.txt").write_text("deeper\n")
    (tmp_path / "tree" / "sub" / "_hidden.txt").write_text("hidden\n")
    return str(tmp_path / "tree")


def pairs_of(sc: SparkContext, path: object, conf: dict[str, str] | None = None) -> Any:
    return sc.newAPIHadoopFile(str(path), NEW + "input.TextInputFormat", LONG, TEXT, conf=conf)


def named(folder: Path) -> list[str]:
    return sorted(name for name in os.listdir(folder) if not name.endswith(".crc"))


# -- reading --------------------------------------------------------------------------------------
def test_a_delimiter_of_the_call(sc: SparkContext, tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("a||b|||c|")
    assert pairs_of(sc, file, {DELIMITER: "|"}).collect() == [(0, "a"), (2, ""), (3, "b"), (5, ""), (6, ""), (7, "c")]
    assert pairs_of(sc, file, {DELIMITER: "||"}).collect() == [(0, "a"), (3, "b"), (6, "|c|")]
    job = {DELIMITER: "b", "mapred.input.dir": str(file)}
    assert sc.hadoopRDD(OLD + "TextInputFormat", LONG, TEXT, conf=job).collect() == [(0, "a||"), (4, "|||c|")]
    assert sc.newAPIHadoopRDD(NEW + "input.TextInputFormat", LONG, TEXT, conf=job).values().collect() == [
        "a||",
        "|||c|",
    ]
    # Spark drops the settings of this one.
    assert sc.hadoopFile(str(file), OLD + "TextInputFormat", LONG, TEXT, conf=job).collect() == [(0, "a||b|||c|")]


@pytest.mark.parametrize("delimiter", ["|", "--", "aab", "aa", "\r\n", "\u00e9", "abab"])
def test_each_record_is_in_one_split(sc: SparkContext, conf: Configuration, tmp_path: Path, delimiter: str) -> None:
    # No record overlaps with a delimiter, so there is one way to cut.
    records = ["x" * (at % 5) for at in range(23)]
    (tmp_path / "a.txt").write_bytes(delimiter.join(records).encode())
    conf.set(DELIMITER, delimiter)
    for least in range(1, 8):
        parts = sc.textFile(str(tmp_path / "a.txt"), least).glom().collect()
        assert [record for part in parts for record in part] == records
        assert least == 1 or len(parts) >= least


def test_a_delimiter_that_overlaps_with_itself(sc: SparkContext, conf: Configuration, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("xaaab" + "yaaaab")
    conf.set(DELIMITER, "aab")
    assert sc.textFile(str(tmp_path / "a.txt"), 1).collect() == ["xa", "yaa"]
    # As in Hadoop, a split's end within it hides its second chance: nothing before the border is tried again.
    found = pairs_of(sc, tmp_path / "a.txt", {MOST: "3", DELIMITER: "aab"}).glom().collect()
    assert found == [[(0, "xaaabyaa")], [], [], []]


@pytest.mark.parametrize(("ending", "packed"), [("gz", gzip.compress), ("deflate", zlib.compress)])
def test_a_delimiter_in_compressed_files(
    sc: SparkContext, conf: Configuration, tmp_path: Path, ending: str, packed: Callable[[bytes], bytes]
) -> None:
    records = [f"record {number}\nof two lines" for number in range(20_000)]
    (tmp_path / f"a.{ending}").write_bytes(packed("--".join(records).encode()))
    conf.set(DELIMITER, "--")
    found = sc.textFile(str(tmp_path / f"a.{ending}"), 3)
    assert (found.collect(), found.getNumPartitions()) == (records, 1)
    assert pairs_of(sc, tmp_path / f"a.{ending}").take(2) == [(0, records[0]), (len(records[0]) + 2, records[1])]


def test_settings_are_read_when_partitions_are_made(sc: SparkContext, conf: Configuration, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x|y|z")
    file = str(tmp_path / "a.txt")
    lines = sc.textFile(file, 1)
    conf.set(DELIMITER, "|")
    pairs = pairs_of(sc, file)
    assert lines.collect() == ["x", "y", "z"]
    conf.set(DELIMITER, "y")
    assert lines.collect() == ["x", "y", "z"]
    assert pairs.values().collect() == ["x", "y", "z"]  # made of the settings of that time
    assert sc.textFile(file, 1).collect() == ["x|", "|z"]
    assert sc.wholeTextFiles(file).values().collect() == ["x|y|z"]
    conf.unset(DELIMITER)
    assert sc.textFile(file, 1).collect() == ["x|y|z"]


@pytest.mark.parametrize("name", [RECURSIVE, "mapred.input.dir.recursive"])
def test_folders_in_folders(sc: SparkContext, conf: Configuration, tree: str, name: str) -> None:
    assert sorted(pairs_of(sc, tree, {name: " TRUE "}).values().collect()) == ["deep", "deeper", "top"]
    conf.set(name, "true")
    assert sorted(sc.textFile(tree).collect()) == ["deep", "deeper", "top"]
    assert sorted(sc.wholeTextFiles(tree).values().collect()) == ["deep\n", "deeper\n", "top\n"]
    assert sorted(sc.binaryFiles(tree).values().collect()) == [b"deep\n", b"deeper\n", b"top\n"]


def test_folders_in_folders_without_the_setting(sc: SparkContext, conf: Configuration, tree: str) -> None:
    with pytest.raises(Py4JJavaError, match=r"IOException: Path: .*/tree/sub is a directory"):
        sc.textFile(tree).count()
    assert sc.wholeTextFiles(tree).values().collect() == ["top\n"]
    assert sc.binaryFiles(tree).values().collect() == [b"top\n"]
    conf.set("mapreduce.input.fileinputformat.input.dir.nonrecursive.ignore.subdirs", "true")
    assert sc.textFile(tree).collect() == ["top"]


@pytest.mark.parametrize(
    ("settings", "sizes"),
    [({MOST: "10"}, [2, 2, 2, 1]), ({"mapred.max.split.size": "0xa"}, [2, 2, 2, 1]), ({MOST: "10", LEAST: "100"}, [7])],
)
def test_sizes_of_splits(sc: SparkContext, tmp_path: Path, settings: dict[str, str], sizes: list[int]) -> None:
    (tmp_path / "a.txt").write_text("id 1\nname a\n---\nid 2\nname b\n---\nid 3\n")
    assert [len(part) for part in pairs_of(sc, tmp_path / "a.txt", settings).glom().collect()] == sizes


def test_the_smallest_split_of_text_files(sc: SparkContext, conf: Configuration, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\ntwo\nthree\n")
    assert sc.textFile(str(tmp_path / "a.txt"), 3).getNumPartitions() >= 3
    conf.setInt("mapred.min.split.size", 1000)
    assert sc.textFile(str(tmp_path / "a.txt"), 3).getNumPartitions() == 1


def test_the_longest_record(sc: SparkContext, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("short\n" + "x" * 30 + "\nmid12345\nend\n")
    name = "mapreduce.input.linerecordreader.line.maxlength"
    assert pairs_of(sc, tmp_path / "a.txt", {name: "10"}).collect() == [(0, "short"), (6, "mid12345"), (46, "end")]
    assert pairs_of(sc, tmp_path / "a.txt", {"mapred.linerecordreader.maxlength": "6"}).collect() == [(0, "end")]
    assert pairs_of(sc, tmp_path / "a.txt", {name: "0"}).collect() == []


def test_a_separator_of_keys_is_one_byte(sc: SparkContext, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a=1\tx\nb::2\nno\n")
    name = "mapreduce.input.keyvaluelinerecordreader.key.value.separator"

    def read(settings: dict[str, str]) -> list[Any]:
        return sc.newAPIHadoopFile(
            str(tmp_path / "a.txt"), NEW + "input.KeyValueTextInputFormat", TEXT, TEXT, conf=settings
        ).collect()  # type: ignore[no-any-return]

    assert read({name: "::"}) == [("a=1\tx", ""), ("b", ":2"), ("no", "")]
    assert read({"key.value.separator.in.input.line": "="}) == [("a", "1\tx"), ("b::2", ""), ("no", "")]
    assert read({}) == [("a=1", "x"), ("b::2", ""), ("no", "")]


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        (MOST, "10k", f'NumberFormatException: For input string: "10k"\n.*{MOST}'),
        (LEAST, "abc", "NumberFormatException"),
        (DELIMITER, "", f"{DELIMITER}: must not be empty"),
        ("mapred.input.pathFilter.class", "a.B", r"pathFilter\.class: a\.B is Java code"),
        ("mapreduce.input.linerecordreader.line.maxlength", "x", "line.maxlength"),
    ],
)
def test_values_that_make_no_sense(
    sc: SparkContext, conf: Configuration, tmp_path: Path, name: str, value: str, problem: str
) -> None:
    (tmp_path / "a.txt").write_text("a\n")
    with pytest.raises(Py4JJavaError, match=problem):
        pairs_of(sc, tmp_path / "a.txt", {name: value}).collect()
    conf.set(name, value)
    if name == MOST:
        assert sc.textFile(str(tmp_path / "a.txt")).collect() == ["a"]  # it has no largest split
    else:
        with pytest.raises(Py4JJavaError, match=problem):
            sc.textFile(str(tmp_path / "a.txt")).collect()


def test_values_must_be_text(sc: SparkContext, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a\n")
    with pytest.raises(
        Py4JJavaError, match=r"ClassCastException: class java\.lang\.Integer .*\n.*maxsize must be text, not 2 \(int"
    ):
        pairs_of(sc, tmp_path / "a.txt", {MOST: 2})  # type: ignore[dict-item]
    with pytest.raises(Py4JJavaError, match="must not be null"):
        pairs_of(sc, tmp_path / "a.txt", {MOST: None})  # type: ignore[dict-item]


def test_an_unknown_name_is_warned_of_once(
    sc: SparkContext, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hadoopkeys, "_warned", set())
    (tmp_path / "a.txt").write_text("a\n")
    settings = {
        "textinputformat.record.delimeter": "|",
        "fs.defaultFS": "file:///",
        "hadoop.tmp.dir": "/tmp",
        MOST: "9",
    }
    with caplog.at_level(logging.WARNING, "dstreams"):
        for _ in range(2):
            pairs_of(sc, tmp_path / "a.txt", settings).collect()
    assert [record.getMessage() for record in caplog.records] == [
        "conf: textinputformat.record.delimeter is no setting that is known here; it has no effect"
    ]


# -- writing --------------------------------------------------------------------------------------
def test_compression_by_settings(sc: SparkContext, conf: Configuration, tmp_path: Path) -> None:
    lines, pairs = sc.parallelize(["a"], 1), sc.parallelize([("a", 1)], 1)
    conf.set("mapred.output.compress", "true")
    lines.saveAsTextFile(str(tmp_path / "text"))
    assert named(tmp_path / "text") == ["_SUCCESS", "part-00000.deflate"]
    assert zlib.decompress((tmp_path / "text" / "part-00000.deflate").read_bytes()) == b"a\n"
    conf.set(COMPRESS + ".codec", CODECS + "GzipCodec")
    pairs.saveAsNewAPIHadoopFile(str(tmp_path / "new"), NEW + "output.TextOutputFormat")
    assert named(tmp_path / "new") == ["_SUCCESS", "part-r-00000.gz"]
    off = {COMPRESS: "nonsense"}
    pairs.saveAsNewAPIHadoopFile(str(tmp_path / "off"), NEW + "output.TextOutputFormat", conf=off)
    assert named(tmp_path / "off") == ["_SUCCESS", "part-r-00000"]


@pytest.mark.parametrize(("kind", "flags"), [("NONE", b"\0\0"), ("RECORD", b"\1\0"), ("BLOCK", b"\1\1")])
def test_compressed_sequence_files(
    sc: SparkContext, conf: Configuration, tmp_path: Path, kind: str, flags: bytes
) -> None:
    pairs = [(f"key {number}", number) for number in range(3000)]
    settings = {COMPRESS: "true", COMPRESS + ".type": kind, "io.seqfile.compress.blocksize": "10000"}
    rdd, place = sc.parallelize(pairs, 1), str(tmp_path / "out")
    rdd.saveAsHadoopFile(place, OLD + "SequenceFileOutputFormat", conf=settings)
    head = Path(place, "part-00000").read_bytes()[:70]
    assert head[head.index(b"IntWritable") + 11 :][:2] == flags
    assert sc.sequenceFile(place).collect() == pairs
    for name, value in settings.items():
        conf.set(name, value)
    rdd.saveAsPickleFile(place + ".pickle")
    assert sc.pickleFile(place + ".pickle").collect() == pairs


def test_a_codec_of_the_call_compresses_in_blocks(sc: SparkContext, tmp_path: Path) -> None:
    sc.parallelize([("a", 1)], 1).saveAsSequenceFile(str(tmp_path / "a"), CODECS + "DefaultCodec")
    head = (tmp_path / "a" / "part-00000").read_bytes()
    assert head[head.index(b"IntWritable") + 11 :][:2] == b"\1\1"
    assert sc.sequenceFile(str(tmp_path / "a")).collect() == [("a", 1)]


def test_names_marks_and_separators(sc: SparkContext, conf: Configuration, tmp_path: Path) -> None:
    pairs = sc.parallelize([("a", 1)], 1)
    settings = {"mapreduce.output.basename": "res", MARKS: "false", "mapred.textoutputformat.separator": "::"}
    pairs.saveAsNewAPIHadoopFile(str(tmp_path / "new"), NEW + "output.TextOutputFormat", conf=settings)
    assert named(tmp_path / "new") == ["res-r-00000"]
    assert (tmp_path / "new" / "res-r-00000").read_text() == "a::1\n"
    pairs.saveAsHadoopFile(str(tmp_path / "old"), OLD + "TextOutputFormat", conf=settings)
    assert named(tmp_path / "old") == ["part-00000"]
    conf.set(MARKS, "false")
    conf.set("mapreduce.output.textoutputformat.separator", "")
    pairs.saveAsTextFile(str(tmp_path / "text"))
    assert named(tmp_path / "text") == ["part-00000"]
    pairs.saveAsHadoopFile(str(tmp_path / "empty"), OLD + "TextOutputFormat")
    assert (tmp_path / "empty" / "part-00000").read_text() == "a1\n"


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({COMPRESS: "true", COMPRESS + ".type": "block"}, r"compress\.type should be one of NONE, RECORD, BLOCK"),
        ({COMPRESS: "true", COMPRESS + ".codec": "no.Codec"}, "no.Codec"),
        ({"mapreduce.fileoutputcommitter.algorithm.version": "3"}, "Only 1 or 2 algorithm version is supported"),
    ],
)
def test_what_cannot_be_written(sc: SparkContext, tmp_path: Path, settings: dict[str, str], problem: str) -> None:
    with pytest.raises(Py4JJavaError, match=problem):
        sc.parallelize([("a", 1)], 1).saveAsNewAPIHadoopFile(
            str(tmp_path / "a"), NEW + "output.SequenceFileOutputFormat", conf=settings
        )
    # Tasks find out about compression, when the folder is there; what commits them is looked at before.
    assert ((tmp_path / "a").exists() and not list((tmp_path / "a").iterdir())) == ("version" not in problem)


# -- of a context ---------------------------------------------------------------------------------
def test_settings_of_a_spark_conf(tmp_path: Path, tree: str) -> None:
    (tmp_path / "a.txt").write_text("x|y")
    code = f"""
from dstreams import SparkConf, SparkContext
conf = (SparkConf().setMaster("local[2]").setAppName("x").set("spark.hadoop.{DELIMITER}", "|")
        .set("spark.hadoop.mapred.input.dir.recursive", "true").set("spark.hadoop.validateOutputSpecs", "false")
        .set("spark.hadoop.fs.local.block.size", "8").set("spark.hadoop.{MARKS}", "false"))
sc = SparkContext.getOrCreate(conf)
print(sc.textFile({str(tmp_path / "a.txt")!r}, 1).collect(), sorted(sc.textFile({tree!r}).collect()))
for text in ("a", "b"):
    sc.parallelize([text], 1).saveAsTextFile({str(tmp_path / "out")!r})
    sc.parallelize([(text, 1)], 1).saveAsNewAPIHadoopFile({str(tmp_path / "new")!r}, "{NEW}output.TextOutputFormat")
open({str(tmp_path / "b.txt")!r}, "w").write("0123456789abcdef")
print(sc.textFile({str(tmp_path / "b.txt")!r}, 1).getNumPartitions())
"""
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.splitlines() == ["['x', 'y'] ['deep\\n', 'deeper\\n', 'top\\n']", "2"], done.stderr
    assert named(tmp_path / "out") == ["part-00000"]
    assert (tmp_path / "out" / "part-00000").read_text() == "b\n"
    assert (tmp_path / "new" / "part-r-00000").read_text() == "b\t1\n"


def test_a_folder_that_is_there_is_an_error_unless_told(sc: SparkContext, tmp_path: Path) -> None:
    with pytest.raises(Py4JJavaError, match="FileAlreadyExistsException"):
        sc.parallelize([1]).saveAsTextFile(str(tmp_path))
    sc._conf.set("spark.hadoop.validateOutputSpecs", "maybe")
    try:
        with pytest.raises(Py4JJavaError, match=r'validateOutputSpecs: For input string: "maybe"'):
            sc.parallelize([1]).saveAsTextFile(str(tmp_path))
    finally:
        del sc._conf._conf["spark.hadoop.validateOutputSpecs"]


def test_the_methods_of_a_configuration() -> None:
    conf = Configuration.of_spark([("spark.hadoop.a.b", "7"), ("spark.app.name", "x")])
    assert (conf.get("a.b"), conf.getInt("a.b", 0), conf.get("app.name"), conf.get("none", "q")) == ("7", 7, None, "q")
    conf.setBoolean("b", True)
    conf.setLong("c", 10**12)
    conf.setDouble("e", 1.5)
    conf.setStrings("s", "x", "y")
    assert (conf.getBoolean("b", False), conf.getLong("c", 0), conf.getDouble("e", 0.0)) == (True, 10**12, 1.5)
    assert (conf.get("b"), conf.get("e"), conf.getStrings("s")) == ("true", "1.5", ["x", "y"])
    conf.set("mapred.input.dir.recursive", "true")
    assert conf.get(RECURSIVE) == "true"
    conf.unset(RECURSIVE)
    assert conf.get("mapred.input.dir.recursive") is None
    conf.set("t", " x ")
    conf.setIfUnset("t", "no")
    conf.set("v", "${t}-z")
    assert (conf.getTrimmed("t"), conf.get("v"), conf.getRaw("v")) == ("x", " x -z", "${t}-z")
    assert {entry.getKey(): entry.getValue() for entry in conf.iterator()}["a.b"] == "7"
    assert (conf.get(COMPRESS + ".type"), conf.get("fs.default.name")) == ("RECORD", "file:///")
    with pytest.raises(Py4JJavaError, match=r'NumberFormatException: For input string: "99999999999"'):
        conf.set("a", "99999999999")
        conf.getInt("a", 1)
    with pytest.raises(Py4JJavaError, match="must not be null"):
        conf.set("a", None)  # type: ignore[arg-type]
    with pytest.raises(Py4JError, match=r"5 \(int\) does not exist"):
        conf.set("a", 5)  # type: ignore[arg-type]
    with pytest.raises(Py4JError, match="Method frobnicate"):
        conf.frobnicate()
