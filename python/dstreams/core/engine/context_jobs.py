"""How does a program name, watch and stop its jobs?

What is set here belongs to the thread that sets it: other threads' jobs have other groups, tags and properties.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dstreams.core.engine.arguments import java_bool, java_text, optional_text
from dstreams.core.status import StatusTracker

if TYPE_CHECKING:
    from dstreams import _native

GROUP = "spark.jobGroup.id"
DESCRIPTION = "spark.job.description"
INTERRUPT = "spark.job.interruptOnCancel"
TAGS = "spark.job.tags"


class JobControl:
    """Local properties, job groups and tags, cancelling."""

    @property
    def _running(self) -> _native.Engine:
        raise NotImplementedError

    def _is_alive(self) -> bool:
        raise NotImplementedError

    def setLocalProperty(self, key: str, value: str | None) -> None:
        """Sets a property of this thread's jobs, which their tasks may read; None takes it away."""
        jobs = self._running.jobs
        jobs.set_property(java_text("key", key), optional_text("value", value))

    def getLocalProperty(self, key: str) -> str | None:
        """A property of this thread's jobs, or None."""
        jobs = self._running.jobs
        return jobs.properties().get(java_text("key", key))

    def setJobGroup(self, groupId: str, description: str, interruptOnCancel: bool = False) -> None:
        """Names the group of this thread's jobs, so that `cancelJobGroup` can stop them.

        Cancelled tasks are always interrupted, as soon as they run Python code again; `interruptOnCancel` is only kept.
        """
        interrupts = java_bool("interruptOnCancel", interruptOnCancel)
        group, described = optional_text("groupId", groupId), optional_text("description", description)
        self.setLocalProperty(GROUP, group)
        self.setLocalProperty(DESCRIPTION, described)
        self.setInterruptOnCancel(interrupts)

    def setJobDescription(self, value: str) -> None:
        """Describes this thread's jobs."""
        self.setLocalProperty(DESCRIPTION, value)

    def setInterruptOnCancel(self, interruptOnCancel: bool) -> None:
        """Whether cancelled tasks should be interrupted. Kept; they always are."""
        self.setLocalProperty(INTERRUPT, str(bool(interruptOnCancel)).lower())

    def cancelJobGroup(self, groupId: str) -> None:
        """Cancels the running jobs of a group, of whichever thread. Their actions raise Py4JJavaError."""
        jobs = self._running.jobs
        if optional_text("groupId", groupId) is not None:
            jobs.cancel_group(groupId)

    def cancelAllJobs(self) -> None:
        """Cancels all running jobs. Their actions raise Py4JJavaError."""
        self._running.jobs.cancel_all()

    def cancelJobsWithTag(self, tag: str) -> None:
        """Cancels the running jobs with a tag, of whichever thread. Their actions raise Py4JJavaError."""
        self._running.jobs.cancel_tag(_checked(tag))

    def addJobTag(self, tag: str) -> None:
        """Adds a tag to this thread's jobs. Raises ValueError for an empty tag or one with a comma."""
        self._set_tags(self.getJobTags() | {_checked(tag)})

    def removeJobTag(self, tag: str) -> None:
        """Takes a tag from this thread's jobs. Raises ValueError for an empty tag or one with a comma."""
        self._set_tags(self.getJobTags() - {_checked(tag)})

    def getJobTags(self) -> set[str]:
        """The tags of this thread's jobs."""
        return set(filter(None, (self.getLocalProperty(TAGS) or "").split(",")))

    def clearJobTags(self) -> None:
        """Takes all tags from this thread's jobs."""
        self._set_tags(set())

    def _set_tags(self, tags: set[str]) -> None:
        self.setLocalProperty(TAGS, ",".join(sorted(tags)) or None)

    def statusTracker(self) -> StatusTracker:
        """What the jobs are doing."""
        return StatusTracker(self._running.jobs, self._is_alive)


def _checked(tag: str) -> str:
    if not tag:
        raise ValueError("Spark job tag cannot be an empty string.")
    if "," in tag:
        raise ValueError("Spark job tag cannot contain ','.")
    return tag
