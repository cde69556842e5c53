"""How do maps of Spark's JVM side look from Python? As dicts that have Java's methods too, and cannot change.

Also: how such objects print (`java_text`).
"""

from __future__ import annotations

from typing import Any, Generic, NoReturn, TypeVar

from dstreams.core.engine.errors import java_error
from dstreams.core.files import java_hash

K = TypeVar("K")
V = TypeVar("V")


def java_text(value: Any) -> str:
    """A value as Java prints it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    to_string = getattr(value, "toString", None)
    return str(to_string() if to_string is not None else value)


class Entry(Generic[K, V]):
    """A key and its value."""

    def __init__(self, key: K, value: V) -> None:
        self._key, self._value = key, value

    def getKey(self) -> K:
        """The key."""
        return self._key

    def getValue(self) -> V:
        """The value."""
        return self._value

    def toString(self) -> str:
        """As Java prints it."""
        return f"{java_text(self._key)}={java_text(self._value)}"

    def __str__(self) -> str:
        return self.toString()


class JavaSet(frozenset[K]):
    """The keys, or entries, of a map."""

    def size(self) -> int:
        """How many there are."""
        return len(self)

    def isEmpty(self) -> bool:
        """Whether there are none."""
        return not self

    def contains(self, one: object) -> bool:
        """Whether it is among them."""
        return one in self

    def toArray(self) -> list[K]:
        """As a list."""
        return list(self)

    def toString(self) -> str:
        """As Java prints it."""
        return f"[{', '.join(map(java_text, self))}]"

    def __repr__(self) -> str:
        return f"{{{', '.join(map(repr, self))}}}"

    __str__ = __repr__


class JavaMap(dict[K, V]):
    """A map of Java's: a key that is not there has None."""

    def __missing__(self, key: object) -> None:
        return None

    def size(self) -> int:
        """How many keys there are."""
        return len(self)

    def isEmpty(self) -> bool:
        """Whether there are no keys."""
        return not self

    def containsKey(self, key: object) -> bool:
        """Whether there is this key."""
        return key in self

    def containsValue(self, value: object) -> bool:
        """Whether some key has this value."""
        return value in self.values()

    def getOrDefault(self, key: Any, default: Any) -> Any:
        """The value of a key, or `default`."""
        return self.get(key, default)

    def keySet(self) -> JavaSet[K]:
        """The keys."""
        return JavaSet(self)

    def entrySet(self) -> JavaSet[Entry[K, V]]:
        """Keys and their values."""
        return JavaSet(Entry(key, value) for key, value in self.items())

    def toString(self) -> str:
        """As Java prints it."""
        return f"{{{', '.join(f'{java_text(key)}={java_text(value)}' for key, value in self.items())}}}"

    def equals(self, other: object) -> bool:
        """Whether the other map has the same keys and values."""
        return self == other

    def hashCode(self) -> int:
        """A number that equal maps share."""
        return java_hash(self.toString())

    def __reduce__(self) -> tuple[Any, ...]:
        return JavaMap, (dict(self),)

    def _refuse(self, *arguments: Any, **named: Any) -> NoReturn:
        raise java_error("java.lang.UnsupportedOperationException", "what a listener is told cannot be changed")

    put = putAll = remove = __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse
