"""Hadoop's input formats in the partitions that Spark makes, what their RDDs look like, and how calls fail.

Expected answers were recorded with Apache Spark 3.5.9.
"""

from __future__ import annotations

import bz2
import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dstreams import SparkContext
from dstreams.core.engine.errors import Py4JJavaError
from dstreams.core.io.javatext import java_short_float

OLD, NEW = "org.apache.hadoop.mapred.", "org.apache.hadoop.mapreduce.lib.input."
IO = "org.apache.hadoop.io."
LONG, TEXT, INT, BYTES = IO + "LongWritable", IO + "Text", IO + "IntWritable", IO + "BytesWritable"
DIR = "mapreduce.input.fileinputformat.inputdir"
LINES, LENGTH = "mapreduce.input.lineinputformat.linespermap", "fixedlengthinputformat.record.length"
MOST = "mapreduce.input.fileinputformat.split.maxsize"
PER_NODE, PER_RACK = (f"mapreduce.input.fileinputformat.split.minsize.per.{what}" for what in ("node", "rack"))
DELIMITER = "textinputformat.record.delimiter"


class Reader:
    """Reads one file or folder by both APIs: `new` and `old`, the partitions of each."""

    def __init__(self, sc: SparkContext, path: object) -> None:
        self._sc, self._path = sc, str(path)

    def new(self, name: str, conf: dict[str, str] | None = None, value: str = TEXT) -> Any:
        return self._sc.newAPIHadoopFile(self._path, NEW + name, LONG, value, conf=conf).glom().collect()

    def old(self, name: str, conf: dict[str, str] | None = None, value: str = TEXT) -> Any:
        given = {**(conf or {}), DIR: self._path}
        return self._sc.hadoopRDD(OLD + name, LONG, value, conf=given).glom().collect()


@pytest.fixture
def many(sc: SparkContext, tmp_path: Path) -> Reader:
    (tmp_path / "many.txt").write_text("".join(f"line {number}\n" for number in range(7)))
    return Reader(sc, tmp_path / "many.txt")


def placed(*numbers: int) -> list[tuple[int, str]]:
    return [(7 * number, f"line {number}") for number in numbers]


# -- so many lines --------------------------------------------------------------------------------
def test_so_many_lines_to_a_partition(many: Reader, sc: SparkContext) -> None:
    one_each = [placed(number) for number in range(7)]
    assert many.new("NLineInputFormat") == many.old("lib.NLineInputFormat") == one_each
    three = [placed(0, 1, 2), placed(3, 4, 5), placed(6)]
    for conf in ({LINES: "3"}, {"mapred.line.input.format.linespermap": "3"}, {LINES: "3", DELIMITER: "e"}):
        assert many.new("NLineInputFormat", conf) == many.old("lib.NLineInputFormat", conf) == three
    for none in ("0", "-1"):
        assert many.new("NLineInputFormat", {LINES: none}) == [placed(*range(7))]
    # This method alone drops its settings.
    dropped = sc.hadoopFile(many._path, OLD + "lib.NLineInputFormat", LONG, TEXT, conf={LINES: "3"})
    assert dropped.glom().collect() == one_each


@pytest.mark.parametrize(
    ("content", "lines", "parts"),
    [
        (b"\n\nab\r\nc\rd\n\n", "1",
         [[(0, ""), (1, "")], [(2, "ab")], [(6, "c")], [(8, "d")], [(10, "")]]),
        (b"\n\nab\r\nc\rd\n\n", "2", [[(0, ""), (1, "")], [(2, "ab"), (6, "c")], [(8, "d"), (10, "")]]),
        (b"ab\ncd\n\nef", "2", [[(0, "ab"), (3, "cd")], [(6, ""), (7, "ef")]]),
        (b"a", "1", []),
        (b"", "1", []),
    ],
)  # fmt: skip
def test_lines_are_counted_by_all_ends(
    sc: SparkContext, tmp_path: Path, content: bytes, lines: str, parts: list[Any]
) -> None:
    (tmp_path / "a").write_bytes(content)
    reader = Reader(sc, tmp_path / "a")
    assert reader.new("NLineInputFormat", {LINES: lines}) == parts
    assert reader.old("lib.NLineInputFormat", {LINES: lines}) == parts


