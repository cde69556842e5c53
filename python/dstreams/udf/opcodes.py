"""What does each instruction of each CPython mean?

Tables alone: for every version, the instructions by name, each as the steps that `machine.py` knows. What differs
between versions differs here: a new CPython is a new table. An instruction that is in no table makes a function opaque.

A rule takes an instruction and its code and gives steps, pairs of a name and an argument.
"""

from __future__ import annotations

import dis
from collections.abc import Callable, Mapping
from types import CodeType
from typing import Any, TypeAlias

Step: TypeAlias = tuple[str, Any]
Rule: TypeAlias = Callable[[dis.Instruction, CodeType], list[Step]]

_OPERATORS = "add bitand floordiv lshift matmul mul mod bitor pow rshift sub truediv bitxor"
_BINARY = _OPERATORS.split()
# Bits of what 3.10 to 3.12 call flags of FORMAT_VALUE, and the numbers of CONVERT_VALUE.
_CONVERSIONS = ("", "s", "r", "a")
# MAKE_FUNCTION and SET_FUNCTION_ATTRIBUTE.
DEFAULTS, KEYWORD_DEFAULTS, ANNOTATIONS, CLOSURE, ANNOTATE = 1, 2, 4, 8, 16


def _nothing(_: dis.Instruction, __: CodeType) -> list[Step]:
    return []


def _value(step: str) -> Rule:
    """A step with the meaning of the instruction's argument: a name, a constant, a target."""
    return lambda instruction, _: [(step, instruction.argval)]


def _number(step: str) -> Rule:
    """A step with the instruction's bare argument."""
    return lambda instruction, _: [(step, instruction.arg)]


def _fixed(step: str, argument: Any = None) -> Rule:
    return lambda _, __: [(step, argument)]


def _refuse(reason: str) -> Rule:
    return _fixed("refuse", reason)


def _flag(yes: str, no: str) -> Rule:
    """A binary step whose argument says whether it is negated."""
    return lambda instruction, _: [("binary", yes if instruction.arg else no)]


def _pair(first: str, second: str) -> Rule:
    return lambda instruction, _: [(first, instruction.argval[0]), (second, instruction.argval[1])]


def _compare(instruction: dis.Instruction, _: CodeType) -> list[Step]:
    names = {"<": "lt", "<=": "le", "==": "eq", "!=": "ne", ">": "gt", ">=": "ge"}
    return [("binary", names[instruction.argval])]


def _binary(instruction: dis.Instruction, _: CodeType) -> list[Step]:
    number = instruction.arg or 0
    if number == 2 * len(_BINARY):  # since 3.14
        return [("subscript", None)]
    return [("binary", _BINARY[number])] if number < len(_BINARY) else [("inplace", _BINARY[number - len(_BINARY)])]


def _format_value(instruction: dis.Instruction, _: CodeType) -> list[Step]:
    flags = instruction.arg or 0
    return [("format_flags", (_CONVERSIONS[flags & 3], bool(flags & 4)))]


def _convert(instruction: dis.Instruction, _: CodeType) -> list[Step]:
    return [("convert", _CONVERSIONS[instruction.arg or 0])]


def _global_null_first(instruction: dis.Instruction, _: CodeType) -> list[Step]:
    null: list[Step] = [("null", None)] if (instruction.arg or 0) & 1 else []
    return [*null, ("global", instruction.argval)]


def _global_null_last(instruction: dis.Instruction, _: CodeType) -> list[Step]:
    null: list[Step] = [("null", None)] if (instruction.arg or 0) & 1 else []
    return [("global", instruction.argval), *null]


def _attribute_or_method(instruction: dis.Instruction, _: CodeType) -> list[Step]:
    return [("method" if (instruction.arg or 0) & 1 else "attribute", instruction.argval)]


def _keyword_names(instruction: dis.Instruction, code: CodeType) -> list[Step]:
    return [("keywords", code.co_consts[instruction.arg or 0])]


