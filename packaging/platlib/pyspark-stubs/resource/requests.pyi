"""The types of `dstreams.core.resource.requests`."""

# Written by scripts/stubs.py.
from dstreams.core.resource.requests import (
    ExecutorResourceRequest as ExecutorResourceRequest,
    ExecutorResourceRequests as ExecutorResourceRequests,
    TaskResourceRequest as TaskResourceRequest,
    TaskResourceRequests as TaskResourceRequests,
    java_error as java_error,
    mebibytes as mebibytes,
)