def test_lines_of_compressed_files_are_those_of_their_bytes(sc: SparkContext, tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"r1\nr2\nr3\nr4\n", mtime=0))
    assert b"\n" not in (tmp_path / "a.gz").read_bytes()
    # The piece ends one byte before the file: once that is read, nothing but the record at hand is given.
    assert Reader(sc, tmp_path / "a.gz").new("NLineInputFormat") == [[(0, "r1")]]
    assert sc.newAPIHadoopFile(str(tmp_path / "a.gz"), NEW + "TextInputFormat", LONG, TEXT).count() == 4


# -- several files together -----------------------------------------------------------------------
@pytest.fixture
def folder(sc: SparkContext, tmp_path: Path) -> Reader:
    (tmp_path / "some" / "below").mkdir(parents=True)
    (tmp_path / "some" / "p1").write_text("0123456789\n" * 4)
    return Reader(sc, tmp_path / "some")


def test_files_together(sc: SparkContext, folder: Reader, tmp_path: Path) -> None:
    found = [(11 * line, "0123456789") for line in range(4)]
    assert folder.new("CombineTextInputFormat") == folder.old("lib.CombineTextInputFormat") == [found]
    (tmp_path / "some" / "p2").write_text("abc\n" * 5)
    (tmp_path / "some" / "p3").write_text("")
    (parts,) = folder.new("CombineTextInputFormat")
    assert sorted(parts) == sorted(found + [(4 * line, "abc") for line in range(5)])


@pytest.mark.parametrize(
    ("conf", "sizes"),
    [
        ({MOST: "5"}, [1, 0, 1, 0, 1, 0, 1, 0]),
        ({MOST: "11"}, [2, 1, 1, 0]),
        ({MOST: "25"}, [4]),
        ({MOST: "20", PER_NODE: "10"}, [2, 2]),
        ({MOST: "20", PER_RACK: "10"}, [2, 2]),
        ({MOST: "30", PER_NODE: "20"}, [4]),
    ],
)  # fmt: skip
def test_files_are_cut_and_put_together(folder: Reader, conf: dict[str, str], sizes: list[int]) -> None:
    assert [len(part) for part in folder.new("CombineTextInputFormat", conf)] == sizes
    assert [len(part) for part in folder.old("lib.CombineTextInputFormat", conf)] == sizes


def test_compressed_files_are_not_cut(sc: SparkContext, tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"g1\ng2\n"))
    found = Reader(sc, tmp_path / "a.gz").new("CombineTextInputFormat", {MOST: "5"})
    assert found == [[(0, "g1"), (3, "g2")]]


def test_sequence_files_together(sc: SparkContext, tmp_path: Path) -> None:
    sc.parallelize([(1, "a"), (2, "b")], 2).saveAsSequenceFile(str(tmp_path / "out"))
    reader = Reader(sc, tmp_path / "out")
    (found,) = reader.new("CombineSequenceFileInputFormat")
    assert sorted(found) == [(1, "a"), (2, "b")]
    pieces = reader.new("CombineSequenceFileInputFormat", {MOST: "10"})
    # A piece that ends within the head of a file has nothing; each pair is in one.
    assert len(pieces) == 18 and sorted(pair for piece in pieces for pair in piece) == [(1, "a"), (2, "b")]


