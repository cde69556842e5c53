"""How long is that? Durations as programs give them, in whole milliseconds.

Every duration that a program gives comes through here. Spark multiplies it by 1000 and makes an int of that; so text is
a ValueError, whatever else is no number a TypeError, and here both say which argument it is. Digits as text are, there,
a number of a thousand times as many digits: its JVM cannot take that, nor any other that is too large, which is a
Py4JError. Units: seconds.
"""

from __future__ import annotations

import math

from dstreams.core.engine.errors import Py4JError

_MOST = 2**63 - 1  # milliseconds: what Spark's JVM, and the engine, can count


def milliseconds_of(name: str, seconds: object) -> int:
    """Whole milliseconds of any number of seconds. Raises: TypeError, ValueError or Py4JError naming the argument."""
    problem = f"{name}: expected a number of seconds, got {seconds!r:.80}"
    if isinstance(seconds, (str, bytes)):
        raise (Py4JError if is_digits(seconds) else ValueError)(problem)
    if isinstance(seconds, float) and math.isinf(seconds):
        raise OverflowError(problem)
    try:
        # As in Spark: also for numbers of other kinds, such as those of NumPy.
        found = int(seconds * 1000)  # type: ignore[operator]
    except (TypeError, ValueError) as error:
        raise type(error)(problem) from None
    if not -_MOST <= found <= _MOST:
        raise Py4JError(f"{name}: expected fewer than {_MOST // 1000} seconds, got {seconds!r:.80}")
    return found


def is_digits(seconds: object) -> bool:
    """Whether it is text that Spark takes for a number of a thousand times as many digits."""
    return isinstance(seconds, (str, bytes)) and seconds.strip().isdigit()


def duration_ms(name: str, seconds: object) -> int:
    """The same for durations that must be there: at least a millisecond. Raises: ValueError for shorter ones."""
    found = milliseconds_of(name, seconds)
    if found <= 0:
        raise ValueError(f"{name}: expected a positive number of seconds (at least 0.001), got {seconds!r}")
    return found
