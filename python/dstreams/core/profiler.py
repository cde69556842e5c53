"""Where do tasks spend their time? The profilers of a context whose setting `spark.python.profile` is true.

1. Each RDD that tasks compute by functions has a profiler of its own; what it finds in each task is added up by an
   accumulator, so only tasks that succeeded count.
2. A profiled task runs to its end inside `Profiler.profile`: it computes its partition whole, whatever is asked for.
3. From CPython 3.12 on, one profiler at a time may watch a process, so there profiled tasks run one after the other.
"""

from __future__ import annotations

import atexit
import cProfile
import importlib.util
import linecache
import os
import pstats
import sys
import threading
from collections.abc import Callable, Iterable
from typing import IO, TYPE_CHECKING, Any

from dstreams.core.accumulators import AccumulatorParam
from dstreams.core.engine import process
from dstreams.core.rdds.stepwise import Step, run_whole
from dstreams.errors import PySparkRuntimeError

if TYPE_CHECKING:
    from dstreams.core.context import SparkContext

__all__ = ["BasicProfiler", "MemoryProfiler", "Profiler", "ProfilerCollector", "UDFBasicProfiler"]

_watching = threading.Lock()


def _renew() -> None:
    global _watching
    _watching = threading.Lock()


process.in_child(_renew)
_RULE = "=" * 60

# Increment and usage in MiB, and how often the line ran; None for a line that did not.
_Line = tuple[int, tuple[float, float, int] | None]


