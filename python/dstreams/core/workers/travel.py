"""How do functions, elements, exceptions and updates travel between the driver and its worker processes?

1. What lives in `__main__` or in a function travels by value, as cloudpickle does it.
2. A class of the driver has one number in the driver and in all workers that know it. A worker names such classes by
   their number, so results are instances of the driver's own class.
3. `shipment` is made when a chain is frozen; everything else while its tasks run.

The frames that carry all this: `src/exec/workers/`. Who sends which:
`src/object/workers/remote.rs` and `core/workers/worker.py`.
"""

from __future__ import annotations

import functools
import io
import linecache
import os
import pickle
import sys
import types
from collections.abc import Callable
from typing import Any

from dstreams import _native
from dstreams.core import files
from dstreams.core.accumulators import Accumulator, add_updates
from dstreams.core.broadcast import data_of, forgotten
from dstreams.core.closures import by_value, closure
from dstreams.core.engine.errors import user_traceback
from dstreams.core.rdds.meetings import run_in_room

Numbers = tuple[int, int, int, int]
# The numbers of classes that came from the driver; empty in the driver.
_numbers: dict[type, int] = {}


# -- pickling by value --------------------------------------------------------------------------
class _Pickler(by_value.Pickler):
    """Classes that the other side knows go as their numbers; in the driver it notes what else travels by value."""

    def __init__(self, file: io.BytesIO, known: Callable[[type], int | None], notes: bool) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self.known, self.notes = known, notes
        self.classes: dict[int, type] = {}
        self.sources: dict[str, Any] = {}

    def reducer_override(self, obj: Any) -> Any:
        if issubclass(type(obj), type) and not closure.is_importable(obj):
            number = self.known(obj)
            if number is not None:
                return closure.class_numbered, (number,)
            if self.notes:
                self.classes[closure.number_of(obj)] = obj
        elif type(obj) is types.FunctionType and self.notes:
            name = obj.__code__.co_filename
            source = linecache.cache.get(name)
            # Cells of notebooks: no file has their lines, which tracebacks show.
            if source is not None and len(source) == 4 and source[1] is None:
                self.sources[name] = source
        elif type(obj) is functools._lru_cache_wrapper and not closure.is_importable(obj):
            # It would go by its name. In two parts, because the function may call itself through its cache.
            return _empty_cache, (obj.cache_parameters(),), obj.__wrapped__, None, None, _fill_cache
        return super().reducer_override(obj)


class _Forward:
    """Stands in for a cached function until that has arrived."""

    function: Callable[..., Any]

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self.function(*arguments, **named)


def _empty_cache(parameters: dict[str, Any]) -> Any:
    return functools.lru_cache(**parameters)(_Forward())


def _fill_cache(cache: Any, function: Callable[..., Any]) -> None:
    cache.__wrapped__.function = function
    functools.update_wrapper(cache, function)


class _Luggage:
    """The last thing in a pickle: what was noted while the rest was pickled."""

    def __init__(self, pickler: _Pickler) -> None:
        self.pickler = pickler

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpack, (self.pickler.classes, self.pickler.sources)


def _unpack(classes: dict[int, type], sources: dict[str, Any]) -> None:
    linecache.cache.update(sources)
    for number, arrived in classes.items():
        closure.number_class(number, arrived)
        _numbers[arrived] = number


class _Reduced:
    """Pickles as what a function gives."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.reduced = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.reduced


def _first(value: Any, _: None) -> Any:
    return value


# -- from the driver ----------------------------------------------------------------------------
def shipment(
    steps: list[tuple[str, int]], functions: list[Any], forms: list[Any] | None
) -> tuple[bytes, list[bool]] | None:
    """A chain for worker processes, and which of its functions call the program's own.

    None when it has to stay in this one, or gains nothing elsewhere.
    """
    own = [not _is_ours(function) for function in functions]
    if not any(own) or any(_must_stay(function) for function in functions):
        return None
    buffer = io.BytesIO()
    pickler = _Pickler(buffer, lambda _: None, notes=True)
    with closure.as_pickling_errors():
        # One more than the steps need: the last one is for `_unpack` alone.
        pickler.dump([*functions, _Luggage(pickler)])
    return pickle.dumps((steps, (buffer.getvalue(), forms)), protocol=pickle.HIGHEST_PROTOCOL), own


def _parts(function: Any) -> list[Any]:
    if type(function) is functools.partial:
        inside = (function.func, *function.args, *function.keywords.values())
        return [part for one in inside for part in _parts(one)]
    if type(function) in (tuple, list):
        return [part for one in function for part in _parts(one)]
    return [function]


def _must_stay(function: Any) -> bool:
    """Whether its tasks meet each other in this process."""
    return any(part is run_in_room for part in _parts(function))


# Where functions come from that do little: the engine's own, and operators (`sum` folds with one).
# Its classes have names in `pyspark`, too.
_NOT_OWN = ("dstreams", "pyspark", "_operator")


def _is_ours(function: Any) -> bool:
    """Whether nothing of the program's own is called."""
    return all(
        not callable(part) or (getattr(part, "__module__", None) or "").partition(".")[0] in _NOT_OWN
        for part in _parts(function)
    )


