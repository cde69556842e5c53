"""When batches happen and in which order: aligned times, outputs by definition, late batches one after the other."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from pyspark import SparkContext
from pyspark.streaming import StreamingContext


@pytest.mark.parametrize("milliseconds", [50, 70, 250])
def test_times_are_multiples_of_the_interval_one_after_the_other(
    streams: Callable[..., StreamingContext], eventually: Callable[..., None], milliseconds: int
) -> None:
    times: list[datetime] = []
    ssc = streams(milliseconds / 1000)
    ssc.queueStream([[1]]).foreachRDD(lambda time, rdd: times.append(time))
    before = datetime.now()
    ssc.start()
    eventually(lambda: len(times) >= 5)
    since_1970 = [round(time.timestamp() * 1000) for time in times]
    assert {number % milliseconds for number in since_1970} == {0}
    assert {after - one for one, after in itertools.pairwise(since_1970)} == {milliseconds}
    assert before - timedelta(milliseconds=1) <= times[0] <= before + timedelta(milliseconds=milliseconds + 500)


def test_a_batch_runs_when_its_time_has_come(ssc: StreamingContext, eventually: Callable[..., None]) -> None:
    delays: list[float] = []
    ssc.queueStream([[1]]).foreachRDD(lambda at, rdd: delays.append(time.time() - at.timestamp()))
    ssc.start()
    eventually(lambda: len(delays) >= 10)
    assert all(delay >= -0.001 for delay in delays)
    assert min(delays) < 0.05


def test_outputs_run_in_order_of_definition_batch_by_batch(
    ssc: StreamingContext, eventually: Callable[..., None]
) -> None:
    # batch    1      2     ...
    # output  a b c  a b c
    seen: list[tuple[str, int]] = []
    stream = ssc.queueStream([[number] for number in range(5)])

    def note(name: str) -> Callable[..., None]:
        return lambda rdd: seen.append((name, rdd.sum()))

    for name in "abc":
        stream.map(lambda x: x).foreachRDD(note(name))
    ssc.start()
    eventually(lambda: len(seen) >= 15)
    assert seen[:15] == [(name, number) for number in range(5) for name in "abc"]


def test_one_job_runs_at_a_time(ssc: StreamingContext, eventually: Callable[..., None]) -> None:
    inside, most, done = [0], [0], [0]

    def work(rdd: object) -> None:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        time.sleep(0.01)
        inside[0] -= 1
        done[0] += 1

    stream = ssc.queueStream([[1]])
    for _ in range(3):
        stream.foreachRDD(lambda rdd: work(rdd))
    ssc.start()
    eventually(lambda: done[0] >= 12)
    assert most == [1]


def test_late_batches_queue_up_and_none_is_left_out(ssc: StreamingContext, eventually: Callable[..., None]) -> None:
    # The first batch takes as long as six: those wait, and then run one after the other.
    seen: list[tuple[datetime, list]] = []
    late: list[float] = []

    def work(at: datetime, rdd: object) -> None:
        if not seen:
            time.sleep(0.32)
        late.append(time.time() - at.timestamp())
        seen.append((at, rdd.collect()))

    ssc.queueStream([[number] for number in range(12)]).foreachRDD(work)
    ssc.start()
    eventually(lambda: len(seen) >= 12)
    assert [elements for _, elements in seen[:12]] == [[number] for number in range(12)]
    first = seen[0][0]
    assert [at for at, _ in seen[:12]] == [first + timedelta(milliseconds=50 * number) for number in range(12)]
    assert late[0] > 0.3 and late[3] > 0.15 and late[11] < 0.15


def test_functions_of_the_driver_share_its_variables(ssc: StreamingContext, eventually: Callable[..., None]) -> None:
    total = [0]
    counted = ssc.queueStream([[1], [2], [3]]).transform(lambda rdd: total.append(0) or rdd)
    counted.foreachRDD(lambda rdd: total.__setitem__(0, total[0] + rdd.sum()))
    ssc.start()
    eventually(lambda: total[0] == 6 and len(total) > 3)


def test_functions_of_tasks_are_copied_anew_for_every_batch(
    ssc: StreamingContext, batches: Callable[..., list]
) -> None:
    seen: list[int] = []
    counted = ssc.queueStream([[1, 2], [3, 4]]).map(lambda x: seen.append(x) or len(seen)).glom()
    assert batches(counted, 2) == [[[1], [1]], [[1], [1]]]
    assert seen == []


def test_a_global_that_changes_is_seen_by_the_next_batch(
    ssc: StreamingContext, eventually: Callable[..., None]
) -> None:
    factor, seen = 1, []
    scaled = ssc.queueStream([[1]] * 50).map(lambda x: x * factor)
    scaled.foreachRDD(lambda rdd: seen.extend(rdd.collect()))
    ssc.start()
    eventually(lambda: seen)
    factor = 10
    eventually(lambda: 10 in seen)
    assert sorted(seen) == seen


def test_a_transform_may_use_a_data_set_that_is_replaced_meanwhile(
    sc: SparkContext, ssc: StreamingContext, eventually: Callable[..., None]
) -> None:
    known, seen = sc.parallelize([("a", 1)]), []
    words = ssc.queueStream([[("a", 0)]] * 50)
    words.transform(lambda rdd: rdd.join(known)).foreachRDD(lambda rdd: seen.extend(rdd.collect()))
    ssc.start()
    eventually(lambda: seen)
    known = sc.parallelize([("a", 2)])
    eventually(lambda: ("a", (0, 2)) in seen)
    assert seen[0] == ("a", (0, 1))


def test_jobs_of_the_program_run_beside_the_stream(
    sc: SparkContext, ssc: StreamingContext, eventually: Callable[..., None]
) -> None:
    counts: list[int] = []
    ssc.queueStream([[1, 2, 3]] * 100).foreachRDD(lambda rdd: counts.append(rdd.count()))
    ssc.start()
    for number in range(50):
        assert sc.parallelize(range(number), 2).map(lambda x: x + 1).count() == number
    eventually(lambda: len(counts) >= 3)
    assert set(counts) == {3}


def test_batches_run_in_a_thread_of_the_stream(ssc: StreamingContext, eventually: Callable[..., None]) -> None:
    threads: set[int] = set()
    ssc.queueStream([[1]]).foreachRDD(lambda rdd: threads.add(threading.get_ident()))
    ssc.start()
    eventually(lambda: threads)
    assert threading.get_ident() not in threads
