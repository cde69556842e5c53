"""What do the actions return that may answer before they know exactly?

Sums, means and counts here are exact, whatever the timeout. Distinct elements are estimated, by HyperLogLog: of the
hashes that fall into each of 2**p registers, the one with the most leading zeros is kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from dstreams import _native

_MASK = 2**64 - 1


class BoundedFloat(float):
    """A number with the bounds it lies between, with a confidence between 0 and 1."""

    confidence: float
    low: float
    high: float

    def __new__(cls, mean: float, confidence: float, low: float, high: float) -> BoundedFloat:
        made = float.__new__(cls, mean)
        made.confidence, made.low, made.high = confidence, low, high
        return made


def precision_for(relative_error: float) -> int:
    """The p for a relative standard deviation. Raises ValueError for one that is too small."""
    if relative_error < 0.000017:
        raise ValueError("relativeSD should be greater than 0.000017")
    return max(4, math.ceil(2.0 * math.log(1.054 / relative_error) / math.log(2)))


def registers_of(precision: int, elements: Iterable[object]) -> list[dict[int, int]]:
    """The registers that a partition's elements fill."""
    found: dict[int, int] = {}
    for element in elements:
        hashed = _mix(_native.portable_hash(element) & _MASK)
        register, rest = hashed >> (64 - precision), (hashed << precision) & _MASK
        rank = min(65 - rest.bit_length(), 65 - precision)
        if rank > found.get(register, 0):
            found[register] = rank
    return [found]


def merge_registers(one: dict[int, int], other: dict[int, int]) -> dict[int, int]:
    """The registers of both."""
    for register, rank in other.items():
        one[register] = max(rank, one.get(register, 0))
    return one


def estimate(precision: int, registers: dict[int, int]) -> int:
    """The number of distinct elements that fill registers so."""
    size = 1 << precision
    empty = size - len(registers)
    alpha = {4: 0.673, 5: 0.697, 6: 0.709}.get(precision, 0.7213 / (1 + 1.079 / size))
    raw = alpha * size * size / (empty + sum(2.0**-rank for rank in registers.values()))
    if raw <= 2.5 * size and empty:
        raw = size * math.log(size / empty)
    return round(raw)


def _mix(value: int) -> int:
    """Spreads the bits of a 64-bit number; hashes of small ints are the ints themselves."""
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)
