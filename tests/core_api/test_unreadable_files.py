"""Files that are not there, or cut, or empty, with the settings that pass over them: what Spark reads of them."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from py4j.protocol import Py4JJavaError
from pyspark import RDD, SparkConf, SparkContext

MISSING = {"spark.files.ignoreMissingFiles": "true"}
CORRUPT = {"spark.files.ignoreCorruptFiles": "true"}
NEW = (
    "org.apache.hadoop.mapreduce.lib.input.TextInputFormat",
    "org.apache.hadoop.io.LongWritable",
    "org.apache.hadoop.io.Text",
)
OLD = ("org.apache.hadoop.mapred.TextInputFormat", "org.apache.hadoop.io.LongWritable", "org.apache.hadoop.io.Text")

TEXT = "".join(f"line {number} {number * 7919 % 1000}\n" for number in range(200))
LINES = TEXT.splitlines()
PACKED = gzip.compress(TEXT.encode(), mtime=0)

Make = Callable[[dict[str, str]], SparkContext]


def by_name(rdd: RDD) -> RDD:
    """Pairs with the file's name alone."""
    return rdd.map(lambda pair: (os.path.basename(pair[0]), pair[1]))


READ: dict[str, Callable[[SparkContext, str], RDD]] = {
    "textFile": lambda sc, path: sc.textFile(path, 1),
    "newAPIHadoopFile": lambda sc, path: sc.newAPIHadoopFile(path, *NEW).values(),
    "hadoopFile": lambda sc, path: sc.hadoopFile(path, *OLD).values(),
    "wholeTextFiles": lambda sc, path: by_name(sc.wholeTextFiles(path, 9)),
    "binaryFiles": lambda sc, path: by_name(sc.binaryFiles(path)),
    "binaryRecords": lambda sc, path: sc.binaryRecords(path, 2),
    "pickleFile": lambda sc, path: sc.pickleFile(path),
    "sequenceFile": lambda sc, path: sc.sequenceFile(path),
}


@pytest.fixture
def context() -> Iterator[Make]:
    """Makes a context with settings, which ends with the test or with the next one."""
    made: list[SparkContext] = []

    def make(settings: dict[str, str]) -> SparkContext:
        for sc in made:
            sc.stop()
        conf = SparkConf().setMaster("local[2]").setAppName("test").setAll(list(settings.items()))
        made.append(SparkContext(conf=conf))
        return made[-1]

    yield make
    for sc in made:
        sc.stop()


def put(folder: Path, **files: bytes) -> str:
    """Writes files into a folder; `_` in a name is a dot."""
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_bytes(content)
    return str(folder)


@pytest.mark.parametrize("how", READ)
@pytest.mark.parametrize("missing", ["nowhere", "now*"])
def test_inputs_that_are_not_there(context: Make, tmp_path: Path, how: str, missing: str) -> None:
    sc, path = context(MISSING), str(tmp_path / missing)
    if how in ("wholeTextFiles", "binaryFiles"):
        with pytest.raises(Py4JJavaError, match=r"mapreduce\.lib\.input\.InvalidInputException"):
            READ[how](sc, path).count()
        return
    assert (READ[how](sc, path).count(), READ[how](sc, path).getNumPartitions()) == (0, 0)
    there = put(tmp_path / "there", a_txt=b"x\n")
    # All of a list, or nothing.
    assert READ[how](sc, f"{path},{there}").count() == 0


@pytest.mark.parametrize("how", ["textFile", "newAPIHadoopFile", "hadoopFile", "binaryRecords"])
def test_a_file_that_goes_away_between_planning_and_reading_is_passed_over(
    context: Make, tmp_path: Path, how: str
) -> None:
    path = put(tmp_path / "in", a_txt=b"x\ny\n", b_txt=b"x\ny\n", c_txt=b"x\ny\n")
    rdd = READ[how](context(MISSING), path)
    assert rdd.getNumPartitions() == 3
    (tmp_path / "in" / "b.txt").unlink()
    expected = [b"x\n", b"y\n"] if how == "binaryRecords" else ["x", "y"]
    assert sorted(rdd.collect()) == sorted(expected * 2)


def test_whole_files_that_go_away(context: Make, tmp_path: Path) -> None:
    sc = context(MISSING)
    path = put(tmp_path / "in", a_txt=b"x\n", b_txt=b"x\n", c_txt=b"x\n")
    apart, together = READ["wholeTextFiles"](sc, path), by_name(sc.wholeTextFiles(path, 1))
    contents = READ["binaryFiles"](sc, path)
    assert (apart.getNumPartitions(), together.getNumPartitions(), contents.getNumPartitions()) == (3, 1, 1)
    (tmp_path / "in" / "b.txt").unlink()
    assert sorted(apart.collect()) == [("a.txt", "x\n"), ("c.txt", "x\n")]
    # What follows in the same partition is passed over, too.
    left = together.collect()
    assert len(left) < 3 and ("b.txt", "x\n") not in left
    # Spark reads the content of these behind the setting.
    with pytest.raises(Py4JJavaError) as caught:
        contents.collect()
    assert caught.value.java_exception.getClass().getName() == "org.apache.spark.SparkException"


