"""What pairs become in files: the first one of all decides on the classes. And as what Spark's JVM sees values.

Expected answers were recorded with Apache Spark 3.5.9.
"""

from __future__ import annotations

import collections
import datetime
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dstreams import Row, SparkContext
from dstreams.core.engine.errors import Py4JJavaError
from dstreams.core.resultiterable import ResultIterable

OLD, NEW = "org.apache.hadoop.mapred.", "org.apache.hadoop.mapreduce.lib.output."
IO = "org.apache.hadoop.io."
LONG, TEXT, INT = IO + "LongWritable", IO + "Text", IO + "IntWritable"
DIR = "mapreduce.output.fileoutputformat.outputdir"
TAKE, FIRST = "take at SerDeUtil.scala:204", "first at PythonRDD.scala:549"
RUN = "runJob at SparkHadoopWriter.scala:83"
SPARK = "org.apache.spark.SparkException"
Named = collections.namedtuple("Named", "a b")


def classes_of(file: Path) -> tuple[str, str]:
    """The classes of keys and values that the head of a sequence file tells."""
    data = file.read_bytes()
    key = data[5 : 5 + data[4]]
    value = data[6 + len(key) : 6 + len(key) + data[5 + len(key)]]
    return key.decode().rpartition(".")[2], value.decode().rpartition(".")[2]


def parts(folder: Path) -> list[Path]:
    return sorted(folder / name for name in os.listdir(folder) if name.startswith("part-"))


class Watched:
    """Counts the RDDs and tells the jobs of a block: (name, tasks, status) each."""

    def __init__(self, sc: SparkContext) -> None:
        self._sc = sc

    def __enter__(self) -> Watched:
        self._before = self._sc.emptyRDD().id()
        self._group = f"watched {self._before}"
        self._sc.setJobGroup(self._group, "")
        return self

    def __exit__(self, *_: object) -> None:
        self._sc.setJobGroup("", "")
        self.ids = self._sc.emptyRDD().id() - self._before - 1
        tracker = self._sc.statusTracker()
        self.jobs = []
        for number in sorted(tracker.getJobIdsForGroup(self._group)):
            job = tracker.getJobInfo(number)
            assert job is not None
            stage = tracker.getStageInfo(job.stageIds[-1])
            assert stage is not None
            self.jobs.append((stage.name, stage.numTasks, job.status))


def succeeded(*jobs: tuple[str, int]) -> list[tuple[str, int, str]]:
    return [(*job, "SUCCEEDED") for job in jobs]


# -- the first pair of all ------------------------------------------------------------------------
def test_partitions_without_pairs_have_the_classes_of_the_first_pair(sc: SparkContext, tmp_path: Path) -> None:
    pairs = sc.parallelize([(1, "a")], 3)
    with Watched(sc) as watched:
        pairs.saveAsSequenceFile(str(tmp_path / "out"))
    assert [classes_of(part) for part in parts(tmp_path / "out")] == [("IntWritable", "Text")] * 3
    assert watched.jobs == succeeded((TAKE, 1), (TAKE, 2), (FIRST, 1), (FIRST, 2), (RUN, 3))
    assert watched.ids == 4  # and one for `pairs`


def test_both_classes_given_spare_the_second_look(sc: SparkContext, tmp_path: Path) -> None:
    with Watched(sc) as watched:
        sc.parallelize([(1, "a")], 1).saveAsHadoopFile(str(tmp_path / "a"), OLD + "SequenceFileOutputFormat", INT, TEXT)
    assert (watched.ids, watched.jobs) == (5, succeeded((TAKE, 1), (RUN, 1)))
    with Watched(sc) as watched:  # one of them is not enough, and counts for nothing
        sc.parallelize([(1, "a")], 1).saveAsHadoopFile(str(tmp_path / "b"), OLD + "SequenceFileOutputFormat", TEXT)
    assert (watched.ids, watched.jobs) == (5, succeeded((TAKE, 1), (FIRST, 1), (RUN, 1)))
    assert classes_of(*parts(tmp_path / "b")) == ("IntWritable", "Text")


