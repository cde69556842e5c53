"""What may a stage ask of the machines of a cluster? `pyspark.resource`: requests, and profiles made of them.

There is no cluster here, so `RDD.withResources` refuses profiles as a local Spark does; they can be made and looked at.
"""

from __future__ import annotations

from dstreams.core.resource.information import ResourceInformation
from dstreams.core.resource.profile import ResourceProfile, ResourceProfileBuilder
from dstreams.core.resource.requests import (
    ExecutorResourceRequest,
    ExecutorResourceRequests,
    TaskResourceRequest,
    TaskResourceRequests,
)

__all__ = [
    "ExecutorResourceRequest",
    "ExecutorResourceRequests",
    "ResourceInformation",
    "ResourceProfile",
    "ResourceProfileBuilder",
    "TaskResourceRequest",
    "TaskResourceRequests",
]
