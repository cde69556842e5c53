"""What the tests of the reader share: an interpreter of trees, and what comparing it with Python means.

`compare` calls a function and evaluates its tree on the same arguments: same value, same types all the way down, or the
same type of exception.
"""

from __future__ import annotations

import copy
import math
import operator
from collections import namedtuple
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dstreams.udf import Opaque, Program, read
from dstreams.udf.tree import children

Reading = namedtuple("Reading", ["sensor", "celsius", "ok"])

# Of all kinds, with what is at the edge of each.
VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    -3,
    7,
    255,
    2**62,
    -(2**63),
    10**30,
    0.0,
    -0.0,
    2.5,
    float("nan"),
    float("inf"),
    "",
    "a",
    "Tag Ünï ",
    "7,b,2.5",
    "12",
    " pad\t",
    b"",
    b"bytes 7",
    (),
    (1,),
    ("k", 2),
    (3, 2.5, "x"),
    ((1, "a"), (2, "b")),
    [],
    [1, 2, 3],
    ["b", "a"],
    [(1, 2), (3, 4)],
    [[1], []],
    ["7", None],
    Reading("a", 21.5, True),
]


class Bail(Exception):
    """The tree has no answer by contract, and the function itself has to be called."""


def has(node: Any, *tags: str) -> bool:
    """Whether nodes of these kinds are in the tree."""
    return node[0] in tags or any(has(child, *tags) for child in children(node))


def _unpack(value: Any, count: int) -> tuple[Any, ...]:
    items = tuple(value)
    if len(items) != count:
        raise ValueError("unpack")
    return items


def _gives(operation: Callable[..., Any], raises: type[Exception]) -> Callable[..., bool]:
    def asks(*operands: Any) -> bool:
        try:
            operation(*operands)
        except raises:
            return False
        return True

    return asks


def _in_place(operation: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def compute(one: Any, other: Any) -> Any:
        if type(one) is list:
            raise Bail
        return operation(one, other)

    return compute


def _order(keys: Any, reverse: bool) -> list[int]:
    keys = list(keys)
    return sorted(range(len(keys)), key=keys.__getitem__, reverse=reverse)


# Those with the names that `operator` has.
SAME = """
    add sub mul truediv floordiv mod pow lshift rshift eq ne lt le gt ge neg pos invert getitem
"""
OPERATIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(operator, name) for name in SAME.split()},
    "bitand": operator.and_,
    "bitor": operator.or_,
    "bitxor": operator.xor,
    "is": operator.is_,
    "isnot": operator.is_not,
    "in": lambda item, container: item in container,
    "notin": lambda item, container: item not in container,
    "slice": lambda value, start, stop, step: value[start:stop:step],
    "reversed": lambda value: list(reversed(value)),
    "unpack": _unpack,
    "can_int": _gives(int, ValueError),
    "can_float": _gives(float, ValueError),
    "can_unpack": _gives(_unpack, ValueError),
    "can_getitem": _gives(operator.getitem, IndexError),
    "can_divide": _gives(operator.mod, ZeroDivisionError),
    "iadd": _in_place(operator.add),
    "imul": _in_place(operator.mul),
    **{
        function.__name__: function
        for function in (len, int, float, str, bool, abs, round, min, max, sum, sorted, any, all, divmod, ord, chr)
    },
    "sorted_by": lambda values, keys, reverse: [values[at] for at in _order(keys, reverse)],
    "max_by": lambda values, keys: values[max(range(len(keys)), key=keys.__getitem__)],
    "min_by": lambda values, keys: values[min(range(len(keys)), key=keys.__getitem__)],
    "range": lambda *ends: list(range(*ends)),
    "zip": lambda *values: list(zip(*values, strict=False)),
    "distinct": lambda values: list(dict.fromkeys(values)),
    **{function.__name__: function for function in (math.log, math.log2, math.log10, math.exp)},
    "sqrt": math.sqrt,
    "floor": math.floor,
    "ceil": math.ceil,
    "repr": repr,
    "tuple": tuple,
    "list": list,
}


