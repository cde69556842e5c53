"""The types of `dstreams.core.rdd`."""

# Written by scripts/stubs.py.
from dstreams.core.rdd import (
    BoundedFloat as BoundedFloat,
    Numbers as Numbers,
    Output as Output,
    Partitioner as Partitioner,
    PipelinedRDD as PipelinedRDD,
    PySparkRuntimeError as PySparkRuntimeError,
    PythonEvalType as PythonEvalType,
    RDD as RDD,
    RDDBarrier as RDDBarrier,
    RDDBase as RDDBase,
    ResourceProfile as ResourceProfile,
    T as T,
    frozen_steps as frozen_steps,
    java_error as java_error,
    named_as_one as named_as_one,
    portable_hash as portable_hash,
    run_in_room as run_in_room,
    run_steps as run_steps,
)
