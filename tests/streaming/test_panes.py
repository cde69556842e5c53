"""Windows that share panes: what is computed once, what must be called again, and that nobody sees the difference."""

from __future__ import annotations

import operator
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from model_stream import ModelStream
from py4j.protocol import Py4JJavaError
from pyspark import SparkConf, SparkContext
from pyspark.streaming import StreamingContext

from dstreams.testing import advance, collect, feed

BATCHES = 30
PARTITIONS = 2  # of a batch's RDD
Pair = tuple[Any, Any]


@pytest.fixture
def sc(request: pytest.FixtureRequest) -> Any:
    """A context whose streams have clocks that are turned by hand; parametrize for other settings."""
    conf = SparkConf().setMaster("local[2]").setAppName("panes")
    conf.set("spark.streaming.clock", "org.apache.spark.util.ManualClock")
    for name, value in getattr(request, "param", {}).items():
        conf.set(name, value)
    context = SparkContext(conf=conf)
    yield context
    context.stop()


@pytest.fixture
def ssc(streams: Callable[..., StreamingContext]) -> StreamingContext:
    """Batches of one second, in no time."""
    return streams(1)


class Counts:
    """What windows did since it was made."""

    def __init__(self, sc: SparkContext) -> None:
        self._sc = sc
        self._before = sc._running.window_counts

    def __getattr__(self, name: str) -> int:
        at = ["sent", "sent_again", "added", "summed"].index(name)
        return self._sc._running.window_counts[at] - self._before[at]


def lines(batches: int = BATCHES) -> list[list[str]]:
    """Lines "key,number"; every fifth batch is empty."""
    return [[f"k{(n * 7 + batch) % 11},{n - batch}" for n in range(batch % 5 * 4)] for batch in range(batches)]


def parse(line: str) -> tuple[str, int]:
    return line.split(",")[0], int(line.split(",")[1])


def both_ways(
    streams: Callable[..., StreamingContext],
    monkeypatch: pytest.MonkeyPatch,
    batches: list[list[Any]],
    build: Callable[[Any], Any],
) -> list[list[Any]]:
    """What a stream gives, which must be what it gives without native functions, where nothing is reused."""
    found = []
    for native in "10":
        monkeypatch.setenv("DSTREAMS_NATIVE", native)
        ssc = streams(1)
        results = collect(build(feed(ssc, batches)).glom())
        advance(ssc, len(batches))
        ssc.stop(stopSparkContext=False)
        found.append(list(results))
    monkeypatch.undo()
    assert repr(found[0]) == repr(found[1])
    return found[0]


# -- what is computed ---------------------------------------------------------------------------
def after_a_window(window: Any) -> dict[str, Any]:
    return {
        "reduceByKey": window.map(parse).reduceByKey(lambda a, b: a + b),
        "countByValue": window.countByValue(),
        "count": window.count(),
        "reduce": window.map(lambda line: int(line.split(",")[1])).reduce(max),
        "groupByKey": window.map(parse).groupByKey().mapValues(list),
        "transform": window.transform(lambda rdd: rdd.filter(lambda line: "k1" in line).map(parse).reduceByKey(max, 2)),
    }


@pytest.mark.parametrize("what", ["reduceByKey", "countByValue", "count", "reduce", "groupByKey", "transform"])
def test_a_pane_is_mapped_once_however_many_windows_hold_it(sc: SparkContext, ssc: StreamingContext, what: str) -> None:
    collect(after_a_window(feed(ssc, lines()).window(20, 2))[what])
    counts = Counts(sc)
    advance(ssc, BATCHES)
    panes = PARTITIONS * BATCHES
    assert counts.sent == panes
    # Windows of 2, 4 ... 20, and then of 20 panes each.
    held = sum(min(time, 20) for time in range(2, BATCHES + 1, 2)) * PARTITIONS
    assert counts.sent_again == held - panes


