"""How does a function become a copy that a task may use?

A task's functions are frozen when their job is submitted. `freeze` gives the functions themselves when nothing they
can reach may change (the usual lambda), a cheap copy when they only read immutable variables, and otherwise one
cloudpickle of all functions of a chain, which every task loads anew.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import io
import operator
import pickle
import sys
import types
from collections.abc import Iterator
from dis import get_instructions
from types import BuiltinFunctionType, CodeType, FunctionType, MethodDescriptorType, ModuleType
from typing import Any

from dstreams import _native
from dstreams.core.closures import by_value

_PLAIN = (int, float, str, bool, type(None), bytes, complex, type(Ellipsis))
_CALLABLES = (
    BuiltinFunctionType,
    MethodDescriptorType,
    types.WrapperDescriptorType,
    operator.itemgetter,
    operator.attrgetter,
)
_ABSENT = object()
# With these a function can reach any variable there is.
_REACHES_ALL = {"globals", "locals", "vars", "eval", "exec", "compile", "breakpoint"}


def freeze(functions: list[Any]) -> list[Any] | bytes:
    """The functions as a list that tasks may share, or as one pickle for all of them."""
    shared = []
    for function in functions:
        copy = _share(function, 0)
        if copy is _ABSENT:
            return dump_functions(functions)
        shared.append(copy)
    return shared


def dump_functions(functions: Any) -> bytes:
    """Pickle functions by value; `PicklingError` says why one cannot travel."""
    return _by_value(functions)[0]


def _by_value(value: Any) -> tuple[bytes, bool]:
    """The pickle, and whether classes of the running program are in it by their numbers."""
    buffer = io.BytesIO()
    pickler = _Pickler(buffer, protocol=pickle.HIGHEST_PROTOCOL)
    with as_pickling_errors():
        pickler.dump(value)
    return buffer.getvalue(), pickler.numbered


@contextlib.contextmanager
def as_pickling_errors() -> Iterator[None]:
    """Makes whatever is raised while something is pickled a `PicklingError`, as Spark does."""
    try:
        yield
    except pickle.PickleError:
        raise
    except Exception as error:
        text = str(error)
        if "'i' format requires" in text:
            raise pickle.PicklingError(f"Object too large to serialize: {text}") from error
        raise pickle.PicklingError(f"Could not serialize object: {type(error).__name__}: {text}") from error


class _Pickler(by_value.Pickler):
    """Pickles functions by value, but names classes of the running program.

    In the same process, loading a class by value would set the program's own class back to what it was.
    """

    numbered = False

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, type) and not is_importable(obj):
            self.numbered = True
            return class_numbered, (number_of(obj),)
        return super().reducer_override(obj)


# Kept alive: a pickle holds the number alone.
_classes: dict[int, type] = {}


def number_of(known: type) -> int:
    """The number that names a class of this program."""
    _classes[id(known)] = known
    return id(known)


def number_class(number: int, arrived: type) -> None:
    """Notes, in a worker process, which class has a number in its driver."""
    _classes[number] = arrived


def class_numbered(number: int) -> type:
    """The class with a number."""
    return _classes[number]


def load_functions(data: bytes) -> list[Any]:
    """The functions of one task."""
    functions: list[Any] = pickle.loads(data)
    for function in functions:
        while type(function) is functools.partial:
            function = function.args[0] if function.args else function.func
        # Functions that travelled by value have variables of their own, shared with others of their module.
        if type(function) is FunctionType and not is_importable(function):
            function.__globals__.setdefault("hash", _native.task_hash)
    return functions


def dump_elements(items: list[Any]) -> bytes:
    """Pickle elements: by reference where that works, by value for what lives in `__main__` or in a function."""
    return dump_noting_numbers(items)[0]


def dump_noting_numbers(items: list[Any]) -> tuple[bytes, bool]:
    """The same, and whether classes are in it by numbers, which no other process knows."""
    buffer = io.BytesIO()
    try:
        pickle.Pickler(buffer, protocol=pickle.HIGHEST_PROTOCOL).dump(items)
        return buffer.getvalue(), False
    except Exception:  # plain pickle knows fewer kinds than cloudpickle, which reports what neither can do
        return _by_value(items)


def dump_kept(items: list[Any]) -> bytes:
    """Pickle elements for another process of the same program, by value what a name does not reach."""
    try:
        return pickle.dumps(items, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception:  # plain pickle knows fewer kinds than cloudpickle, which reports what neither can do
        with as_pickling_errors():
            return by_value.dumps(items)


def load_kept(data: bytes) -> list[Any]:
    """What `dump_kept` was given."""
    items: list[Any] = pickle.loads(data)
    return items


def unpack_pair(item: Any) -> tuple[Any, Any]:
    """`key, value = item`, with Python's errors."""
    key, value = item
    return key, value


