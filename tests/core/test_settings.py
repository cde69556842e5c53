"""Settings whose value makes no sense: refused by name, value and what is accepted, and none hangs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from py4j.protocol import Py4JJavaError
from pyspark import SparkConf, SparkContext

from dstreams.core.settings import SETTINGS, check_core, value_of

HUGE = "1" + "0" * 20


@pytest.mark.parametrize(
    "master, problem",
    [
        ("local[0]", "Asked to run locally with 0 threads"),
        ("local[abc]", "Could not parse Master URL"),
        ("local[-1]", "Could not parse Master URL"),
        ("local[1.5]", "Could not parse Master URL"),
        ("local[]", "Could not parse Master URL"),
        ("local[ 2 ]", "Could not parse Master URL"),
        ("local[999999999]", "999999999 for its number of threads, which is 1 to 10000"),
        (f"local[{HUGE}]", "for its number of threads"),
        ("local[2,0]", "0 for its number of tries of a task"),
        ("local[2,x]", "Could not parse Master URL"),
        ("local-cluster[0,1,1024]", "number of workers"),
        ("local-cluster[1000,1000,1024]", "number of cores"),
    ],
)
def test_masters_that_make_no_sense(spark: Callable[..., SparkContext], master: str, problem: str) -> None:
    with pytest.raises(Py4JJavaError) as caught:
        spark(master)
    assert problem in str(caught.value) and master in str(caught.value)


BAD = {
    "spark.default.parallelism": ["0", "-1", "abc", "", "2.5", HUGE, "999999999"],
    "spark.task.maxFailures": ["0", "-1", "abc", HUGE],
    "spark.executor.memory": ["lots", "0", "-1", "1.5g", "", HUGE, HUGE + "g", "9000000p"],
    "spark.driver.memory": ["lots", "0", "-1g", HUGE],
    "spark.memory.fraction": ["abc", "0", "-1", "2", "nan", "inf"],
    "spark.python.worker.memory": ["lots", "0", "-1"],
    "spark.dstreams.memory.limit": ["lots", "0", "-1", HUGE],
    "spark.dstreams.python.workers": ["-1", "abc", "1000000000", HUGE, ""],
    "spark.python.profile": ["abc", "1"],
    "spark.python.profile.memory": ["yes"],
}


@pytest.mark.parametrize("key, value", [(key, value) for key, values in BAD.items() for value in values])
def test_values_that_make_no_sense_are_refused_by_name(
    spark: Callable[..., SparkContext], key: str, value: str
) -> None:
    with pytest.raises(Py4JJavaError) as caught:
        spark("local[2]", {key: value})
    assert key in str(caught.value) and value in str(caught.value)
    # Nothing is left behind.
    assert spark("local[2]").parallelize([1]).count() == 1


def test_every_core_setting_is_looked_at_when_a_context_is_made() -> None:
    for key in SETTINGS:
        conf = SparkConf(loadDefaults=False).set(key, "no such value")
        if key.startswith(("spark.streaming.", "spark.dstreams.receiver.")):
            check_core(conf)
        else:
            with pytest.raises(Py4JJavaError, match=key):
                check_core(conf)


@pytest.mark.parametrize("key", SETTINGS)
def test_defaults_make_sense(key: str) -> None:
    conf = SparkConf(loadDefaults=False)
    default = SETTINGS[key].default
    assert (value_of(conf, key) is None) == (default is None)
    if default is not None:
        assert value_of(conf, key) == value_of(conf.set(key, f" {default} "), key)
