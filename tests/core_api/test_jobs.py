"""Job groups, tags, cancelling, and what the status tracker tells."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from dstreams import RDD, SparkContext, TaskContext
from dstreams.core.engine.errors import Py4JJavaError


def nap(seconds: float) -> float:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(0.005)
    return seconds


class Background(threading.Thread):
    """Runs a job that would take half a minute, and keeps what it raised."""

    def __init__(self, sc: SparkContext, partitions: int, name_it: Callable[[], None]) -> None:
        super().__init__()
        self.sc, self.partitions, self.name_it = sc, partitions, name_it
        self.raised: BaseException | None = None
        self.start()

    def run(self) -> None:
        self.name_it()
        try:
            self.sc.parallelize([30.0] * self.partitions, self.partitions).map(nap).collect()
        except BaseException as error:
            self.raised = error


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


@pytest.mark.parametrize("partitions", [1, 2])
def test_cancelling_a_group_ends_its_jobs_and_no_others(sc: SparkContext, partitions: int) -> None:
    tracker = sc.statusTracker()
    group = f"slow {partitions}"
    job = Background(sc, partitions, lambda: sc.setJobGroup(group, "takes long"))
    wait_for(lambda: tracker.getActiveStageIds())
    (number,) = tracker.getJobIdsForGroup(group)
    assert tracker.getActiveJobsIds() == [number]
    assert tracker.getJobInfo(number).status == "RUNNING"
    sc.cancelJobGroup("another group")
    assert sc.parallelize([1, 2], 2).count() == 2
    sc.cancelJobGroup(group)
    job.join(5)
    assert isinstance(job.raised, Py4JJavaError)
    assert f"Job {number} cancelled part of cancelled job group {group}" in str(job.raised)
    assert tracker.getJobInfo(number).status == "FAILED"
    assert tracker.getActiveJobsIds() == []


def test_cancelling_by_tag(sc: SparkContext) -> None:
    def tag() -> None:
        sc.addJobTag("a")
        sc.addJobTag("b")

    job = Background(sc, 2, tag)
    wait_for(lambda: sc.statusTracker().getActiveStageIds())
    sc.cancelJobsWithTag("b")
    job.join(5)
    assert "cancelled part of cancelled job tags b" in str(job.raised)
    assert sc.getJobTags() == set()


def test_cancelling_all_jobs(sc: SparkContext) -> None:
    job = Background(sc, 2, lambda: None)
    wait_for(lambda: sc.statusTracker().getActiveStageIds())
    sc.cancelAllJobs()
    job.join(5)
    assert "as part of cancellation of all jobs" in str(job.raised)


def test_properties_belong_to_the_thread_that_sets_them(sc: SparkContext) -> None:
    sc.setLocalProperty("colour", "blue")
    seen: list[str | None] = []
    thread = threading.Thread(target=lambda: seen.append(sc.getLocalProperty("colour")))
    thread.start()
    thread.join()
    in_task = sc.parallelize([1], 1).map(lambda _: TaskContext.get().getLocalProperty("colour")).collect()  # type: ignore[union-attr]
    assert (seen, in_task) == ([None], ["blue"])
    sc.setLocalProperty("colour", None)
    assert sc.getLocalProperty("colour") is None


def test_tags_come_and_go(sc: SparkContext) -> None:
    sc.addJobTag("x")
    sc.addJobTag("y")
    sc.removeJobTag("x")
    assert sc.getJobTags() == {"y"}
    sc.clearJobTags()
    assert sc.getJobTags() == set()
    for wrong in ("", "a,b"):
        with pytest.raises(ValueError, match="tag cannot"):
            sc.addJobTag(wrong)


def test_a_stage_tells_where_it_was_started_and_how_far_it_is(sc: SparkContext) -> None:
    sc.setJobGroup("told", "")
    sc.parallelize([("a", 1)] * 4, 2).reduceByKey(lambda a, b: a + b, 3).collect()
    (number,) = sc.statusTracker().getJobIdsForGroup("told")
    first, second = sc.statusTracker().getJobInfo(number).stageIds
    infos = [sc.statusTracker().getStageInfo(stage) for stage in (first, second)]
    assert [info.numTasks for info in infos] == [info.numCompletedTasks for info in infos] == [2, 3]
    assert infos[0].name.startswith("reduceByKey at ") and "test_jobs.py:" in infos[0].name
    assert infos[1].name.startswith("collect at ") and "test_jobs.py:" in infos[1].name
    assert sc.statusTracker().getStageInfo(10**6) is None
    assert sc.statusTracker().getJobInfo(10**6) is None


def test_stages_are_numbered_as_sparks_those_too_that_need_not_run(sc: SparkContext) -> None:
    def stages(rdd: RDD[Any]) -> tuple[list[int], list[int]]:
        """The numbers of a job's stages, and how many of their tasks ran."""
        seen = rdd.mapPartitions(lambda _: [TaskContext.get().stageId()]).collect()
        tracker = sc.statusTracker()
        found = sorted(tracker.getJobInfo(tracker.getJobIdsForGroup("numbered")[0]).stageIds)
        assert set(seen) == {found[-1]}
        return [number - found[0] for number in found], [tracker.getStageInfo(n).numCompletedTasks for n in found]

    sc.setJobGroup("numbered", "")
    pairs = sc.parallelize(range(8), 2).map(lambda x: (x % 3, x))
    reduced = pairs.reduceByKey(max, 2)
    left, right = pairs.partitionBy(2), pairs.partitionBy(2)
    kept = pairs.reduceByKey(max, 2).cache()
    # As recorded with Apache PySpark 3.5.9.
    assert stages(reduced) == ([0, 1], [2, 2])
    assert stages(reduced) == stages(reduced.join(reduced)) == ([0, 1], [0, 2])
    assert stages(left.join(right, 2)) == ([0, 1, 2], [2, 2, 2])
    assert stages(pairs.join(reduced)) == ([0, 1, 2], [0, 4, 4])
    assert kept.count() == 3
    assert stages(kept.groupByKey(3)) == ([0, 1, 2], [0, 2, 3])
    assert stages(left.union(right)) == ([0, 1, 2], [0, 0, 2])
    assert sc.statusTracker().getActiveStageIds() == []
    sc.setJobGroup("none", "")
    assert sc.emptyRDD().count() == 0
    (number,) = sc.statusTracker().getJobIdsForGroup("none")
    assert sc.statusTracker().getJobInfo(number).stageIds == []


def test_a_failed_job_is_told_as_failed(sc: SparkContext) -> None:
    sc.setJobGroup("failing", "")
    with pytest.raises(Py4JJavaError, match="ZeroDivisionError"):
        sc.parallelize([0], 1).map(lambda n: 1 / n).collect()
    (number,) = sc.statusTracker().getJobIdsForGroup("failing")
    assert sc.statusTracker().getJobInfo(number).status == "FAILED"


def test_a_task_knows_its_processors_and_resources(sc: SparkContext) -> None:
    def tell(_: object) -> tuple[int, dict[str, object]]:
        context = TaskContext.get()
        assert context is not None
        return context.cpus(), context.resources()

    assert sc.parallelize([1], 1).map(tell).collect() == [(1, {})]
