"""Functions in worker processes: what a program sees is what it sees without them."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py4j.protocol import Py4JJavaError
from pyspark import BarrierTaskContext, SparkConf, SparkContext, SparkFiles, TaskContext
from pyspark.streaming import StreamingContext

from dstreams import _native

WORKERS = "spark.dstreams.python.workers"
WORDS = ["the", "quick", "brown", "fox", "jumps", "over", "the", "lazy", "dog", "and", "the", "quick", "cat"]


@pytest.fixture
def pooled(spark: Callable[..., SparkContext]) -> Callable[..., SparkContext]:
    """Makes a context with two worker processes, or as many as told."""

    def make(master: str = "local[2]", workers: int = 2, **more: str) -> SparkContext:
        changed = {key.replace("_", "."): value for key, value in more.items()}
        return spark(master, {WORKERS: str(workers), **changed})

    return make


# -- the same answers ---------------------------------------------------------------------------
def words(sc: SparkContext) -> Any:
    return sc.parallelize(WORDS, 3)


def pairs(sc: SparkContext) -> Any:
    return words(sc).map(lambda w: (w[0], w))


def numbers(sc: SparkContext) -> Any:
    return sc.parallelize(range(3000), 4)


PIPELINES: dict[str, Callable[[SparkContext], Any]] = {
    "map": lambda sc: numbers(sc).map(lambda x: x * 2).collect(),
    "filter": lambda sc: numbers(sc).filter(lambda x: x % 3 == 0).collect(),
    "flatMap": lambda sc: words(sc).flatMap(lambda w: list(w)).collect(),
    "one chain": lambda sc: words(sc).map(len).filter(lambda n: n > 3).map(lambda n: -n).collect(),
    "mapPartitions": lambda sc: words(sc).mapPartitions(lambda part: [sorted(part)]).collect(),
    "a generator": lambda sc: words(sc).mapPartitions(lambda part: (w.upper() for w in part)).collect(),
    "with the index": lambda sc: words(sc).mapPartitionsWithIndex(lambda i, p: [(i, w) for w in p]).collect(),
    "of a union": lambda sc: words(sc).mapPartitionsWithIndex(lambda i, p: [i]).union(words(sc).map(len)).collect(),
    "mapValues": lambda sc: pairs(sc).mapValues(lambda w: len(w)).collect(),
    "flatMapValues": lambda sc: pairs(sc).flatMapValues(lambda w: w[:2]).collect(),
    "glom": lambda sc: words(sc).map(lambda w: w + "!").glom().collect(),
    "count": lambda sc: words(sc).filter(lambda w: "o" in w).count(),
    "reduce": lambda sc: numbers(sc).reduce(lambda a, b: a - b),
    "fold": lambda sc: words(sc).fold("", lambda a, b: a + b),
    "aggregate": lambda sc: numbers(sc).aggregate([], lambda a, x: a + [x] if x < 9 else a, lambda a, b: a + b),
    "treeAggregate": lambda sc: numbers(sc).treeAggregate(0, lambda a, x: a + x, lambda a, b: a + b, 2),
    "reduceByKey": lambda sc: pairs(sc).reduceByKey(lambda a, b: a + b).collect(),
    "groupByKey": lambda sc: pairs(sc).groupByKey().mapValues(lambda ws: list(ws)).collect(),
    "aggregateByKey": lambda sc: pairs(sc).aggregateByKey([], lambda a, w: a + [w], lambda a, b: a + b).collect(),
    "combineByKey": lambda sc: pairs(sc).combineByKey(lambda w: {w}, lambda s, w: s | {w}, set.union).collect(),
    "join": lambda sc: pairs(sc).join(pairs(sc).mapValues(lambda w: len(w))).collect(),
    "fullOuterJoin": lambda sc: pairs(sc).fullOuterJoin(pairs(sc).filter(lambda p: p[0] < "k")).collect(),
    "cogroup": lambda sc: (
        pairs(sc).cogroup(pairs(sc)).mapValues(lambda two: [list(one) for one in two]).sortByKey().collect()
    ),
    "subtract": lambda sc: words(sc).subtract(words(sc).filter(lambda w: len(w) > 3)).collect(),
    "distinct": lambda sc: words(sc).map(lambda w: w[-1]).distinct().collect(),
    "sortBy": lambda sc: words(sc).sortBy(lambda w: (len(w), w), ascending=False).collect(),
    "sortByKey": lambda sc: pairs(sc).sortByKey(keyfunc=lambda k: -ord(k), numPartitions=1).collect(),
    "top": lambda sc: words(sc).top(3, key=lambda w: w[::-1]),
    "partitionBy": lambda sc: pairs(sc).partitionBy(3, lambda k: ord(k)).glom().collect(),
    "repartition": lambda sc: numbers(sc).map(lambda x: x + 1).repartition(3).glom().collect(),
    "coalesce": lambda sc: numbers(sc).map(lambda x: x + 1).coalesce(2).map(lambda x: x * 2).glom().collect(),
    "zip": lambda sc: words(sc).map(len).zip(words(sc).map(lambda w: w[0])).collect(),
    "cartesian": lambda sc: words(sc).map(len).cartesian(sc.parallelize([1, 2], 1).map(str)).collect(),
    "zipWithIndex": lambda sc: words(sc).map(lambda w: w).zipWithIndex().collect(),
    "sample": lambda sc: numbers(sc).map(lambda x: x).sample(False, 0.1, 42).collect(),
    "take": lambda sc: numbers(sc).map(lambda x: x + 1).take(1500),
    "hash of text": lambda sc: words(sc).map(lambda w: hash(w)).collect(),
    "persisted": lambda sc: [words(sc).map(lambda w: [w]).cache().map(lambda x: x + x).collect() for _ in "ab"],
    "default values": lambda sc: words(sc).map(lambda w, seen=[]: seen.append(w) or len(seen)).collect(),
    "one object, twice": lambda sc: words(sc).map(lambda w: [[w] * 2] * 2).map(lambda p: p[0] is p[1]).collect(),
}


def outcome(pipeline: Callable[[SparkContext], Any], sc: SparkContext) -> tuple[str, Any]:
    try:
        return "gave", pipeline(sc)
    except Exception as error:
        return "raised", f"{type(error).__name__}: {error}"


@pytest.fixture(scope="module", params=["1", "0"], ids=["native", "all in Python"])
def answers(request: pytest.FixtureRequest) -> dict[str, list[tuple[str, Any]]]:
    """What each pipeline gives without workers, and with two, where plain functions run natively or not."""
    found: dict[str, list[tuple[str, Any]]] = {name: [] for name in PIPELINES}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DSTREAMS_NATIVE", request.param)
        for workers in (0, 2):
            with SparkContext(conf=SparkConf().setMaster("local[2]").set(WORKERS, workers)) as sc:
                for name, pipeline in PIPELINES.items():
                    found[name].append(outcome(pipeline, sc))
    return found


@pytest.mark.parametrize("name", PIPELINES)
def test_a_pipeline_gives_the_same_in_workers(answers: dict[str, list[tuple[str, Any]]], name: str) -> None:
    here, there = answers[name]
    assert here[0] == "gave", here[1]
    assert there == here


PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner) | st.sets(st.text()),
    max_leaves=8,
)


def test_any_values_go_there_and_come_back(pooled: Callable[..., SparkContext]) -> None:
    sc = pooled()

    @given(st.lists(VALUES, max_size=40))
    @settings(max_examples=40, deadline=None)
    def check(values: list[Any]) -> None:
        back = sc.parallelize(values, 2).map(lambda value: (type(value).__name__, value)).collect()
        assert back == [(type(value).__name__, value) for value in values]

    check()


def test_a_stream_with_a_state_gives_the_same_in_workers(
    spark: Callable[..., SparkContext], eventually: Callable[..., None], tmp_path: Path
) -> None:
    def run(workers: int) -> list[list[tuple[str, Any]]]:
        sc = spark("local[2]", {WORKERS: str(workers)})
        ssc = StreamingContext(sc, 0.1)
        ssc.checkpoint(str(tmp_path / str(workers)))
        batches: list[list[tuple[str, Any]]] = []
        counts = (
            ssc.queueStream([["a b a"], ["b"], ["c a"], []])
            .flatMap(lambda line: line.split(" "))
            .map(lambda word: (word, 1))
            .updateStateByKey(lambda new, before: [*(before or []), sum(new)])
        )
        counts.foreachRDD(lambda rdd: batches.append(rdd.collect()))
        ssc.start()
        eventually(lambda: len(batches) >= 4)
        ssc.stop()
        return batches[:4]

    assert run(2) == run(0)


# -- in other processes, but not everything -----------------------------------------------------
def test_functions_run_in_as_many_processes_as_asked_for(pooled: Callable[..., SparkContext]) -> None:
    found = set(pooled("local[4]").parallelize(range(40), 20).map(lambda x: os.getpid()).collect())
    assert os.getpid() not in found
    assert 1 <= len(found) <= 2


def test_workers_are_used_again(pooled: Callable[..., SparkContext]) -> None:
    sc = pooled("local[1]", 1)
    first, second = (sc.parallelize([0], 1).map(lambda x: os.getpid()).collect() for _ in "ab")
    assert first == second


def test_functions_of_the_driver_stay_there(pooled: Callable[..., SparkContext], eventually: Any) -> None:
    ssc = StreamingContext(pooled(), 0.1)
    seen: list[int] = []
    ssc.queueStream([[1]]).transform(lambda rdd: seen.append(os.getpid()) or rdd).foreachRDD(
        lambda rdd: seen.append(os.getpid())
    )
    ssc.start()
    eventually(lambda: len(seen) >= 2)
    ssc.stop()
    assert set(seen) == {os.getpid()}


def test_what_calls_no_function_of_the_program_starts_no_process(pooled: Callable[..., SparkContext]) -> None:
    sc = pooled()
    data = sc.parallelize([(1, 2), (1, 3)], 2)
    assert (data.count(), data.keys().collect(), data.groupByKey().count()) == (2, [1, 1], 1)
    assert sc._workers.processes() == []


def test_tasks_of_a_barrier_meet(pooled: Callable[..., SparkContext]) -> None:
    def meet(part: Any) -> list[Any]:
        context = BarrierTaskContext.get()
        return [context.allGather(str(context.partitionId()))]

    assert pooled("local[2]", 1).parallelize([0, 1], 2).barrier().mapPartitions(meet).collect() == [["0", "1"]] * 2


def test_one_worker_is_enough_for_chains_that_read_from_chains(pooled: Callable[..., SparkContext]) -> None:
    sc = pooled("local[4]", 1)
    inner = sc.parallelize(range(8), 8).map(lambda x: x + 1)
    kept = inner.map(lambda x: x * 10).cache()
    assert inner.coalesce(1).map(lambda x: x * 2).collect() == [2, 4, 6, 8, 10, 12, 14, 16]
    same = sc.union([kept, kept, kept, kept]).map(lambda x: x + 1).collect()
    assert same == [11, 21, 31, 41, 51, 61, 71, 81] * 4


# -- laziness and failures ----------------------------------------------------------------------
def test_take_computes_no_more_than_it_needs(pooled: Callable[..., SparkContext]) -> None:
    sc = pooled()
    seen = sc.accumulator(0)

    def note(x: int) -> int:
        seen.add(1)
        return x

    assert sc.parallelize(range(100_000), 2).map(note).take(1) == [0]
    assert seen.value == 1
    first = sc.union([sc.parallelize(range(100_000), 1).map(note), sc.parallelize([1], 1)])
    assert first.take(1) == [0]
    # What the worker did for a block that nobody read to its end counts as it does without workers.
    assert seen.value == 2


def test_no_elements_are_computed_for_a_task_that_ends_early(pooled: Callable[..., SparkContext]) -> None:
    sc = pooled()
    taken = sc.parallelize(range(10**12), 1).map(lambda x: x + 1).mapPartitions(lambda part: [next(iter(part))])
    assert taken.collect() == [1]


FAILING: dict[str, Callable[[Any], Any]] = {
    "a plain one": lambda rdd: rdd.map(lambda x: 1 // x),
    "in a generator": lambda rdd: rdd.mapPartitions(lambda part: ({}[x] for x in part)),
    "StopIteration": lambda rdd: rdd.map(lambda x: next(iter([]))),
    "SystemExit": lambda rdd: rdd.map(lambda x: sys.exit(3)),
    "of a library": lambda rdd: rdd.map(lambda x: int("x")),
    "an iterable is missing": lambda rdd: rdd.flatMap(lambda x: 5),
    "in foreach": lambda rdd: rdd.mapPartitions(lambda part: [[].index(x) for x in part]),
    "in a key": lambda rdd: rdd.map(lambda x: ([], x)).reduceByKey(lambda a, b: a),
}


@pytest.mark.parametrize("name", FAILING)
def test_an_exception_looks_the_same(spark: Callable[..., SparkContext], name: str) -> None:
    def fail(workers: int) -> tuple[str, str, str]:
        sc = spark("local[1]", {WORKERS: str(workers)})
        with pytest.raises(Py4JJavaError) as failed:
            FAILING[name](sc.parallelize([1, 0, 0], 1)).collect()
        sc.stop()
        cause = failed.value.__cause__
        return str(failed.value), repr(cause), repr(cause and cause.__cause__)

    assert fail(2) == fail(0)


def test_a_cause_has_its_own_class_and_what_it_carries(pooled: Callable[..., SparkContext]) -> None:
    class Own(Exception):
        def __init__(self, first: int, second: str) -> None:
            super().__init__(f"{first} and {second}")
            self.first, self.handle = first, traceback.walk_stack(None)

    def fail(x: int) -> None:
        try:
            raise KeyError("deep")
        except KeyError as error:
            raise Own(7, "more") from error

    with pytest.raises(Py4JJavaError, match=r"KeyError: 'deep'[\s\S]*direct cause[\s\S]*7 and more") as failed:
        pooled().parallelize([1], 1).map(fail).collect()
    cause = failed.value.__cause__
    assert type(cause) is Own
    assert (cause.args, cause.first) == (("7 and more",), 7)
    # A generator cannot travel.
    assert "generator" in str(cause.handle)
    assert repr(cause.__cause__) == "KeyError('deep')"


def test_a_result_that_cannot_be_pickled_fails_the_job(pooled: Callable[..., SparkContext]) -> None:
    with pytest.raises(Py4JJavaError, match="cannot pickle 'generator' object"):
        pooled().parallelize([1], 1).map(lambda x: (i for i in "ab")).collect()


def test_the_context_in_a_function_is_refused(pooled: Callable[..., SparkContext]) -> None:
    sc = pooled()
    with pytest.raises(Exception, match="SPARK-5063") as failed:
        sc.parallelize([1], 1).map(lambda x: sc.appName).collect()
    assert type(failed.value).__name__ == "PicklingError"


def test_updates_count_when_the_task_succeeds(pooled: Callable[..., SparkContext]) -> None:
    sc = pooled("local[2, 2]")
    total = sc.accumulator(0)

    def add(x: int) -> int:
        total.add(x)
        context = TaskContext.get()
        assert context is not None
        if x == 3 and context.attemptNumber() == 0:
            raise ValueError("once")
        return x

    assert sc.parallelize(range(5), 2).map(add).map(lambda x: -x).collect() == [0, -1, -2, -3, -4]
    assert total.value == 10


# -- lost workers -------------------------------------------------------------------------------
def test_a_task_whose_worker_is_killed_is_tried_again(pooled: Callable[..., SparkContext], tmp_path: Path) -> None:
    sc, mark = pooled(), tmp_path / "killed"
    total = sc.accumulator(0)

    def kill_once(x: int) -> tuple[str, int]:
        total.add(1)
        if x == 70 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), 9)
        return "ab"[x % 2], x

    summed = sc.parallelize(range(100), 2).map(kill_once).reduceByKey(lambda a, b: a + b)
    # The map side of a shuffle, and a chain that this process runs over one that a worker runs.
    assert sorted(summed.collect()) == [("a", 2450), ("b", 2500)]
    assert total.value == 100
    mark.unlink()
    assert sc.union([sc.parallelize(range(71), 1).map(kill_once)]).keys().glom().map(len).collect() == [71]


@pytest.mark.parametrize("tries", [None, 1, 2])
def test_a_task_that_always_loses_its_worker_fails(
    pooled: Callable[..., SparkContext], tmp_path: Path, tries: int | None
) -> None:
    sc = pooled(**({} if tries is None else {"spark_task_maxFailures": str(tries)}))
    folder = str(tmp_path)

    def die(x: int) -> None:
        context = TaskContext.get()
        assert context is not None
        Path(folder, str(context.attemptNumber())).touch()
        os._exit(5)

    with pytest.raises(Py4JJavaError) as failed:
        sc.parallelize([1], 1).map(die).collect()
    expected = tries or 4
    assert sorted(os.listdir(folder)) == [str(number) for number in range(expected)]
    text = str(failed.value)
    assert f"Task 0 in stage 0.0 failed {expected} times" in text
    assert "ended with exit code 5" in text
    assert f"{WORKERS} is 2" in text
    assert f"spark.task.maxFailures times ({expected})" in text
    assert failed.value.java_exception.getClass().getName() == "org.apache.spark.SparkException"
    assert sc.parallelize(range(4), 2).map(lambda x: x + 1).collect() == [1, 2, 3, 4]


def test_an_ordinary_exception_is_not_tried_again(pooled: Callable[..., SparkContext]) -> None:
    def fail(x: int) -> None:
        context = TaskContext.get()
        raise ValueError(f"attempt {context and context.attemptNumber()}")

    with pytest.raises(Py4JJavaError, match=r"attempt 0[\s\S]*failed 1 times"):
        pooled().parallelize([1], 1).map(fail).collect()


def test_no_process_is_left_when_the_context_stops(pooled: Callable[..., SparkContext]) -> None:
    sc = pooled()
    sc.parallelize([0, 1], 2).map(lambda x: os.getpid()).collect()
    found = sc._workers.processes()
    assert found
    sc.stop()
    for process in found:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


# -- what tasks may ask -------------------------------------------------------------------------
def test_a_task_knows_itself(pooled: Callable[..., SparkContext]) -> None:
    sc = pooled()
    sc.setLocalProperty("mine", "set")

    def ask(x: int) -> tuple[Any, ...]:
        context = TaskContext.get()
        assert context is not None
        mine = context.getLocalProperty("mine"), context.getLocalProperty("other")
        return context.stageId(), context.partitionId(), context.attemptNumber(), mine, os.environ["PYTHONHASHSEED"]

    first = sc.parallelize([0, 1], 2).map(ask).collect()
    assert first == [(0, 0, 0, ("set", None), "0"), (0, 1, 0, ("set", None), "0")]
    ids = sc.parallelize([0, 1], 2).map(lambda x: TaskContext.get().taskAttemptId()).collect()  # type: ignore[union-attr]
    assert sorted(ids) == [2, 3]


def test_hashes_are_those_of_seed_0(pooled: Callable[..., SparkContext]) -> None:
    there = pooled().parallelize(["a", "b"], 1).map(lambda w: w.__hash__()).collect()
    assert there == [_native.task_hash("a"), _native.task_hash("b")]


def test_folder_environment_and_path_are_the_drivers(
    spark: Callable[..., SparkContext], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_DRIVER", "yes")
    sc = spark("local[1]", {WORKERS: "1", "spark.executorEnv.OF_EXECUTORS": "too"})
    sc.parallelize([0], 1).map(lambda x: x).collect()
    # After the worker has started.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shipped").mkdir()
    (tmp_path / "shipped" / "added_later.py").write_text("VALUE = 42", encoding="utf-8")
    sc.addPyFile(str(tmp_path / "shipped" / "added_later.py"))
    (tmp_path / "some.txt").write_text("text", encoding="utf-8")
    sc.addFile("some.txt")

    def ask(x: int) -> tuple[Any, ...]:
        import added_later

        with open(SparkFiles.get("some.txt"), encoding="utf-8") as file:
            text = file.read()
        return os.getcwd(), os.environ["OF_THE_DRIVER"], os.environ["OF_EXECUTORS"], added_later.VALUE, text

    assert sc.parallelize([0], 1).map(ask).collect() == [(str(tmp_path), "yes", "too", 42, "text")]


def test_a_broadcast_is_loaded_once_per_worker(
    pooled: Callable[..., SparkContext], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "noted.py").write_text(
        "class Noted:\n"
        "    def __init__(self, log): self.log = log\n"
        "    def __setstate__(self, state):\n"
        "        self.__dict__ = state\n"
        "        open(self.log, 'a').write('loaded\\n')\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    noted = __import__("noted")
    sc, log = pooled("local[1]", 1), tmp_path / "log"
    shared = sc.broadcast(noted.Noted(str(log)))

    def use() -> int:
        assert sc.parallelize(range(4), 2).map(lambda x: shared.value.log).distinct().collect() == [str(log)]
        return log.read_text(encoding="utf-8").count("loaded")

    assert [use(), use()] == [1, 1]
    shared.unpersist()
    assert use() == 2
    shared.destroy()
    with pytest.raises(Py4JJavaError, match="after it was destroyed"):
        use()


@pytest.mark.parametrize(
    ("key", "value"),
    [(WORKERS, "two"), (WORKERS, "-1"), (WORKERS, ""), ("spark.task.maxFailures", "0")],
)
def test_a_setting_that_is_no_number_is_refused(spark: Callable[..., SparkContext], key: str, value: str) -> None:
    with pytest.raises(Py4JJavaError, match=rf"{key} (is '{value}'|should be .* but was {value})") as failed:
        spark("local[2]", {WORKERS: "1", key: value})
    assert failed.value.java_exception.getClass().getName() == "java.lang.IllegalArgumentException"
    assert SparkContext._active_spark_context is None
