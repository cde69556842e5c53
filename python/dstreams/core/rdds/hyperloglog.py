"""About how many distinct elements are there? HyperLogLog++, with the hashes and corrections of Spark's.

1. An element counts by the decimal digits of its portable hash, modulo 2**32: Spark's workers send such numbers to the
   JVM, whose library hashes their text. So equal input gives Spark's very estimate.
2. Of the hashes that fall into each of 2**p registers, the one with the most leading zeros is kept.
3. Raw estimates up to 5 * 2**p are too large by amounts that were measured once for all, by the authors of the method
   (Heule, Nunkesser, Hall: HyperLogLog in Practice, 2013): `hyperloglog.json`.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Iterable
from importlib import resources
from typing import Any

from dstreams import _native
from dstreams.core.engine.errors import java_error

_WORD = 2**64 - 1
_FACTOR = 0xC6A4A7935BD1E995
_SEED = 0xE17A1465
_LEAST, _LAST_CORRECTED = 4, 18  # precisions
_NEIGHBOURS = 6
_SMALLEST_ERROR = 0.000017


def precision_for(relative_error: float) -> int:
    """The p for a relative standard deviation.

    Raises: ValueError for one that is too small, Py4JJavaError for the border itself, where Spark's two sides differ.
    """
    if relative_error < _SMALLEST_ERROR:
        raise ValueError("relativeSD should be greater than 0.000017")
    if relative_error == _SMALLEST_ERROR:
        problem = "requirement failed: accuracy (1.7E-5) must be greater than 0.000017"
        raise java_error("java.lang.IllegalArgumentException", problem)
    return max(_LEAST, math.ceil(2.0 * math.log(1.054 / relative_error) / math.log(2)))


def registers_of(precision: int, elements: Iterable[object]) -> list[dict[int, int]]:
    """The registers that a partition's elements fill."""
    found: dict[int, int] = {}
    shift, digit = 64 - precision, 1 << (precision - 1)
    for element in elements:
        hashed = hash_of(b"%d" % (_native.portable_hash(element) & 0xFFFFFFFF))
        register = hashed >> shift
        # The digit behind the hash bounds the zeros of a hash that has no other.
        rank = 65 - ((hashed << precision) & _WORD | digit).bit_length()
        if rank > found.get(register, 0):
            found[register] = rank
    return [found]


def hash_of(data: bytes) -> int:
    """MurmurHash64A with the seed of the JVM's library."""
    size = len(data)
    hashed = _SEED ^ (size * _FACTOR & _WORD)
    whole = size & ~7
    for at in range(0, whole, 8):
        word = int.from_bytes(data[at : at + 8], "little") * _FACTOR & _WORD
        hashed = (hashed ^ ((word ^ (word >> 47)) * _FACTOR & _WORD)) * _FACTOR & _WORD
    if whole < size:
        hashed = (hashed ^ int.from_bytes(data[whole:], "little")) * _FACTOR & _WORD
    hashed = (hashed ^ (hashed >> 47)) * _FACTOR & _WORD
    return hashed ^ (hashed >> 47)


def merge_registers(one: dict[int, int], other: dict[int, int]) -> dict[int, int]:
    """The registers of both."""
    for register, rank in other.items():
        one[register] = max(rank, one.get(register, 0))
    return one


def estimate(precision: int, registers: dict[int, int]) -> int:
    """The number of distinct elements that fill registers so."""
    size = 1 << precision
    empty = size - len(registers)
    raw = _alpha(precision) * size * size / (empty + sum(map(_share, registers.values())))
    if raw <= 5 * size and precision <= _LAST_CORRECTED:
        raw -= _bias(precision, raw)
    counted = size * math.log(size / empty) if empty else raw
    if precision <= _LAST_CORRECTED:
        linear = counted < _tables()["thresholds"][precision - _LEAST]
    else:
        linear = counted <= 5 * size
    return math.floor((counted if linear else raw) + 0.5)


def _alpha(precision: int) -> float:
    return {4: 0.673, 5: 0.697, 6: 0.709}.get(precision, 0.7213 / (1 + 1.079 / (1 << precision)))


def _share(rank: int) -> float:
    """2**-rank, as Java computes it: its int of 32 bits turns over."""
    power = 1 << (rank & 31)
    return 1.0 / (power - 2**32 if power == 2**31 else power)


def _bias(precision: int, raw: float) -> float:
    """How much too large raw estimates near this one are: the mean of the nearest measured ones."""
    estimates = _tables()["estimates"][precision - _LEAST]
    biases = _tables()["biases"][precision - _LEAST]
    by_distance = {(raw - known) ** 2: at for at, known in enumerate(estimates)}
    nearest = [biases[by_distance[distance]] for distance in sorted(by_distance)[:_NEIGHBOURS]]
    return float(sum(nearest)) / len(nearest)


@functools.cache
def _tables() -> Any:
    return json.loads((resources.files(__package__) / "hyperloglog.json").read_text(encoding="utf-8"))
