"""The types of `dstreams.core.resource`."""

# Written by scripts/stubs.py.
from dstreams.core.resource import (
    ExecutorResourceRequest as ExecutorResourceRequest,
    ExecutorResourceRequests as ExecutorResourceRequests,
    ResourceInformation as ResourceInformation,
    ResourceProfile as ResourceProfile,
    ResourceProfileBuilder as ResourceProfileBuilder,
    TaskResourceRequest as TaskResourceRequest,
    TaskResourceRequests as TaskResourceRequests,
)
