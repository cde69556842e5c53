"""The types of `dstreams.core.status`."""

# Written by scripts/stubs.py.
from dstreams.core.status import (
    SparkJobInfo as SparkJobInfo,
    SparkStageInfo as SparkStageInfo,
    StatusTracker as StatusTracker,
    java_int as java_int,
    optional_text as optional_text,
)
