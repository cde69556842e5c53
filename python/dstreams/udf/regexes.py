"""What do regular expressions give? Matches as tuples of their groups, lists, text.

A match has no form as a value of its own: it may be asked for its groups, for its truth, and whether it is None. Its
node is a tuple of all groups, the first being the whole match, or None. What a pattern means: `patterns.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from dstreams.udf.guards import pattern_of
from dstreams.udf.patterns import Pattern, translated
from dstreams.udf.results import Unreadable
from dstreams.udf.state import State
from dstreams.udf.tree import Node, Nodes, is_a
from dstreams.udf.values import Flags, Match, Method, Refused, Regex, Value, node_of

if TYPE_CHECKING:
    from dstreams.udf.machine import Machine

_FINDING = {"match": "re_match", "search": "re_search", "fullmatch": "re_fullmatch"}
# By name of a method of patterns: the operands after the text, by name, where 0 is left out.
_METHODS: dict[str, tuple[str, ...]] = {**dict.fromkeys(_FINDING, ()), "findall": (), "split": ("maxsplit",)}
_METHODS["sub"] = ("count",)
# The functions of `re` that do the same as a method of the pattern that is their first argument.
_FUNCTIONS: dict[int, tuple[Any, str]] = {id(getattr(re, name)): (getattr(re, name), name) for name in _METHODS}
_IN_TEMPLATE = re.compile(r"\\([1-9])(?![0-9])|\\g<(\w+)>")


def is_function(value: object) -> bool:
    """Whether it is a function of `re` that is understood."""
    found = _FUNCTIONS.get(id(value))
    return (found is not None and found[0] is value) or value is re.compile


def is_bound(value: object) -> bool:
    """Whether it is a method of a pattern, such as `re.compile("a").search`."""
    return pattern_of(value) is not None and type(value) is not re.Pattern


def captured(nodes: Nodes, value: Any, label: str) -> Value:
    """A pattern of the program, or a method of one."""
    if type(value) is re.Pattern:
        try:
            return _regex(nodes, value.pattern, value.flags)
        except Unreadable as refused:
            return Refused(f"{refused.what} (`{label}`)")
    of = captured(nodes, value.__self__, label)
    return Method(of, value.__name__) if isinstance(of, Regex) else of


def _regex(nodes: Nodes, source: object, flags: int) -> Regex:
    if type(source) is not str:
        raise Unreadable("uses a regular expression of bytes")
    pattern = translated(source, flags)
    return Regex(nodes.make(*pattern.node), pattern)


def call(machine: Machine, state: State, function: Any, arguments: list[Value], keywords: tuple[str, ...]) -> Value:
    """The value of a call of a function of `re`."""
    compiles = function is re.compile
    name = "compile" if compiles else _FUNCTIONS[id(function)][1]
    operands = () if compiles else ("string", *_METHODS[name]) if name != "sub" else ("repl", "string", "count")
    names = ("pattern", *operands, "flags")
    if name in ("split", "sub") and len(arguments) - len(keywords) > names.index("string") + 1:
        # Newer versions of CPython warn of it.
        raise Unreadable(f"calls re.{name} with more arguments by position than it needs")
    given = _by_name(f"re.{name}", names, arguments, keywords)
    flags = given.pop("flags", None)
    pattern = given.pop("pattern")
    if isinstance(pattern, Regex):
        regex = pattern
        if flags is not None:
            raise Unreadable("gives flags to a regular expression that is compiled")
    else:
        source = node_of(pattern)
        if source[0] != "const":
            raise Unreadable("uses a regular expression that is not known before it runs")
        regex = _regex(machine.nodes, source[1], _flags(flags))
    return regex if compiles else _apply(machine, state, regex, name, given)


def _flags(value: Value | None) -> int:
    if value is None:
        return 0
    if isinstance(value, Flags):
        return value.flags
    node = node_of(value)
    if node[0] != "const" or type(node[1]) is not int:
        raise Unreadable("uses a regular expression with flags that are not known before it runs")
    return int(node[1])


def method(
    machine: Machine, state: State, regex: Regex, name: str, arguments: list[Value], keywords: tuple[str, ...]
) -> Value:
    """The value of a call of a method of a pattern."""
    if name not in _METHODS:
        raise Unreadable(f"calls .{name}() of a regular expression")
    operands = ("repl", "string", "count") if name == "sub" else ("string", *_METHODS[name])
    return _apply(machine, state, regex, name, _by_name(f".{name}()", operands, arguments, keywords))


def _by_name(label: str, names: Sequence[str], arguments: list[Value], keywords: tuple[str, ...]) -> dict[str, Value]:
    positional = len(arguments) - len(keywords)
    if positional > len(names):
        raise Unreadable(f"calls {label} with {len(arguments)} arguments")
    given = dict(zip(names, arguments[:positional], strict=False))
    for name, value in zip(keywords, arguments[positional:], strict=True):
        if name in given or name not in names:
            raise Unreadable(f"calls {label} with the keyword {name}")
        given[name] = value
    missing = [name for name in names if name not in given and name not in ("flags", "count", "maxsplit")]
    if missing:
        raise Unreadable(f"calls {label} without {missing[0]}")
    return given


def _apply(machine: Machine, state: State, regex: Regex, name: str, given: dict[str, Value]) -> Value:
    text = node_of(given["string"])
    if name in _FINDING:
        return Match(machine.op(state, _FINDING[name], regex.node, text), regex)
    if regex.pattern.unsure and name != "sub":
        raise Unreadable(_UNSURE)
    if name == "findall":
        return machine.op(state, "re_findall", regex.node, text)
    most = node_of(given.get("maxsplit" if name == "split" else "count", machine.nodes.const(0)))
    if most[0] != "const" or type(most[1]) is not int or most[1] < 0:
        raise Unreadable(f"calls {name} of a regular expression with a number that is not known before it runs")
    if name == "split":
        return machine.op(state, "re_split", regex.node, text, most)
    template = node_of(given["repl"])
    if template[0] != "const" or type(template[1]) is not str:
        raise Unreadable("replaces matches of a regular expression with what is not known before it runs")
    parts = machine.nodes.const(_template(template[1], regex.pattern))
    return machine.op(state, "re_sub", regex.node, text, parts, most)


_UNSURE = "asks for a group of a regular expression that is inside of a repeat"


def _template(text: str, pattern: Pattern) -> tuple[str | int, ...]:
    """Text, and the numbers of groups between."""
    parts: list[str | int] = []
    last = 0
    for found in _IN_TEMPLATE.finditer(text):
        parts += [text[last : found.start()], _number(found[1] or found[2], pattern)]
        last = found.end()
    parts.append(text[last:])
    if any("\\" in part for part in parts if isinstance(part, str)):
        raise Unreadable("replaces matches of a regular expression with text that has escapes in it")
    return tuple(part for part in parts if part != "")


def _number(key: object, pattern: Pattern) -> int:
    """The number of a group that is asked for by number or name."""
    number = key if type(key) is int else pattern.names.get(key) if type(key) is str else None
    if number is None and type(key) is str and key.isascii() and key.isdecimal():
        number = int(key)  # of a template
    if type(number) is not int or not 0 <= number <= pattern.groups:
        raise Unreadable(f"asks for the group {key!r}, which the regular expression does not have")
    if number in pattern.unsure:
        raise Unreadable(_UNSURE)
    return number


# Matches --------------------------------------------------------------------------------------------------------------


def group(machine: Machine, state: State, match: Match, key: Value) -> Node:
    """`match[key]`"""
    node = node_of(key)
    if node[0] != "const" or not is_a(node[1], int, str):
        raise Unreadable("asks for a group that is not known before it runs")
    if type(node[1]) is str and node[1] not in match.regex.pattern.names:
        raise Unreadable(f"asks for the group {node[1]!r}, which the regular expression does not have")
    return _group(machine, state, match, _number(node[1], match.regex.pattern))


def _group(machine: Machine, state: State, match: Match, number: int) -> Node:
    return machine.op(state, "getitem", match.node, machine.nodes.const(number))


def of_match(
    machine: Machine, state: State, match: Match, name: str, arguments: list[Value], keywords: tuple[str, ...]
) -> Node:
    """The value of a call of a method of a match."""
    method = _OF_MATCH.get(name)
    if method is None or (keywords and name == "group"):
        raise Unreadable(f"calls .{name}() of a match")
    return method(machine, state, match, arguments, keywords)


def _call_group(machine: Machine, state: State, match: Match, arguments: list[Value], _: tuple[str, ...]) -> Node:
    items = [group(machine, state, match, key) for key in arguments or [machine.nodes.const(0)]]
    return items[0] if len(items) == 1 else machine.nodes.make("tuple", tuple(items))


def _call_groups(machine: Machine, state: State, match: Match, arguments: list[Value], names: tuple[str, ...]) -> Node:
    given = _by_name(".groups()", ("default",), arguments, names) if arguments else {}
    pattern = match.regex.pattern
    if pattern.unsure:
        raise Unreadable(_UNSURE)
    items = [_group(machine, state, match, number) for number in range(1, pattern.groups + 1)]
    if not items:
        # An attribute of None is an error all the same.
        _group(machine, state, match, 0)
    if "default" in given:
        default, make = node_of(given["default"]), machine.nodes.make
        nothing = machine.nodes.const(None)
        items = [make("if", machine.nodes.op("is", item, nothing), default, item) for item in items]
    return machine.nodes.make("tuple", tuple(items))


_OF_MATCH: dict[str, Callable[..., Node]] = {
    "group": _call_group,
    "groups": _call_groups,
}


# Flags ----------------------------------------------------------------------------------------------------------------


def is_flags(value: object) -> bool:
    """Whether it is a flag of `re`, or several."""
    return type(value) is re.RegexFlag


def combined(one: Value, other: Value) -> Flags:
    """`one | other`, one of which is `Flags`."""
    return Flags(_flags(one) | _flags(other))