class Evaluation:
    """One evaluation of a tree. Nodes are computed once; those of an element once for each."""

    def __init__(self, arguments: tuple[Any, ...]) -> None:
        self._arguments = arguments
        self._memo: dict[int, Any] = {}
        self._memo_of_item: dict[int, Any] | None = None
        self._item: Any = None

    def of(self, node: Any) -> Any:
        memo = self._memo if self._memo_of_item is None or not has(node, "item") else self._memo_of_item
        if id(node) not in memo:
            memo[id(node)] = self._compute(node)
        return memo[id(node)]

    def _compute(self, node: Any) -> Any:
        match node:
            case ("arg", position):
                return self._arguments[position]
            case ("const", value):
                return value
            case ("item",):
                return self._item
            case ("table", items):
                return dict(items)
            case ("tuple", items):
                return tuple(map(self.of, items))
            case ("list", items):
                return list(map(self.of, items))
            case ("if", condition, then, otherwise):
                return self.of(then) if self.of(condition) else self.of(otherwise)
            case ("and", one, other):
                return self.of(one) and self.of(other)
            case ("or", one, other):
                return self.of(one) or self.of(other)
            case ("not", value):
                return not self.of(value)
            case ("seq", first, value):
                for dropped in first:
                    self.of(dropped)
                return self.of(value)
            case ("attr", value, name):
                return getattr(self.of(value), name)
            case ("fstring", parts):
                return "".join(map(self.of, parts))
            case ("format", value, conversion, spec):
                convert: Any = {"": lambda x: x, "s": str, "r": repr, "a": ascii}[conversion]
                return format(convert(self.of(value)), spec)
            case ("each", body, over):
                return [self._for_item(body, item) for item in self.of(over)]
            case ("keep", condition, over):
                return [item for item in self.of(over) if self._for_item(condition, item)]
            case ("op", name, operands):
                return self._operation(name, operands)
        raise AssertionError(f"no such node: {node[0]}")

    def _for_item(self, body: Any, item: Any) -> Any:
        if self._memo_of_item is not None:
            raise AssertionError("a comprehension inside of another one")
        self._item, self._memo_of_item = item, {}
        try:
            return self.of(body)
        finally:
            self._memo_of_item = None

    def _operation(self, name: str, operands: Any) -> Any:
        kind, _, method = name.partition(".")
        if kind == "method":
            found = getattr(self.of(operands[0]), method)
            return found(*map(self.of, operands[1:]))
        function = getattr(str, method) if kind == "str" and method else OPERATIONS[name]
        return function(*map(self.of, operands))


def shape(value: Any) -> Any:
    """The value with its types, for comparing."""
    if isinstance(value, (tuple, list)):
        return type(value), [shape(item) for item in value]
    return type(value), repr(value)


def outcome(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """What a call does: its value, or the type of its exception. An argument that it changes is part of it."""
    arguments = copy.deepcopy(arguments)
    try:
        value = shape(function(*arguments))
    except Bail:
        return "bail"
    except Exception as error:
        return "raises", type(error)
    return "gives", value, shape(arguments)


def compare_program(program: Program, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """Fails if the tree does something else than the function."""
    native = outcome(lambda *given: Evaluation(given).of(program.tree), arguments)
    if native == "bail":
        return
    python = outcome(function, arguments)
    if native == python:
        return
    if native[0] == "raises" and has(program.tree, "each", "keep"):
        return  # an element that Python does not come to, or comes to later
    pytest.fail(f"{arguments!r}: the tree {native}, Python {python}\n{program.tree}")


@pytest.fixture(scope="session")
def compare() -> Callable[..., None]:
    """Reads a function and compares its tree with it, for each tuple of arguments. It has to be readable."""

    def run(function: Callable[..., Any], *samples: tuple[Any, ...]) -> None:
        program = read(function, len(samples[0]))
        assert isinstance(program, Program), program
        for arguments in samples:
            compare_program(program, function, arguments)

    return run


@pytest.fixture(scope="session")
def compare_if_readable() -> Callable[..., Opaque | None]:
    """As `compare`; a function that is opaque is left alone and the answer returned."""

    def run(function: Callable[..., Any], *samples: tuple[Any, ...]) -> Opaque | None:
        program = read(function, len(samples[0]))
        if isinstance(program, Opaque):
            return program
        for arguments in samples:
            compare_program(program, function, arguments)
        return None

    return run


@pytest.fixture
def tree() -> Iterator[Callable[..., Any]]:
    """The tree of a function that has to be readable."""

    def run(function: Callable[..., Any], arity: int) -> Any:
        program = read(function, arity)
        assert isinstance(program, Program), program
        return program.tree

    yield run


@pytest.fixture(scope="session")
def values() -> list[Any]:
    """Values of all kinds."""
    return VALUES


@pytest.fixture(scope="session")
def both_outcomes() -> Callable[..., tuple[Any, Any]]:
    """What the tree of a function and the function itself do with values: see `outcome`."""

    def run(program: Program, function: Callable[..., Any], *arguments: Any) -> tuple[Any, Any]:
        native = outcome(lambda *given: Evaluation(given).of(program.tree), arguments)
        return native, outcome(function, arguments)

    return run
