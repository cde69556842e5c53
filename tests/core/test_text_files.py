"""Reading and writing lines: splits, globs, what is missing when, and what a failed save leaves."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from py4j.protocol import Py4JJavaError
from pyspark import SparkContext


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two small files; two whose names hide them, and an empty one."""
    for name, text in {
        "a.txt": b"1\n2\n3",
        "b.txt": b"4\r\n5\r6\n\n",
        "empty.txt": b"",
        "_hidden.txt": b"hidden\n",
        ".dot.txt": b"dot\n",
    }.items():
        (tmp_path / name).write_bytes(text)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "splits", "partitions"),
    [
        # "1\n2\n3" in halves of two bytes: a line belongs to the split in which it begins.
        ("a.txt", None, [["1", "2"], ["3"], []]),
        ("a.txt", 1, [["1", "2", "3"]]),
        ("a.txt", 3, [["1"], ["2"], [], ["3"], []]),
        ("a.txt", 10, [["1"], ["2"], [], ["3"], []]),
        ("b.txt", None, [["4", "5"], ["6", ""]]),
    ],
)
def test_a_file_is_split_as_hadoop_splits_it(
    sc: SparkContext, folder: Path, file: str, splits: int | None, partitions: list[list[str]]
) -> None:
    assert sc.textFile(str(folder / file), splits).glom().collect() == partitions


@pytest.mark.parametrize("splits", [1, 2, 3, 7, 50])
def test_no_line_is_lost_or_doubled_at_any_split(sc: SparkContext, tmp_path: Path, splits: int) -> None:
    lines = ["x" * (i * 7919 % 113) + str(i) for i in range(5000)]
    (tmp_path / "lines").write_text("\n".join(lines) + "\n")
    rdd = sc.textFile(str(tmp_path / "lines"), splits)
    assert rdd.getNumPartitions() >= splits
    assert rdd.collect() == lines


@pytest.mark.parametrize(
    "pattern", ["{folder}/*.txt", "{folder}/{{a,b,empty}}.txt", "{folder}/[a-b]*", "file://{folder}/?.txt"]
)
def test_globs_name_files_in_order(sc: SparkContext, folder: Path, pattern: str) -> None:
    assert sc.textFile(pattern.format(folder=folder)).collect() == ["1", "2", "3", "4", "5", "6", ""]


def test_a_list_is_read_in_its_own_order(sc: SparkContext, folder: Path) -> None:
    assert sc.textFile(f"{folder}/b.txt,{folder}/a.txt").collect() == ["4", "5", "6", "", "1", "2", "3"]


def test_a_folder_is_read_without_what_its_names_hide(sc: SparkContext, folder: Path) -> None:
    assert sorted(sc.textFile(str(folder)).collect()) == ["", "1", "2", "3", "4", "5", "6"]


