"""Streams that go on from a checkpoint: the same as if they had never stopped."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from operator import add, sub
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from notes import FAILING, SEEN
from py4j.protocol import Py4JJavaError
from pyspark import RDD, SparkConf, SparkContext
from pyspark.streaming import DStream, State, StateSpec, StreamingContext


class Pair(NamedTuple):
    """A state of a class of its own."""

    count: int
    words: str


@pytest.fixture
def hand() -> Iterator[SparkContext]:
    """A context whose streams' clocks are turned by hand."""
    SEEN.clear()
    FAILING.clear()
    conf = SparkConf().setMaster("local[2]").setAppName("test").set("spark.streaming.clock", "manual")
    context = SparkContext(conf=conf)
    yield context
    active = StreamingContext.getActive()
    if active is not None:
        active.stop(stopSparkContext=False)
    SparkContext._active_spark_context and SparkContext._active_spark_context.stop()


def noting(name: str) -> Callable:
    """An output that notes what a batch holds."""

    def note(rdd: object) -> None:
        # Not a variable of this module: that would come back as a copy.
        from notes import SEEN as noted

        noted.append((name, sorted(rdd.collect(), key=repr)))

    return note


QUEUE = [[("a", 1)], [("b", 1)], [("a", 2), ("c", 3)], [], [("a", 5)], [("b", 2)], [("d", 2)], [], [("z", 9)]]


def all_kinds(ssc: StreamingContext, queue: list[list]) -> None:
    """Every operation that needs more than its batch."""
    words = ssc.queueStream(queue)
    words.updateStateByKey(lambda new, old: (sum(new) + (old or 0)) or None).foreachRDD(noting("state"))
    words.updateStateByKey(lambda new, old: (old or []) + new).foreachRDD(noting("lists"))
    words.updateStateByKey(
        lambda new, old: Pair(sum(new) + (old.count if old else 0), "x" * len(new)), initialRDD=[("q", Pair(1, ""))]
    ).foreachRDD(noting("classes"))
    words.reduceByKeyAndWindow(add, sub, 5, 1).foreachRDD(noting("inverse"))
    words.reduceByKeyAndWindow(add, None, 3, 2).foreachRDD(noting("reduced"))
    words.window(3).foreachRDD(noting("window"))
    words.window(2).window(2).count().foreachRDD(noting("twice"))
    counted = words.mapWithState(
        StateSpec.function(lambda k, v, s: (s.update((s.getOption() or 0) + (v or 0)) if v else None, k, v))
        .initialState([("q", 4)])
        .timeout(3)
    )
    counted.foreachRDD(noting("mapped"))
    counted.checkpoint(2)
    counted.stateSnapshots().foreachRDD(noting("snapshots"))


def run(sc: SparkContext, folder: Path, queue: list[list], stops: list[int]) -> tuple[list, int]:
    """What all batches gave when the stream is stopped, and gone on with, after so many batches each time."""
    SEEN.clear()
    setups = []

    def setup() -> StreamingContext:
        setups.append(1)
        ssc = StreamingContext(sc, 1)
        ssc.checkpoint(str(folder))
        all_kinds(ssc, queue)
        return ssc

    for batches in stops:
        ssc = StreamingContext.getOrCreate(str(folder), setup)
        ssc.start()
        ssc.advance(batches)
        ssc.stop(stopSparkContext=False)
    return list(SEEN), len(setups)


def test_a_stream_goes_on_as_if_it_had_never_stopped(hand: SparkContext, tmp_path: Path) -> None:
    whole, _ = run(hand, tmp_path / "whole", QUEUE, [12])
    parts, setups = run(hand, tmp_path / "parts", QUEUE, [3, 1, 5, 3])
    assert parts == whole
    assert setups == 1


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    queue=st.lists(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3)), max_size=4), min_size=1, max_size=8),
    cut=st.integers(1, 7),
)
def test_any_stream_goes_on_anywhere(hand: SparkContext, tmp_path: Path, queue: list[list], cut: int) -> None:
    shutil.rmtree(tmp_path, ignore_errors=True)
    whole, _ = run(hand, tmp_path / "whole", queue, [8])
    assert run(hand, tmp_path / "parts", queue, [cut, 8 - cut])[0] == whole


