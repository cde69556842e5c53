"""Is the page about PySpark's API what the installed package is like?"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def support() -> Iterator[ModuleType]:
    """`scripts/support.py` as a module."""
    spec = importlib.util.spec_from_file_location("dstreams_support_script", ROOT / "scripts" / "support.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_the_page_is_what_the_script_would_write_now(support: ModuleType) -> None:
    assert (ROOT / "docs" / "support.md").read_text(encoding="utf-8") == support.page(), (
        "docs/support.md is out of date: run `python scripts/support.py --write`"
    )


def test_a_name_that_is_there_as_listed_works(support: ModuleType) -> None:
    wanted = {"kind": "call", "params": ["f", "preservesPartitioning=False"]}
    assert support.check("pyspark:RDD.map", wanted).state == "works"


@pytest.mark.parametrize(
    ("wanted", "how"),
    [
        ({"kind": "call", "params": ["f"]}, "Takes `(f, preservesPartitioning=False)` instead of `(f)`."),
        (
            {"kind": "call", "params": ["f", "preservesPartitioning=True"]},
            "`preservesPartitioning=False` instead of `preservesPartitioning=True`.",
        ),
        ({"kind": "value"}, "A method."),
        ({"kind": "class"}, "No class."),
    ],
)
def test_a_name_that_is_not_as_listed_differs(support: ModuleType, wanted: dict[str, object], how: str) -> None:
    assert support.check("pyspark:RDD.map", wanted) == ("map", "differs", how)


@pytest.mark.parametrize("key", ["pyspark:RDD.unheardOf", "pyspark:unheardOf", "pyspark.unheardOf:anything"])
def test_a_name_that_is_not_there_is_missing(support: ModuleType, key: str) -> None:
    assert support.check(key, {"kind": "call", "params": []}).state == "missing"


def test_a_function_as_default_may_be_another_one(support: ModuleType) -> None:
    wanted = {"kind": "call", "params": ["ascending=True", "numPartitions=None", "keyfunc=<lambda>"]}
    assert support.check("pyspark:RDD.sortByKey", wanted).state == "works"


def test_a_sentence_about_a_name_that_pyspark_lacks_is_refused(
    support: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(support.BEHAVIOUR, "pyspark:RDD.unheardOf", "Does nothing.")
    with pytest.raises(SystemExit, match="unheardOf"):
        support.page()


def test_a_sentence_about_a_name_that_is_missing_here_is_refused(
    support: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(support.BEHAVIOUR, "pyspark:RDD.unheardOf", "Does nothing.")
    with pytest.raises(SystemExit, match="unheardOf"):
        support.check("pyspark:RDD.unheardOf", {"kind": "call", "params": []})


def test_attributes_that_instances_set_are_there(support: ModuleType) -> None:
    assert support.check("pyspark:SparkContext.applicationId", {"kind": "value"}).state == "works"
