"""An error in a batch: what still runs, what `awaitTermination` raises, and what the log says."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from py4j.protocol import Py4JJavaError
from pyspark import SparkContext
from pyspark.streaming import StreamingContext

Log = Callable[[], list[str]]


def fail_at(number: int) -> Callable:
    """A function of an RDD that fails when its sum is `number`."""

    def work(rdd):
        if rdd.sum() == number:
            raise KeyError(f"batch {number}")
        return rdd

    return work


def test_later_outputs_and_batches_run(ssc: StreamingContext, eventually: Callable[..., None], log: Log) -> None:
    # batch      1     2      3
    # output a  ran  raises  ran
    # output b  ran   ran    ran
    first, second = [], []
    stream = ssc.queueStream([[1], [2], [3]])
    stream.foreachRDD(lambda rdd: first.append(fail_at(2)(rdd).sum()))
    stream.foreachRDD(lambda rdd: second.append(rdd.sum()))
    ssc.start()
    eventually(lambda: len(second) >= 4)
    assert (first[:2], second[:3]) == ([1, 3], [1, 2, 3])
    assert len(log()) == 1


def test_an_error_in_transform_costs_its_batch_only(
    ssc: StreamingContext, eventually: Callable[..., None], log: Log
) -> None:
    # The batch has no jobs at all then, also not those of other outputs.
    seen, others = [], []
    stream = ssc.queueStream([[1], [2], [3]])
    stream.transform(fail_at(2)).foreachRDD(lambda rdd: seen.append(rdd.sum()))
    stream.foreachRDD(lambda rdd: others.append(rdd.sum()))
    ssc.start()
    eventually(lambda: 3 in others)  # the second output of a batch
    assert seen[:2] == [1, 3]
    assert others[:2] == [1, 3]
    assert len(log()) == 1


def test_an_error_in_a_task_is_an_error_of_its_batch(
    ssc: StreamingContext, eventually: Callable[..., None], log: Log
) -> None:
    seen = []
    stream = ssc.queueStream([[1], [0], [2]]).map(lambda x: 2 // x)
    stream.foreachRDD(lambda rdd: seen.append(rdd.collect()))
    ssc.start()
    eventually(lambda: len(seen) >= 3)
    assert seen[:3] == [[2], [1], []]
    with pytest.raises(Py4JJavaError, match="ZeroDivisionError") as caught:
        ssc.awaitTermination()
    cause = caught.value.__cause__
    assert isinstance(cause, Py4JJavaError) and isinstance(cause.__cause__, ZeroDivisionError)


@pytest.mark.parametrize("place", ["foreachRDD", "transform"])
def test_await_termination_raises_with_the_users_traceback_every_time(
    ssc: StreamingContext, log: Log, place: str
) -> None:
    def boom(rdd):
        raise KeyError("the users own text")

    stream = ssc.queueStream([[1]])
    if place == "transform":
        stream.transform(boom).pprint()
    else:
        stream.foreachRDD(boom)
    ssc.start()
    for wait in (lambda: ssc.awaitTerminationOrTimeout(10), lambda: ssc.awaitTermination(10), ssc.awaitTermination):
        with pytest.raises(Py4JJavaError) as caught:
            wait()
        lines = str(caught.value).splitlines()
        assert lines[0] == "Traceback (most recent call last):"
        assert "KeyError: 'the users own text'" in lines
        assert any(line.startswith(f'  File "{__file__}"') and line.endswith(", in boom") for line in lines)
        assert isinstance(caught.value.__cause__, KeyError)


def test_the_latest_error_is_the_one_that_is_raised(
    ssc: StreamingContext, eventually: Callable[..., None], log: Log
) -> None:
    numbers = itertools.count(1)
    raised = []

    def boom(rdd):
        raised.append(next(numbers))
        raise ValueError(f"error {raised[-1]}")

    ssc.queueStream([[1]]).foreachRDD(boom)
    ssc.start()
    eventually(lambda: len(raised) >= 3)
    ssc.stop(stopSparkContext=False)
    with pytest.raises(Py4JJavaError, match=f"ValueError: error {len(raised)}\n"):
        ssc.awaitTermination()


def test_after_the_error_the_context_can_be_stopped_and_a_new_one_started(
    sc: SparkContext, streams: Callable[..., StreamingContext], batches: Callable[..., list], log: Log
) -> None:
    failing = streams()
    failing.queueStream([[1]]).foreachRDD(lambda rdd: 1 / 0)
    failing.start()
    with pytest.raises(Py4JJavaError, match="ZeroDivisionError"):
        failing.awaitTermination()
    failing.stop(stopSparkContext=False)
    assert batches(streams().queueStream([[1]]), 1) == [[1]]


def test_the_log_tells_of_the_error_at_once(ssc: StreamingContext, eventually: Callable[..., None], log: Log) -> None:
    ssc.queueStream([[1]]).foreachRDD(fail_at(1))
    ssc.start()
    eventually(log)
    assert "KeyError: 'batch 1'" in log()[0]
    assert "Traceback (most recent call last):" in log()[0]


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, StopIteration, GeneratorExit])
def test_errors_of_the_interpreter_are_errors_of_the_batch(
    ssc: StreamingContext, eventually: Callable[..., None], log: Log, error: type[BaseException]
) -> None:
    seen = []

    def work(rdd):
        seen.append(rdd.sum())
        if seen == [1]:
            raise error("own")

    ssc.queueStream([[1], [2]]).foreachRDD(work)
    ssc.start()
    eventually(lambda: len(seen) >= 2)
    assert seen[:2] == [1, 2]


def test_a_transform_that_returns_none_skips_its_outputs(
    ssc: StreamingContext, eventually: Callable[..., None], log: Log
) -> None:
    # batch      1     2     3
    # returns   rdd   None  rdd
    some, every = [], []
    stream = ssc.queueStream([[1], [2], [3]])
    stream.transform(lambda rdd: rdd if rdd.sum() != 2 else None).foreachRDD(lambda rdd: some.append(rdd.sum()))
    stream.foreachRDD(lambda rdd: every.append(rdd.sum()))
    ssc.start()
    eventually(lambda: 3 in every)
    assert (some[:2], every[:3], log()) == ([1, 3], [1, 2, 3], [])


def test_a_transform_that_returns_a_list_fails_as_in_spark(
    ssc: StreamingContext, eventually: Callable[..., None], log: Log
) -> None:
    ssc.queueStream([[1, 2]]).transform(lambda rdd: rdd.take(10)).pprint()
    ssc.start()
    with pytest.raises(Py4JJavaError, match=r"AttributeError: .*list"):
        ssc.awaitTermination()


def test_a_closure_that_holds_the_context_is_an_error_of_the_batch(
    sc: SparkContext, ssc: StreamingContext, log: Log
) -> None:
    ssc.queueStream([[1]]).map(lambda x: sc.defaultParallelism).pprint()
    ssc.start()
    with pytest.raises(Py4JJavaError, match="SPARK-5063"):
        ssc.awaitTermination()


def test_a_retried_task_does_not_run_its_batch_twice(
    streams: Callable[..., StreamingContext], sc: SparkContext, eventually: Callable[..., None]
) -> None:
    sc.stop()
    with SparkContext("local[2,3]", "test") as retrying:
        from pyspark import TaskContext

        def flaky(x):
            if TaskContext.get().attemptNumber() == 0:
                raise ValueError("try again")
            return x

        seen = []
        ssc = StreamingContext(retrying, 0.05)
        ssc.queueStream([[1], [2]]).map(flaky).foreachRDD(lambda rdd: seen.append(rdd.collect()))
        ssc.start()
        eventually(lambda: len(seen) >= 2)
        ssc.stop()
    assert seen[:2] == [[1], [2]]