def test_settings_come_back_where_there_is_no_context(hand: SparkContext, tmp_path: Path) -> None:
    run(hand, tmp_path, QUEUE, [2])
    hand.stop()
    ssc = StreamingContext.getOrCreate(str(tmp_path), lambda: pytest.fail("the setup function is called"))
    assert ssc.sparkContext.getConf().get("spark.streaming.clock") == "manual"
    assert ssc.sparkContext.appName == "test"
    ssc.start()
    ssc.advance()
    assert ("state", [("a", 3), ("b", 1), ("c", 3)]) in SEEN[-10:]


def counting(sc: SparkContext, folder: Path) -> Callable[[], StreamingContext]:
    """A setup function of a small stream."""

    def setup() -> StreamingContext:
        ssc = StreamingContext(sc, 1)
        ssc.checkpoint(str(folder))
        words = ssc.queueStream(QUEUE)
        words.updateStateByKey(lambda new, old: sum(new) + (old or 0)).foreachRDD(noting("state"))
        return ssc

    return setup


def go(folder: Path, setup: Callable[[], StreamingContext], batches: int) -> None:
    ssc = StreamingContext.getOrCreate(str(folder), setup)
    ssc.start()
    ssc.advance(batches)
    ssc.stop(stopSparkContext=False)


def test_a_damaged_newest_checkpoint_falls_back_with_a_warning(
    hand: SparkContext, tmp_path: Path, log: Callable[[], list[str]]
) -> None:
    setup = counting(hand, tmp_path)
    go(tmp_path, setup, 3)
    newest = tmp_path / "checkpoint-3000.1"
    newest.write_bytes(newest.read_bytes()[:-1])
    del SEEN[2:]
    go(tmp_path, setup, 2)
    # The batch of 3 s runs again.
    assert [pairs for _, pairs in SEEN] == [
        [("a", 1)],
        [("a", 1), ("b", 1)],
        [("a", 3), ("b", 1), ("c", 3)],
        [("a", 3), ("b", 1), ("c", 3)],
    ]
    assert any("checkpoint-3000.1 cannot be used: it is cut short" in text for text in log())


def test_a_folder_without_a_good_checkpoint_is_refused(hand: SparkContext, tmp_path: Path) -> None:
    (tmp_path / "checkpoint-1000").write_bytes(b"junk")
    with pytest.raises(Py4JJavaError, match=r"Failed to read checkpoint from directory .* remove this one") as raised:
        StreamingContext.getOrCreate(str(tmp_path), lambda: pytest.fail("the setup function is called"))
    assert "org.apache.spark.SparkException" in str(raised.value)


def test_outputs_cannot_be_added_to_what_came_back(hand: SparkContext, tmp_path: Path) -> None:
    setup = counting(hand, tmp_path)
    go(tmp_path, setup, 2)
    ssc = StreamingContext.getOrCreate(str(tmp_path), setup)
    ssc.queueStream([[1]]).pprint()
    with pytest.raises(Py4JJavaError, match=r"has not been initialized: .* in the setup function of .*getOrCreate"):
        ssc.start()
    go(tmp_path, setup, 1)
    assert len(SEEN) == 3


def test_a_checkpoint_that_others_may_write_is_refused(
    hand: SparkContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = counting(hand, tmp_path)
    go(tmp_path, setup, 1)
    for path in tmp_path.glob("functions-*"):
        path.chmod(0o666)
    with pytest.raises(Py4JJavaError, match="other users may write to it"):
        StreamingContext.getOrCreate(str(tmp_path), setup)
    monkeypatch.setenv("DSTREAMS_CHECKPOINTS_OF_ANYBODY", "1")
    go(tmp_path, setup, 1)
    assert SEEN[-1] == ("state", [("a", 1), ("b", 1)])


def test_a_function_that_cannot_be_pickled_is_named_at_the_start(hand: SparkContext, tmp_path: Path) -> None:
    ssc = StreamingContext(hand, 1)
    ssc.checkpoint(str(tmp_path))
    guard = threading.Lock()

    def careful(rdd: object) -> None:
        with guard:
            rdd.count()

    ssc.queueStream([[1]]).foreachRDD(careful)
    with pytest.raises(Py4JJavaError, match=r"careful \(.*test_checkpoint.py:\d+\) captures 'guard', a lock") as raised:
        ssc.start()
    assert "java.io.IOException" in str(raised.value)
    assert "cannot pickle '_thread.lock' object" in str(raised.value)
    with pytest.raises(Py4JJavaError, match="has already been stopped"):
        ssc.start()


def test_the_context_in_a_function_is_refused_at_the_start(hand: SparkContext, tmp_path: Path) -> None:
    ssc = StreamingContext(hand, 1)
    ssc.checkpoint(str(tmp_path))
    ssc.queueStream([[1]]).map(lambda x: hand.defaultParallelism).foreachRDD(noting("never"))
    with pytest.raises(Py4JJavaError, match="It appears that you are attempting to reference SparkContext"):
        ssc.start()


def test_captured_variables_come_back_as_they_were_last(hand: SparkContext, tmp_path: Path) -> None:
    def setup() -> StreamingContext:
        ssc = StreamingContext(hand, 1)
        ssc.checkpoint(str(tmp_path))
        seen: list[int] = []

        def keep(rdd: object) -> None:
            seen.extend(rdd.collect())
            noting("all")(hand_made(seen))

        def hand_made(values: list[int]) -> object:
            class Values:
                def collect(self) -> list[int]:
                    return values

            return Values()

        ssc.queueStream([[1], [2], [3], [4]]).foreachRDD(keep)
        return ssc

    go(tmp_path, setup, 2)
    go(tmp_path, setup, 2)
    assert [values for _, values in SEEN] == [[1], [1, 2], [1, 2, 3], [1, 2, 3, 4]]


def test_a_program_that_begins_anew_replaces_the_checkpoint(
    hand: SparkContext, tmp_path: Path, log: Callable[[], list[str]]
) -> None:
    setup = counting(hand, tmp_path)
    go(tmp_path, setup, 4)
    ssc = setup()
    ssc.start()
    ssc.advance(1)
    ssc.stop(stopSparkContext=False)
    kept = sorted(path.name for path in tmp_path.glob("checkpoint-*"))
    assert kept == ["checkpoint-0.2", "checkpoint-0.2.copy", "checkpoint-1000.2"]
    assert any("holds the checkpoint of an earlier run, which this program will replace" in text for text in log())


def test_a_folder_that_goes_away_is_told_and_the_stream_goes_on(
    hand: SparkContext, tmp_path: Path, log: Callable[[], list[str]]
) -> None:
    folder = tmp_path / "checkpoint"
    setup = counting(hand, folder)
    ssc = setup()
    ssc.start()
    ssc.advance(1)
    shutil.rmtree(folder)
    ssc.advance(2)
    assert len(SEEN) == 3
    assert any("The checkpoint after the batch of 2000 ms could not be written" in text for text in log())
    ssc.advance(1)
    ssc.stop(stopSparkContext=False)
    go(folder, setup, 1)
    assert SEEN[-1] == ("state", [("a", 8), ("b", 1), ("c", 3)])


def test_a_folder_that_cannot_be_made_fails_the_start(hand: SparkContext, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    ssc = StreamingContext(hand, 1)
    for define in (ssc.checkpoint, hand.setCheckpointDir):
        with pytest.raises(
            Py4JJavaError, match=r"fs.ParentNotDirectoryException: .*/file/folder/.* cannot be made: Not a directory"
        ):
            define(str(tmp_path / "file" / "folder"))


def test_the_log_of_receivers_needs_a_folder(tmp_path: Path) -> None:
    conf = (
        SparkConf()
        .setMaster("local[2]")
        .setAppName("test")
        .set("spark.streaming.receiver.writeAheadLog.enable", "true")
    )
    with SparkContext(conf=conf) as sc:
        ssc = StreamingContext(sc, 1)
        ssc.socketTextStream("localhost", 9).pprint()
        with pytest.raises(Py4JJavaError, match="Cannot enable receiver write-ahead log without checkpoint directory"):
            ssc.start()


def test_old_files_are_cleaned_up(hand: SparkContext, tmp_path: Path) -> None:
    go(tmp_path, counting(hand, tmp_path), 30)
    names = [path.name for path in tmp_path.iterdir()]
    assert sorted(name for name in names if name.startswith("checkpoint-")) == [
        f"checkpoint-{t}000.1" for t in (28, 29, 30)
    ]
    assert len(names) < 16


def test_half_an_output_is_written_anew_and_a_whole_one_stays(hand: SparkContext, tmp_path: Path) -> None:
    half, whole = tmp_path / "out-1000", tmp_path / "out-2000"
    (half / "_temporary").mkdir(parents=True)
    (half / "part-00000").write_text("torn")
    whole.mkdir()
    (whole / "part-00000").write_text("kept\n")
    (whole / "_SUCCESS").touch()
    ssc = StreamingContext(hand, 1)
    ssc.queueStream([hand.parallelize(["new"], 1)] * 2).saveAsTextFiles(str(tmp_path / "out"))
    ssc.start()
    ssc.advance(2)
    ssc.stop(stopSparkContext=False)
    assert (half / "part-00000").read_text() == "new\n"
    assert (half / "_SUCCESS").exists() and not (half / "_temporary").exists()
    assert (whole / "part-00000").read_text() == "kept\n"


FULL_DISK = """
import resource, signal, sys
from pyspark import SparkConf, SparkContext
from pyspark.streaming import StreamingContext

conf = SparkConf().setMaster("local[2]").setAppName("full").set("spark.streaming.clock", "manual")
folder = sys.argv[1] if len(sys.argv) > 1 else "checkpoint"

def setup():
    ssc = StreamingContext(SparkContext(conf=conf), 1)
    ssc.checkpoint(folder)
    words = ssc.queueStream([[(f"a word that takes room {n}", n) for n in range(at * 200)] for at in range(1, 5)])
    sums = words.updateStateByKey(lambda new, old: sum(new) + (old or 0))
    sums.foreachRDD(lambda rdd: print(rdd.count(), flush=True))
    return ssc

ssc = StreamingContext.getOrCreate(folder, setup)
ssc.start()
ssc.advance()
# From now on no file may grow beyond this: writing fails as on a full disk.
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
ssc.advance()
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
ssc.advance()
ssc.stop(False)
ssc = StreamingContext.getOrCreate(folder, setup)
ssc.start()
ssc.advance()
ssc.stop()
"""


def test_a_full_disk_is_told_and_the_stream_goes_on(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(FULL_DISK, encoding="utf-8")
    command = [sys.executable, "program.py", "checkpoint"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert ended.stdout.split() == ["200", "400", "600", "800"], ended.stderr
    told = [line for line in ended.stderr.splitlines() if "could not be written" in line]
    assert len(told) == 1 and "after the batch of 2000 ms" in told[0] and "too large" in told[0].lower()


STATES_OF_A_LOCAL_CLASS = """
import sys
from pyspark import SparkConf, SparkContext
from pyspark.streaming import StreamingContext

def total_class():
    class Total:  # has no name by which another process could import it
        def __init__(self, count):
            self.count = count
    return Total

def setup():
    Total = total_class()
    conf = SparkConf().setMaster("local[2]").setAppName("test").set("spark.streaming.clock", "manual")
    sc = SparkContext(conf=conf.set("spark.dstreams.memory.limit", sys.argv[2]))
    ssc = StreamingContext(sc, 1)
    ssc.checkpoint(sys.argv[1])
    ones = ssc.queueStream([[(word, 1) for word in "abca"]], oneAtATime=True, default=[("a", 1)])
    states = ones.updateStateByKey(lambda new, old: Total(sum(new) + (old.count if old else 0)))
    states.foreachRDD(lambda rdd: print(sorted(rdd.mapValues(lambda state: state.count).collect())))
    return ssc

ssc = StreamingContext.getOrCreate(sys.argv[1], setup)
ssc.start()
ssc.advance(2)
ssc.stop()
"""


@pytest.mark.parametrize("limit", ["1g", "1k"])
def test_states_of_a_local_class_are_there_in_another_process(tmp_path: Path, limit: str) -> None:
    # With 1k the states are in files of the first process, from where they come to the checkpoint.
    (tmp_path / "program.py").write_text(STATES_OF_A_LOCAL_CLASS, encoding="utf-8")
    printed = []
    for _ in range(2):
        command = [sys.executable, "program.py", "checkpoint", limit]
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        assert ended.returncode == 0, ended.stderr
        printed += ended.stdout.splitlines()
    assert printed == [str([("a", count), ("b", 1), ("c", 1)]) for count in (2, 3, 4, 5)]


def fails_with_some(pair: tuple[str, int]) -> tuple[str, int]:
    """As it is, unless it is told to fail."""
    from notes import FAILING

    if pair[1] in FAILING:
        raise ValueError("not reachable")
    return pair


def total(key: str, value: int | None, state: State) -> tuple[str, int]:
    state.update((state.getOption() or 0) + value)
    return key, state.get()


def total_in_python(key: str, value: int | None, state: State) -> tuple[str, int]:
    return eval("total(key, value, state)", {"total": total}, {"key": key, "value": value, "state": state})


TOTALS: dict[str, Callable[[DStream], DStream]] = {
    "updateStateByKey": lambda pairs: pairs.updateStateByKey(lambda new, old: sum(new) + (old or 0)),
    "mapWithState": lambda pairs: pairs.mapWithState(StateSpec.function(total)),
    "mapWithState, called": lambda pairs: pairs.mapWithState(StateSpec.function(total_in_python)),
    "mapWithState, timed": lambda pairs: pairs.mapWithState(StateSpec.function(total).timeout(60)),
}


@pytest.mark.parametrize("failing", [[4], [4, 8], [1], [1, 2]], ids=str)
@pytest.mark.parametrize("kind", TOTALS)
def test_what_failed_is_made_up_for_after_a_restart(
    hand: SparkContext, tmp_path: Path, kind: str, failing: list[int]
) -> None:
    def note(rdd: RDD) -> None:
        from notes import SEEN as noted

        noted.append(rdd.collect())

    def setup() -> StreamingContext:
        ssc = StreamingContext(hand, 1)
        ssc.checkpoint(str(tmp_path))
        pairs = ssc.queueStream([[("a", 2**n)] for n in range(8)]).map(fails_with_some)
        TOTALS[kind](pairs).foreachRDD(note)
        return ssc

    FAILING.update(failing)
    ssc = StreamingContext.getOrCreate(str(tmp_path), setup)
    ssc.start()
    batches = failing[-1].bit_length()
    for _ in range(batches):
        with contextlib.suppress(Exception):  # what was told to fail
            ssc.advance(1)
    ssc.stop(stopSparkContext=False)
    assert len(SEEN) == batches - len(failing)
    FAILING.clear()
    SEEN.clear()
    ssc = StreamingContext.getOrCreate(str(tmp_path), setup)
    ssc.start()
    ssc.advance(3)
    assert [[("a", 2**n - 1)] for n in range(batches + 1, batches + 4)] == SEEN