# -- sharing ------------------------------------------------------------------------------------
def _share(value: Any, depth: int) -> Any:
    """`value`, or a copy of a function with its variables fixed; _ABSENT when only a pickle is safe."""
    kind = type(value)
    if value is hash:
        return _native.task_hash  # Spark's workers run with hash seed 0
    if kind in _PLAIN or kind in _CALLABLES or kind is ModuleType:
        # A method bound to a mutable object is a builtin function too.
        if kind is BuiltinFunctionType and not isinstance(value.__self__, (ModuleType, type, type(None))):
            return _ABSENT
        return value
    if depth > 8:
        return _ABSENT
    if kind is tuple or kind is frozenset:
        return value if all(_is_constant(item, depth) for item in value) else _ABSENT
    if isinstance(value, type):
        return value if is_importable(value) else _ABSENT
    if kind is FunctionType:
        return value if is_importable(value) else _share_function(value, depth)
    if kind is functools.partial and not value.keywords:
        function, *arguments = (_share(part, depth + 1) for part in (value.func, *value.args))
        if function is _ABSENT or any(argument is _ABSENT for argument in arguments):
            return _ABSENT
        return functools.partial(function, *arguments)
    return _ABSENT


def _is_constant(value: Any, depth: int) -> bool:
    return _share(value, depth + 1) is value


def is_importable(value: Any) -> bool:
    """Whether a pickle would only hold the name: the copy would be the very same object."""
    module = sys.modules.get(value.__module__ or "")
    if module is None or value.__module__ == "__main__":
        return False
    found: Any = module
    for name in value.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is value


@functools.lru_cache(maxsize=4096)
def _names_of(code: CodeType) -> tuple[str, ...] | None:
    """The global names a function reads, those of functions inside it included; None if it may write any."""
    names: set[str] = set()
    for instruction in get_instructions(code):
        if instruction.opname in ("STORE_GLOBAL", "DELETE_GLOBAL"):
            return None
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            names.add(instruction.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            inner = _names_of(constant)
            if inner is None:
                return None
            names.update(inner)
    if names & _REACHES_ALL:
        return None
    return tuple(sorted(names))


def _share_function(function: FunctionType, depth: int) -> Any:
    names = _names_of(function.__code__)
    if names is None or function.__dict__ or function.__kwdefaults__:
        return _ABSENT
    if function.__defaults__ and not _is_constant(function.__defaults__, depth):
        return _ABSENT
    # No variable from outside: nothing can change.
    if not names and function.__closure__ is None:
        return function
    variables: dict[str, Any] = {"__builtins__": builtins, "__name__": function.__globals__.get("__name__")}
    for name in names:
        value = function.__globals__.get(name, hash if name == "hash" else _ABSENT)
        if value is _ABSENT:
            continue  # a builtin, or a NameError for the task to raise
        fixed = _share(value, depth + 1)
        if fixed is _ABSENT:
            return _ABSENT
        variables[name] = fixed
    cells = _share_cells(function, depth)
    if cells is _ABSENT:
        return _ABSENT
    copy = FunctionType(function.__code__, variables, function.__name__, function.__defaults__, cells)
    copy.__qualname__, copy.__module__ = function.__qualname__, function.__module__
    return copy


def _share_cells(function: FunctionType, depth: int) -> Any:
    if function.__closure__ is None:
        return None
    if set(function.__code__.co_freevars) & _stored_cells(function.__code__):
        return _ABSENT  # `nonlocal`: the function keeps state
    cells = []
    for cell in function.__closure__:
        try:
            fixed = _share(cell.cell_contents, depth + 1)
        except ValueError:  # an empty cell: the variable has no value yet
            return _ABSENT
        if fixed is _ABSENT:
            return _ABSENT
        cells.append(types.CellType(fixed))
    return tuple(cells)


@functools.lru_cache(maxsize=4096)
def _stored_cells(code: CodeType) -> frozenset[str]:
    stored = {i.argval for i in get_instructions(code) if i.opname in ("STORE_DEREF", "DELETE_DEREF")}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            stored |= _stored_cells(constant)
    return frozenset(stored)