class Peer:
    """What the driver knows about one worker."""

    def __init__(self, local_folders: Callable[[], list[str]]) -> None:
        self._questions: dict[str, Callable[..., Any]] = {
            "broadcast": self._broadcast,
            "files": files.SparkFiles.getRootDirectory,
            "folders": local_folders,
        }
        self._known: set[int] = set()
        self._path: list[str] = []
        self._folder = ""
        self._heard = len(forgotten)

    def _number(self, known: type) -> int | None:
        number = closure.number_of(known)
        return number if number in self._known else None

    def _dump(self, value: Any) -> bytes:
        buffer = io.BytesIO()
        pickler = _Pickler(buffer, self._number, notes=True)
        with closure.as_pickling_errors():
            pickler.dump(_Reduced(_first, value, _Luggage(pickler)))
        self._known.update(pickler.classes)
        return buffer.getvalue()

    def task(
        self, chain: bytes, index: int, numbers: Numbers, taker: tuple[str, int] | None, properties: dict[str, str]
    ) -> bytes:
        """The order to run a chain as a task, with what has changed in the driver since the order before."""
        # A class travels once per task, because it may have changed since the task before.
        self._known.clear()
        path = folder = None
        if self._path != sys.path:
            path = self._path = list(sys.path)
        if self._folder != (here := os.getcwd()):
            folder = self._folder = here
        news = forgotten[self._heard :]
        self._heard += len(news)
        order = (chain, index, numbers, taker, properties, path, folder, news)
        return pickle.dumps(order, protocol=pickle.HIGHEST_PROTOCOL)

    def items(self, items: list[Any]) -> bytes:
        """A block of input."""
        return self._dump(items)

    def answer(self, question: bytes) -> bytes:
        """What a worker asked for, or the exception that it has to raise instead."""
        kind, *arguments = pickle.loads(question)
        try:
            found = self._questions[kind](*arguments)
            return pickle.dumps((found, None), protocol=pickle.HIGHEST_PROTOCOL)
        except Exception as error:
            return pickle.dumps((None, error), protocol=pickle.HIGHEST_PROTOCOL)

    def _broadcast(self, number: int) -> bytes:
        data = data_of(number)
        # The worker's `__main__` is another one: what is named in this one has to travel by value.
        return self._dump(pickle.loads(data)) if b"__main__" in data else data


def load_failure(data: bytes) -> BaseException:
    """The exception that a worker's function raised. It remembers the text of its traceback."""
    return _rebuild(pickle.loads(data))


def keep_updates(data: bytes) -> None:
    """Adds a worker's updates to those of the running task."""
    updates = _native.task_updates()
    if updates is not None:
        add_updates(updates, pickle.loads(data))


# -- from a worker ------------------------------------------------------------------------------
def dump_home(value: Any) -> bytes:
    """A block of results, or updates."""
    buffer = io.BytesIO()
    with closure.as_pickling_errors():
        _Pickler(buffer, _numbers.get, notes=False).dump(value)
    return buffer.getvalue()


def values_of(updates: dict[int, Accumulator[Any]]) -> dict[int, Any]:
    """What a task added, by the numbers of accumulators."""
    return {number: copy._value for number, copy in updates.items()}


def dump_failure(raised: BaseException) -> bytes:
    """An exception with its traceback's text; what cannot be pickled of it is left out."""
    return pickle.dumps(_taken_apart(raised, 0), protocol=pickle.HIGHEST_PROTOCOL)


# The exception, its traceback's text, its cause, its context, and whether the context is not to be shown.
_Failure = tuple[bytes, str, Any, Any, bool]


def _taken_apart(raised: BaseException, depth: int) -> _Failure:
    def inner(one: BaseException | None) -> _Failure | None:
        return _taken_apart(one, depth + 1) if one is not None and depth < 8 else None

    cause = inner(raised.__cause__)
    context = inner(raised.__context__ if raised.__context__ is not raised.__cause__ else None)
    return _exception_pickled(raised), user_traceback(raised), cause, context, raised.__suppress_context__


def _exception_pickled(raised: BaseException) -> bytes:
    # Many exceptions cannot be made anew from their `args`: what `__init__` does is not done again for them.
    bare = _Reduced(_made_bare, type(raised), _portable(raised.args), _portable(vars(raised)))
    for attempt in (raised, bare):
        try:
            data = dump_home(attempt)
            if type(pickle.loads(data)) is type(raised):
                return data
        except Exception:  # the next attempt asks for less
            continue
    return dump_home(RuntimeError(f"{type(raised).__qualname__}: {raised}"))


def _portable(values: Any) -> Any:
    if isinstance(values, dict):
        return {name: _portable((value,))[0] for name, value in values.items()}
    return tuple(value if _travels(value) else repr(value) for value in values)


def _travels(value: Any) -> bool:
    try:
        pickle.loads(dump_home(value))
        return True
    except Exception:  # any: what a program's own classes do when pickled
        return False


def _made_bare(kind: type[BaseException], arguments: tuple[Any, ...], variables: dict[str, Any]) -> BaseException:
    made = kind.__new__(kind, *arguments)
    made.args = arguments
    vars(made).update(variables)
    return made


def _rebuild(failure: _Failure) -> BaseException:
    data, text, cause, context, suppress = failure
    raised: BaseException = pickle.loads(data)
    raised.__cause__ = _rebuild(cause) if cause is not None else None
    raised.__context__ = _rebuild(context) if context is not None else raised.__cause__
    raised.__suppress_context__ = suppress
    raised.__dict__["_dstreams_traceback"] = text
    return raised