def _jump_if(test: str, on: bool, keep: bool = False) -> Rule:
    """A jump if the test of the top of the stack, `true` or `none`, comes out as `on`; `keep`: then the top stays."""
    return lambda instruction, _: [("branch", (test, on, keep, instruction.argval))]


def _loop(pops: bool) -> Rule:
    """The head of a loop; `pops`: at the end of the loop the iterator is gone, else an instruction takes it away."""
    return lambda instruction, _: [("loop", (pops, instruction.argval))]


def _intrinsic(instruction: dis.Instruction, _: CodeType) -> list[Step]:
    if instruction.arg == 5:
        return [("unary", "pos")]
    if instruction.arg == 6:
        return [("list_to_tuple", None)]
    return [("refuse", "does what only Python can do")]


def _return_constant(instruction: dis.Instruction, _: CodeType) -> list[Step]:
    return [("const", instruction.argval), ("return", None)]


def _common_constant(instruction: dis.Instruction, _: CodeType) -> list[Step]:
    return [("refuse", "raises an exception") if instruction.arg in (0, 1) else ("shortcut", None)]


TRIES = "handles exceptions in a way that is too complicated"
_TRIES = _refuse(TRIES)
_WITH = _refuse("enters a context (with)")
_ASYNC = _refuse("is asynchronous")

COMMON: Mapping[str, Rule] = {
    "NOP": _nothing,
    "EXTENDED_ARG": _nothing,
    "CACHE": _nothing,
    "POP_TOP": _fixed("pop"),
    "LOAD_CONST": _value("const"),
    "LOAD_FAST": _value("local"),
    "STORE_FAST": _value("store"),
    "DELETE_FAST": _value("forget"),
    "LOAD_DEREF": _value("deref"),
    "STORE_DEREF": _value("store_deref"),
    "LOAD_CLOSURE": _value("cell"),
    "UNARY_NEGATIVE": _fixed("unary", "neg"),
    "UNARY_INVERT": _fixed("unary", "invert"),
    "UNARY_NOT": _fixed("not"),
    "BINARY_SUBSCR": _fixed("subscript"),
    "COMPARE_OP": _compare,
    "IS_OP": _flag("isnot", "is"),
    "CONTAINS_OP": _flag("notin", "in"),
    "BUILD_TUPLE": _number("tuple"),
    "BUILD_LIST": _number("list"),
    "BUILD_SET": _number("set"),
    "BUILD_MAP": _number("map"),
    "BUILD_CONST_KEY_MAP": _number("map_of_keys"),
    "BUILD_STRING": _number("text"),
    "BUILD_SLICE": _number("slice"),
    "LIST_EXTEND": _number("extend"),
    "LIST_APPEND": _number("append"),
    "UNPACK_SEQUENCE": _number("unpack"),
    "UNPACK_EX": _refuse("unpacks with a star"),
    "RETURN_VALUE": _fixed("return"),
    "JUMP_FORWARD": _value("jump"),
    "GET_ITER": _fixed("iterate"),
    "FOR_ITER": _loop(pops=True),
    "YIELD_VALUE": _fixed("yield"),
    "GET_YIELD_FROM_ITER": _refuse("is a generator"),
    "CALL_FUNCTION_EX": _refuse("calls something with a star"),
    "DICT_MERGE": _refuse("calls something with two stars"),
    "DICT_UPDATE": _refuse("builds a dict"),
    "MAP_ADD": _refuse("builds a dict"),
    "SET_ADD": _refuse("builds a set"),
    "SET_UPDATE": _refuse("builds a set"),
    "RAISE_VARARGS": _refuse("raises an exception"),
    "LOAD_ASSERTION_ERROR": _refuse("raises an exception (assert)"),
    "RERAISE": _TRIES,
    "IMPORT_NAME": _refuse("imports a module"),
    "STORE_GLOBAL": _refuse("sets a global variable"),
    "DELETE_GLOBAL": _refuse("deletes a global variable"),
    "STORE_ATTR": _refuse("sets an attribute"),
    "DELETE_ATTR": _refuse("deletes an attribute"),
    "STORE_SUBSCR": _refuse("changes an item of a container"),
    "DELETE_SUBSCR": _refuse("deletes an item of a container"),
    "DELETE_DEREF": _refuse("deletes a variable of an enclosing function"),
    "LOAD_BUILD_CLASS": _refuse("defines a class"),
    "SETUP_ANNOTATIONS": _refuse("defines a class"),
    "GET_AWAITABLE": _ASYNC,
    "GET_AITER": _ASYNC,
    "GET_ANEXT": _ASYNC,
    "BEFORE_ASYNC_WITH": _ASYNC,
}

