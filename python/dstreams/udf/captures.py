"""What does a function find outside of itself, and what has to hold for that to stay true?

`Captures` looks objects up for one reading, remembers what it found (so one reading sees one state of the world), and
writes a guard for each (`guards.py`). Objects are only looked at: none is called, compared, hashed or printed, since
that could run code of the program.
"""

from __future__ import annotations

import functools
import re
import types
import weakref
from typing import Any

from dstreams.udf import regexes
from dstreams.udf.guards import MISSING, Guard, find, pattern_of
from dstreams.udf.known import is_getter, is_known
from dstreams.udf.results import Unreadable
from dstreams.udf.tree import Node, Nodes, is_a, is_constant
from dstreams.udf.values import Captured, Flags, Members, Module, Refused, Slice, Table, Value

_MAX_TABLE = 10_000


def type_name(value: object) -> str:
    """The name of its class, past any metaclass."""
    return str(type.__dict__["__name__"].__get__(type(value)))


def article(noun: str) -> str:
    """The noun with `a` or `an`."""
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


class Captures:
    """The world outside of one function."""

    def __init__(self, root: Any, nodes: Nodes) -> None:
        self._nodes = nodes
        self._owners = [root]
        self._found: dict[tuple[int, str, Any], Value] = {}
        self.guards: list[Guard] = []

    def owner(self, number: int) -> Any:
        """The object of a number."""
        return self._owners[number]

    def root(self, label: str) -> Value:
        """The function itself, as something to call."""
        value = self._owners[0]
        if regexes.is_bound(value):
            return regexes.captured(self._nodes, value, label)
        if is_a(value, types.FunctionType, functools.partial):
            return Captured(value, label, self._guard(0, "self", None, value))
        return Captured(value, label)

    def look_up(self, owner: int, place: str, key: Any, label: str) -> Value:
        """What is at a place of an owner, see `guards.find`. Raises Unreadable if nothing is."""
        known = self._found.get((owner, place, key))
        if known is None:
            known = self._found[owner, place, key] = self._lift(owner, place, key, label)
        return known

    def count_defaults(self, owner: int) -> int:
        """How many of a function's parameters have defaults."""
        count = find(self._owners[owner], "defaults", None)
        guard: Guard = (owner, "defaults", None, "constant", count)
        if guard not in self.guards:
            self.guards.append(guard)
        return int(count)

    def constant(self, value: Any) -> Value:
        """A constant of code."""
        if is_constant(value):
            return self._nodes.const(value)
        if type(value) is frozenset and all(map(is_constant, value)):
            return Members(self._table(dict.fromkeys(value)), "uses a set for more than asking what is in it")
        if type(value) is slice and is_constant((value.start, value.stop, value.step)):
            return Slice(*(self._nodes.const(part) for part in (value.start, value.stop, value.step)))
        return Refused(f"uses the constant {value!r}" if value is ... else f"uses {article(type_name(value))}")

    def _lift(self, owner: int, place: str, key: Any, label: str) -> Value:
        holder = self._owners[owner]
        if place == "global" and not type(holder.__globals__) is type(holder.__builtins__) is dict:
            raise Unreadable("has globals that are no plain dict")
        value = find(holder, place, key)
        if value is MISSING and place == "kwdefault":
            self.guards.append((owner, place, key, "is", MISSING))
            raise Unreadable(f"is called without {key}, which it needs")
        if value is MISSING:
            self.guards.append((owner, place, key, "is", MISSING))
            raise Unreadable(f"uses {label}, which has no value")
        number = self._guard(owner, place, key, value)
        if is_constant(value):
            return self._nodes.const(value)
        if type(value) is types.ModuleType:
            assert number is not None
            return Module(label, number)
        if is_a(value, types.FunctionType, functools.partial):
            return Captured(value, label, number)
        if is_a(value, dict, set, frozenset, list):
            return self._container(value, label)
        if type(value) is re.Pattern or regexes.is_bound(value):
            return regexes.captured(self._nodes, value, label)
        if regexes.is_flags(value):
            return Flags(int(value))
        if is_known(value) or callable_of_the_library(value):
            return Captured(value, label)
        return Refused(f"uses `{label}` ({article(type_name(value))}), which only Python understands")

    def _guard(self, owner: int, place: str, key: Any, value: Any) -> int | None:
        """Adds the guard for what was found there. The number of the new owner, if it is one."""
        kind = type(value)
        test: tuple[str, Any]
        if is_constant(value):
            test = ("constant", value)
        elif kind is types.FunctionType:
            test = ("code", weakref.ref(value.__code__))
        elif kind is functools.partial:
            test = ("partial", len(value.args))
        elif kind is types.ModuleType:
            test = ("module", weakref.ref(value))
        elif is_a(value, dict, set, frozenset, list) or is_getter(value):
            test = ("copied", None)
        elif type(value) is re.Pattern or regexes.is_bound(value):
            test = ("pattern", pattern_of(value))
        elif is_known(value) or regexes.is_flags(value):
            test = ("is", value)
        else:
            test = ("type", weakref.ref(kind))
        self.guards.append((owner, place, key, *test))
        if test[0] not in ("code", "partial", "module"):
            return None
        self._owners.append(value)
        return len(self._owners) - 1

    def _container(self, value: Any, label: str) -> Value:
        name = type_name(value)
        change = f"reads the {name} `{label}`, which may change"
        if len(value) > _MAX_TABLE:
            return Refused(f"reads the {name} `{label}`, which has more than {_MAX_TABLE} items")
        if type(value) is dict:
            items = tuple(value.items())
            if not all(is_constant(key) and is_constant(item) for key, item in items):
                return Refused(f"reads the dict `{label}`, which holds more than numbers and text")
            return Table(self._table(dict(items)))
        members = tuple(value)
        if not is_constant(members):
            return Refused(f"reads the {name} `{label}`, which holds more than numbers and text")
        if type(value) is list:
            return Members(self._nodes.const(members), change)
        return Members(self._table(dict.fromkeys(members)), change)

    def _table(self, items: dict[Any, Any]) -> Node:
        return self._nodes.make("table", tuple(items.items()))


def callable_of_the_library(value: object) -> bool:
    """Whether it is a function written in C or a class: calling it can be refused by name."""
    # Not `isinstance`, which may ask the object.
    return issubclass(type(value), type) or is_a(value, types.BuiltinFunctionType, types.MethodDescriptorType)