@pytest.mark.parametrize("slices", [1, 2])
def test_an_rdd_without_pairs_fails(sc: SparkContext, tmp_path: Path, slices: int) -> None:
    with Watched(sc) as watched, pytest.raises(Py4JJavaError) as raised:
        sc.parallelize([], slices).saveAsSequenceFile(str(tmp_path / "out"))
    problem = raised.value.java_exception
    unsupported = "org.apache.spark.SparkUnsupportedOperationException"
    assert (problem.getName(), problem.getMessage()) == (unsupported, "empty collection")
    assert watched.ids == 4 and not (tmp_path / "out").exists()
    assert watched.jobs == succeeded(*[(TAKE, 1)] * slices, *[(FIRST, 1)] * slices)


def test_classes_given_make_files_without_pairs(sc: SparkContext, tmp_path: Path) -> None:
    sc.parallelize([], 1).saveAsHadoopFile(str(tmp_path / "a"), OLD + "SequenceFileOutputFormat", INT, TEXT)
    assert classes_of(*parts(tmp_path / "a")) == ("IntWritable", "Text")
    sc.parallelize([], 1).saveAsNewAPIHadoopFile(str(tmp_path / "b"), NEW + "TextOutputFormat", INT, TEXT)
    assert [part.read_bytes() for part in parts(tmp_path / "b")] == [b""]
    conf = {DIR: str(tmp_path / "c"), "mapred.output.format.class": OLD + "SequenceFileOutputFormat",
            "mapred.output.key.class": INT}  # fmt: skip
    sc.parallelize([], 1).saveAsHadoopDataset(conf)
    assert classes_of(*parts(tmp_path / "c")) == ("IntWritable", "Text")  # what Hadoop has without a setting
    assert sc.sequenceFile(str(tmp_path / "a")).collect() == []


@pytest.mark.parametrize(
    "pairs",
    [
        [(1, "a"), ("x", "b")], [(1, "a"), (2**40, "b")], [(2**40, "a"), (1, "b")], [(1, "a"), (1.5, "b")],
        [(1.5, "a"), (1, "b")], [(True, "a"), (1, "b")], [(None, "a"), ("x", "b")], [("x", "a"), (None, "b")],
        [("x", None), ("y", "b")], [(1, "a"), 5], [(1, "a"), [2, "b"]], [(1, "a"), (2, [1])], [(1, "a"), (1, 2, 3)],
    ],
)  # fmt: skip
# The other task may be stopped in the very moment in which it has opened its file.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("slices", [1, 2])
def test_pairs_of_other_classes_fail(sc: SparkContext, tmp_path: Path, pairs: list[Any], slices: int) -> None:
    with Watched(sc) as watched, pytest.raises(Py4JJavaError) as raised:
        sc.parallelize(pairs, slices).saveAsSequenceFile(str(tmp_path / "out"))
    problem = raised.value.java_exception
    assert (problem.getName(), problem.getMessage()) == (SPARK, "Job aborted.")
    cause = problem.getCause()
    assert cause is not None and cause.getMessage().startswith("Job aborted due to stage failure")
    assert (watched.ids, watched.jobs[-1][0], watched.jobs[-1][2]) == (5, RUN, "FAILED")
    assert os.listdir(tmp_path / "out") == []


def test_lines_may_be_of_any_classes(sc: SparkContext, tmp_path: Path) -> None:
    pairs = [(1, "a"), ("x", 1.5), (2**40, None), (None, True), (None, None), (1, 2, 3), (b"ab", (1, ("b", None)))]
    sc.parallelize(pairs, 1).saveAsHadoopFile(str(tmp_path / "out"), OLD + "TextOutputFormat")
    (part,) = parts(tmp_path / "out")
    array = "ArrayWritable [valueClass=interface org.apache.hadoop.io.Writable, values=["
    assert part.read_text().splitlines() == [
        "1\ta", "x\t1.5", str(2**40), "true", "1\t3", f"61 62\t{array}1, {array}b, (null)]]]]",
    ]  # fmt: skip
    with pytest.raises(Py4JJavaError, match="ClassCastException"):
        sc.parallelize([(1, "a"), 5], 1).saveAsHadoopFile(str(tmp_path / "no"), OLD + "TextOutputFormat")


