"""Which regular expressions have a native form, and which?

`translated` asks Python's own parser what a pattern means, and writes that down in a form that `kernel/regex` follows:

    ("set", bits)                           one character; bit n stands for the ASCII character n
    ("seq", parts)  ("or", ways)
    ("repeat", part, least, most, greedy)   most is None if there is no limit
    ("group", number, part)
    ("at", place)

It holds for ASCII text alone; other text is left to Python. So is every pattern about which there is any doubt: what
looks around or back, rounds of repeats that may match nothing, and text that the parser warns of. What groups inside of
repeats hold in the end differs between versions of CPython: they may be there, but not asked for.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from dstreams.udf.results import Unreadable

Spec: TypeAlias = tuple[Any, ...]

# Python's parser of patterns, which has no public name.
_PARSER: Any = importlib.import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse")

_ALL = (1 << 128) - 1
_MAX_LENGTH = 2000
_MAX_DEPTH = 40
# Repeats of more than one character are written out.
_MAX_STEPS = 1000
_TYPES = int(re.ASCII | re.LOCALE | re.UNICODE)
# What the parser may warn of: it would do so again when it is asked again.
_WARNED = re.compile(r"(?<!\\)\[\^?\[|--|&&|~~|\|\||.\(\?[aiLmsux]+\)", re.DOTALL)

_DIGITS = sum(1 << code for code in range(ord("0"), ord("9") + 1))
_WORD = sum(1 << code for code in range(128) if chr(code).isalnum() or chr(code) == "_")
_SPACE = sum(1 << code for code in range(128) if chr(code).isspace())
_SPACE_OF_ASCII = sum(1 << ord(character) for character in " \t\n\r\f\v")
_CATEGORIES: Mapping[str, int] = {"DIGIT": _DIGITS, "WORD": _WORD}

_PLACES: Mapping[str, str] = {
    "AT_BEGINNING": "begin",
    "AT_BEGINNING_STRING": "begin",
    "AT_END": "last_end",
    "AT_END_STRING": "end",
    "AT_BOUNDARY": "boundary",
}
_PLACES_OF_LINES: Mapping[str, str] = {"AT_BEGINNING": "line_begin", "AT_END": "line_end"}

_REFUSED: Mapping[str, str] = {
    "ASSERT": "that looks ahead or back",
    "ASSERT_NOT": "that looks ahead or back",
    "GROUPREF": "with a reference to a group",
    "GROUPREF_IGNORE": "with a reference to a group",
    "GROUPREF_EXISTS": "with a condition",
    "ATOMIC_GROUP": "with an atomic group",
    "POSSESSIVE_REPEAT": "with a possessive repeat",
}


@dataclass(frozen=True)
class Pattern:
    """A pattern in its native form.

    node: ("regex", source, spec, number of groups), a node of a tree.
    names: numbers of the groups that have names.
    unsure: numbers of the groups inside of repeats.
    """

    node: Spec
    groups: int
    names: Mapping[str, int]
    unsure: frozenset[int]


class _Refusal(Exception):
    """Completes "a regular expression ..."."""


def translated(source: str, flags: int) -> Pattern:
    """The native form of `re.compile(source, flags)`. Raises Unreadable if there is none."""
    try:
        return _translated(source, flags)
    except _Refusal as refusal:
        raise Unreadable(f"uses a regular expression {refusal}") from None
    except (re.error, OverflowError, RecursionError, ValueError):
        raise Unreadable("uses a regular expression that Python refuses") from None


def _translated(source: str, flags: int) -> Pattern:
    if len(source) > _MAX_LENGTH:
        raise _Refusal("that is too large")
    if flags & ~int(re.I | re.M | re.S | re.X | re.A | re.U):
        raise _Refusal("with flags that only Python understands")
    if _WARNED.search(source):
        raise _Refusal("of which Python may warn")
    parsed = _PARSER.parse(source, flags)
    translator = _Translator()
    spec = translator.sequence(parsed, parsed.state.flags, False, 0)
    if _steps(spec) > _MAX_STEPS:
        raise _Refusal("that is too large")
    groups = parsed.state.groups - 1
    return Pattern(("regex", source, spec, groups), groups, dict(parsed.state.groupdict), frozenset(translator.unsure))


def _steps(spec: Spec) -> int:
    """About how many steps a pattern is made of."""
    kind = spec[0]
    if kind in ("seq", "or"):
        return sum(2 + _steps(part) for part in spec[1])
    if kind == "repeat":
        _, part, least, most, _ = spec
        return 1 if part[0] == "set" else (1 + _steps(part)) * max(1, least + 1 if most is None else most)
    return 2 + _steps(spec[2]) if kind == "group" else 1


class _Translator:
    def __init__(self) -> None:
        self.unsure: set[int] = set()

    def sequence(self, parts: Any, flags: int, repeated: bool, depth: int) -> Spec:
        if depth > _MAX_DEPTH:
            raise _Refusal("that is too deep")
        specs = [self._one(str(name), argument, flags, repeated, depth) for name, argument in parts]
        return specs[0] if len(specs) == 1 else ("seq", tuple(specs))

    def _one(self, name: str, argument: Any, flags: int, repeated: bool, depth: int) -> Spec:
        if name in _REFUSED:
            raise _Refusal(_REFUSED[name])
        method: Callable[..., Spec] | None = getattr(self, f"_{name.lower()}", None)
        if method is None:
            raise _Refusal("that only Python understands")
        return method(argument, flags, repeated, depth)

    def _literal(self, code: int, flags: int, *_: Any) -> Spec:
        return ("set", _cases(_bit(code, flags), flags))

    def _not_literal(self, code: int, flags: int, *_: Any) -> Spec:
        return ("set", _ALL & ~_cases(_bit(code, flags), flags))

    def _any(self, _: Any, flags: int, *__: Any) -> Spec:
        return ("set", _ALL if flags & re.DOTALL else _ALL & ~(1 << ord("\n")))

    def _in(self, items: Any, flags: int, *_: Any) -> Spec:
        bits, negated = 0, False
        for kind, argument in items:
            name = str(kind)
            if name == "NEGATE":
                negated = True
            elif name == "LITERAL":
                bits |= _bit(argument, flags)
            elif name == "RANGE":
                low, high = argument
                bits |= _range(low, high, flags)
            elif name == "CATEGORY":
                bits |= _category(str(argument), flags)
            else:
                raise _Refusal("with a set that only Python understands")
        bits = _cases(bits, flags)
        return ("set", _ALL & ~bits if negated else bits)

    def _at(self, place: Any, flags: int, *_: Any) -> Spec:
        name = str(place)
        found = _PLACES_OF_LINES.get(name) if flags & re.MULTILINE else None
        found = found or _PLACES.get(name)
        if found is None:
            raise _Refusal("with a place that only Python understands")
        return ("at", found)

    def _branch(self, argument: Any, flags: int, repeated: bool, depth: int) -> Spec:
        return ("or", tuple(self.sequence(way, flags, repeated, depth + 1) for way in argument[1]))

    def _subpattern(self, argument: Any, flags: int, repeated: bool, depth: int) -> Spec:
        number, added, removed, parts = argument
        if added & _TYPES:
            flags &= ~_TYPES
        flags = (flags | added) & ~removed
        spec = self.sequence(parts, flags, repeated, depth + 1)
        if number is None:
            return spec
        if repeated:
            self.unsure.add(number)
            return spec
        return ("group", number, spec)

    def _max_repeat(self, argument: Any, flags: int, repeated: bool, depth: int, greedy: bool = True) -> Spec:
        least, most, parts = argument
        several = bool(most > 1)
        if several and parts.getwidth()[0] == 0:
            raise _Refusal("that repeats what may match nothing")
        spec = self.sequence(parts, flags, repeated or several, depth + 1)
        return ("repeat", spec, int(least), None if most == _PARSER.MAXREPEAT else int(most), greedy)

    def _min_repeat(self, argument: Any, flags: int, repeated: bool, depth: int) -> Spec:
        return self._max_repeat(argument, flags, repeated, depth, False)


def _bit(code: int, flags: int) -> int:
    """The set of one character, without those that no ASCII text has."""
    return _range(code, code, flags)


def _range(low: int, high: int, flags: int) -> int:
    if high > 127 and flags & re.IGNORECASE:
        # The cases of some of these are ASCII characters.
        raise _Refusal("that ignores the case of more than ASCII characters")
    high = min(high, 127)
    return ((1 << (high + 1)) - 1) & ~((1 << low) - 1) if low <= high else 0


def _category(name: str, flags: int) -> int:
    negated = name.startswith("CATEGORY_NOT_")
    kind = name.removeprefix("CATEGORY_").removeprefix("NOT_")
    if kind == "SPACE":
        bits = _SPACE_OF_ASCII if flags & re.ASCII else _SPACE
    elif kind in _CATEGORIES:
        bits = _CATEGORIES[kind]
    else:
        raise _Refusal("with a category that only Python understands")
    return _ALL & ~bits if negated else bits


def _cases(bits: int, flags: int) -> int:
    """The set, with the other cases of its letters if case is ignored."""
    if not flags & re.IGNORECASE:
        return bits
    letters = range(ord("A"), ord("Z") + 1)
    upper = sum(1 << code for code in letters if bits >> code & 1)
    lower = sum(1 << (code + 32) for code in letters if bits >> (code + 32) & 1)
    return bits | upper << 32 | lower >> 32
