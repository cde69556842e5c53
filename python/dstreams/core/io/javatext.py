"""What are Python's values to Java: of which class, and how are they printed?

Owns what Spark's JVM makes of unpickled values: a class for each kind, or none, and then they cannot be unpickled. Only
the very classes count: a value of a subclass is pickled as an object.
"""

from __future__ import annotations

import array
import datetime
import struct
from decimal import Decimal
from typing import Any

from dstreams.core.engine.errors import Py4JJavaError, java_error
from dstreams.core.resultiterable import ResultIterable

_CLASSES = {
    bool: "java.lang.Boolean",
    float: "java.lang.Double",
    str: "java.lang.String",
    bytes: "[B",
    bytearray: "[B",
    tuple: "[Ljava.lang.Object;",
    list: "java.util.ArrayList",
    ResultIterable: "java.util.ArrayList",
    dict: "java.util.HashMap",
    set: "java.util.HashSet",
    frozenset: "java.util.HashSet",
    complex: "net.razorvine.pickle.objects.ComplexNumber",
    Decimal: "java.math.BigDecimal",
    datetime.date: "java.util.GregorianCalendar",
    datetime.datetime: "java.util.GregorianCalendar",
    datetime.time: "net.razorvine.pickle.objects.Time",
    datetime.timedelta: "net.razorvine.pickle.objects.TimeDelta",
}
_ARRAYS = {"b": "[B", "B": "[S", "h": "[S", "H": "[I", "i": "[I", "I": "[J", "l": "[J", "f": "[F", "d": "[D", "u": "[C"}


def java_class(value: Any) -> str:
    """The Java class of a value. Raises Py4JJavaError when it has none there."""
    kind = type(value)
    if kind is int:
        if not -(2**63) <= value < 2**63:
            return "java.math.BigInteger"
        return "java.lang.Integer" if -(2**31) <= value < 2**31 else "java.lang.Long"
    if kind is array.array:
        return _ARRAYS.get(value.typecode, "[J")
    found = _CLASSES.get(kind)
    if found is None:
        raise _no_java_class(kind)
    return found


def _no_java_class(kind: type) -> Py4JJavaError:
    name = f"{kind.__module__}.{kind.__qualname__}"
    advice = "Java knows text, bytes, bools, numbers, dicts, lists, tuples and None: map to these first"
    problem = f"expected zero arguments for construction of ClassDict (for {name})"
    return java_error("net.razorvine.pickle.PickleException", problem, advice)


def known_to_java(value: Any) -> Any:
    """A value itself. Raises Py4JJavaError when it, or one within it, cannot be unpickled in Java."""
    if value is not None:
        java_class(value)
    if isinstance(value, dict):
        for pair in value.items():
            known_to_java(pair)
    elif isinstance(value, (tuple, list, set, frozenset)):
        for one in value:
            known_to_java(one)
    return value


def java_float(value: float) -> str:
    """A float as Java prints it: with an exponent below 10**-3 and from 10**7 on."""
    return _printed(value, repr(value))


def java_short_float(value: float) -> str:
    """A float of 32 bits as Java prints it: with as many digits as tell it from its neighbours."""
    if value != value or value in (float("inf"), float("-inf")):
        return java_float(value)
    texts = (f"{value:.{digits}g}" for digits in range(1, 9))
    shortest = next((text for text in texts if _as_short(float(text)) == value), f"{value:.9g}")
    return _printed(value, repr(float(shortest)))


def _as_short(value: float) -> float:
    try:
        return float(struct.unpack(">f", struct.pack(">f", value))[0])
    except OverflowError:
        return float("inf")


def _printed(value: float, shortest: str) -> str:
    if value != value or value in (float("inf"), float("-inf")):
        return {"inf": "Infinity", "-inf": "-Infinity"}.get(str(value), "NaN")
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return shortest
    sign, digits, exponent = Decimal(shortest).normalize().as_tuple()
    power = int(exponent) + len(digits) - 1
    rest = "".join(map(str, digits[1:])) or "0"
    return f"{'-' if sign else ''}{digits[0]}.{rest}E{power}"
