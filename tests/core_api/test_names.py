"""Classes in several parts look like one: in messages of Python, and in pickles."""

from __future__ import annotations

import inspect
import pickle

import pytest
from pyspark import RDD, SparkContext
from pyspark.streaming import DStream, StreamingContext

CLASSES = [RDD, SparkContext, DStream, StreamingContext]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_methods_bear_the_name_of_the_class(cls: type) -> None:
    own = [m for name, m in inspect.getmembers(cls, inspect.isfunction) if m.__module__.startswith("dstreams.")]
    assert len(own) > 15
    assert {method.__qualname__.split(".")[0] for method in own} == {cls.__name__}


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_methods_are_pickled_by_name(cls: type) -> None:
    for _, method in inspect.getmembers(cls, inspect.isfunction):
        if "<" not in method.__qualname__:
            assert pickle.loads(pickle.dumps(method)) is method


def test_a_missing_argument_is_told_as_in_spark() -> None:
    with pytest.raises(
        TypeError, match=r"^DStream\.window\(\) missing 1 required positional argument: 'windowDuration'$"
    ):
        DStream.window(None)
    with pytest.raises(TypeError, match=r"^RDD\.map\(\) missing 1 required positional argument: 'f'$"):
        RDD.map(None)