@pytest.mark.parametrize("settings", [{}, CORRUPT])
def test_without_the_setting_a_missing_file_fails_the_job(
    context: Make, tmp_path: Path, settings: dict[str, str]
) -> None:
    rdd = context(settings).textFile(put(tmp_path / "in", a_txt=b"x\n", b_txt=b"y\n"), 1)
    assert rdd.getNumPartitions() == 2
    (tmp_path / "in" / "a.txt").unlink()
    with pytest.raises(Py4JJavaError, match=r"Job aborted .*FileNotFoundException: File file:.*a\.txt") as caught:
        rdd.collect()
    assert caught.value.java_exception.getClass().getName() == "org.apache.spark.SparkException"


@pytest.mark.parametrize("how", ["textFile", "newAPIHadoopFile", "hadoopFile"])
def test_the_lines_of_a_cut_file_that_were_whole_stay(context: Make, tmp_path: Path, how: str) -> None:
    path = put(tmp_path / "in", a_txt=b"a\nb\n", b_gz=PACKED[: len(PACKED) // 2], c_txt=b"c\n")
    found = READ[how](context(CORRUPT), path).collect()
    lines = [line for line in found if line.startswith("line ")]
    assert sorted(set(found) - set(lines)) == ["a", "b", "c"]
    assert 50 < len(lines) < 200 and lines == LINES[: len(lines)]


@pytest.mark.parametrize(
    "content, lines",
    [
        (PACKED[:-3], 200),  # all but the end of the trailer
        (PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:], 0),  # a wrong checksum takes what was read with it
        (b"no gzip at all", 0),
        (PACKED + PACKED[:5], 200),
        (PACKED + b"trailing junk", 200),
        (b"", 0),
    ],
)
def test_what_is_read_of_broken_files(context: Make, tmp_path: Path, content: bytes, lines: int) -> None:
    sc, path = context(CORRUPT), put(tmp_path / "in", a_gz=content)
    assert sc.textFile(path).collect() == LINES[:lines]
    assert sc.binaryFiles(path).values().collect() == [content]
    if content:  # whole files are whole or not there
        assert sc.wholeTextFiles(path).count() == 0


def test_without_the_setting_a_cut_file_fails_the_job(context: Make, tmp_path: Path) -> None:
    sc, path = context({}), put(tmp_path / "in", a_gz=PACKED[: len(PACKED) // 2])
    for rdd in (sc.textFile(path), sc.wholeTextFiles(path)):
        with pytest.raises(Py4JJavaError, match="Job aborted due to stage failure") as caught:
            rdd.count()
        assert caught.value.java_exception.getClass().getName() == "org.apache.spark.SparkException"


def test_records_and_sequence_files_that_are_cut(context: Make, tmp_path: Path) -> None:
    sc = context({})
    sc.parallelize([(number, f"v{number}") for number in range(2000)], 1).saveAsSequenceFile(str(tmp_path / "pairs"))
    sc.parallelize(range(30000), 1).saveAsPickleFile(str(tmp_path / "pickles"))
    sc = context(CORRUPT)
    records = sc.binaryRecords(put(tmp_path / "records", a_bin=b"abcdefghij", b_bin=b"ab"), 4)
    assert sorted(records.collect()) == [b"abcd", b"efgh"]
    for name, share in (("pairs", 0.5), ("pickles", 0.7)):
        whole = (tmp_path / name / "part-00000").read_bytes()
        put(tmp_path / f"cut {name}", a=whole[: int(len(whole) * share)])
    pairs = sc.sequenceFile(str(tmp_path / "cut pairs"), minSplits=1).collect()
    assert 0 < len(pairs) < 2000 and pairs == [(number, f"v{number}") for number in range(len(pairs))]
    numbers = sc.pickleFile(str(tmp_path / "cut pickles"), 1).collect()
    assert 0 < len(numbers) < 30000 and numbers == list(range(len(numbers)))
    assert sc.sequenceFile(put(tmp_path / "none", a=b"hello")).collect() == []


def test_empty_files_are_partitions_if_the_setting_says_so(context: Make, tmp_path: Path) -> None:
    path = put(tmp_path / "in", a_txt=b"x\n", e_txt=b"")
    kinds = ["textFile", "newAPIHadoopFile", "hadoopFile", "binaryRecords"]
    sc = context({})
    assert [READ[how](sc, path).getNumPartitions() for how in kinds] == [1, 1, 2, 1]  # two are asked for
    sc = context({"spark.hadoopRDD.ignoreEmptySplits": "false"})
    assert [READ[how](sc, path).getNumPartitions() for how in kinds] == [2, 2, 3, 2]
    assert sorted(READ["textFile"](sc, path).glom().collect()) == [[], ["x"]]