# -- what is no pair of Hadoop's ------------------------------------------------------------------
@pytest.mark.parametrize(
    ("element", "java"),
    [
        ([1, "a"], "java.util.ArrayList"), ((1, 2, 3), "[Ljava.lang.Object;"), ((), "[Ljava.lang.Object;"),
        (5, "java.lang.Integer"), (2**40, "java.lang.Long"), (2**70, "java.math.BigInteger"),
        ("ab", "java.lang.String"),
        (b"ab", "[B"), ({1: 2, 3: 4}, "java.util.HashMap"), ({1, 2}, "java.util.HashSet"), (1.5, "java.lang.Double"),
    ],
)  # fmt: skip
def test_what_is_no_pair(sc: SparkContext, tmp_path: Path, element: Any, java: str) -> None:
    for save in (
        lambda rdd: rdd.saveAsSequenceFile(str(tmp_path / "out")),
        lambda rdd: rdd.saveAsNewAPIHadoopFile(str(tmp_path / "out"), NEW + "TextOutputFormat"),
        lambda rdd: rdd.saveAsHadoopDataset({DIR: str(tmp_path / "out")}),
    ):
        with Watched(sc) as watched, pytest.raises(Py4JJavaError) as raised:
            save(sc.parallelize([element], 1))
        problem = raised.value.java_exception
        assert (problem.getName(), problem.getMessage()) == (SPARK, f"RDD element of type {java} cannot be used")
        assert (watched.ids, watched.jobs) == (3, succeeded((TAKE, 1)))
    with pytest.raises(Py4JJavaError, match=r'NullPointerException: Cannot invoke "Object.getClass\(\)"'):
        sc.parallelize([None], 1).saveAsSequenceFile(str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("value", "java"),
    [
        ([1, 2], "java.util.ArrayList"), ({1}, "java.util.HashSet"), (frozenset([1]), "java.util.HashSet"),
        (2**70, "java.math.BigInteger"), (-(2**63) - 1, "java.math.BigInteger"),
        (Decimal("1.5"), "java.math.BigDecimal"),
        (1j, "net.razorvine.pickle.objects.ComplexNumber"), (datetime.date(2020, 1, 2), "java.util.GregorianCalendar"),
        ({1: [2]}, "java.util.ArrayList"),
        (ResultIterable([1]), "java.util.ArrayList"), ((1, [2]), "java.util.ArrayList"),
    ],
)  # fmt: skip
def test_what_has_no_class_of_hadoop(sc: SparkContext, tmp_path: Path, value: Any, java: str) -> None:
    with Watched(sc) as watched, pytest.raises(Py4JJavaError) as raised:
        sc.parallelize([("x", value)], 1).saveAsHadoopFile(str(tmp_path / "out"), OLD + "TextOutputFormat")
    problem = raised.value.java_exception
    assert (problem.getName(), problem.getMessage()) == (SPARK, f"Data of type {java} cannot be used")
    assert (watched.ids, watched.jobs) == (4, succeeded((TAKE, 1), (FIRST, 1)))
    assert not (tmp_path / "out").exists()


class Text(str):
    """Text of a class of the program's."""


@pytest.mark.parametrize("value", [Text("x"), Named(1, 2), Row(a=1), range(3), collections.defaultdict(int, {1: 2})])
def test_what_java_cannot_unpickle(sc: SparkContext, tmp_path: Path, value: Any) -> None:
    for element in (("x", value), ("x", [value]), ("x", {1: value})):
        with Watched(sc) as watched, pytest.raises(Py4JJavaError, match="PickleException") as raised:
            sc.parallelize([element], 1).saveAsSequenceFile(str(tmp_path / "out"))
        assert raised.value.java_exception.getName() == SPARK
        assert (watched.ids, watched.jobs) == (3, [(TAKE, 1, "FAILED")])


# -- how calls fail -------------------------------------------------------------------------------
NOT_FOUND, RUNTIME = "java.lang.ClassNotFoundException", "java.lang.RuntimeException"
EXISTS = OLD + "FileAlreadyExistsException"
TX, TN, SX = OLD + "TextOutputFormat", NEW + "TextOutputFormat", OLD + "SequenceFileOutputFormat"
FORMAT, NEW_FORMAT = "mapred.output.format.class", "mapreduce.job.outputformat.class"
OLD_API, NEW_API = OLD + "OutputFormat", "org.apache.hadoop.mapreduce.OutputFormat"


def dataset(new: bool, **more: str) -> Any:
    conf = {name.replace("__", "."): value for name, value in more.items()}

    def save(rdd: Any, path: str) -> None:
        (rdd.saveAsNewAPIHadoopDataset if new else rdd.saveAsHadoopDataset)({DIR: path, **conf})

    return save


