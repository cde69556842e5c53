"""Is an answer remembered as long as it is right, and not longer?"""

from __future__ import annotations

import functools
import gc
import importlib
import threading
import types
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from dstreams.udf import Opaque, Program, cache, program_of


def define(source: str, **names: Any) -> dict[str, Any]:
    """The globals of a module with that source."""
    exec(source, names)
    return names


def tree_of(function: Any, arity: int = 1) -> Any:
    answer = program_of(function, arity)
    assert isinstance(answer, Program), answer
    return answer.tree


def test_the_same_function_is_read_once() -> None:
    def f(x):
        return len(x) + 1

    assert program_of(f, 1) is program_of(f, 1)
    assert isinstance(program_of(f, 2), Opaque)
    assert isinstance(program_of(f, 1), Program)


def test_a_lambda_made_again_is_known_by_its_code() -> None:
    def make(n: Any) -> Callable[[Any], Any]:
        return lambda x: x + n

    first = program_of(make(1), 1)
    assert program_of(make(1), 1) is first
    assert program_of(make(10**20), 1) is program_of(make(10**20), 1)


@pytest.mark.parametrize(
    ("one", "other"), [(1, 2), (1, True), (0.0, -0.0), (0, None), ((1, 2), (1, 2.0)), ("1", b"1"), ((), None)]
)
def test_captured_values_of_another_type_are_other_values(one: Any, other: Any) -> None:
    def make(n: Any) -> Callable[[Any], Any]:
        return lambda x: (x, n)

    tree_of(make(one))
    tree = tree_of(make(other))
    assert tree[1][1][1] == other
    assert type(tree[1][1][1]) is type(other)
    assert str(tree[1][1][1]) == str(other)


def test_of_more_variants_than_are_kept_all_are_right() -> None:
    def make(n: int) -> Callable[[Any], Any]:
        return lambda x: x + n

    for _ in range(2):
        for n in range(3 * cache._KEPT):
            assert tree_of(make(n)) == ("op", "add", (("arg", 0), ("const", n)))


def test_a_global_that_changes_is_read_again() -> None:
    module = define("LIMIT = 1\nf = lambda x: x < LIMIT")
    assert tree_of(module["f"])[2][1] == ("const", 1)
    module["LIMIT"] = 2
    assert tree_of(module["f"])[2][1] == ("const", 2)
    module["LIMIT"] = [1]
    assert isinstance(program_of(module["f"], 1), Opaque)
    del module["LIMIT"]
    assert isinstance(program_of(module["f"], 1), Opaque)
    module["LIMIT"] = 3
    assert tree_of(module["f"])[2][1] == ("const", 3)


def test_a_builtin_that_is_shadowed_is_read_again() -> None:
    module = define("f = lambda x: len(x)")
    assert tree_of(module["f"])[1] == "len"
    module["len"] = max
    assert tree_of(module["f"])[1] == "max"
    del module["len"]
    assert tree_of(module["f"])[1] == "len"


def test_a_closure_variable_that_changes_is_read_again() -> None:
    n = 1

    def f(x):
        return x + n

    assert tree_of(f)[2][1] == ("const", 1)
    n = 2
    assert tree_of(f)[2][1] == ("const", 2)


def test_defaults_that_change_are_read_again() -> None:
    def f(x, y=1, *, z=2):
        return x, y, z

    assert tree_of(f)[1][1:] == (("const", 1), ("const", 2))
    f.__defaults__ = (3,)
    f.__kwdefaults__ = {"z": 4}
    assert tree_of(f)[1][1:] == (("const", 3), ("const", 4))
    f.__defaults__ = None
    assert isinstance(program_of(f, 1), Opaque)


def test_code_that_changes_is_read_again() -> None:
    def f(x):
        return x + 1

    assert tree_of(f)[1] == "add"
    f.__code__ = (lambda x: x - 1).__code__
    assert tree_of(f)[1] == "sub"


def test_a_called_function_that_changes_is_read_again() -> None:
    module = define("K = 1\ndef g(x, y=5): return x + K + y\ndef f(x): return g(x)")
    assert "const', 1" in str(tree_of(module["f"]))
    module["K"] = 2
    assert "const', 2" in str(tree_of(module["f"]))
    module["g"].__defaults__ = (6,)
    assert "const', 6" in str(tree_of(module["f"]))
    exec("def g(x): return x - K", module)
    assert tree_of(module["f"]) == ("op", "sub", (("arg", 0), ("const", 2)))


