"""What are the jobs doing? Numbers for programs that watch or wait for others."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from dstreams import _native
from dstreams.core.engine import process
from dstreams.core.engine.arguments import java_int, optional_text

__all__ = ["SparkJobInfo", "SparkStageInfo", "StatusTracker"]


class SparkJobInfo(NamedTuple):
    """A job: its stages so far, and RUNNING, SUCCEEDED or FAILED (which a cancelled job is too)."""

    jobId: int
    stageIds: list[int]
    status: str


class SparkStageInfo(NamedTuple):
    """A stage: the place in the program that started its job, and how many of its tasks are how far."""

    stageId: int
    currentAttemptId: int
    name: str
    numTasks: int
    numActiveTasks: int
    numCompletedTasks: int
    numFailedTasks: int


class StatusTracker:
    """Tells about the last 1000 jobs. Made by `SparkContext.statusTracker`."""

    def __init__(self, jtracker: _native.Jobs, is_alive: Callable[[], bool] = lambda: True) -> None:
        self._process, self._known, self._is_alive = process.current, jtracker, is_alive

    @property
    def _jobs(self) -> _native.Jobs:
        process.check(self._process, "this StatusTracker")
        return self._known

    def getJobIdsForGroup(self, jobGroup: str | None = None) -> list[int]:
        """The jobs of a group, the latest first; without a name, those in no group."""
        return self._jobs.jobs_of_group(optional_text("jobGroup", jobGroup))

    def getActiveStageIds(self) -> list[int]:
        """The stages with tasks to do, in the order of their numbers."""
        return sorted(self._jobs.active_stages())

    def getActiveJobsIds(self) -> list[int]:
        """The jobs that run now, in the order of their numbers."""
        return sorted(self._jobs.active_jobs())

    def getJobInfo(self, jobId: int) -> SparkJobInfo | None:
        """A job, or None for one that is not known (any more), and once the context is stopped."""
        found = self._jobs.job_info(jobId) if java_int("jobId", jobId) >= 0 and self._is_alive() else None
        return None if found is None else SparkJobInfo(jobId, *found)

    def getStageInfo(self, stageId: int) -> SparkStageInfo | None:
        """A stage, or None for one that is not known (any more), and once the context is stopped."""
        found = self._jobs.stage_info(stageId) if java_int("stageId", stageId) >= 0 and self._is_alive() else None
        return None if found is None else SparkStageInfo(stageId, 0, *found)
