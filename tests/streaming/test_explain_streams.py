"""`DStream.explain()`: are all functions from the sources to a stream told of, without a batch?"""

from __future__ import annotations

from collections.abc import Callable
from operator import add
from pathlib import Path

import pytest
from pyspark import SparkContext
from pyspark.streaming import DStream, StateSpec, StreamingContext

from dstreams.explain import Line, Report, explain_context, explain_stream


def update(values, state):
    for value in values:
        state = (state or 0) + value
    return state


def track(key, value, state):
    state.update(value)
    return key


def log(key, value, state):
    print(key)


def by_key(rdd):
    raise AssertionError("it is for batches, not for explanations")


def lines_of(report: Report) -> list[Line]:
    return [line for block in report.blocks for line in block.lines]


def told(report: Report) -> dict[tuple[str, str], bool]:
    """Method and text of each function of the program, and whether it is native."""
    return {(line.method, line.text): line.native for line in report.functions}


@pytest.fixture
def pairs(ssc: StreamingContext) -> DStream:
    return ssc.socketTextStream("localhost", 9).flatMap(str.split).map(lambda word: (word, 1))


def test_a_word_count_is_told_from_its_source_on(
    ssc: StreamingContext, pairs: DStream, capsys: pytest.CaptureFixture[str]
) -> None:
    counts = pairs.reduceByKey(lambda a, b: a + b)
    assert counts.explain() is None
    report = explain_stream(counts)
    assert capsys.readouterr().out == f"{report}\n"
    assert [block.title for block in report.blocks] == ["socketTextStream localhost:9", "shuffle of 1"]
    assert told(report) == {
        ("flatMap", "str.split"): True,
        ("map", "lambda word: (word, 1)"): True,
        ("reduceByKey", "lambda a, b: a + b"): True,
    }
    assert str(report).endswith("3 of 3 functions run natively.")


def test_a_window_is_told_with_its_length(pairs: DStream) -> None:
    report = explain_stream(pairs.window(0.2, 0.1).reduceByKey(add))
    assert report.blocks[1].title == "window of 1: the last 0.2 s, every 0.1 s"
    assert report.blocks[1].lines[0].text == "operator.add"


@pytest.mark.parametrize(("length", "uses_inverse"), [(0.25, True), (0.2, False)])
def test_an_inverse_is_told_of_where_it_is_used(pairs: DStream, length: float, uses_inverse: bool) -> None:
    # Spark adds windows of fewer than five slides up anew.
    report = explain_stream(pairs.reduceByKeyAndWindow(add, lambda a, b: a - b, length, 0.05))
    assert (("invFunc", "lambda a, b: a - b") in told(report)) is uses_inverse
    assert any(block.title.startswith("the window before") for block in report.blocks) is uses_inverse


def test_the_function_of_a_state_has_its_reason(pairs: DStream) -> None:
    report = explain_stream(pairs.updateStateByKey(update))
    line = next(line for line in report.functions if line.method == "updateStateByKey")
    assert (line.text, line.native) == ("update", False)
    assert line.reason == f"it uses a loop (line {update.__code__.co_firstlineno + 1})"
    assert [block.title for block in report.blocks][1] == "the states of the batch before"


def test_a_state_that_is_kept_natively_says_so(pairs: DStream) -> None:
    report = explain_stream(pairs.updateStateByKey(lambda new, old: sum(new) + (old or 0)))
    assert told(report)["updateStateByKey", "lambda new, old: sum(new) + (old or 0)"] is True
    assert all(line.native for line in report.functions)


def test_map_with_state_is_told_of_and_not_begun(pairs: DStream, batches: Callable[..., list]) -> None:
    report = explain_stream(pairs.mapWithState(StateSpec.function(track)).map(lambda key: key))
    assert told(report)["mapWithState", "track"] is True
    assert told(report)["map", "lambda key: key"] is True
    timed = explain_stream(pairs.mapWithState(StateSpec.function(track).timeout(60)))
    verdicts = [line.verdict for line in lines_of(timed) if line.method == "mapWithState"]
    assert verdicts == ["native"]
    called = explain_stream(pairs.mapWithState(StateSpec.function(log)))
    verdicts = [line.verdict for line in lines_of(called) if line.method == "mapWithState"]
    assert verdicts == ["Python: it calls print, which has side effects (line 28)"]


def test_functions_of_the_driver_are_not_called(pairs: DStream) -> None:
    report = explain_stream(pairs.transform(by_key).map(lambda pair: pair[0]))
    line = next(line for line in report.functions if line.method == "transform")
    assert line.verdict == "Python: it runs in the driver, once per batch"
    assert report.blocks[1].title == "what a function makes of 1 (transform)"
    assert str(report).endswith("3 of 3 functions run natively. 1 more runs in the driver, once per batch.")


def test_two_streams_come_together(ssc: StreamingContext, pairs: DStream) -> None:
    report = explain_stream(pairs.join(pairs.mapValues(lambda value: -value)))
    assert [block.title for block in report.blocks][:4] == [
        "socketTextStream localhost:9",
        "goes on from 1",
        "goes on from 1",
        "union of 2 and 3",
    ]
    united = explain_stream(ssc.union(pairs, pairs))
    assert united.blocks[-1].title == "union of 1"


def test_what_a_queue_holds_is_told_of(sc: SparkContext, ssc: StreamingContext) -> None:
    stream = ssc.queueStream([sc.parallelize([1]).map(lambda x: x + 1), sc.parallelize([2])])
    report = explain_stream(stream.filter(lambda x: x))
    assert [block.title for block in report.blocks] == ["data", "queueStream of 1"]
    assert list(told(report)) == [("map", "lambda x: x + 1"), ("filter", "lambda x: x")]


def test_a_function_that_cannot_travel_is_a_note(ssc: StreamingContext, pairs: DStream) -> None:
    report = explain_stream(pairs.map(lambda pair: ssc))
    assert "SPARK-5063" in report.notes[0]
    assert [line.text for line in lines_of(report)][-1] == "lambda pair: ssc"


def test_explaining_leaves_the_stream_as_it_was(
    ssc: StreamingContext, batches: Callable[..., list], streams: Callable[..., StreamingContext], tmp_path: Path
) -> None:
    seen = []
    stream = ssc.queueStream([["a b", "b"], ["c"]]).flatMap(str.split).map(lambda word: (word, 1)).reduceByKey(add)
    state = stream.updateStateByKey(lambda new, old: sum(new) + (old or 0))
    ssc.checkpoint(str(tmp_path))
    explain_stream(state)
    state.foreachRDD(lambda rdd: seen.append(sorted(rdd.collect())))
    explain_context(ssc)
    ssc.start()
    explain_stream(state)
    ssc.awaitTerminationOrTimeout(0.3)
    assert seen[:2] == [[("a", 1), ("b", 2)], [("a", 1), ("b", 2), ("c", 1)]]


def test_a_context_is_told_by_its_outputs(ssc: StreamingContext, pairs: DStream) -> None:
    pairs.map(lambda pair: "no output needs it")
    pairs.count().pprint()
    pairs.foreachRDD(by_key)
    report = explain_context(ssc)
    assert ("foreachRDD", "by_key") in told(report)
    assert "no output needs it" not in str(report)
