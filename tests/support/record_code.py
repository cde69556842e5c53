"""Writes down what the running CPython makes of the functions in `tests/udf/recorded/functions.py`.

    python3.14 tests/support/record_code.py

needs no more than the interpreter, and writes `cpython_3_14.json` beside them: the code of every function, those within
it included, with its instructions as `dis` shows them. `test_recorded.py` reads them on any CPython.
"""

from __future__ import annotations

import ast
import dis
import functools
import hashlib
import json
import sys
import types
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "udf" / "recorded"
SOURCE = FOLDER / "functions.py"
# The parts of a code object that are written down as they are.
PARTS = (
    *("co_name", "co_flags", "co_firstlineno", "co_argcount", "co_posonlyargcount", "co_kwonlyargcount"),
    *("co_varnames", "co_cellvars", "co_freevars"),
)
# Their arguments are shown as objects of the interpreter.
BY_NUMBER = {"CONVERT_VALUE", "LOAD_COMMON_CONSTANT", "LOAD_SPECIAL"}


def source_hash() -> str:
    """Says which functions a record is of."""
    return hashlib.sha256(SOURCE.read_bytes()).hexdigest()


def load() -> dict[str, Any]:
    """The module with the functions, loaded anew."""
    names: dict[str, Any] = {"__name__": "recorded_functions"}
    exec(compile(SOURCE.read_text(encoding="utf-8"), str(SOURCE), "exec"), names)
    return names


def functions_of(names: dict[str, Any]) -> list[types.FunctionType]:
    """The functions of the module, in an order that all Pythons share."""
    found = [value for value in names.values() if type(value) is types.FunctionType]
    for _, function in names["FUNCTIONS"]:
        while type(function) is functools.partial:
            function = function.func
        found.append(function)
    unique = {id(one): one for one in found if one.__code__.co_filename == str(SOURCE)}
    return list(unique.values())


def written(value: Any, codes: list[types.CodeType]) -> str:
    """The argument of an instruction as text: Python's own, but for code and slices."""
    if isinstance(value, types.CodeType):
        codes.append(value)
        return f"code {len(codes) - 1}"
    if type(value) is slice:
        return "slice " + repr((value.start, value.stop, value.step))
    if type(value) is frozenset:
        return "frozenset " + repr(tuple(sorted(value, key=repr)))
    try:
        same = repr(ast.literal_eval(repr(value))) == repr(value)
    except (SyntaxError, ValueError):
        same = False
    if not same:
        raise ValueError(f"no way to write {value!r}")
    return repr(value)


def argument_of(item: dis.Instruction, codes: list[types.CodeType]) -> str:
    """What the instruction's argument stands for; nothing where `dis` shows what the number alone says."""
    return "" if item.opname in BY_NUMBER else written(item.argval, codes)


def entries_of(code: types.CodeType) -> list[tuple[int, int, int, int]]:
    """The table of exceptions: what is guarded, from where to where, its handler, and the depth of the stack there."""
    entries = dis._parse_exception_table(code)  # type: ignore[attr-defined]
    return [(entry.start, entry.end, entry.target, entry.depth) for entry in entries]


def record() -> dict[str, Any]:
    """All there is to know, as JSON has it."""
    codes: list[types.CodeType] = [function.__code__ for function in functions_of(load())]
    count = len(codes)
    listed: list[dict[str, Any]] = []
    for code in codes:  # grows meanwhile
        lines = {offset: line for first, last, line in code.co_lines() for offset in range(first, last, 2)}
        one: dict[str, Any] = {part: getattr(code, part) for part in PARTS}
        one["entries"] = entries_of(code)
        one["instructions"] = [
            [item.offset, lines.get(item.offset), item.opname, item.arg, argument_of(item, codes)]
            for item in dis.get_instructions(code)
        ]
        listed.append(one)
    # Beyond 255 are steps of the compiler, and CACHE is not shown.
    known = sorted(name for name, number in dis.opmap.items() if number < 256 and name != "CACHE")
    version = list(sys.version_info[:2])
    return {"python": version, "source": source_hash(), "functions": count, "known": known, "codes": listed}


if __name__ == "__main__":
    recorded = record()
    codes = recorded.pop("codes")
    target = FOLDER / "cpython_{}_{}.json".format(*sys.version_info[:2])
    # A line for each code, so that a change of one is a change of a line.
    lines = ",\n".join(json.dumps(code) for code in codes)
    target.write_text(json.dumps(recorded)[:-1] + ', "codes": [\n' + lines + "\n]}\n", encoding="utf-8")
    print(f"{target}: {recorded['functions']} functions, {len(codes)} codes")