def test_a_relative_path_starts_at_the_current_folder(
    sc: SparkContext, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    assert sc.textFile("a.txt").count() == 3


def test_bytes_that_are_no_utf_8_are_replaced(sc: SparkContext, tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(b"a\xff\xfeb\n\xe2\x82\n")
    assert sc.textFile(str(tmp_path / "bad")).collect() == ["a\ufffd\ufffdb", "\ufffd"]


def test_lines_may_stay_bytes(sc: SparkContext, folder: Path) -> None:
    assert sc.textFile(str(folder / "a.txt"), use_unicode=False).collect() == [b"1", b"2", b"3"]


def test_a_missing_file_is_no_error_before_the_action(sc: SparkContext, tmp_path: Path) -> None:
    lines = sc.textFile(str(tmp_path / "none")).map(len)
    with pytest.raises(Py4JJavaError, match=f"Input path does not exist: file:{tmp_path}/none"):
        lines.collect()


MISSING: dict[str, tuple[Callable, str | None]] = {
    "getNumPartitions": (lambda sc, path: sc.textFile(f"{path}/none").getNumPartitions(), "does not exist"),
    "a shuffle": (lambda sc, path: sc.textFile(f"{path}/none").map(len).groupBy(len), "does not exist"),
    "a glob": (lambda sc, path: sc.textFile(f"{path}/*.none").count(), "matches 0 files"),
    "a hidden file": (lambda sc, path: sc.textFile(f"{path}/_hidden.txt").collect(), None),
    "one of two": (lambda sc, path: sc.textFile(f"{path}/a.txt,{path}/none").count(), "does not exist"),
}


@pytest.mark.parametrize("case", MISSING)
def test_what_is_missing_raises_a_java_error(sc: SparkContext, folder: Path, case: str) -> None:
    use, text = MISSING[case]
    with pytest.raises(Py4JJavaError, match=text):
        use(sc, folder)


def test_a_folder_inside_the_folder_fails_as_in_spark(sc: SparkContext, folder: Path) -> None:
    (folder / "inside").mkdir()
    with pytest.raises(Py4JJavaError, match="inside"):
        sc.textFile(str(folder)).count()


def test_every_action_reads_the_file_again(sc: SparkContext, folder: Path) -> None:
    lines = sc.textFile(str(folder / "a.txt"))
    assert lines.count() == 3
    (folder / "a.txt").write_bytes(b"6\n5\n4")
    assert lines.collect() == ["6", "5", "4"]
    (folder / "a.txt").unlink()
    with pytest.raises(Py4JJavaError, match=r"a\.txt"):
        lines.count()


def test_a_file_deleted_before_the_first_action_is_missing(sc: SparkContext, folder: Path) -> None:
    lines = sc.textFile(str(folder / "a.txt"))
    (folder / "a.txt").unlink()
    with pytest.raises(Py4JJavaError, match="Input path does not exist"):
        lines.count()


def test_a_cached_file_may_go_away(sc: SparkContext, folder: Path) -> None:
    lines = sc.textFile(str(folder / "a.txt")).cache()
    assert lines.count() == 3
    (folder / "a.txt").unlink()
    assert lines.collect() == ["1", "2", "3"]


@pytest.mark.parametrize("path", ["hdfs://host/x", "s3a://bucket/x"])
def test_other_file_systems_are_named(sc: SparkContext, path: str) -> None:
    with pytest.raises(Py4JJavaError, match="No FileSystem for scheme"):
        sc.textFile(path).count()


def written(folder: Path) -> dict[str, bytes]:
    """The files by name, without the hidden ones that hold checksums."""
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.name[0] != "."}


def test_a_save_writes_a_part_for_each_partition_and_success(sc: SparkContext, tmp_path: Path) -> None:
    sc.parallelize(["a", 1, None, b"by", ("t", 1), "é"], 3).saveAsTextFile(str(tmp_path / "out"))
    assert written(tmp_path / "out") == {
        "_SUCCESS": b"",
        "part-00000": b"a\n1\n",
        "part-00001": b"None\nby\n",
        "part-00002": "('t', 1)\né\n".encode(),
    }


def test_an_empty_rdd_saves_success_only(sc: SparkContext, tmp_path: Path) -> None:
    sc.emptyRDD().saveAsTextFile(f"file://{tmp_path}/out")
    assert written(tmp_path / "out") == {"_SUCCESS": b""}


def test_an_empty_partition_is_an_empty_part(sc: SparkContext, tmp_path: Path) -> None:
    sc.parallelize(["a"], 2).saveAsTextFile(str(tmp_path / "out"))
    assert written(tmp_path / "out") == {"_SUCCESS": b"", "part-00000": b"", "part-00001": b"a\n"}


def test_a_saved_folder_can_be_read_again(sc: SparkContext, tmp_path: Path) -> None:
    sc.parallelize(range(100), 7).saveAsTextFile(str(tmp_path / "deep" / "out"))
    assert sorted(sc.textFile(str(tmp_path / "deep" / "out")).map(int).collect()) == list(range(100))


def test_an_existing_folder_is_left_alone(sc: SparkContext, folder: Path) -> None:
    before = written(folder)
    ran = sc.accumulator(0)
    with pytest.raises(Py4JJavaError, match=f"Output directory file:{folder} already exists"):
        sc.parallelize([1]).map(lambda x: ran.add(1)).saveAsTextFile(str(folder))
    assert (written(folder), ran.value) == (before, 0)


def test_a_task_that_fails_half_way_leaves_no_success(sc: SparkContext, tmp_path: Path) -> None:
    with pytest.raises(Py4JJavaError, match="ZeroDivisionError"):
        sc.parallelize([2, 1, 0, -1], 2).map(lambda x: 1 // x).saveAsTextFile(str(tmp_path / "out"))
    assert list((tmp_path / "out").rglob("*")) == []


def test_a_closure_that_cannot_travel_leaves_no_folder(sc: SparkContext, tmp_path: Path) -> None:
    with pytest.raises(pickle.PicklingError, match="SPARK-5063"):
        sc.parallelize([1]).map(lambda x: sc).saveAsTextFile(str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_text_that_utf_8_cannot_hold_fails_the_save(sc: SparkContext, tmp_path: Path) -> None:
    with pytest.raises(Py4JJavaError, match="UnicodeEncodeError"):
        sc.parallelize(["\ud800"], 1).saveAsTextFile(str(tmp_path / "out"))
    assert not (tmp_path / "out" / "_SUCCESS").exists()


def test_malformed_text_is_read_as_java_reads_it(sc: SparkContext, tmp_path: Path) -> None:
    data = b"a\xed\xa0\x80b\n\xed\xa0\xbd\xed\xb8\x80\n\xed\xa0\nx\xe2\x82\n\xf0\x9f\x98y\n\xc0\x80\n\xf4\x90\x80\x80\n"
    lines = ["a?b", "??", "?", "x?", "?y", "??", "????"]
    expected = [line.replace("?", "\ufffd") for line in lines]
    (tmp_path / "a.txt").write_bytes(data)
    path = str(tmp_path / "a.txt")
    assert sc.textFile(path).collect() == expected
    assert sc.textFile(path, use_unicode=False).collect() == [line.encode() for line in expected]
    assert sc.wholeTextFiles(path).values().first() == "".join(line + "\n" for line in expected)
    sc.parallelize([data], 1).saveAsTextFile(str(tmp_path / "out"))
    assert (tmp_path / "out" / "part-00000").read_text(encoding="utf-8").split("\n")[:7] == expected
