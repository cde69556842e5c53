"""Requests for resources of a cluster, rows, and the classes of errors."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from dstreams import HiveContext, Row, SparkContext, SQLContext
from dstreams import errors as public
from dstreams.core.engine.errors import Py4JJavaError
from dstreams.core.rdd import PipelinedRDD, PythonEvalType
from dstreams.core.resource import (
    ExecutorResourceRequests,
    ResourceInformation,
    ResourceProfile,
    ResourceProfileBuilder,
    TaskResourceRequests,
)
from dstreams.errors.exceptions import base


def test_a_profile_holds_what_was_asked_for(sc: SparkContext) -> None:
    of_executors = (
        ExecutorResourceRequests().cores(2).memory("6g").memoryOverhead("1024").pysparkMemory("2G").offheapMemory("3gb")
    )
    of_executors.resource("gpu", 2, "script", "vendor")
    builder = (
        ResourceProfileBuilder().require(of_executors).require(TaskResourceRequests().cpus(2).resource("gpu", 0.5))
    )
    profile, next_one = builder.build, builder.build
    builder.clearTaskResourceRequests()
    builder.clearExecutorResourceRequests()
    assert builder.taskResources == {} == builder.executorResources
    assert {name: each.amount for name, each in profile.taskResources.items()} == {"cpus": 2.0, "gpu": 0.5}
    assert {name: each.amount for name, each in profile.executorResources.items()} == {
        "cores": 2, "memory": 6144, "memoryOverhead": 1024, "pyspark.memory": 2048, "offHeap": 3072, "gpu": 2,
    }  # fmt: skip
    gpu = profile.executorResources["gpu"]
    assert (gpu.resourceName, gpu.discoveryScript, gpu.vendor) == ("gpu", "script", "vendor")
    assert next_one.id == profile.id + 1


@pytest.mark.parametrize(
    ("size", "found"), [("1t", 1 << 20), ("3m", 3), ("1048576b", 1), ("2048k", 2), ("1P", 1 << 30)]
)
def test_sizes_of_memory(size: str, found: int) -> None:
    assert ExecutorResourceRequests().memory(size).requests["memory"].amount == found


@pytest.mark.parametrize("size", ["abc", "", "1.5g", "5x", "-1m"])
def test_what_is_no_size(size: str) -> None:
    with pytest.raises(Py4JJavaError, match="NumberFormatException: Size must be specified"):
        ExecutorResourceRequests().memory(size)


@pytest.mark.parametrize("amount", [0.7, 1.5])
def test_a_task_cannot_have_most_of_a_resource(amount: float) -> None:
    with pytest.raises(Py4JJavaError, match=f"resource amount {amount} must be either <= 0.5, or a whole number"):
        TaskResourceRequests().resource("gpu", amount)


def test_a_local_spark_refuses_profiles(sc: SparkContext) -> None:
    rdd = sc.parallelize([1])
    for request, problem in (
        (TaskResourceRequests().cpus(1), "TaskResourceProfiles are only supported for Standalone"),
        (ExecutorResourceRequests().cores(1), "ResourceProfiles are only supported on YARN"),
    ):
        with pytest.raises(Py4JJavaError, match=problem):
            rdd.withResources(ResourceProfileBuilder().require(request).build)
    assert rdd.getResourceProfile() is None and not rdd.has_resource_profile


def test_without_a_context_a_profile_has_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SparkContext, "_active_spark_context", None)
    with pytest.raises(RuntimeError, match="SparkContext must be created to get the id"):
        ResourceProfile().id  # noqa: B018
    assert (ResourceInformation("gpu", ["0"]).name, ResourceInformation("gpu", ["0"]).addresses) == ("gpu", ["0"])


# -- rows -----------------------------------------------------------------------------------------
def test_rows_are_tuples_with_names(sc: SparkContext) -> None:
    Person = Row("name", "age")
    ann = Person("Ann", 11)
    assert ann == Row(name="Ann", age=11) == ("Ann", 11) and hash(ann) == hash(("Ann", 11))
    assert (ann.name, ann["age"], ann[0], "name" in ann, "Ann" in ann) == ("Ann", 11, "Ann", True, False)
    assert (repr(ann), repr(Person)) == ("Row(name='Ann', age=11)", "<Row('name', 'age')>")
    assert Row(a=[Row(b=1)], c={"d": Row(e=2)}).asDict(True) == {"a": [{"b": 1}], "c": {"d": {"e": 2}}}
    assert pickle.loads(pickle.dumps([ann, Person])) == [ann, Person]
    people = sc.parallelize([ann, Person("Bob", 12)], 2)
    assert people.map(lambda row: row.age).sum() == 23
    assert people.cache().keyBy(lambda row: row.name).sortByKey().values().collect()[1].name == "Bob"


@pytest.mark.parametrize(
    ("wrong", "kind", "text"),
    [
        (lambda: Row("a")(1, 2), ValueError, r"\[TOO_MANY_VALUES\] Expected 1 values for `fields`, got 2\."),
        (lambda: Row(1, a=2), ValueError, r"\[CANNOT_SET_TOGETHER\] args and kwargs should not be set together\."),
        (lambda: Row(1).asDict(), TypeError, r"\[CANNOT_CONVERT_TYPE\] Cannot convert Row into dict\."),
        (lambda: Row(a=1)["b"], ValueError, "^b$"),
        (lambda: Row("a", "b")(1)["b"], KeyError, "b"),
        (lambda: Row(a=1).b, AttributeError, "^b$"),
        (lambda: setattr(Row(a=1), "a", 2), RuntimeError, "Row is read-only"),
    ],
)
def test_what_rows_refuse(wrong: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        wrong()


@pytest.mark.parametrize("kind", [SQLContext, HiveContext])
def test_contexts_of_dataframes_say_that_there_are_none(sc: SparkContext, kind: type[SQLContext]) -> None:
    for make in (kind, kind.getOrCreate):
        with pytest.raises(NotImplementedError, match=f"{kind.__name__} needs DataFrames"):
            make(sc)
    with pytest.raises(RuntimeError, match=r"\[CALL_BEFORE_INITIALIZE\] Not supported to call `RDD.toDF`"):
        sc.parallelize([1]).toDF()


# -- errors and other names -----------------------------------------------------------------------
def test_errors_are_the_same_under_both_names() -> None:
    assert all(getattr(public, name) is getattr(base, name) for name in public.__all__)


def test_an_error_knows_its_class_and_parameters() -> None:
    told = {"func_name": "f", "object": "Thing"}
    error = public.PySparkValueError(error_class="CALL_BEFORE_INITIALIZE", message_parameters=told)
    for each in (error, pickle.loads(pickle.dumps(error))):
        assert str(each) == "[CALL_BEFORE_INITIALIZE] Not supported to call `f` before initialize Thing."
        assert (each.getErrorClass(), each.getMessageParameters()) == ("CALL_BEFORE_INITIALIZE", told)
        assert each.getSqlState() is None and isinstance(each, ValueError)
    plain = public.PySparkTypeError("text")
    assert (str(plain), plain.getErrorClass(), plain.args) == ("text", None, ("text",))


def test_errors_that_are_made_wrongly() -> None:
    with pytest.raises(ValueError, match="Cannot find main error class 'NONE_SUCH'"):
        public.PySparkException(error_class="NONE_SUCH", message_parameters={})
    with pytest.raises(AssertionError, match="Undefined error message parameter for error class: TOO_MANY_VALUES"):
        public.PySparkException(error_class="TOO_MANY_VALUES", message_parameters={"x": "y"})
    with pytest.raises(AssertionError, match="not both"):
        public.PySparkException("text", error_class="TOO_MANY_VALUES", message_parameters={})
    with pytest.raises(AssertionError, match="needs a message"):
        public.PySparkException()


def test_a_pipelined_rdd_is_a_function_of_a_partition(sc: SparkContext) -> None:
    made = PipelinedRDD(sc.parallelize([1, 2, 3], 2), lambda index, it: [index, list(it)])
    assert made.collect() == [0, [1], 1, [2, 3]]
    assert list(made.map(str).func(5, [7])) == ["5", "[7]"]
    assert (PythonEvalType.NON_UDF, PythonEvalType.SQL_ARROW_TABLE_UDF) == (0, 301)