# -- records of one length ------------------------------------------------------------------------
def test_records_of_one_length(sc: SparkContext, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"abcdefghij" * 10)
    reader = Reader(sc, tmp_path / "a.bin")
    records = [(10 * at, bytearray(b"abcdefghij")) for at in range(10)]
    assert reader.new("FixedLengthInputFormat", {LENGTH: "10"}, BYTES) == [records]
    assert reader.old("FixedLengthInputFormat", {LENGTH: "10"}, BYTES) == [records[:5], records[5:]]
    cut = reader.new("FixedLengthInputFormat", {LENGTH: "10", MOST: "33"}, BYTES)
    assert cut == [records[:4], records[4:7], records[7:]]
    for wrong, problem in (("7", "Partial record.length = 2. found"), ("0", "length 0 is invalid"), ("x", '"x"')):
        with pytest.raises(Py4JJavaError, match=problem) as raised:
            reader.new("FixedLengthInputFormat", {LENGTH: wrong}, BYTES)
        assert raised.value.java_exception.getName() == "org.apache.spark.SparkException"


@pytest.mark.parametrize(("ending", "packed"), [("gz", gzip.compress), ("bz2", bz2.compress)])
def test_compressed_records_of_one_length(
    sc: SparkContext, tmp_path: Path, ending: str, packed: Callable[[bytes], bytes]
) -> None:
    (tmp_path / f"a.{ending}").write_bytes(packed(b"abcdefghij" * 3))
    found = Reader(sc, tmp_path / f"a.{ending}").new("FixedLengthInputFormat", {LENGTH: "10", MOST: "4"}, BYTES)
    assert found == [[(at, bytearray(b"abcdefghij")) for at in (0, 10, 20)]]


# -- forms of sequence files ----------------------------------------------------------------------
@pytest.mark.parametrize(
    ("pair", "texts", "data"),
    [
        (("k", {1: "a", "b": None}), ("k", "{1=a, b=(null)}"), None),
        ((None, 0.1), ("(null)", "0.1"), (b"", bytes.fromhex("3fb999999999999a"))),
        ((True, b"xy\x00\xff"), ("true", "78 79 00 ff"), (b"\x01", b"\x00\x00\x00\x04xy\x00\xff")),
        ((2**40, 1e10), (str(2**40), "1.0E10"), None),
    ],
)
def test_forms_of_sequence_files(
    sc: SparkContext, tmp_path: Path, pair: Any, texts: Any, data: tuple[bytes, bytes] | None
) -> None:
    sc.parallelize([pair], 1).saveAsSequenceFile(str(tmp_path / "out"))
    for api in (OLD, NEW):
        read = sc.hadoopFile if api == OLD else sc.newAPIHadoopFile
        assert read(str(tmp_path / "out"), api + "SequenceFileAsTextInputFormat", TEXT, TEXT).collect() == [texts]
        found = read(str(tmp_path / "out"), api + "SequenceFileAsBinaryInputFormat", BYTES, BYTES).first()
        assert all(type(one) is bytearray for one in found) and data in (None, tuple(map(bytes, found)))


def test_short_floats_are_printed_as_java_prints_them() -> None:
    values = {0.10000000149011612: "0.1", 1.5: "1.5", 1e10: "1.0E10", 3.4028234663852886e38: "3.4028235E38"}
    assert {value: java_short_float(value) for value in values} == values


# -- what the RDDs look like ----------------------------------------------------------------------
def calls(sc: SparkContext, file: str, folder: str) -> dict[str, Callable[[], Any]]:
    text = {"old": OLD + "TextInputFormat", "new": NEW + "TextInputFormat"}
    return {
        "hadoopFile at PythonRDD.scala:483": lambda: sc.hadoopFile(file, text["old"], LONG, TEXT),
        "newAPIHadoopFile at PythonRDD.scala:414": lambda: sc.newAPIHadoopFile(file, text["new"], LONG, TEXT),
        "hadoopRDD at PythonRDD.scala:485": lambda: sc.hadoopRDD(text["old"], LONG, TEXT, conf={DIR: file}),
        "newAPIHadoopRDD at PythonRDD.scala:416": lambda: sc.newAPIHadoopRDD(text["new"], LONG, TEXT, conf={DIR: file}),
        "sequenceFile at PythonRDD.scala:344": lambda: sc.sequenceFile(folder),
    }