def test_functions_that_cannot_be_read_are_called_for_each_window(sc: SparkContext, ssc: StreamingContext) -> None:
    calls, parsed = sc.accumulator(0), sc.accumulator(0)

    def opaque(pair: Pair) -> Pair:
        calls.add(1)
        return pair

    def parse_once(line: str) -> Pair:
        parsed.add(1)
        return parse(line)

    results = collect(feed(ssc, lines()).map(parse_once).window(4).map(opaque).reduceByKey(operator.add))
    counts = Counts(sc)
    advance(ssc, BATCHES)
    sizes = [len(batch) for batch in lines()]
    assert len(results) == BATCHES
    assert parsed.value == sum(sizes)
    assert calls.value == sum(sum(sizes[max(0, time - 4) : time]) for time in range(1, BATCHES + 1))
    assert (counts.sent_again, counts.summed) == (0, 0)


class Loud:
    """Adding such values is noticed."""

    # Threads without a global lock may append at the same time.
    calls: list[None] = []

    def __init__(self, value: int) -> None:
        self.value = value

    def __add__(self, other: Loud) -> Loud:
        Loud.calls.append(None)
        return Loud(self.value + other.value)


@pytest.mark.parametrize("placed", ["repartition", "partitionBy"])
def test_operators_of_the_program_are_called_for_each_window(ssc: StreamingContext, placed: str) -> None:
    Loud.calls.clear()
    batches = [[("a", Loud(n)), ("a", Loud(1))] for n in range(14)]
    window = getattr(feed(ssc, batches), placed)(1).window(10)
    results = collect(window.reduceByKey(lambda a, b: a + b, 1).mapValues(lambda loud: loud.value))
    advance(ssc, 14)
    assert [batch[0][1] for batch in results] == [
        sum(n + 1 for n in range(max(0, time - 9), time + 1)) for time in range(14)
    ]
    assert len(Loud.calls) == sum(2 * min(time, 10) - 1 for time in range(1, 15))


def test_a_window_of_partial_sums_adds_each_pane_a_few_times(sc: SparkContext, ssc: StreamingContext) -> None:
    results = collect(feed(ssc, lines(60)).map(parse).reduceByKeyAndWindow(lambda a, b: a + b, None, 20, None, 1))
    counts = Counts(sc)
    advance(ssc, 60)
    assert len(results) == 60
    assert counts.summed == 60 - 8  # all windows of eight panes and more but the first
    # Windows hold 53 panes, most of them 20 times; a pane is added once to a front, and once when it comes to the back.
    assert counts.added < 3 * 60


