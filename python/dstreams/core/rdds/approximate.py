"""What do the actions return that may answer before they know exactly?

Sums, means and counts here are exact, whatever the timeout. Distinct elements are estimated: see `hyperloglog.py`.
"""

from __future__ import annotations


class BoundedFloat(float):
    """A number with the bounds it lies between, with a confidence between 0 and 1."""

    confidence: float
    low: float
    high: float

    def __new__(cls, mean: float, confidence: float, low: float, high: float) -> BoundedFloat:
        made = float.__new__(cls, mean)
        made.confidence, made.low, made.high = confidence, low, high
        return made