def test_what_the_rdds_look_like(sc: SparkContext, tmp_path: Path) -> None:
    file, folder = tmp_path / "a.txt", tmp_path / "out"
    file.write_bytes(b"ab\ncd\n\nef")
    sc.parallelize([(1, "a"), (2, "b")], 2).saveAsSequenceFile(str(folder))
    for place, make in calls(sc, str(file), str(folder)).items():
        sc.setJobGroup(place, "")
        before = sc.emptyRDD().id()
        made = make()
        assert sc.emptyRDD().id() == before + 4, place  # three RDDs at once
        (job,) = sc.statusTracker().getJobIdsForGroup(place)
        info = sc.statusTracker().getJobInfo(job)
        assert info is not None
        stage = sc.statusTracker().getStageInfo(info.stageIds[0])
        assert stage is not None and (stage.name, stage.numTasks) == ("take at SerDeUtil.scala:173", 1)
        assert (made.id(), made.name()) == (before + 3, None)
        assert str(made) == f"MapPartitionsRDD[{before + 3}] at mapPartitions at SerDeUtil.scala:178"
        path = folder if place.startswith("sequence") else file
        name = "" if "RDD at" in place else f"{path} "
        kind = "NewHadoopRDD" if place.startswith("newAPI") else "HadoopRDD"
        assert made.toDebugString().decode().splitlines() == [
            f"({made.getNumPartitions()}) {made} []",
            f" |  MapPartitionsRDD[{before + 2}] at map at PythonHadoopUtil.scala:185 []",
            f" |  {name}{kind}[{before + 1}] at {place} []",
        ]
    sc.setJobGroup("", "")


def test_the_first_pair_is_looked_for_from_partition_to_partition(sc: SparkContext, tmp_path: Path) -> None:
    for part in range(7):
        sc.parallelize([(part, "a")] if part == 6 else [], 1).saveAsHadoopFile(
            str(tmp_path / f"{part}"), OLD + "SequenceFileOutputFormat", INT, TEXT
        )
    sc.setJobGroup("looking", "")
    paths = ",".join(str(tmp_path / f"{part}") for part in range(7))
    assert sc.sequenceFile(paths, minSplits=1).collect() == [(6, "a")]
    tracker = sc.statusTracker()
    jobs = [tracker.getJobInfo(job) for job in sorted(tracker.getJobIdsForGroup("looking"))]
    stages = [tracker.getStageInfo(job.stageIds[0]) for job in jobs if job is not None]
    assert [stage.numTasks for stage in stages if stage is not None] == [1, 4, 2, 7]
    sc.setJobGroup("", "")


def test_lines_as_bytes_are_no_step_of_python(sc: SparkContext, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"a\nb\n\xc3\xa9\n")
    file = str(tmp_path / "a.txt")
    lines = sc.textFile(file, 1, use_unicode=False)
    assert (type(lines).__name__, lines.collect(), lines.name()) == ("RDD", [b"a", b"b", b"\xc3\xa9"], file)
    number = lines.id()
    assert lines.toDebugString().decode().splitlines() == [  # type: ignore[union-attr]
        f"(1) {file} MapPartitionsRDD[{number}] at textFile at NativeMethodAccessorImpl.java:0 []",
        f" |  {file} HadoopRDD[{number - 1}] at textFile at NativeMethodAccessorImpl.java:0 []",
    ]
    lines.cache()
    assert lines.map(len).collect() == [1, 1, 2]
    assert lines.zip(sc.textFile(file, 1)).collect() == [(b"a", "a"), (b"b", "b"), (b"\xc3\xa9", "\u00e9")]