def test_windows_of_different_lengths_share_panes(
    sc: SparkContext, streams: Callable[..., StreamingContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(source: Any) -> Any:
        parsed = source.map(parse).reduceByKey(operator.add, 2)
        return parsed.window(9).reduceByKey(operator.add, 2).union(parsed.window(13).reduceByKey(operator.add, 2))

    counts = Counts(sc)
    both_ways(streams, monkeypatch, lines(), build)
    # All windows of eight panes and more, but the very first: with eight panes both windows are the same.
    assert counts.summed == PARTITIONS * (2 * (BATCHES - 7) - 1)
    assert counts.added < 6 * PARTITIONS * BATCHES


# -- what must not be reused --------------------------------------------------------------------
def test_a_variable_that_changes_counts_for_the_whole_window(ssc: StreamingContext) -> None:
    factors = {"a": 1}
    window = feed(ssc, [["a"]] * 12).window(10)
    results = collect(window.map(lambda key: (key, factors[key])).reduceByKey(operator.add))

    def change(rdd: Any) -> None:
        factors["a"] *= 2

    window.foreachRDD(change)
    advance(ssc, 12)
    # The RDD of a batch is made, and its functions frozen, before its outputs run.
    assert [batch[0][1] for batch in results] == [min(time, 10) * 2 ** (time - 1) for time in range(1, 13)]


def test_functions_made_for_a_batch_are_those_of_the_batch(ssc: StreamingContext) -> None:
    def stamped(time: Any, rdd: Any) -> Any:
        stamp = time.timestamp()
        return rdd.map(lambda key: ((key, stamp), 1)).reduceByKey(operator.add)

    results = collect(feed(ssc, [["a"]] * 40).window(10).transform(stamped))
    advance(ssc, 40)
    expected = [[(("a", time.timestamp()), min(n, 10))] for n, time in enumerate(results.times, 1)]
    assert list(results) == expected


def test_what_depends_on_the_partition_is_not_reused(
    streams: Callable[..., StreamingContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    both_ways(streams, monkeypatch, lines(), lambda source: source.window(10).repartition(3))
    both_ways(
        streams,
        monkeypatch,
        lines(),
        lambda source: source.window(10).transform(lambda rdd: rdd.sample(False, 0.5, 7).map(parse).reduceByKey(max)),
    )


def test_panes_that_are_no_longer_kept_are_computed_again(sc: SparkContext) -> None:
    calls = sc.accumulator(0)
    panes = [sc.parallelize([n], 1).map(lambda n: (calls.add(1), n)[1]).persist() for n in range(3)]

    def window() -> list[Any]:
        return sc.union(panes).map(lambda n: (n % 2, n)).reduceByKey(operator.add, 1).collect()

    counts = Counts(sc)
    assert window() == window() == [(0, 2), (1, 1)]
    assert (calls.value, counts.sent, counts.sent_again) == (3, 3, 3)
    panes[1].unpersist()
    assert window() == [(0, 2), (1, 1)]
    assert (calls.value, counts.sent, counts.sent_again) == (4, 3, 5)


# -- the same answers ---------------------------------------------------------------------------
BIG = 2**63 - 1
ODD_VALUES: dict[str, Callable[[int], Any]] = {
    "floats": lambda n: 0.1 * n,
    "floats from some batch on": lambda n: n if n < 90 else 0.1 * n,
    "none in between": lambda n: None if n == 77 else (n % 7) or 1,
    "booleans": lambda n: n % 3 == 0,
    "a boolean in between": lambda n: True if n == 77 else n,
    "beyond 64 bits": lambda n: BIG - n if n % 40 < 2 else -n,
    "beyond 64 bits and back": lambda n: BIG if n % 6 == 0 else -BIG if n % 6 == 3 else n,
    "beyond 64 bits at once": lambda n: n << 70,
    "tuples": lambda n: (n, -n),
    "tuples with floats": lambda n: (n, n / 3),
    "text": lambda n: f"{n};",
    "lists": lambda n: [n],
}
ODD_KEYS: dict[str, Callable[[int], Any]] = {
    "few": lambda n: n % 7,
    "new ones all the time": lambda n: n,
    "moving": lambda n: n // 6 + n % 3,
    "equal ones of three types": lambda n: [0, 0.0, False, 1, 1.0, True, "a"][n % 7],
    "zeroes of both signs": lambda n: [0.0, -0.0, 1.0][n % 3],
    "none": lambda n: None if n % 5 == 0 else n % 5,
    "tuples": lambda n: (n % 2, "x" * (n % 3)),
}
FOLDS: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda a, b: a + b,
    "first": lambda a, b: a,
    "last": lambda a, b: b,
    "greater": lambda a, b: a if str(a) > str(b) else b,
}


def numbered(batches: int, size: int) -> list[list[int]]:
    return [list(range(batch * size, batch * size + size)) for batch in range(batches)]


@pytest.mark.parametrize("values", ODD_VALUES)
def test_values_of_any_kind_are_folded_in_spark_s_order(
    streams: Callable[..., StreamingContext], monkeypatch: pytest.MonkeyPatch, values: str
) -> None:
    value = ODD_VALUES[values]
    batches = [[(n % 5, value(n)) for n in batch] for batch in numbered(24, 8)]
    for name, fold in FOLDS.items():
        if "none" in values and name == "add":
            continue
        both_ways(streams, monkeypatch, batches, lambda s, f=fold: s.reduceByKeyAndWindow(f, None, 10, 1))
        both_ways(streams, monkeypatch, batches, lambda s, f=fold: s.window(10, 2).reduceByKey(f))


@pytest.mark.parametrize("keys", ODD_KEYS)
def test_keys_of_any_kind_come_in_spark_s_order(
    streams: Callable[..., StreamingContext], monkeypatch: pytest.MonkeyPatch, keys: str
) -> None:
    batches = [[(ODD_KEYS[keys](n), n) for n in batch] for batch in numbered(30, 9)]
    both_ways(streams, monkeypatch, batches, lambda s: s.reduceByKeyAndWindow(operator.add, None, 12, 1))
    both_ways(streams, monkeypatch, batches, lambda s: s.window(12, 3).reduceByKey(operator.add, 3))
    both_ways(streams, monkeypatch, batches, lambda s: s.window(12).countByValue())


def test_keys_that_never_come_again_are_not_summed(sc: SparkContext, ssc: StreamingContext) -> None:
    size = 2000
    counts = Counts(sc)
    results = collect(
        feed(ssc, [[(n, 1) for n in batch] for batch in numbered(30, size)]).reduceByKeyAndWindow(max, None, 20, 1, 1)
    )
    advance(ssc, 30)
    assert [len(batch) for batch in results] == [size * min(time, 20) for time in range(1, 31)]
    assert counts.added < 40  # tried once per window's length


@pytest.mark.parametrize("sc", [{"spark.dstreams.memory.limit": "300000"}], indirect=True)
def test_little_memory_gives_the_same(
    streams: Callable[..., StreamingContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = [[(f"key {n % 400}", n) for n in batch] for batch in numbered(20, 1000)]
    both_ways(streams, monkeypatch, batches, lambda s: s.reduceByKeyAndWindow(operator.add, None, 10, 1))
    both_ways(streams, monkeypatch, batches, lambda s: s.window(10, 2).map(lambda kv: (kv[0], 1)).reduceByKey(max))


def test_memory_is_that_of_the_panes_in_the_window(sc: SparkContext, ssc: StreamingContext) -> None:
    held: list[int] = []
    pairs = feed(ssc, [[(n % 100, n) for n in range(500)]] * 60)
    pairs.reduceByKeyAndWindow(operator.add, None, 10, 1).foreachRDD(lambda rdd: rdd.count() and None)
    pairs.window(10).map(lambda kv: (kv[1], 1)).reduceByKey(operator.add).foreachRDD(lambda rdd: rdd.count() and None)
    for _ in range(6):
        advance(ssc, 10)
        held.append(sc._running.memory_held)
    assert max(held[2:]) <= 1.2 * min(held[2:])
    ssc.stop(stopSparkContext=False)


def test_the_first_failure_of_a_window_counts(streams: Callable[..., StreamingContext]) -> None:
    """Also where its newest panes are looked at first."""
    batches = [[("a", str(n)), ("b", "1")] for n in range(24)]
    batches[8] = [("a", "first")]
    batches[12] = [("a", "second")]
    ssc = streams(1)
    placed = feed(ssc, batches).partitionBy(1)
    collect(placed.window(10).mapValues(lambda text: int(text)).reduceByKey(operator.add, 1))
    told = []
    for _ in range(24):
        try:
            advance(ssc)
            told.append("")
        except Py4JJavaError as error:
            told.append("first" if "first" in str(error) else "second")
    # A batch that fails is told of by the next call, too.
    assert told[8:18] == ["first"] * 10
    assert told[18:22] == ["second"] * 4


def test_a_window_that_fails_does_not_spoil_the_next_ones(ssc: StreamingContext) -> None:
    batches = lines(24)
    batches[9] = ["k1,1", "k1,oops"]
    results = collect(feed(ssc, batches).window(10).map(parse).reduceByKey(operator.add, 1))
    failures = 0
    for _ in range(24):
        try:
            advance(ssc)
        except Py4JJavaError as error:
            assert "oops" in str(error)
            failures += 1
    assert failures >= 1
    assert len(results) == 24 - 10  # all but those that hold the bad line
    expected: dict[str, int] = {}
    for line in (line for batch in batches[14:] for line in batch):
        expected[parse(line)[0]] = expected.get(parse(line)[0], 0) + parse(line)[1]
    assert results.last == list(expected.items())


# -- random windows -----------------------------------------------------------------------------
class Draw:
    """Lengths, slides and folds for one stream."""

    def __init__(self, rand: random.Random) -> None:
        self.slide = rand.choice([1, 1, 1, 2, 3])
        self.length = self.slide * rand.choice([1, 3, 5, 7]) + rand.choice([0, self.slide])
        self.count = rand.choice([None, 1, 3])
        self.fold = rand.choice([operator.add, max, lambda a, b: a + b, lambda a, b: a, lambda a, b: a * 2 - b])
        self.outer = rand.choice([1, 2, 4]) * self.slide
        self.kind = rand.randrange(len(SHAPES))


def by_pane(stream: Any, d: Draw) -> Any:
    return stream.reduceByKeyAndWindow(d.fold, None, d.length, d.slide, d.count)


def by_record(stream: Any, d: Draw) -> Any:
    return stream.window(d.length, d.slide).map(lambda kv: (kv[0], kv[1] + 1)).reduceByKey(d.fold, d.count)


def by_partition(stream: Any, d: Draw) -> Any:
    return stream.partitionBy(2).window(d.length, d.slide).mapValues(lambda v: v - 1).reduceByKey(d.fold, d.count)


def windows_of_windows(stream: Any, d: Draw) -> Any:
    inner = stream.reduceByKey(d.fold, d.count).window(d.length, d.slide)
    return inner.window(d.outer * 3, d.outer).reduceByKey(d.fold, d.count)


def windows_of_raw_windows(stream: Any, d: Draw) -> Any:
    inner = stream.window(d.length, d.slide).filter(lambda kv: kv[1] % 3 != 0)
    return inner.window(d.outer * 9, d.outer).reduceByKey(d.fold, d.count)


def windows_after_windows(stream: Any, d: Draw) -> Any:
    return by_pane(by_record(stream, d), d) if d.slide == 1 else by_record(stream, d)


def counted(stream: Any, d: Draw) -> Any:
    return stream.window(d.length, d.slide).count().map(lambda n: (None, n))


def values_counted(stream: Any, d: Draw) -> Any:
    return stream.map(lambda kv: kv[0]).window(d.length, d.slide).countByValue()


SHAPES = [
    by_pane,
    by_record,
    by_partition,
    windows_of_windows,
    windows_of_raw_windows,
    windows_after_windows,
    counted,
    values_counted,
]
keys = st.one_of(st.sampled_from(["a", "b", "cc", "é", ""]), st.integers(-1, 3), st.none())
small_batches = st.lists(
    st.integers(0, 9).flatmap(
        lambda size: st.lists(st.tuples(keys, st.integers(-3, 30)), min_size=size, max_size=size)
    ),
    min_size=12,
    max_size=26,
)


# No shrinking: what failed tells its shape.
@settings(
    max_examples=12,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(small_batches, st.integers(0, 2**32), st.lists(st.integers(1, 7), min_size=3, max_size=9))
def test_windows_give_what_the_model_gives(
    sc: SparkContext,
    streams: Callable[..., StreamingContext],
    eventually: Callable[..., None],
    batches: list[list[Pair]],
    seed: int,
    leaps: list[int],
) -> None:
    draws = [Draw(random.Random(seed * 8 + number)) for number in range(8)]
    ssc = streams(1)
    source = feed(ssc, batches)
    found = [collect(SHAPES[draw.kind](source, draw).glom()) for draw in draws]
    done: list[int] = []
    source.foreachRDD(lambda rdd: done.append(1))  # the last output of each batch
    ssc.start()
    # The clock leaps over several batches, which are then late: their RDDs are made before the first of them runs.
    clock, due = ssc._jssc.scheduler().clock(), 0
    for leap in [*leaps, 26]:
        due = min(due + leap, len(batches))
        clock.advance(1000 * (due - len(done)))
        eventually(lambda due=due: len(done) >= due, 60)
    ssc.stop(stopSparkContext=False)
    model = ModelStream.queue(batches, len(batches), 1, sc.defaultParallelism)
    for draw, results in zip(draws, found, strict=True):
        expected = SHAPES[draw.kind](model, draw).glommed()
        assert repr(list(results)) == repr(expected), (SHAPES[draw.kind].__name__, vars(draw))
