"""Does a free-threaded interpreter stay one with dstreams in it, and are answers right when functions run at once?"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import threading
from collections import namedtuple
from typing import Any

import pytest

from dstreams import SparkContext

Reading = namedtuple("Reading", ["sensor", "celsius"])

free_threaded = pytest.mark.skipif(
    not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this interpreter has a global lock"
)


@free_threaded
def test_the_import_leaves_the_global_lock_off() -> None:
    program = "import sys, dstreams, pyspark.streaming; print(sys._is_gil_enabled())"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHON_GIL"}
    command = [sys.executable, "-W", "error", "-c", program]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert (ended.stdout, ended.stderr, ended.returncode) == ("False\n", "", 0)


@free_threaded
def test_jobs_leave_the_global_lock_off() -> None:
    if os.environ.get("PYTHON_GIL") == "1":
        pytest.skip("the global lock is asked for")
    with SparkContext("local[2]") as sc:
        assert sc.parallelize(range(100), 4).map(lambda x: repr(x).__len__()).sum() == 190
    assert not sys._is_gil_enabled()  # type: ignore[attr-defined]


def opaque(x: int) -> Any:
    """Something of another kind for each remainder; no native form."""
    kinds = [lambda: Reading(f"s{x}", x / 2), lambda: {"x": x, "half": x // 2}, lambda: [x] * 3, lambda: f"é{x}"]
    return kinds[x % 4]()


def in_threads(count: int, work: Any) -> None:
    """Runs `work(number)` in so many threads at once; the first exception is raised here."""
    failures: list[BaseException] = []
    gate = threading.Barrier(count)

    def run(number: int) -> None:
        try:
            gate.wait()
            work(number)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def test_jobs_of_many_threads_do_not_disturb_each_other() -> None:
    with SparkContext("local[4]") as sc:
        seen = sc.accumulator(0)
        names = sc.broadcast({"even": 0, "odd": 1})
        shared = sc.parallelize(range(2_000), 8).map(opaque).cache()
        wanted = [opaque(x) for x in range(2_000)]

        def work(number: int) -> None:
            assert shared.collect() == wanted
            kinds = shared.map(lambda item: (type(item).__name__, len(item))).reduceByKey(lambda a, b: a + b)
            assert dict(kinds.collect()) == {"Reading": 1_000, "dict": 1_000, "list": 1_500, "str": 2_223}

            def count(x: int) -> tuple[int, list[int]]:
                seen.add(1)
                return names.value["odd" if x % 2 else "even"], [x, number]

            groups = dict(sc.parallelize(range(500), 4).map(count).groupByKey().mapValues(list).collect())
            assert groups == {rest: [[x, number] for x in range(500) if x % 2 == rest] for rest in (0, 1)}

        in_threads(4, work)
        assert seen.value == 4 * 500


def test_classes_that_change_while_their_instances_become_columns() -> None:
    """A class is a plain namedtuple or not, at any moment; its instances come back equal either way."""
    made = namedtuple("made", ["x", "y"])
    with SparkContext("local[2]") as sc:

        def work(number: int) -> None:
            for step in range(30):
                if number:
                    made.extra = step  # type: ignore[attr-defined]
                    made.__eq__ = lambda one, other: tuple(one) == tuple(other)  # type: ignore[method-assign, assignment]
                    del made.__eq__
                else:
                    items = [made(at, str(at)) for at in range(200)]
                    back = sc.parallelize(items, 2).map(lambda item: item).collect()
                    assert [tuple(item) for item in back] == [tuple(item) for item in items]
                    assert {type(item) for item in back} == {made}

        in_threads(2, work)


def test_elements_that_another_thread_changes_while_they_are_weighed() -> None:
    """Grouping weighs what it gathers; a dict that grows meanwhile must do no harm."""
    changing: dict[int, int] = {}
    over = threading.Event()

    def change() -> None:
        at = 0
        while not over.is_set():
            at += 1
            changing[at % 1_000] = at
            changing.pop((at * 7) % 1_000, None)

    thread = threading.Thread(target=change)
    thread.start()
    try:
        with SparkContext("local[2]") as sc:
            module = sys.modules[__name__]
            module.held = changing  # type: ignore[attr-defined]  # modules are shared with tasks
            pairs = sc.parallelize(range(3_000), 2).map(lambda x: (x % 3, sys.modules[__name__].held))  # type: ignore[attr-defined]
            sizes = pairs.groupByKey().mapValues(lambda found: len(list(found)))
            assert sorted(sizes.collect()) == [(0, 1_000), (1, 1_000), (2, 1_000)]
    finally:
        over.set()
        thread.join()
