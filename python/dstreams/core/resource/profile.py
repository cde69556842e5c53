"""Which requests belong together? A profile is what one stage asks of executors and for tasks."""

from __future__ import annotations

import itertools
from typing import Any

from dstreams.core.resource.requests import (
    ExecutorResourceRequest,
    ExecutorResourceRequests,
    TaskResourceRequest,
    TaskResourceRequests,
)

__all__ = ["ResourceProfile", "ResourceProfileBuilder"]

_ids = itertools.count(1)  # 0 is the profile that stages have without asking


class ResourceProfile:
    """Requests that do not change any more. Made by a ResourceProfileBuilder."""

    def __init__(
        self,
        _java_resource_profile: Any = None,
        _exec_req: dict[str, ExecutorResourceRequest] | None = None,
        _task_req: dict[str, TaskResourceRequest] | None = None,
    ) -> None:
        from dstreams.core.context import SparkContext

        self._id = next(_ids) if SparkContext._active_spark_context is not None else None
        self._executor_resource_requests = dict(_exec_req or {})
        self._task_resource_requests = dict(_task_req or {})

    @property
    def id(self) -> int:
        """Its number. Raises RuntimeError when it was made without an active context."""
        if self._id is None:
            raise RuntimeError(
                "SparkContext must be created to get the id, get the id after adding the ResourceProfile to an RDD"
            )
        return self._id

    @property
    def taskResources(self) -> dict[str, TaskResourceRequest]:
        """What is asked for each task, by name."""
        return dict(self._task_resource_requests)

    @property
    def executorResources(self) -> dict[str, ExecutorResourceRequest]:
        """What is asked of each executor, by name."""
        return dict(self._executor_resource_requests)


class ResourceProfileBuilder:
    """Collects requests for a profile."""

    def __init__(self) -> None:
        self._executor_resource_requests: dict[str, ExecutorResourceRequest] = {}
        self._task_resource_requests: dict[str, TaskResourceRequest] = {}

    def require(self, resourceRequest: ExecutorResourceRequests | TaskResourceRequests) -> ResourceProfileBuilder:
        """Adds requests; of the same name, the last counts. Returns the builder itself."""
        if isinstance(resourceRequest, TaskResourceRequests):
            self._task_resource_requests.update(resourceRequest.requests)
        else:
            self._executor_resource_requests.update(resourceRequest.requests)
        return self

    def clearExecutorResourceRequests(self) -> None:
        """Forgets what was asked of executors."""
        self._executor_resource_requests = {}

    def clearTaskResourceRequests(self) -> None:
        """Forgets what was asked for tasks."""
        self._task_resource_requests = {}

    @property
    def taskResources(self) -> dict[str, TaskResourceRequest]:
        """What is asked for each task so far."""
        return self._task_resource_requests

    @property
    def executorResources(self) -> dict[str, ExecutorResourceRequest]:
        """What is asked of each executor so far."""
        return self._executor_resource_requests

    @property
    def build(self) -> ResourceProfile:
        """A profile of all requests so far."""
        return ResourceProfile(_exec_req=self._executor_resource_requests, _task_req=self._task_resource_requests)