_3_10: Mapping[str, Rule] = {
    **COMMON,
    "GEN_START": _nothing,
    "ROT_TWO": _fixed("rotate", 2),
    "ROT_THREE": _fixed("rotate", 3),
    "ROT_FOUR": _fixed("rotate", 4),
    "ROT_N": _number("rotate"),
    "DUP_TOP": _fixed("copy", 1),
    "DUP_TOP_TWO": lambda _, __: [("copy", 2), ("copy", 2)],
    **{
        f"{how}_{name}": _fixed(how.lower(), operation)
        for how in ("BINARY", "INPLACE")
        for name, operation in {
            "ADD": "add",
            "SUBTRACT": "sub",
            "MULTIPLY": "mul",
            "MATRIX_MULTIPLY": "matmul",
            "TRUE_DIVIDE": "truediv",
            "FLOOR_DIVIDE": "floordiv",
            "MODULO": "mod",
            "POWER": "pow",
            "LSHIFT": "lshift",
            "RSHIFT": "rshift",
            "AND": "bitand",
            "OR": "bitor",
            "XOR": "bitxor",
        }.items()
    },
    "UNARY_POSITIVE": _fixed("unary", "pos"),
    "LOAD_GLOBAL": _value("global"),
    "LOAD_ATTR": _value("attribute"),
    "LOAD_METHOD": _value("method"),
    "CALL_FUNCTION": _number("call_plain"),
    "CALL_FUNCTION_KW": _number("call_plain_named"),
    "CALL_METHOD": _number("call"),
    "FORMAT_VALUE": _format_value,
    "LIST_TO_TUPLE": _fixed("list_to_tuple"),
    "MAKE_FUNCTION": lambda instruction, _: [("pop", None), ("function", instruction.arg)],
    "JUMP_ABSOLUTE": _value("jump"),
    "POP_JUMP_IF_FALSE": _jump_if("true", False),
    "POP_JUMP_IF_TRUE": _jump_if("true", True),
    "JUMP_IF_FALSE_OR_POP": _jump_if("true", False, keep=True),
    "JUMP_IF_TRUE_OR_POP": _jump_if("true", True, keep=True),
    "SETUP_ASYNC_WITH": _ASYNC,
    "SETUP_WITH": _WITH,
    # What they guard is in `regions.py`.
    "SETUP_FINALLY": _nothing,
    "POP_BLOCK": _nothing,
    "POP_EXCEPT": lambda _, __: 3 * [("pop", None)],
    "JUMP_IF_NOT_EXC_MATCH": lambda instruction, _: [
        ("catches", True),
        ("branch", ("true", False, False, instruction.argval)),
    ],
}

_SINCE_3_11: Mapping[str, Rule] = {
    **COMMON,
    "RESUME": _nothing,
    "MAKE_CELL": _nothing,
    "COPY_FREE_VARS": _nothing,
    "JUMP_BACKWARD": _value("jump"),
    "JUMP_BACKWARD_NO_INTERRUPT": _value("jump"),
    "COPY": _number("copy"),
    "SWAP": _number("swap"),
    "BINARY_OP": _binary,
    "PUSH_NULL": _fixed("null"),
    "CALL": _number("call"),
    "RETURN_GENERATOR": _fixed("const", None),
    "BEFORE_WITH": _WITH,
    "PUSH_EXC_INFO": _fixed("caught"),
    "CHECK_EXC_MATCH": _fixed("catches", False),
    "POP_EXCEPT": _fixed("pop"),
    "SEND": _refuse("is a generator"),
}

