"""Joins as functions: the older spelling of the methods of `RDD`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dstreams.core.rdd import RDD

__all__ = [
    "python_cogroup",
    "python_full_outer_join",
    "python_join",
    "python_left_outer_join",
    "python_right_outer_join",
]


def python_join(rdd: RDD[Any], other: RDD[Any], numPartitions: int | None) -> RDD[Any]:
    """`rdd.join(other, numPartitions)`"""
    return rdd.join(other, numPartitions)


def python_left_outer_join(rdd: RDD[Any], other: RDD[Any], numPartitions: int | None) -> RDD[Any]:
    """`rdd.leftOuterJoin(other, numPartitions)`"""
    return rdd.leftOuterJoin(other, numPartitions)


def python_right_outer_join(rdd: RDD[Any], other: RDD[Any], numPartitions: int | None) -> RDD[Any]:
    """`rdd.rightOuterJoin(other, numPartitions)`"""
    return rdd.rightOuterJoin(other, numPartitions)


def python_full_outer_join(rdd: RDD[Any], other: RDD[Any], numPartitions: int | None) -> RDD[Any]:
    """`rdd.fullOuterJoin(other, numPartitions)`"""
    return rdd.fullOuterJoin(other, numPartitions)


def python_cogroup(rdds: Sequence[RDD[Any]], numPartitions: int | None) -> RDD[Any]:
    """The values of each key in all RDDs: (key, (values in the first, values in the second, ...))."""
    from dstreams.core.rdds.pairs import _cogroup

    return _cogroup(list(rdds), numPartitions)
