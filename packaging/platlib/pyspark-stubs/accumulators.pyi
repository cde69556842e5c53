"""The types of `dstreams.core.accumulators`."""

# Written by scripts/stubs.py.
from dstreams.core.accumulators import (
    Accumulator as Accumulator,
    AccumulatorParam as AccumulatorParam,
    AddingAccumulatorParam as AddingAccumulatorParam,
    COMPLEX_ACCUMULATOR_PARAM as COMPLEX_ACCUMULATOR_PARAM,
    FLOAT_ACCUMULATOR_PARAM as FLOAT_ACCUMULATOR_PARAM,
    INT_ACCUMULATOR_PARAM as INT_ACCUMULATOR_PARAM,
    PySparkRuntimeError as PySparkRuntimeError,
    T as T,
    add_updates as add_updates,
    apply_updates as apply_updates,
    new_accumulator as new_accumulator,
)
