"""Files in and out: what is written under which name, which partition reads what, what comes back."""

from __future__ import annotations

import bz2
import gzip
import os
import shutil
import struct
import zlib
from pathlib import Path

import pytest

from dstreams import SparkContext, SparkFiles
from dstreams._native import zstd_pack, zstd_unpack
from dstreams.core.engine.errors import Py4JJavaError
from dstreams.core.io.output import SummedFile

HADOOP = "org.apache.hadoop.io.compress."

# A partition of `parallelize(range(30), 3).saveAsPickleFile(path, 4)` as Spark writes it.
SPARKS_PICKLES = bytes.fromhex(
    "53455106216f72672e6170616368652e6861646f6f702e696f2e4e756c6c5772697461626c65226f72672e6170616368652e"
    "6861646f6f702e696f2e42797465735772697461626c650000000000001866504b14bbe2562b2d1cbfd62c2e2c0000008f00"
    "0000000000008baced0005757200035b5b424bfd19156767db37020000787000000003757200025b42acf317f8060854e002"
    "00007870000000188005950d000000000000005d94284b004b014b024b03652e7571007e0002000000188005950d00000000"
    "0000005d94284b044b054b064b07652e7571007e00020000001480059509000000000000005d94284b084b09652e"
)


def names_in(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def write(folder: Path, files: dict[str, bytes]) -> str:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return str(folder)


@pytest.mark.parametrize(
    ("codec", "ending", "unpack"),
    [("GzipCodec", ".gz", gzip.decompress), ("BZip2Codec", ".bz2", bz2.decompress),
     ("DefaultCodec", ".deflate", zlib.decompress), ("ZStandardCodec", ".zst", zstd_unpack)],
)  # fmt: skip
def test_compressed_text_comes_back(sc: SparkContext, tmp_path: Path, codec: str, ending: str, unpack) -> None:  # type: ignore[no-untyped-def]
    out = tmp_path / "out"
    sc.parallelize(["a", "b", "né", ""], 2).saveAsTextFile(str(out), HADOOP + codec)
    parts = ["part-00000" + ending, "part-00001" + ending]
    assert names_in(out) == sorted([f".{name}.crc" for name in ["_SUCCESS", *parts]] + ["_SUCCESS", *parts])
    assert [unpack((out / name).read_bytes()) for name in parts] == [b"a\nb\n", "né\n\n".encode()]
    assert sorted(sc.textFile(str(out)).collect()) == ["", "a", "b", "né"]


def test_codecs_that_are_not_there(sc: SparkContext, tmp_path: Path) -> None:
    numbers = sc.parallelize([1])
    with pytest.raises(Py4JJavaError, match=r"ClassNotFoundException: some\.Codec"):
        numbers.saveAsTextFile(str(tmp_path / "out"), "some.Codec")
    with pytest.raises(Py4JJavaError, match=r"SnappyCodec is not available; use one of GzipCodec.*ZStandardCodec"):
        numbers.saveAsTextFile(str(tmp_path / "out"), HADOOP + "SnappyCodec")
    assert not (tmp_path / "out").exists()


def test_sums_are_those_of_hadoop(sc: SparkContext, tmp_path: Path) -> None:
    sc.parallelize(["x"] * 1000, 1).saveAsTextFile(str(tmp_path / "out"))
    data = (tmp_path / "out/part-00000").read_bytes()
    sums = [zlib.crc32(data[at : at + 512]) for at in range(0, len(data), 512)]
    found = (tmp_path / "out/.part-00000.crc").read_bytes()
    assert found == b"crc\0" + struct.pack(">i4I", 512, *sums)
    assert (tmp_path / "out/._SUCCESS.crc").read_bytes() == b"crc\0" + struct.pack(">i", 512)


def test_a_task_that_fails_leaves_no_success(sc: SparkContext, tmp_path: Path) -> None:
    with pytest.raises(Py4JJavaError, match="ZeroDivisionError"):
        sc.parallelize([1, 0], 2).map(lambda n: 1 / n).saveAsTextFile(str(tmp_path / "out"))
    assert names_in(tmp_path / "out") == []


def test_a_late_task_writes_nothing_once_the_job_has_failed(
    sc: SparkContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, rmtree = [], shutil.rmtree

    def begin_a_file_then_remove(folder: str) -> None:
        late.append(folder.removesuffix(".removed"))
        assert late[0] != folder
        with pytest.raises(FileNotFoundError):
            SummedFile(late[0], "part-00001")
        rmtree(folder)

    monkeypatch.setattr(shutil, "rmtree", begin_a_file_then_remove)
    with pytest.raises(Py4JJavaError, match="ZeroDivisionError"):
        sc.parallelize([1, 0], 1).map(lambda n: 1 / n).saveAsTextFile(str(tmp_path / "out"))
    assert len(late) == 1
    assert names_in(tmp_path / "out") == []


# Files in the order in which they are listed: 1. 3 bytes, 2. none, 3. 100 bytes, 4. 2 bytes
@pytest.mark.parametrize(
    ("least", "groups"),
    [(1, [["a", "c", "d"], ["b"]]), (2, [["a", "c"], ["b", "d"]]), (9, [["a", "c"], ["b", "d"]])],
)
def test_whole_files_share_partitions(sc: SparkContext, tmp_path: Path, least: int, groups: list[list[str]]) -> None:
    folder = write(tmp_path, {"a": b"aaa", "b": b"", "c": b"c" * 100, "d": b"dd"})
    files = ",".join(f"{folder}/{name}" for name in "abcd")
    texts = sc.wholeTextFiles(files, least)
    assert [[path[-1] for path, _ in part] for part in texts.glom().collect()] == groups
    assert texts.lookup(f"file:{folder}/a") == ["aaa"]
    assert [[path[-1] for path, _ in part] for part in sc.binaryFiles(files, least).glom().collect()] == [list("abcd")]


def test_whole_files_are_decompressed_as_text_and_not_as_bytes(sc: SparkContext, tmp_path: Path) -> None:
    packed = gzip.compress(b"text \xff")
    folder = write(tmp_path, {"a.gz": packed})
    assert sc.wholeTextFiles(folder).collect() == [(f"file:{folder}/a.gz", "text \ufffd")]
    assert sc.wholeTextFiles(folder, use_unicode=False).values().collect() == ["text \ufffd".encode()]
    assert sc.binaryFiles(folder).collect() == [(f"file:{folder}/a.gz", packed)]


def test_missing_files_are_noticed_by_the_action(sc: SparkContext, tmp_path: Path) -> None:
    path = str(tmp_path / "nowhere")
    inputs = [sc.wholeTextFiles(path), sc.binaryFiles(path), sc.binaryRecords(path, 1), sc.pickleFile(path)]
    for rdd in inputs:
        with pytest.raises(Py4JJavaError, match=r"Input path does not exist: file:.*nowhere"):
            rdd.collect()


def test_records_have_one_length(sc: SparkContext, tmp_path: Path) -> None:
    folder = write(tmp_path, {"even": b"aabb", "odd": b"aab"})
    assert sc.binaryRecords(f"{folder}/even", 2).collect() == [b"aa", b"bb"]
    with pytest.raises(Py4JJavaError, match="ends within a record of 2 bytes"):
        sc.binaryRecords(f"{folder}/odd", 2).count()
    with pytest.raises(Py4JJavaError, match="recordLength"):
        sc.binaryRecords(f"{folder}/even", 0).count()


@pytest.mark.parametrize("batch", [0, 1, 10])
def test_pickles_come_back(sc: SparkContext, tmp_path: Path, batch: int) -> None:
    mixed = [1, "two", (3, None), {"four": [4.0]}, b"5", {6}, 2**80] * 7
    sc.parallelize(mixed, 3).saveAsPickleFile(str(tmp_path / "out"), batch)
    assert sorted(sc.pickleFile(str(tmp_path / "out")).map(repr).collect()) == sorted(map(repr, mixed))


def test_pickles_that_spark_wrote_are_read(sc: SparkContext, tmp_path: Path) -> None:
    folder = write(tmp_path, {"part-00000": SPARKS_PICKLES, "other": b"no such file"})
    assert sc.pickleFile(f"{folder}/part-*").collect() == list(range(10))
    with pytest.raises(Py4JJavaError, match="not a SequenceFile"):
        sc.pickleFile(f"{folder}/other").collect()


@pytest.mark.parametrize("codec", [None, HADOOP + "DefaultCodec"])
def test_pairs_come_back_from_any_split(sc: SparkContext, tmp_path: Path, codec: str | None) -> None:
    out = str(tmp_path / "out")
    pairs = [(f"k{n}", os.urandom(40).hex()) for n in range(8000)]
    sc.parallelize(pairs, 1).saveAsSequenceFile(out, codec)
    found = sc.sequenceFile(out, minSplits=4)
    assert found.getNumPartitions() > 2
    assert found.collect() == pairs


@pytest.mark.parametrize(
    "pair",
    [(1, 2.5), (2**40, True), (-(2**31), None), (b"key", "v\u00e9"), ("", "x" * 70000)],
)
def test_kinds_of_keys_and_values(sc: SparkContext, tmp_path: Path, pair: tuple[object, object]) -> None:
    sc.parallelize([pair], 1).saveAsSequenceFile(str(tmp_path / "out"))
    ((key, value),) = sc.sequenceFile(str(tmp_path / "out")).collect()
    assert (key, value) == pair and type(value) is type(pair[1])


def test_what_a_sequence_file_cannot_hold(sc: SparkContext, tmp_path: Path) -> None:
    with pytest.raises(Py4JJavaError, match=r"Data of type java\.util\.ArrayList cannot be used"):
        sc.parallelize([("a", [1])], 1).saveAsSequenceFile(str(tmp_path / "one"))
    with pytest.raises(Py4JJavaError, match=r"wrong value class: .*Text is not class .*IntWritable"):
        sc.parallelize([("a", 1), ("b", "two")], 1).saveAsSequenceFile(str(tmp_path / "two"))


def test_zstd_files_are_text_too(sc: SparkContext, tmp_path: Path) -> None:
    packed = zstd_pack(b"one\ntwo") + zstd_pack("\nthr\u00e9\n".encode())
    folder = write(tmp_path, {"a.zst": packed, "b.zst": b"no such thing"})
    assert sc.textFile(f"{folder}/a.zst", 4).glom().collect() == [["one", "two", "thr\u00e9"]]
    assert sc.wholeTextFiles(f"{folder}/a.zst").values().collect() == ["one\ntwo\nthr\u00e9\n"]
    with pytest.raises(Py4JJavaError, match="invalid zstd data"):
        sc.textFile(f"{folder}/b.zst").collect()


def test_what_may_have_no_end_is_not_shipped(sc: SparkContext, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    os.mkfifo(folder / "pipe")
    for path, recursive in ((folder / "pipe", False), (folder, True), (Path("/dev/zero"), False)):
        with pytest.raises(Py4JJavaError, match=r"(pipe|/dev/zero) is a FIFO, a socket or a device"):
            sc.addFile(str(path), recursive)
    (folder / "pipe").unlink()
    (folder / "file").write_text("whole")
    sc.addFile(str(folder), True)
    assert Path(SparkFiles.get("folder/file")).read_text() == "whole"
