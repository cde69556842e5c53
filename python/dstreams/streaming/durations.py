"""How long is that? Durations as programs give them, in whole milliseconds.

Every duration that a program gives comes through here. Spark multiplies it by 1000 and makes an int of that; so text is
a ValueError, whatever else is no number a TypeError, and here both say which argument it is. (Digits as text would be a
number of a thousand times as many digits there, which its JVM cannot take.) Units: seconds.
"""

from __future__ import annotations

import math

_MOST = 2**63 - 1  # milliseconds: what Spark's JVM, and the engine, can count


def milliseconds_of(name: str, seconds: object) -> int:
    """Whole milliseconds of any number of seconds. Raises: TypeError or ValueError naming the argument."""
    problem = f"{name}: expected a number of seconds, got {seconds!r:.80}"
    if isinstance(seconds, (str, bytes)):
        raise (TypeError if seconds.strip().isdigit() else ValueError)(problem)
    if isinstance(seconds, float) and math.isinf(seconds):
        raise OverflowError(problem)
    try:
        # As in Spark: also for numbers of other kinds, such as those of NumPy.
        found = int(seconds * 1000)  # type: ignore[operator]
    except (TypeError, ValueError) as error:
        raise type(error)(problem) from None
    if not -_MOST <= found <= _MOST:
        raise ValueError(f"{name}: expected fewer than {_MOST // 1000} seconds, got {seconds!r:.80}")
    return found


def duration_ms(name: str, seconds: object) -> int:
    """The same for durations that must be there: at least a millisecond. Raises: ValueError for shorter ones."""
    found = milliseconds_of(name, seconds)
    if found <= 0:
        raise ValueError(f"{name}: expected a positive number of seconds (at least 0.001), got {seconds!r}")
    return found
