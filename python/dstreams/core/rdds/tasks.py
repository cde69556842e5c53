"""What runs inside tasks on the library's behalf?

Functions over a whole partition, bound to a user's function with `functools.partial`. They live in an importable
module, so freezing them costs nothing.
"""

from __future__ import annotations

import heapq
import itertools
import shlex
import subprocess
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import partial, reduce
from math import isnan
from typing import Any

from dstreams import _native
from dstreams.core.engine import deep
from dstreams.core.io.codecs import codec_named
from dstreams.core.io.output import SummedFile
from dstreams.core.resultiterable import ResultIterable
from dstreams.core.statcounter import StatCounter
from dstreams.errors import PySparkRuntimeError

Function = Callable[..., Any]


def no_stop(f: Function, *arguments: Any) -> Any:
    """`f(*arguments)`, whose StopIteration is an error and not the end of a loop."""
    try:
        return f(*arguments)
    except StopIteration as error:
        raise PySparkRuntimeError(
            error_class="STOP_ITERATION_OCCURRED", message_parameters={"exc": str(error)}
        ) from error


def reduce_partition(f: Function, elements: Iterable[Any]) -> list[Any]:
    """The elements reduced from the left; nothing for an empty partition."""
    elements = iter(elements)
    for first in elements:
        return [reduce(f, elements, first)]
    return []


def fold_partition(zero: Any, op: Function, elements: Iterable[Any]) -> list[Any]:
    """The elements folded from the left, beginning with the zero."""
    return [reduce(op, elements, zero)]


def sum_partition(elements: Iterable[Any]) -> list[Any]:
    """The sum, from 0."""
    return [sum(elements)]


def visit_each(f: Function, elements: Iterable[Any]) -> Iterable[Any]:
    """Calls `f` with every element."""
    for element in elements:
        f(element)
    return ()


def visit_partition(f: Function, elements: Iterable[Any]) -> Iterable[Any]:
    """Calls `f` with the elements; what it returns is run through and dropped."""
    result = f(elements)
    try:
        left = iter(result)
    except TypeError:
        return ()
    for _ in left:
        pass
    return ()


def count_values(elements: Iterable[Any]) -> list[dict[Any, int]]:
    """How often each value occurs, in the order of appearance."""
    return _count_from([], elements)


def largest(num: int, key: Function | None, elements: Iterable[Any]) -> list[list[Any]]:
    """The `num` largest elements, the largest first."""
    return [heapq.nlargest(num, elements, key=key)]


def smallest(num: int, key: Function | None, elements: Iterable[Any]) -> list[list[Any]]:
    """The `num` smallest elements, the smallest first."""
    return [heapq.nsmallest(num, elements, key=key)]


def count_stats(elements: Iterable[Any]) -> list[StatCounter]:
    """The statistics of a partition."""
    return [StatCounter(elements)]


def reduce_pairs(f: Function, pairs: Iterable[tuple[Any, Any]]) -> list[dict[Any, Any]]:
    """One value per key."""
    return _reduce_pairs_from([], f, pairs)


def resumed(function: Any, begun: list[Any]) -> Function:
    """A function over a partition for the rest of its elements.

    begun: what was made of the elements before: the value folded so far; pairs of (key, value) or (value, count) for
        `reduce_pairs` and `count_values`; the tuple (count, mean, squares, largest, smallest) for `count_stats`.
    """
    kind = function.func if isinstance(function, partial) else function
    if kind is fold_partition:
        return partial(fold_partition, begun[0], function.args[1])
    if kind is sum_partition:
        return partial(_sum_from, begun[0])
    if kind is count_values:
        return partial(_count_from, begun)
    if kind is count_stats:
        return partial(_stats_from, begun[0])
    if kind is reduce_pairs:
        return partial(_reduce_pairs_from, begun, function.args[0])
    raise RuntimeError(f"bug in dstreams: {function!r} cannot be resumed")


def _sum_from(start: Any, elements: Iterable[Any]) -> list[Any]:
    return [sum(elements, start)]


def _count_from(begun: list[tuple[Any, int]], elements: Iterable[Any]) -> list[dict[Any, int]]:
    counts: dict[Any, int] = defaultdict(int)
    counts.update(begun)
    for element in elements:
        counts[element] += 1
    return [counts]


def _stats_from(begun: tuple[int, float, float, Any, Any], elements: Iterable[Any]) -> list[StatCounter]:
    counter = StatCounter.of_moments(*begun)
    for element in elements:
        counter.merge(element)
    return [counter]


def _reduce_pairs_from(
    begun: list[tuple[Any, Any]], f: Function, pairs: Iterable[tuple[Any, Any]]
) -> list[dict[Any, Any]]:
    found = dict(begun)
    for key, value in pairs:
        found[key] = f(found[key], value) if key in found else value
    return [found]


def larger(key: Function, a: Any, b: Any) -> Any:
    """max(a, b, key=key)"""
    first = key(a)
    return b if key(b) > first else a


def smaller(key: Function, a: Any, b: Any) -> Any:
    """min(a, b, key=key)"""
    first = key(a)
    return b if key(b) < first else a


def keep_first(first: Any, _: Any) -> Any:
    """Of two values, the first."""
    return first


def identity(value: Any) -> Any:
    """The value itself."""
    return value


def to_float(value: Any) -> float:
    """float(value)"""
    return float(value)


def with_none(value: Any) -> tuple[Any, None]:
    """(value, None)"""
    return value, None


