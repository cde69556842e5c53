"""How do tests of native programs say what they run? As Python expressions, which CPython evaluates too."""

from __future__ import annotations

import ast
import operator
import struct
from collections.abc import Callable
from typing import Any

import pytest

from dstreams._native import Bail, Program

BINARY = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "truediv",
    ast.FloorDiv: "floordiv",
    ast.Mod: "mod",
    ast.Pow: "pow",
    ast.LShift: "lshift",
    ast.RShift: "rshift",
    ast.BitAnd: "bitand",
    ast.BitOr: "bitor",
    ast.BitXor: "bitxor",
    ast.Eq: "eq",
    ast.NotEq: "ne",
    ast.Lt: "lt",
    ast.LtE: "le",
    ast.Gt: "gt",
    ast.GtE: "ge",
    ast.Is: "is",
    ast.IsNot: "isnot",
    ast.In: "in",
    ast.NotIn: "notin",
}
UNARY = {ast.USub: "neg", ast.UAdd: "pos", ast.Invert: "invert"}
NAMES = ("x", "y", "z")
ABSENT = ("const", None)


def op(name: str, *operands: Any) -> tuple[Any, ...]:
    return ("op", name, operands)


class Reader:
    """Python expressions over x, y and z as trees; `it` is the element of a comprehension."""

    def read(self, node: ast.expr) -> tuple[Any, ...]:
        method: Callable[[Any], tuple[Any, ...]] = getattr(self, type(node).__name__)
        return method(node)

    def all(self, nodes: list[ast.expr]) -> tuple[Any, ...]:
        return tuple(self.read(node) for node in nodes)

    def Name(self, node: ast.Name) -> tuple[Any, ...]:
        return ("item",) if node.id == "it" else ("arg", NAMES.index(node.id))

    def Constant(self, node: ast.Constant) -> tuple[Any, ...]:
        return ("const", node.value)

    def Tuple(self, node: ast.Tuple) -> tuple[Any, ...]:
        items = self.all(node.elts)
        if items and all(item[0] == "const" for item in items):
            return ("const", tuple(item[1] for item in items))
        return ("tuple", items)

    def List(self, node: ast.List) -> tuple[Any, ...]:
        return ("list", self.all(node.elts))

    def Dict(self, node: ast.Dict) -> tuple[Any, ...]:
        return ("table", tuple(ast.literal_eval(node).items()))

    def BinOp(self, node: ast.BinOp) -> tuple[Any, ...]:
        return op(BINARY[type(node.op)], self.read(node.left), self.read(node.right))

    def UnaryOp(self, node: ast.UnaryOp) -> tuple[Any, ...]:
        inner = self.read(node.operand)
        return ("not", inner) if isinstance(node.op, ast.Not) else op(UNARY[type(node.op)], inner)

    def BoolOp(self, node: ast.BoolOp) -> tuple[Any, ...]:
        name = "and" if isinstance(node.op, ast.And) else "or"
        *rest, last = self.all(node.values)
        for left in reversed(rest):
            last = (name, left, last)
        return last

    def Compare(self, node: ast.Compare) -> tuple[Any, ...]:
        operands = self.all([node.left, *node.comparators])
        links = [op(BINARY[type(o)], a, b) for o, a, b in zip(node.ops, operands, operands[1:], strict=False)]
        last = links.pop()
        for link in reversed(links):
            last = ("and", link, last)
        return last

    def IfExp(self, node: ast.IfExp) -> tuple[Any, ...]:
        return ("if", self.read(node.test), self.read(node.body), self.read(node.orelse))

    def Subscript(self, node: ast.Subscript) -> tuple[Any, ...]:
        of = self.read(node.value)
        if isinstance(node.slice, ast.Slice):
            bounds = (node.slice.lower, node.slice.upper, node.slice.step)
            return op("slice", of, *(ABSENT if bound is None else self.read(bound) for bound in bounds))
        return op("getitem", of, self.read(node.slice))

    def Attribute(self, node: ast.Attribute) -> tuple[Any, ...]:
        return ("attr", self.read(node.value), node.attr)

    def Call(self, node: ast.Call) -> tuple[Any, ...]:
        if isinstance(node.func, ast.Attribute):
            if isinstance(node.func.value, ast.Name) and node.func.value.id == "str":
                return op(f"str.{node.func.attr}", *self.all(node.args))
            return op(f"method.{node.func.attr}", self.read(node.func.value), *self.all(node.args))
        assert isinstance(node.func, ast.Name)
        first = node.args[0] if node.args else None
        if node.func.id == "list" and isinstance(first, ast.Call) and getattr(first.func, "id", "") == "reversed":
            return self.read(first)
        return op(node.func.id, *self.all(node.args))

    def ListComp(self, node: ast.ListComp) -> tuple[Any, ...]:
        (loop,) = node.generators
        over = self.read(loop.iter)
        for condition in loop.ifs:
            over = ("keep", self.read(condition), over)
        return over if isinstance(node.elt, ast.Name) and node.elt.id == "it" else ("each", self.read(node.elt), over)

    GeneratorExp = ListComp

    def JoinedStr(self, node: ast.JoinedStr) -> tuple[Any, ...]:
        return ("fstring", self.all(node.values))

    def FormattedValue(self, node: ast.FormattedValue) -> tuple[Any, ...]:
        parts = () if node.format_spec is None else node.format_spec.values
        spec = "".join(part.value for part in parts)
        return ("format", self.read(node.value), "" if node.conversion < 0 else chr(node.conversion), spec)


def tree_of(source: str) -> tuple[Any, ...]:
    return Reader().read(ast.parse(source, mode="eval").body)


def same(a: Any, b: Any) -> bool:
    """Equal and of one type all the way down; floats by their bits, NaN apart."""
    if type(a) is not type(b):
        return False
    if isinstance(a, tuple | list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float):
        return (a != a and b != b) or struct.pack("d", a) == struct.pack("d", b)
    return operator.eq(a, b)


class Checker:
    """Runs an expression both ways and compares."""

    def __init__(self) -> None:
        self.native = 0
        self.bails: list[str] = []

    def __call__(self, source: str, *columns: list[Any], must_be_native: bool = False) -> None:
        function = eval(f"lambda {', '.join(NAMES[: len(columns)])}: {source}")
        program = Program(tree_of(source), len(columns))
        expected, failure = [], None
        for row in zip(*columns, strict=True):
            try:
                expected.append(function(*row))
            except Exception as problem:
                failure = problem
                break
        where = f"{source} over {columns}"
        try:
            got = program.run(list(columns))
        except Bail as reason:
            assert not must_be_native, f"{where} bails: {reason}"
            self.bails.append(str(reason))
            return
        assert failure is None, f"{where} gives {got}, Python raises {failure!r}"
        assert same(got, expected), f"{where} gives {got}, Python {expected}"
        assert program.test(list(columns)) == [bool(value) for value in expected], where
        self.native += 1
        self.check_elements(program, columns, expected, where)

    def check_elements(self, program: Program, columns: tuple[list[Any], ...], expected: list[Any], where: str) -> None:
        try:
            items, counts = program.flatten(list(columns))
        except Bail:
            return
        assert same(items, [item for value in expected for item in value]), where
        assert counts == [len(list(value)) for value in expected], where


@pytest.fixture
def check() -> Checker:
    return Checker()