class Profiler:
    """How tasks are profiled. A class of one's own defines `profile`, `stats`, `show` and `dump`."""

    def __init__(self, ctx: SparkContext) -> None:
        pass

    def profile(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """`func(*args, **kwargs)`, watched."""
        raise NotImplementedError

    def stats(self) -> Any:
        """What was found so far."""
        raise NotImplementedError

    def show(self, id: int) -> None:
        """Prints what was found about the RDD with this number."""
        raise NotImplementedError

    def dump(self, id: int, path: str) -> None:
        """Writes what was found into a file of the folder `path`, which is made if needed."""
        raise NotImplementedError


class PStatsParam(AccumulatorParam[Any]):
    """Adds up `pstats.Stats`. Used as it is, without an instance."""

    @staticmethod
    def zero(value: Any) -> None:
        """Nothing found yet."""
        return None

    @staticmethod
    def addInPlace(value1: Any, value2: Any) -> Any:
        """The statistics of both."""
        if value1 is None:
            return value2
        if value2 is not None:
            value1.add(value2)
        return value1


class BasicProfiler(Profiler):
    """Counts and times the calls of functions, with Python's cProfile."""

    _title, _file = "RDD", "rdd"

    def __init__(self, ctx: SparkContext) -> None:
        super().__init__(ctx)
        self._accumulator = ctx.accumulator(None, PStatsParam)  # type: ignore[arg-type]

    def profile(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """`func(*args, **kwargs)`, its calls added to the statistics."""
        watch = cProfile.Profile()
        if sys.version_info >= (3, 12):
            with _watching:
                result = watch.runcall(func, *args, **kwargs)
        else:
            result = watch.runcall(func, *args, **kwargs)
        found = pstats.Stats(watch)
        found.stream = None  # type: ignore[attr-defined] # the driver's is taken when they are shown
        found.strip_dirs()
        self._accumulator.add(found)  # type: ignore[arg-type]
        return result

    def stats(self) -> Any:
        """The `pstats.Stats` of all tasks so far; None before the first has ended."""
        return self._accumulator.value

    def show(self, id: int) -> None:
        """Prints the functions that took most time, with the number of the RDD."""
        found = self.stats()
        if found:
            found.stream = sys.stdout
            print(f"{_RULE}\nProfile of {self._title}<id={id}>\n{_RULE}")
            found.sort_stats("time", "cumulative").print_stats()

    def dump(self, id: int, path: str) -> None:
        """Writes `rdd_<id>.pstats` into the folder `path`, for Python's pstats."""
        os.makedirs(path, exist_ok=True)
        found = self.stats()
        if found:
            found.dump_stats(os.path.join(path, f"{self._file}_{id}.pstats"))


class UDFBasicProfiler(BasicProfiler):
    """The same for functions of queries, of which there are none here; kept for contexts that are made with it."""

    _title, _file = "UDF", "udf"


class MemUsageParam(AccumulatorParam[Any]):
    """Adds up the memory that lines of code took: by file, a list of `_Line`. Used as it is, without an instance."""

    @staticmethod
    def zero(value: Any) -> None:
        """Nothing found yet."""
        return None

    @staticmethod
    def addInPlace(value1: Any, value2: Any) -> Any:
        """The lines of both, each of one file in the order of the first."""
        if not value1 or not value2:
            return value1 or value2
        for file, lines in value2.items():
            known: dict[int, Any] = dict(value1.get(file, ()))
            for number, usage in lines:
                before = known.get(number)
                if before and usage:
                    known[number] = tuple(map(sum, zip(before, usage, strict=True)))
                else:
                    known[number] = before or usage
            value1[file] = list(known.items())
        return value1


class MemoryProfiler(Profiler):
    """Tells which lines of a function took memory, with the package memory_profiler."""

    def __init__(self, ctx: SparkContext) -> None:
        super().__init__(ctx)
        self._accumulator = ctx.accumulator(None, MemUsageParam)  # type: ignore[arg-type]

    def profile(self, *args: Any, **kwargs: Any) -> Any:
        """`profile(sub_lines, start_line, func, *args, **kwargs)`: calls the function and notes what its lines took.

        The first two say where the function's source is, which memory_profiler finds by itself; they are not needed.
        Raises: PySparkRuntimeError without the package memory_profiler.
        """
        if importlib.util.find_spec("memory_profiler") is None:
            raise PySparkRuntimeError(error_class="MISSING_LIBRARY_FOR_PROFILER", message_parameters={})
        from memory_profiler import LineProfiler

        _, _, func, *given = args
        watch = LineProfiler(backend="psutil")
        result = watch(func)(*given, **kwargs)
        self._accumulator.add({file: list(lines) for file, lines in watch.code_map.items()})  # type: ignore[arg-type]
        return result

    def stats(self) -> Any:
        """By file, what its lines took; None before the first call has ended."""
        return self._accumulator.value

    def show(self, id: int) -> None:
        """Prints a table of lines."""
        found = self.stats()
        if found:
            print(f"{_RULE}\nProfile of UDF<id={id}>\n{_RULE}")
            _write_lines(found, sys.stdout)

    def dump(self, id: int, path: str) -> None:
        """Writes a table of lines into `udf_<id>_memory.txt` in the folder `path`."""
        os.makedirs(path, exist_ok=True)
        found = self.stats()
        if found:
            with open(os.path.join(path, f"udf_{id}_memory.txt"), "w") as file:
                _write_lines(found, file)


def _write_lines(found: dict[str, list[_Line]], file: IO[str]) -> None:
    layout = "{:>6} {:>12} {:>12}  {:>10}   {:<}"
    header = layout.format("Line #", "Mem usage", "Increment", "Occurrences", "Line Contents")
    for name, lines in found.items():
        file.write(f"Filename: {name}\n\n{header}\n{'=' * len(header)}\n")
        source = linecache.getlines(name)
        for number, usage in lines:
            shown = (f"{usage[1]:5.1f} MiB", f"{usage[0]:5.1f} MiB", str(usage[2])) if usage else ("", "", "")
            file.write(layout.format(number, *shown, source[number - 1] if number <= len(source) else "\n"))
        file.write("\n\n")


class ProfilerCollector:
    """The profilers of one context: makes them, and shows or writes what they found, at the latest at exit."""

    def __init__(
        self,
        profiler_cls: type[Profiler],
        udf_profiler_cls: type[Profiler],
        memory_profiler_cls: type[Profiler],
        dump_path: str | None = None,
    ) -> None:
        self.profiler_cls = profiler_cls
        self.udf_profiler_cls = udf_profiler_cls
        self.memory_profiler_cls = memory_profiler_cls
        self.profile_dump_path = dump_path
        self.profilers: list[list[Any]] = []

    def new_profiler(self, ctx: SparkContext) -> Profiler:
        """A profiler for an RDD."""
        return self.profiler_cls(ctx)

    def new_udf_profiler(self, ctx: SparkContext) -> Profiler:
        """A profiler for a function of a query."""
        return self.udf_profiler_cls(ctx)

    def new_memory_profiler(self, ctx: SparkContext) -> Profiler:
        """A profiler for the memory of a function of a query."""
        return self.memory_profiler_cls(ctx)

    def add_profiler(self, id: int, profiler: Profiler) -> None:
        """Keeps the profiler of the RDD with this number. The first one sees to it that all are shown at exit."""
        if not self.profilers:
            if self.profile_dump_path:
                atexit.register(_unless_forked, process.current, self.dump_profiles, self.profile_dump_path)
            else:
                atexit.register(_unless_forked, process.current, self.show_profiles)
        self.profilers.append([id, profiler, False])

    def dump_profiles(self, path: str) -> None:
        """Writes what all profilers found into the folder `path`, and forgets them."""
        for id, profiler, _ in self.profilers:
            profiler.dump(id, path)
        self.profilers = []

    def show_profiles(self) -> None:
        """Prints what the profilers found that were not shown yet."""
        for entry in self.profilers:
            id, profiler, shown = entry
            if not shown and profiler:
                profiler.show(id)
                entry[2] = True


def _unless_forked(owner: process.Process, tell: Callable[..., None], *arguments: Any) -> None:
    if process.is_here(owner):
        tell(*arguments)


def run_profiled(profiler: Profiler, steps: tuple[Step, ...], index: int, elements: Iterable[Any]) -> list[Any]:
    """A partition computed by a chain of steps inside `Profiler.profile`."""
    made: list[Any] = profiler.profile(run_whole, steps, index, elements)
    return made