def with_key(f: Function, value: Any) -> tuple[Any, Any]:
    """(f(value), value)"""
    return f(value), value


def tagged(tag: int, value: Any) -> tuple[int, Any]:
    """(tag, value): remembers which side of a join a value came from."""
    return tag, value


def only_false(value: Any) -> tuple[Any, bool]:
    """(value, False): not the empty value of a tree reduction."""
    return value, False


def tree_step(f: Function, x: tuple[Any, bool], y: tuple[Any, bool]) -> tuple[Any, bool]:
    """Combines two values of a tree reduction, either of which may be the empty one (None, True)."""
    if x[1]:
        return y
    return x if y[1] else (f(x[0], y[0]), False)


def spread(targets: int, index: int, elements: Iterable[Any]) -> Iterator[tuple[int, Any]]:
    """Pairs every element with the partition that goes on with it in a tree aggregation."""
    return ((index % targets, element) for element in elements)


def seeded(zero: Function, f: Function, value: Any) -> Any:
    """f(fresh zero, value): a key's first value in aggregateByKey and foldByKey."""
    return f(zero(), value)


def with_index(starts: list[int], index: int, elements: Iterable[Any]) -> Iterator[tuple[Any, int]]:
    """Pairs elements with their position in the RDD."""
    return ((element, at) for at, element in enumerate(elements, starts[index]))


def with_unique_id(step: int, index: int, elements: Iterable[Any]) -> Iterator[tuple[Any, int]]:
    """Pairs elements with numbers that no other partition uses."""
    return ((element, at * step + index) for at, element in enumerate(elements))


def join_values(keep_left: bool, keep_right: bool, values: Iterable[tuple[int, Any]]) -> Iterator[tuple[Any, Any]]:
    """All pairs of a key's left (tag 1) and right (tag 2) values; a kept side without a partner meets None."""
    left: list[Any] = []
    right: list[Any] = []
    for tag, value in values:
        (left if tag == 1 else right).append(value)
    if keep_right and not left:
        left.append(None)
    if keep_left and not right:
        right.append(None)
    return ((one, other) for one in left for other in right)


def cogroup_values(sides: int, values: Iterable[tuple[int, Any]]) -> tuple[ResultIterable[Any], ...]:
    """A key's values by side."""
    groups: list[list[Any]] = [[] for _ in range(sides)]
    for tag, value in values:
        groups[tag].append(value)
    return tuple(ResultIterable(group) for group in groups)


def only_left(pair: tuple[Any, tuple[Any, Any]]) -> bool:
    """Whether a cogrouped key has values on the left and none on the right."""
    _, (left, right) = pair
    return bool(left) and not right


def on_both_sides(pair: tuple[Any, Iterable[Any]]) -> bool:
    """Whether a cogrouped key has values on all sides."""
    return all(pair[1])


def first_group(groups: tuple[Any, ...]) -> Any:
    """A cogrouped key's left values."""
    return groups[0]


def key_equals(key: Any, pair: Any) -> bool:
    """Whether a pair has this key."""
    return bool(pair[0] == key)


def is_comparable(value: Any) -> bool:
    """Whether a histogram counts the value: neither None nor NaN."""
    return value is not None and not (type(value) is float and isnan(value))


def pipe_through(command: str, path: str, env: dict[str, str], check: bool, elements: Iterable[Any]) -> Iterator[str]:
    """The lines that a program prints, given the elements as lines. Its `PATH` is `path` unless `env` says so."""
    program = subprocess.Popen(
        shlex.split(command), env={"PATH": path, **env}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    stdin, stdout = program.stdin, program.stdout
    if stdin is None or stdout is None:
        raise RuntimeError(f"no pipe to {command}")
    failed: list[BaseException] = []

    def write() -> None:
        try:
            with stdin:
                for element in elements:
                    stdin.write((str(element).rstrip("\n") + "\n").encode())
        except BrokenPipeError:
            pass  # the program needs no more input
        except BaseException as error:  # raised again where the task can see it
            failed.append(error)

    writer = threading.Thread(target=write, daemon=True)
    deep.start(writer)
    yield from (line.rstrip(b"\n").decode("utf-8") for line in iter(stdout.readline, b""))
    program.wait()
    writer.join()
    stdout.close()
    if failed:
        raise failed[0]
    if check and program.returncode:
        told = {"func_name": command, "error_code": str(program.returncode)}
        raise PySparkRuntimeError(error_class="PIPE_FUNCTION_EXITED", message_parameters=told)


def write_lines(file: SummedFile, elements: Iterable[Any]) -> None:
    """Writes a partition as lines of text."""
    for chunk in _in_chunks(elements):
        file.write(b"".join(chunk))


def write_compressed(codec: str, file: SummedFile, elements: Iterable[Any]) -> None:
    """Writes a partition as lines of text, compressed."""
    file.write(codec_named(codec).compress(b"".join(line for chunk in _in_chunks(elements) for line in chunk)))


def _in_chunks(elements: Iterable[Any]) -> Iterator[list[bytes]]:
    encoded = (_encode(element) + b"\n" for element in elements)
    while chunk := list(itertools.islice(encoded, 10_000)):
        yield chunk


def _encode(element: Any) -> bytes:
    if isinstance(element, bytes):
        # Spark turns bytes into text and back, so what is no UTF-8 is replaced.
        return _native.decode_utf8(element).encode("utf-8")
    return (element if isinstance(element, str) else str(element)).encode("utf-8")