_3_11: Mapping[str, Rule] = {
    **_SINCE_3_11,
    "PRECALL": _nothing,
    "KW_NAMES": _keyword_names,
    "UNARY_POSITIVE": _fixed("unary", "pos"),
    "LOAD_GLOBAL": _global_null_first,
    "LOAD_ATTR": _value("attribute"),
    "LOAD_METHOD": _value("method"),
    "FORMAT_VALUE": _format_value,
    "LIST_TO_TUPLE": _fixed("list_to_tuple"),
    "MAKE_FUNCTION": _number("function"),
    "JUMP_IF_FALSE_OR_POP": _jump_if("true", False, keep=True),
    "JUMP_IF_TRUE_OR_POP": _jump_if("true", True, keep=True),
    **{
        f"POP_JUMP_{way}_IF_{name}": rule
        for way in ("FORWARD", "BACKWARD")
        for name, rule in {
            "FALSE": _jump_if("true", False),
            "TRUE": _jump_if("true", True),
            "NONE": _jump_if("none", True),
            "NOT_NONE": _jump_if("none", False),
        }.items()
    },
}

_SINCE_3_12: Mapping[str, Rule] = {
    **_SINCE_3_11,
    "END_FOR": _nothing,
    "LOAD_FAST_CHECK": _value("local"),
    "LOAD_FAST_AND_CLEAR": _value("local_and_clear"),
    "LOAD_ATTR": _attribute_or_method,
    "BINARY_SLICE": _fixed("subscript_slice"),
    "CALL_INTRINSIC_1": _intrinsic,
    "RETURN_CONST": _return_constant,
    "POP_JUMP_IF_FALSE": _jump_if("true", False),
    "POP_JUMP_IF_TRUE": _jump_if("true", True),
    "POP_JUMP_IF_NONE": _jump_if("none", True),
    "POP_JUMP_IF_NOT_NONE": _jump_if("none", False),
    "STORE_SLICE": _refuse("changes items of a container"),
    "LOAD_SUPER_ATTR": _refuse("uses super()"),
}

_3_12: Mapping[str, Rule] = {
    **_SINCE_3_12,
    "KW_NAMES": _keyword_names,
    "LOAD_GLOBAL": _global_null_first,
    "FORMAT_VALUE": _format_value,
    "MAKE_FUNCTION": _number("function"),
}

_3_13: Mapping[str, Rule] = {
    **_SINCE_3_12,
    "LOAD_GLOBAL": _global_null_last,
    "LOAD_FAST_LOAD_FAST": _pair("local", "local"),
    "STORE_FAST_LOAD_FAST": _pair("store", "local"),
    "STORE_FAST_STORE_FAST": _pair("store", "store"),
    "CALL_KW": _number("call_named"),
    "TO_BOOL": _fixed("truth"),
    "CONVERT_VALUE": _convert,
    "FORMAT_SIMPLE": _fixed("format"),
    "FORMAT_WITH_SPEC": _fixed("format_with"),
    "MAKE_FUNCTION": _fixed("function", 0),
    "SET_FUNCTION_ATTRIBUTE": _number("function_part"),
    "FOR_ITER": _loop(pops=False),
}

_3_14: Mapping[str, Rule] = {
    **_3_13,
    "NOT_TAKEN": _nothing,
    "LOAD_FAST_BORROW": _value("local"),
    "LOAD_FAST_BORROW_LOAD_FAST_BORROW": _pair("local", "local"),
    "LOAD_SMALL_INT": _number("const"),
    "LOAD_COMMON_CONSTANT": _common_constant,
    "POP_ITER": _fixed("pop"),
    "LOAD_SPECIAL": _WITH,
    "BUILD_INTERPOLATION": _refuse("builds a template"),
    "BUILD_TEMPLATE": _refuse("builds a template"),
}

# By the second number of the version.
RULES: Mapping[int, Mapping[str, Rule]] = {10: _3_10, 11: _3_11, 12: _3_12, 13: _3_13, 14: _3_14}
