"""Which functions and methods have names as operations of a tree?

Tables alone. Functions are known by identity, so one that merely has the same name is not taken for it.
"""

from __future__ import annotations

import builtins
import math
import operator
import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dstreams.udf.tree import is_a


@dataclass(frozen=True, eq=False)
class Known:
    """A function with an operation: its name, and the fewest and most operands.

    keywords: names of the operands after the first, which may be given by keyword.
    swapped: its two operands are the other way round.
    """

    function: Any
    name: str
    least: int
    most: int
    keywords: tuple[str, ...] = ()
    swapped: bool = False


_MANY = 255

_TABLE = [
    Known(len, "len", 1, 1),
    Known(int, "int", 0, 2, ("base",)),
    Known(float, "float", 0, 1),
    Known(str, "str", 0, 1),
    Known(bool, "bool", 0, 1),
    Known(abs, "abs", 1, 1),
    Known(round, "round", 1, 2, ("ndigits",)),
    Known(min, "min", 1, _MANY),
    Known(max, "max", 1, _MANY),
    Known(sum, "sum", 1, 2, ("start",)),
    Known(sorted, "sorted", 1, 1),
    Known(reversed, "reversed", 1, 1),
    Known(any, "any", 1, 1),
    Known(all, "all", 1, 1),
    Known(divmod, "divmod", 2, 2),
    Known(ord, "ord", 1, 1),
    Known(chr, "chr", 1, 1),
    Known(repr, "repr", 1, 1),
    Known(tuple, "tuple", 0, 1),
    Known(list, "list", 0, 1),
    Known(pow, "pow", 2, 2),
    Known(format, "format", 1, 2),
    Known(math.sqrt, "sqrt", 1, 1),
    Known(math.log, "log", 1, 1),
    Known(math.log2, "log2", 1, 1),
    Known(math.log10, "log10", 1, 1),
    Known(math.exp, "exp", 1, 1),
    Known(math.floor, "floor", 1, 1),
    Known(math.ceil, "ceil", 1, 1),
    *(
        Known(getattr(operator, function), name, 2, 2)
        for function, name in {
            **{same: same for same in ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "lshift", "rshift"]},
            **{same: same for same in ["eq", "ne", "lt", "le", "gt", "ge", "getitem", "iadd", "imul"]},
            "and_": "bitand",
            "or_": "bitor",
            "xor": "bitxor",
            "is_": "is",
            "is_not": "isnot",
        }.items()
    ),
    Known(operator.contains, "in", 2, 2, swapped=True),
    Known(operator.neg, "neg", 1, 1),
    Known(operator.pos, "pos", 1, 1),
    Known(operator.invert, "invert", 1, 1),
    Known(operator.not_, "not", 1, 1),
    Known(operator.truth, "bool", 1, 1),
]
_BY_ID: Mapping[int, Known] = {id(known.function): known for known in reversed(_TABLE)}

# What gives iterators, which are read where they are used up at once.
ITERATORS = (map, filter, range, zip, enumerate)

# What makes functions that get items or attributes, or call a method.
GETTERS = (operator.itemgetter, operator.attrgetter, operator.methodcaller)

# What they give without operands.
EMPTY: Mapping[str, Any] = {"int": 0, "float": 0.0, "str": "", "bool": False, "tuple": ()}

_ACTING = [
    *(print, open, input, exec, eval, compile, setattr, delattr, next, iter, globals, locals, vars, breakpoint),
    builtins.__import__,
]
_ACTS = {id(function): function for function in _ACTING}

_EXCEPTIONS = [
    value for value in vars(builtins).values() if isinstance(value, type) and issubclass(value, BaseException)
]

_PLAIN_METHODS = """
    bit_length capitalize casefold center copy count endswith find get hex index is_integer isalnum isalpha
    isascii isdecimal isdigit isidentifier islower isnumeric isprintable isspace istitle isupper join ljust
    lower lstrip partition removeprefix removesuffix replace rfind rindex rjust rpartition rstrip startswith
    strip swapcase title translate upper zfill
"""
# Methods that leave their object alone, of text, bytes, tuples, lists, numbers and dicts, with the names of their
# operands where these may be given by keyword.
METHODS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(_PLAIN_METHODS.split(), ()),
    "decode": ("encoding", "errors"),
    "encode": ("encoding", "errors"),
    "expandtabs": ("tabsize",),
    "rsplit": ("sep", "maxsplit"),
    "split": ("sep", "maxsplit"),
    "splitlines": ("keepends",),
}
# What a keyword means that is left out before one that is given.
OMITTED: Mapping[str, Any] = {"sep": None, "encoding": "utf-8"}

_CHANGING = """
    add append clear discard extend insert pop popitem remove reverse send setdefault sort update write
    writelines difference_update intersection_update symmetric_difference_update appendleft popleft put
"""
CHANGING = frozenset(_CHANGING.split())


def known(function: object) -> Known | None:
    """The operation that the function is."""
    found = _BY_ID.get(id(function))
    return found if found is not None and found.function is function else None


def acts(function: object) -> bool:
    """Whether it is a builtin that does something beside giving a value."""
    return _ACTS.get(id(function)) is function and function is not None


def method_of_text(function: object) -> str | None:
    """The name, if the function is a method of `str` as a function, such as `str.lower`."""
    if type(function) is not types.MethodDescriptorType:
        return None
    name: str = function.__name__
    return name if str.__dict__.get(name) is function and name in METHODS else None


def is_exception(value: object) -> bool:
    """Whether it is one of the builtin classes of exceptions."""
    return any(value is one for one in _EXCEPTIONS)


def is_getter(value: object) -> bool:
    """Whether it is an object of `operator` that takes items, takes attributes or calls a method."""
    return is_a(value, operator.itemgetter, operator.attrgetter, operator.methodcaller)


def is_known(value: object) -> bool:
    """Whether it is one object for ever: a builtin, or something else of the tables."""
    return (
        known(value) is not None
        or acts(value)
        or value is hash
        or value is set
        or is_exception(value)
        or any(value is one for one in (*ITERATORS, *GETTERS))
        or is_getter(value)
        or method_of_text(value) is not None
    )
