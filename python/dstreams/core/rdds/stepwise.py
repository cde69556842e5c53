"""What does each narrow step do, said in Python? For chains that must run inside a function of Python's.

The engine runs chains by itself. A profiler cannot look into it, so a profiled chain runs as one function, this one;
the results are the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from dstreams.core.rdds.tasks import no_stop
from dstreams.core.resultiterable import ResultIterable

Step = tuple[str, int, tuple[Callable[..., Any], ...]]


def run_steps(steps: tuple[Step, ...], index: int, elements: Iterable[Any]) -> Iterable[Any]:
    """What a chain makes of the elements of the partition `index`."""
    for name, number, functions in steps:
        elements = _one(name, number, functions, index, elements)
    return elements


def run_whole(steps: tuple[Step, ...], index: int, elements: Iterable[Any]) -> list[Any]:
    """The same as a list."""
    return list(run_steps(steps, index, elements))


def _one(
    name: str, number: int, functions: tuple[Callable[..., Any], ...], index: int, elements: Iterable[Any]
) -> Iterable[Any]:
    simple = _SIMPLE.get(name)
    if simple is not None:
        return iter(simple(elements, *(partial(no_stop, function) for function in functions)))
    # What a function of a partition returned is handed on as it is: two of them in a row may share a list.
    if name == "indexedPartitions":
        return functions[0](index, elements)
    if name == "partitions":
        return functions[0](elements)
    if name == "packed":
        return elements
    if name == "take":
        return itertools.islice(elements, number)
    raise ValueError(f"steps: there is no step {name!r}")


def _map_values(pairs: Iterable[Any], f: Callable[..., Any]) -> Iterator[Any]:
    return ((key, f(value)) for key, value in pairs)


def _flat_map_values(pairs: Iterable[Any], f: Callable[..., Any]) -> Iterator[Any]:
    return ((key, one) for key, value in pairs for one in f(value))


def _combine(pairs: Iterable[Any], create: Callable[..., Any], merge: Callable[..., Any]) -> list[Any]:
    found: dict[Any, Any] = {}
    for key, value in pairs:
        found[key] = merge(found[key], value) if key in found else create(value)
    return list(found.items())


def _merge_combiners(pairs: Iterable[Any], merge: Callable[..., Any]) -> list[Any]:
    return _combine(pairs, lambda value: value, merge)


def _group(pairs: Iterable[Any]) -> list[Any]:
    found: dict[Any, list[Any]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return list(found.items())


def _merge_groups(pairs: Iterable[Any]) -> list[Any]:
    found: dict[Any, list[Any]] = {}
    for key, values in pairs:
        found.setdefault(key, []).extend(values)
    return [(key, ResultIterable(values)) for key, values in found.items()]


_SIMPLE: dict[str, Callable[..., Iterable[Any]]] = {
    "map": lambda elements, f: map(f, elements),
    "filter": lambda elements, f: filter(f, elements),
    "flatMap": lambda elements, f: itertools.chain.from_iterable(map(f, elements)),
    "mapValues": _map_values,
    "flatMapValues": _flat_map_values,
    "keys": lambda elements: (element[0] for element in elements),
    "values": lambda elements: (element[1] for element in elements),
    "glom": lambda elements: [list(elements)],
    "count": lambda elements: [sum(1 for _ in elements)],
    "combine": _combine,
    "mergeCombiners": _merge_combiners,
    "group": _group,
    "mergeGroups": _merge_groups,
}
