"""The types of `dstreams.core.resource.profile`."""

# Written by scripts/stubs.py.
from dstreams.core.resource.profile import (
    ExecutorResourceRequest as ExecutorResourceRequest,
    ExecutorResourceRequests as ExecutorResourceRequests,
    ResourceProfile as ResourceProfile,
    ResourceProfileBuilder as ResourceProfileBuilder,
    TaskResourceRequest as TaskResourceRequest,
    TaskResourceRequests as TaskResourceRequests,
)