@pytest.mark.parametrize(
    ("save", "java", "message", "ids", "looks"),
    [
        (lambda rdd, at: rdd.saveAsHadoopFile(at, SX, "x.Y", TEXT), NOT_FOUND, "x.Y", 4, 1),
        (lambda rdd, at: rdd.saveAsHadoopFile(at, SX, INT, TEXT, "x.C"), NOT_FOUND, "x.C", 4, 1),
        (lambda rdd, at: rdd.saveAsNewAPIHadoopFile(at, TN, None, None, None, "x.C"), NOT_FOUND, "x.C", 4, 2),
        (lambda rdd, at: rdd.saveAsSequenceFile(at, "x.C"), NOT_FOUND, "x.C", 4, 2),
        (lambda rdd, at: rdd.saveAsHadoopFile(at, "x.F"), NOT_FOUND, "x.F", 5, 2),
        (lambda rdd, at: rdd.saveAsHadoopFile(at, TN), RUNTIME, f"class {TN} not {OLD_API}", 5, 2),
        (lambda rdd, at: rdd.saveAsNewAPIHadoopFile(at, TX), RUNTIME, f"class {TX} not {NEW_API}", 5, 2),
        (lambda rdd, at: rdd.saveAsHadoopFile(at, OLD + "TextInputFormat"), RUNTIME,
         f"class {OLD}TextInputFormat not {OLD_API}", 5, 2),
        (lambda rdd, at: rdd.saveAsSequenceFile(at + "/.."), EXISTS, "Output directory file:AT already exists", 5, 2),
        (lambda rdd, at: rdd.saveAsNewAPIHadoopFile(at + "/..", TN), EXISTS,
         "Output directory AT already exists", 5, 2),
        (lambda rdd, at: rdd.saveAsTextFile(at + "/.."), EXISTS, "Output directory file:AT already exists", 4, 0),
        (dataset(False, mapred__output__format__class="x.F"), RUNTIME,
         f"{RUNTIME}: java.lang.ClassNotFoundException: Class x.F not found", 5, 1),
        (dataset(True, mapreduce__job__outputformat__class="x.F"), RUNTIME,
         "java.lang.ClassNotFoundException: Class x.F not found", 5, 1),
        (dataset(False, mapred__output__key__class="x.Y"), RUNTIME,
         f"{RUNTIME}: java.lang.ClassNotFoundException: Class x.Y not found", 5, 1),
        (dataset(False, mapred__output__format__class=TN), RUNTIME, f"{RUNTIME}: class {TN} not {OLD_API}", 5, 1),
        (dataset(True, mapreduce__job__outputformat__class=TX), "java.lang.ClassCastException",
         f"class {TX} cannot be cast to class {NEW_API} ({TX} and {NEW_API} are in unnamed module of loader 'app')",
         5, 1),
        (lambda rdd, at: rdd.saveAsHadoopDataset({FORMAT: TX}), OLD + "InvalidJobConfException",
         "Output directory not set in JobConf.", 5, 1),
        (lambda rdd, at: rdd.saveAsNewAPIHadoopDataset({NEW_FORMAT: TN}), OLD + "InvalidJobConfException",
         "Output directory not set.", 5, 1),
    ],
)  # fmt: skip
def test_how_calls_fail(
    sc: SparkContext, tmp_path: Path, save: Any, java: str, message: str, ids: int, looks: int
) -> None:
    with Watched(sc) as watched, pytest.raises(Py4JJavaError) as raised:
        save(sc.parallelize([(1, "a"), (2, "b")], 1), str(tmp_path / "out"))
    problem = raised.value.java_exception
    assert (problem.getName(), problem.getMessage().replace(str(tmp_path), "AT")) == (java, message)
    assert (watched.ids, watched.jobs) == (ids, succeeded((TAKE, 1), (FIRST, 1))[:looks])
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("path", "java", "message"),
    [
        ("", "java.lang.IllegalArgumentException", "Can not create a Path from an empty string"),
        (None, "java.lang.IllegalArgumentException", "Output path is null"),
        ("AT/file/below", "org.apache.hadoop.fs.ParentNotDirectoryException",
         "Parent path is not a directory: file:AT/file"),
        ("AT/file", EXISTS, "Output directory file:AT/file already exists"),
    ],
)  # fmt: skip
def test_paths_that_cannot_be_folders(
    sc: SparkContext, tmp_path: Path, path: str | None, java: str, message: str
) -> None:
    (tmp_path / "file").write_text("")
    with Watched(sc) as watched, pytest.raises(Py4JJavaError) as raised:
        sc.parallelize([(1, "a")], 1).saveAsSequenceFile(path and path.replace("AT", str(tmp_path)))  # type: ignore[arg-type]
    problem = raised.value.java_exception
    assert (problem.getName(), problem.getMessage().replace(str(tmp_path), "AT"), watched.ids) == (java, message, 5)