def test_what_a_checkpoint_looks_like(sc: SparkContext, tmp_path: Path) -> None:
    sc.setCheckpointDir(str(tmp_path / "checkpoints"))
    rdd = sc.parallelize([1, 2, 3], 2).map(lambda number: number * 2)
    rdd.checkpoint()
    rdd.count()
    folder = rdd.getCheckpointFile()
    assert folder is not None and rdd.isCheckpointed()
    found = sc._checkpointFile(folder, rdd._jrdd_deserializer)
    shown = f"ReliableCheckpointRDD[{found.id()}] at checkpointFile at NativeMethodAccessorImpl.java:0"
    assert (str(found), found.name(), found.glom().collect()) == (shown, None, [[2], [4, 6]])
    assert (found.isCheckpointed(), found.getCheckpointFile()) == (False, folder)
    wrongs = {None: "from a null string", str(tmp_path / "no"): "requirement failed: Checkpoint directory does not"}
    for wrong, problem in wrongs.items():
        before = sc.emptyRDD().id()
        with pytest.raises(Py4JJavaError, match=f"IllegalArgumentException: .*{problem}"):
            sc._checkpointFile(wrong, rdd._jrdd_deserializer)  # type: ignore[arg-type]
        assert sc.emptyRDD().id() == before + 2


# -- how calls fail -------------------------------------------------------------------------------
TX, TN = OLD + "TextInputFormat", NEW + "TextInputFormat"
MISSING, NEWER = OLD + "InvalidInputException", NEW + "InvalidInputException"
NOT_FOUND, NULL = "java.lang.ClassNotFoundException", "java.lang.NullPointerException"
ARGUMENT = "java.lang.IllegalArgumentException"


@pytest.mark.parametrize(
    ("wrong", "java", "message", "ids"),
    [
        (lambda sc, at: sc.hadoopFile(at, TX, "x", TEXT), NOT_FOUND, "x", 0),
        (lambda sc, at: sc.newAPIHadoopFile(at, "x.F", "x.K", TEXT), NOT_FOUND, "x.K", 0),
        (lambda sc, at: sc.newAPIHadoopFile(at, "x.F", LONG, TEXT), NOT_FOUND, "x.F", 0),
        (lambda sc, at: sc.newAPIHadoopFile(at, TN, None, TEXT), NULL, "", 0),
        (lambda sc, at: sc.newAPIHadoopFile(at, None, LONG, TEXT), NULL, "", 0),
        (lambda sc, at: sc.newAPIHadoopFile("", TN, LONG, TEXT), ARGUMENT,
         "Can not create a Path from an empty string", 0),
        (lambda sc, at: sc.hadoopFile("", TX, LONG, TEXT), ARGUMENT, "Can not create a Path from an empty string", 2),
        (lambda sc, at: sc.sequenceFile(None), NULL,
         'Cannot invoke "String.length()" because "commaSeparatedPaths" is null', 2),
        (lambda sc, at: sc.sequenceFile(at, "x.Y"), NOT_FOUND, "x.Y", 0),
        (lambda sc, at: sc.sequenceFile(at, INT, TEXT, "x.C"), NOT_FOUND, "x.C", 1),
        (lambda sc, at: sc.sequenceFile(at, INT, TEXT, None, ""), NOT_FOUND, "", 1),
        (lambda sc, at: sc.sequenceFile(at, minSplits=-1), ARGUMENT, "Illegal Capacity: -1", 2),
        (lambda sc, at: sc.sequenceFile(at + "/no"), MISSING, "Input path does not exist: file:AT/no", 2),
        (lambda sc, at: sc.hadoopFile(at + "/no", TX, LONG, TEXT), MISSING,
         "Input path does not exist: file:AT/no", 2),
        (lambda sc, at: sc.hadoopRDD(TX, LONG, TEXT, conf={DIR: at + "/no"}), MISSING,
         "Input path does not exist: AT/no", 2),
        (lambda sc, at: sc.hadoopRDD(OLD + "lib.CombineTextInputFormat", LONG, TEXT, conf={DIR: at + "/no"}), NEWER,
         "Input path does not exist: AT/no", 2),
        (lambda sc, at: sc.newAPIHadoopFile(at + "/no*", TN, LONG, TEXT), NEWER,
         "Input Pattern file:AT/no* matches 0 files", 2),
        (lambda sc, at: sc.hadoopFile(at, TN, LONG, TEXT), "java.lang.ClassCastException",
         f"class {TN} cannot be cast to class {OLD}InputFormat ({TN} and {OLD}InputFormat are in unnamed module of "
         "loader 'app')", 2),
        (lambda sc, at: sc.hadoopRDD(TX, LONG, TEXT), "java.io.IOException", "No input paths specified in job", 2),
        (lambda sc, at: sc.newAPIHadoopFile(at, NEW + "NLineInputFormat", LONG, TEXT, conf={LINES: "x"}),
         "java.lang.NumberFormatException", 'For input string: "x"', 2),
        (lambda sc, at: sc.hadoopRDD(OLD + "lib.NLineInputFormat", LONG, TEXT, conf={LINES: "x", DIR: at}),
         "java.lang.RuntimeException", "Error in configuring object", 2),
        (lambda sc, at: sc.newAPIHadoopFile(at, NEW + "NLineInputFormat", LONG, TEXT), "java.io.IOException",
         "Not a file: file:AT/sub", 2),
        (lambda sc, at: sc.sequenceFile(at), "java.io.FileNotFoundException",
         "File file:AT/sub/data does not exist", 2),
        (lambda sc, at: sc.newAPIHadoopFile(at, NEW + "CombineTextInputFormat", LONG, TEXT,
                                            conf={MOST: "20", PER_NODE: "30"}), "java.io.IOException",
         "Minimum split size pernode 30 cannot be larger than maximum split size 20", 2),
        (lambda sc, at: sc.newAPIHadoopFile(at, TN, LONG, TEXT, conf={"a": 1}), "java.lang.ClassCastException",
         "class java.lang.Integer cannot be cast to class java.lang.String (java.lang.Integer and java.lang.String are "
         "in module java.base of loader 'bootstrap')", 0),
        (lambda sc, at: sc.newAPIHadoopFile(at, TN, LONG, TEXT, conf={"mapreduce.input.pathFilter.class": "x.Y"}),
         "java.lang.RuntimeException",
         "java.lang.RuntimeException: java.lang.ClassNotFoundException: Class x.Y not found", 2),
    ],
)  # fmt: skip
def test_how_calls_fail(
    sc: SparkContext, tmp_path: Path, wrong: Callable[[SparkContext, str], Any], java: str, message: str, ids: int
) -> None:
    os.makedirs(tmp_path / "sub")
    before = sc.emptyRDD().id()
    with pytest.raises(Py4JJavaError) as raised:
        wrong(sc, str(tmp_path))
    problem = raised.value.java_exception
    assert (problem.getName(), problem.getMessage().replace(str(tmp_path), "AT")) == (java, message)
    # As many RDDs have been made as in Spark, and one for this question.
    assert sc.emptyRDD().id() - before - 1 == ids