def test_a_module_is_looked_into_again() -> None:
    module = types.ModuleType("settings")
    module.limit = 1  # type: ignore[attr-defined]
    f = define("f = lambda x: x < settings.limit", settings=module)["f"]
    assert tree_of(f)[2][1] == ("const", 1)
    module.limit = 2  # type: ignore[attr-defined]
    assert tree_of(f)[2][1] == ("const", 2)


def test_a_captured_dict_is_copied_every_time() -> None:
    units = {"a": 1}

    def f(x):
        return units[x]

    before = tree_of(f)
    units["a"] = 2
    assert before[2][0] == ("table", (("a", 1),))
    assert tree_of(f)[2][0] == ("table", (("a", 2),))


def test_partials_are_known_by_what_is_in_them() -> None:
    def f(a, b):
        return a, b

    one = program_of(functools.partial(f, 1), 1)
    assert program_of(functools.partial(f, 1), 1) is one
    assert tree_of(functools.partial(f, 2)) == ("tuple", (("const", 2), ("arg", 0)))
    assert tree_of(f, 2) == ("tuple", (("arg", 0), ("arg", 1)))
    assert isinstance(program_of(functools.partial(f, b=1), 1), Opaque)
    assert isinstance(program_of(functools.partial(f, 1, 2), 1), Opaque)


def test_a_partial_of_a_new_lambda_is_known() -> None:
    def with_key(f, value):
        return f(value), value

    def make() -> Any:
        return functools.partial(with_key, lambda x: x[0])

    assert program_of(make(), 1) is program_of(make(), 1)
    other = functools.partial(with_key, len)
    assert tree_of(other)[1][0][1] == "len"
    assert tree_of(make())[1][0][1] == "getitem"


def test_builtins_are_remembered() -> None:
    for function in (len, str.lower, max):
        assert program_of(function, 1) is program_of(function, 1)


def test_nothing_is_kept_alive() -> None:
    class Thing:
        pass

    def make(thing: Any) -> dict[str, Any]:
        source = "def g(x): return x + 1\ndef f(x): return g(x) if x else me(x)\nh = lambda x: (thing, x)"
        module = define(source, thing=thing)
        module["me"] = module["f"]
        return module

    thing = Thing()
    module = make(thing)
    for name in ("f", "g", "h"):
        program_of(module[name], 1)
        program_of(functools.partial(module[name]), 1)
    code = id(module["g"].__code__)
    assert code in cache._by_code
    dead = [weakref.ref(thing), *(weakref.ref(module[name]) for name in ("f", "g", "h"))]
    del thing, module
    gc.collect()
    assert [reference() for reference in dead] == [None] * 4
    assert code not in cache._by_code


def test_threads_may_ask_at_once() -> None:
    module = define("K = 0\ndef g(x): return x + K\ndef f(x): return g(x)")
    wrong: list[Any] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            answer = program_of(module["f"], 1)
            if not isinstance(answer, Program) or answer.tree[1] != "add":
                wrong.append(answer)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for n in range(300):
        module["K"] = n
        if tree_of(module["f"])[2][1] != ("const", n):
            wrong.append(n)
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []


ARGUMENT, FIRST = ("arg", 0), ("op", "getitem", (("arg", 0), ("const", 0)))


@pytest.mark.parametrize(
    ("make", "arity", "tree"),
    [
        (lambda tasks: tasks.identity, 1, ARGUMENT),
        (lambda tasks: tasks.keep_first, 2, ARGUMENT),
        (lambda tasks: tasks.with_none, 1, ("tuple", (ARGUMENT, ("const", None)))),
        (lambda tasks: tasks.only_false, 1, ("tuple", (ARGUMENT, ("const", False)))),
        (lambda tasks: tasks.to_float, 1, ("op", "float", (ARGUMENT,))),
        (lambda tasks: functools.partial(tasks.tagged, 1), 1, ("tuple", (("const", 1), ARGUMENT))),
        (lambda tasks: functools.partial(tasks.with_key, lambda x: x[0]), 1, ("tuple", (FIRST, ARGUMENT))),
        (lambda tasks: functools.partial(tasks.seeded, int, max), 1, ("op", "max", (("const", 0), ARGUMENT))),
    ],
)
def test_the_functions_that_the_library_puts_into_tasks_are_readable(make: Any, arity: int, tree: Any) -> None:
    tasks = importlib.import_module("dstreams.core.rdds.tasks")
    assert tree_of(make(tasks), arity) == tree


def test_a_name_that_means_another_class_later_is_noticed() -> None:
    names: dict[str, Any] = {}
    exec("f = lambda x: len(set(x))", names)
    assert "distinct" in repr(program_of(names["f"], 1))
    names["set"] = list
    assert "distinct" not in repr(program_of(names["f"], 1))
    del names["set"]
    assert "distinct" in repr(program_of(names["f"], 1))
