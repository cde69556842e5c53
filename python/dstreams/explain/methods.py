"""What is a step of the engine to a program: which method did it call?

Most of RDD's methods are made of a few steps with functions of the library's own, which hold the program's functions.
The tables here name the methods by these functions. What is in no table is named after its step.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

# Of steps with a function of the program itself.
_OF_STEPS = {
    "partitions": "mapPartitions",
    "indexedPartitions": "mapPartitionsWithIndex",
    "combine": "combineByKey",
    "mergeCombiners": "combineByKey",
    "group": "groupByKey",
    "mergeGroups": "groupByKey",
}
# The library's functions of steps: the method of RDD or DStream they are part of.
_OF_FUNCTIONS: Mapping[str, str] = {
    "core.rdds.pairs._range_of": "sortByKey",
    "core.rdds.meetings.run_in_room": "barrier",
    "core.profiler.run_profiled": "profiler",
    "core.rdds.sorting.sort_pairs": "sortByKey",
    "core.rdds.tasks.cogroup_values": "cogroup",
    "core.rdds.tasks.count_values": "countByValue",
    "core.rdds.tasks.fold_partition": "aggregate or fold",
    "core.rdds.tasks.join_values": "join",
    "core.rdds.tasks.keep_first": "distinct",
    "core.rdds.tasks.key_equals": "lookup",
    "core.rdds.tasks.larger": "max",
    "core.rdds.tasks.largest": "top",
    "core.rdds.tasks.reduce_pairs": "reduceByKeyLocally",
    "core.rdds.tasks.reduce_partition": "reduce",
    "core.rdds.tasks.seeded": "aggregateByKey",
    "core.rdds.tasks.smaller": "min",
    "core.rdds.tasks.smallest": "takeOrdered",
    "core.rdds.tasks.sum_partition": "sum",
    "core.rdds.tasks.tagged": "join",
    "core.rdds.tasks.tree_step": "treeReduce",
    "core.rdds.tasks.visit_each": "foreach",
    "core.rdds.tasks.visit_partition": "foreachPartition",
    "core.rdds.tasks.with_key": "keyBy",
    "core.rdds.tasks.with_none": "distinct",
    "streaming.folds._less": "invFunc",
    "streaming.folds._updated": "updateStateByKey",
    "streaming.folds._with_state": "updateStateByKey",
    "streaming.folds._has_state": "updateStateByKey",
    "streaming.mapwithstate._apply": "mapWithState",
    "streaming.transformations._with_one": "countByValue",
    "streaming.transformations._without_key": "reduce",
}


def name_of(function: Any) -> str:
    """Module and name of a function of this package, without the package; empty for all others."""
    while type(function) is partial:
        function = function.func
    function = getattr(function, "__func__", function)
    module, name = getattr(function, "__module__", None), getattr(function, "__name__", None)
    if not isinstance(module, str) or not isinstance(name, str) or not module.startswith("dstreams."):
        return ""
    return f"{module.removeprefix('dstreams.')}.{name}"


def begins_with_zero(step: str, functions: list[Any]) -> bool:
    """Whether a value is folded into the zero of `aggregateByKey`, by the function that folds in the others too."""
    if step != "combine" or type(functions[0]) is not partial:
        return False
    first, second = functions[0].func, functions[1]
    return first is second or getattr(first, "__code__", first) is getattr(second, "__code__", second)


def method_of(step: str, functions: list[Any], before: str) -> str:
    """The method that a step belongs to; `before` is that of the step before, across a shuffle too."""
    for function in functions:
        known = _OF_FUNCTIONS.get(name_of(function))
        if known is not None:
            return known
    if begins_with_zero(step, functions):
        return "aggregateByKey"
    if step == "combine" and name_of(functions[0]) == "core.rdds.tasks.identity":
        return "reduceByKey"
    if step == "mergeCombiners" and before:
        return before
    return _OF_STEPS.get(step, step)