def test_a_folder_in_a_folder_by_the_newer_interface(sc: SparkContext, tmp_path: Path) -> None:
    os.makedirs(tmp_path / "sub")
    (tmp_path / "a").write_text("x\n")
    for name in ("TextInputFormat", "FixedLengthInputFormat"):
        with pytest.raises(Py4JJavaError, match=r"(?s)NullPointerException: .*sub is a directory"):
            sc.newAPIHadoopFile(str(tmp_path), NEW + name, LONG, TEXT)


def test_batches_of_fewer_than_no_pairs_fail_when_they_are_made(many: Reader, sc: SparkContext) -> None:
    made = sc.newAPIHadoopFile(many._path, TN, LONG, TEXT, batchSize=-1)
    with pytest.raises(Py4JJavaError, match="size=-1 and step=-1, but both must be positive"):
        made.collect()
    assert sc.newAPIHadoopFile(many._path, TN, LONG, TEXT, batchSize=3).collect() == placed(*range(7))


@pytest.mark.parametrize("method", ["wholeTextFiles", "binaryFiles", "binaryRecords"])
def test_readers_of_the_newer_interface_say_so(sc: SparkContext, tmp_path: Path, method: str) -> None:
    rest = [3] if method == "binaryRecords" else []
    with pytest.raises(Py4JJavaError) as raised:
        getattr(sc, method)(str(tmp_path / "no"), *rest).count()
    assert raised.value.java_exception.getName() == NEWER
