"""What can be told of the instances of a class without a look at them: can they change, and where is what they hold?

The engine asks once per class and batch (`src/object/values/travel.rs`), to know whether elements may leave a task as
they are, without a pickle.
"""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import fractions
import pathlib
import sys
import uuid

# Instances cannot change, nor can what they refer to.
_VALUES = frozenset(
    {
        datetime.date,
        datetime.datetime,
        datetime.time,
        datetime.timedelta,
        datetime.timezone,
        decimal.Decimal,
        range,
        type(Ellipsis),
        type(NotImplemented),
    }
)
# Instances are immutable by their own rules, and made in Python.
_VALUE_BASES = (enum.Enum, fractions.Fraction, uuid.UUID, pathlib.PurePath)
# Found by a trace of the collector of garbage: all that an instance refers to.
_CONTAINERS = frozenset({collections.deque, collections.OrderedDict, collections.defaultdict})
_BASES = frozenset({object, list, dict, set, BaseException, Exception}) | _CONTAINERS


def kind_of(cls: type) -> tuple[str, list[type]]:
    """What instances are, if the classes that come with it are made by `class` statements.

    'value', 'frozen' (immutable, but what it refers to may change), 'container', 'array' or 'unknown'.
    """
    if cls in _VALUES or issubclass(cls, _VALUE_BASES):
        return "value", []
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        if cls is numpy.ndarray:
            return "array", []
        if issubclass(cls, numpy.generic) and not issubclass(cls, (numpy.void, numpy.object_)):
            return "value", []
    if issubclass(cls, tuple):
        frozen = cls.__dictoffset__ == 0
        return "frozen" if frozen else "container", [base for base in cls.__mro__ if base not in (tuple, object)]
    return "container", [base for base in cls.__mro__ if base not in _BASES]


class Made:
    """Made by a `class` statement."""