COMPRESS = "mapreduce.output.fileoutputformat.compress"


@pytest.mark.parametrize(
    ("save", "settings", "fails"),
    [
        (lambda rdd, at, conf: rdd.saveAsHadoopFile(at, TX, conf=conf), {"codec": "x.C"}, True),
        (lambda rdd, at, conf: rdd.saveAsNewAPIHadoopFile(at, TN, conf=conf), {"codec": "x.C"}, True),
        (lambda rdd, at, conf: rdd.saveAsHadoopFile(at, SX, conf=conf), {"codec": "x.C"}, True),
        (lambda rdd, at, conf: rdd.saveAsHadoopFile(at, SX, conf=conf), {"type": "x"}, True),
        (lambda rdd, at, conf: rdd.saveAsHadoopFile(at, TX, conf=conf), {"type": "x"}, False),
    ],
)
def test_tasks_stumble_over_settings(
    sc: SparkContext, tmp_path: Path, save: Any, settings: dict[str, str], fails: bool
) -> None:
    conf = {COMPRESS: "true", **{f"{COMPRESS}.{name}": value for name, value in settings.items()}}
    rdd = sc.parallelize([(1, "a")], 1)
    if not fails:
        save(rdd, str(tmp_path / "out"), conf)
        assert [part.name for part in parts(tmp_path / "out")] == ["part-00000.deflate"]
        return
    with Watched(sc) as watched, pytest.raises(Py4JJavaError, match=COMPRESS) as raised:
        save(rdd, str(tmp_path / "out"), conf)
    assert raised.value.java_exception.getMessage() == "Job aborted."
    assert (watched.ids, watched.jobs[-1]) == (4, (RUN, 1, "FAILED"))


def test_settings_alone_have_classes_of_their_own(sc: SparkContext, tmp_path: Path) -> None:
    # Without a setting, keys are LongWritable.
    for new, name in ((False, SX), (True, NEW + "SequenceFileOutputFormat")):
        conf = {DIR: str(tmp_path / f"{new}"), (NEW_FORMAT if new else FORMAT): name}
        rdd = sc.parallelize([(1, "a")], 1)
        with pytest.raises(Py4JJavaError, match=r"wrong key class: .*IntWritable is not class .*LongWritable"):
            (rdd.saveAsNewAPIHadoopDataset if new else rdd.saveAsHadoopDataset)(conf)
    # A setting beside the other arguments counts for nothing.
    path = tmp_path / "file"
    sc.parallelize([(1, "a")], 1).saveAsHadoopFile(str(path), SX, conf={"mapreduce.job.output.key.class": TEXT})
    assert classes_of(*parts(path)) == ("IntWritable", "Text")


# -- values ---------------------------------------------------------------------------------------
def test_maps_come_in_the_order_of_java(sc: SparkContext, tmp_path: Path) -> None:
    maps = {"x": {number: number for number in (77, 16, 33, 1, 2**40, 5)}, "y": {f"k{n}": 1.5 for n in range(14)}}
    sc.parallelize(list(maps.items()), 1).saveAsHadoopFile(str(tmp_path / "out"), TX)
    sc.parallelize([("z", {n: n for n in (77, 16, 33, 1, 5, 49, 17, 32, 48, 0, -1, -16)})], 1).saveAsHadoopFile(
        str(tmp_path / "more"), TX
    )
    numbers = (-1, 0, 32, 48, 16, 1, 33, 17, 49, 5, 77, -16)
    found = ", ".join(f"{number}={number}" for number in numbers)
    assert parts(tmp_path / "more")[0].read_text() == f"z\t{{{found}}}\n"
    order = (0, 1, 2, 11, 3, 12, 4, 5, 10, 6, 7, 13, 8, 9)
    assert parts(tmp_path / "out")[0].read_text().splitlines() == [
        "x\t{1099511627776=1099511627776, 16=16, 1=1, 33=33, 5=5, 77=77}",
        "y\t{" + ", ".join(f"k{number}=1.5" for number in order) + "}",
    ]


