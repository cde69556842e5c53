"""The types of `dstreams.core.profiler`."""

# Written by scripts/stubs.py.
from dstreams.core.profiler import (
    AccumulatorParam as AccumulatorParam,
    BasicProfiler as BasicProfiler,
    MemUsageParam as MemUsageParam,
    MemoryProfiler as MemoryProfiler,
    PStatsParam as PStatsParam,
    Profiler as Profiler,
    ProfilerCollector as ProfilerCollector,
    PySparkRuntimeError as PySparkRuntimeError,
    UDFBasicProfiler as UDFBasicProfiler,
    run_profiled as run_profiled,
    run_whole as run_whole,
)