def test_tuples_are_arrays(sc: SparkContext, tmp_path: Path) -> None:
    pairs = [("x", (1, (2, "b"), None)), ("y", ())]
    sc.parallelize(pairs, 1).saveAsSequenceFile(str(tmp_path / "out"))
    (part,) = parts(tmp_path / "out")
    assert classes_of(part) == ("Text", "ArrayWritable")
    records = b"\0\0\0\x14\0\0\0\x02\x01x\0\0\0\x03\0\0\0\x01\0\0\0\x02\0\0\0\x02\x01b\0\0\0\x06\0\0\0\x02\x01y\0\0\0\0"
    assert part.read_bytes().endswith(records)
    with pytest.raises(Py4JJavaError, match=r"NoSuchMethodException: .*ArrayWritable\.<init>"):
        sc.sequenceFile(str(tmp_path / "out"))


def test_half_a_pair_of_surrogates_is_not_known(sc: SparkContext, tmp_path: Path) -> None:
    rdd = sc.parallelize([("x", "\ud800")], 1)
    rdd.saveAsHadoopFile(str(tmp_path / "a"), TX)
    assert parts(tmp_path / "a")[0].read_bytes() == b"x\t\xef\xbf\xbd\n"
    rdd.saveAsSequenceFile(str(tmp_path / "b"))
    assert sc.sequenceFile(str(tmp_path / "b")).collect() == [("x", "\ufffd")]


# -- what is left of it all -----------------------------------------------------------------------
def test_looks_count_for_no_accumulator(sc: SparkContext, tmp_path: Path) -> None:
    calls = sc.accumulator(0)

    def counted(number: int) -> tuple[int, str]:
        calls.add(1)
        return number, "a"

    sc.parallelize([1, 2, 3], 1).map(counted).saveAsSequenceFile(str(tmp_path / "out"))
    assert calls.value == 3


def fails(element: Any) -> Any:
    raise ValueError(f"no {element}")


def test_a_failure_of_the_program_shows_at_the_first_look(sc: SparkContext, tmp_path: Path) -> None:
    with Watched(sc) as watched, pytest.raises(Py4JJavaError, match="ValueError: no 1") as raised:
        sc.parallelize([1], 1).map(fails).saveAsSequenceFile(str(tmp_path / "out"))
    assert raised.value.java_exception.getMessage().startswith("Job aborted due to stage failure")
    assert watched.jobs == [(TAKE, 1, "FAILED")] and not (tmp_path / "out").exists()
    with pytest.raises(Py4JJavaError, match="ValueError: no 1") as raised:
        sc.parallelize([1], 1).map(fails).saveAsTextFile(str(tmp_path / "text"))
    problem = raised.value.java_exception
    assert (problem.toString(), problem.getCause() is not None) == (f"{SPARK}: Job aborted.", True)


def test_the_place_that_a_program_gives_to_its_jobs_stays(sc: SparkContext, tmp_path: Path) -> None:
    sc.setLocalProperty("callSite.short", "mine")
    try:
        with Watched(sc) as watched:
            sc.parallelize([(1, "a")], 1).saveAsSequenceFile(str(tmp_path / "out"))
        assert sc.getLocalProperty("callSite.short") == "mine"
    finally:
        sc.setLocalProperty("callSite.short", None)
    assert watched.jobs == succeeded(("mine", 1), ("mine", 1), ("mine", 1))


def test_approximate_actions_make_the_rdds_of_spark(sc: SparkContext) -> None:
    site = "Approx at NativeMethodAccessorImpl.java:0"
    for name in ("countApprox", "sumApprox", "meanApprox"):
        with Watched(sc) as watched:
            getattr(sc.parallelize([1.0], 1), name)(10)
        expected = "mean" if name.startswith("mean") else "sum"
        assert (watched.ids, watched.jobs) == (4, succeeded((expected + site, 1)))
