"""Which of Hadoop's classes for input and output are known, and what does a call say about one that is not?

Programs name formats by their Java classes, of the older API (`org.apache.hadoop.mapred`) or the newer one
(`org.apache.hadoop.mapreduce`). All that are not in the tables below are Java code.
1. Spark looks for all classes of a call before it uses one: a class that does not exist is noticed first.
2. Java's, Hadoop's and Spark's own classes are taken to exist, others not: there is no JVM to ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from dstreams.core.engine.errors import Py4JJavaError, java_error

OLD, NEW = "org.apache.hadoop.mapred.", "org.apache.hadoop.mapreduce."
SEQUENCES = OLD + "SequenceFileInputFormat"
_THERE = ("java.", "javax.", "scala.", "org.apache.hadoop.", "org.apache.spark.")

Settings = Mapping[str, str] | None
Names = tuple[str | None, str | None]


class Side(NamedTuple):
    """Input or output: Java's interface for it, the formats' packages below those of the APIs, and what else to use."""

    interface: str
    old: dict[str, str]
    new: dict[str, str]
    instead: str

    def known(self, new_api: bool) -> dict[str, str]:
        """The short names of the formats of an API, by their classes."""
        return self.new if new_api else self.old


def _side(interface: str, package: str, old: dict[str, tuple[str, ...]], instead: str) -> Side:
    """`old`: the short names of formats, by where they are in the older API; in the newer one all are in one place."""
    names = [(below, name) for below, found in old.items() for name in found]
    return Side(
        interface,
        {f"{OLD}{below}{name}": name for below, name in names},
        {f"{NEW}{package}{name}": name for _, name in names},
        instead,
    )


INPUT = _side(
    "InputFormat",
    "lib.input.",
    {
        "": (
            "TextInputFormat",
            "KeyValueTextInputFormat",
            "FixedLengthInputFormat",
            "SequenceFileInputFormat",
            "SequenceFileAsTextInputFormat",
            "SequenceFileAsBinaryInputFormat",
        ),
        "lib.": ("NLineInputFormat", "CombineTextInputFormat", "CombineSequenceFileInputFormat"),
    },
    "textFile, wholeTextFiles, binaryFiles or sequenceFile",
)
OUTPUT = _side(
    "OutputFormat",
    "lib.output.",
    {"": ("TextOutputFormat", "SequenceFileOutputFormat")},
    "saveAsTextFile, saveAsSequenceFile or saveAsPickleFile",
)


def exists(name: str) -> bool:
    """Whether there is such a class in Java, as far as can be known without one."""
    return name.startswith(_THERE)


def check_classes(**names: str | None) -> None:
    """Looks for classes by the arguments that name them.

    Raises: Py4JJavaError (ClassNotFoundException) for the first one that does not exist.
    """
    for argument, name in names.items():
        if name is None:
            raise java_error("java.lang.NullPointerException", "", f"{argument}: must be the name of a class, not None")
        if not exists(name):
            raise not_found(
                name, f"{argument}={name!r} is no class that is known here, and there is no JVM to look for others"
            )


def not_found(name: str, advice: str) -> Py4JJavaError:
    """The error for a class that does not exist."""
    return java_error("java.lang.ClassNotFoundException", name, advice)


def input_named(name: str, new_api: bool) -> str:
    """The short name of an input format.

    Raises: Py4JJavaError for a class of the other API, or one that is not available without a JVM.
    """
    known = INPUT.known(new_api)
    if name not in known:
        raise _no_cast(name, INPUT, new_api) if name in INPUT.known(not new_api) else _java_code(name, INPUT, new_api)
    return known[name]


def output_named(name: str, new_api: bool, of_settings: bool) -> str:
    """The short name of an output format, named by a call or by its settings.

    Raises: Py4JJavaError for a class of the other API, no class, or one that is not available without a JVM.
    """
    runtime, known = "java.lang.RuntimeException", OUTPUT.known(new_api)
    within = f"{runtime}: " if of_settings and not new_api else ""
    if name in known:
        return known[name]
    if not exists(name):
        if not of_settings:
            raise not_found(name, f"outputFormatClass={name!r}: there is no JVM, so {_works(OUTPUT, new_api)}")
        raise java_error(runtime, f"{within}java.lang.ClassNotFoundException: Class {name} not found")
    if name in {**OUTPUT.known(not new_api), **INPUT.old, **INPUT.new}:
        if of_settings and new_api:
            raise _no_cast(name, OUTPUT, new_api)
        raise java_error(runtime, f"{within}class {name} not {_interface(OUTPUT, new_api)}")
    raise _java_code(name, OUTPUT, new_api)


def _interface(side: Side, new_api: bool) -> str:
    return (NEW if new_api else OLD) + side.interface


def _no_cast(name: str, side: Side, new_api: bool) -> Py4JJavaError:
    wanted = _interface(side, new_api)
    loader = f"{name} and {wanted} are in unnamed module of loader 'app'"
    problem = f"class {name} cannot be cast to class {wanted} ({loader})"
    return java_error("java.lang.ClassCastException", problem)


def _java_code(name: str, side: Side, new_api: bool) -> Py4JJavaError:
    return java_error(
        "java.lang.UnsupportedOperationException",
        f"{name} is Java code, and dstreams runs without a JVM: {_works(side, new_api)}",
    )


def _works(side: Side, new_api: bool) -> str:
    return f"use {', '.join(side.known(new_api))}, or {side.instead}"


def refuse_converters(key_converter: str | None, value_converter: str | None) -> None:
    """Raises Py4JJavaError (ClassNotFoundException) when there is a converter, which would be Java code."""
    for argument, name in (("keyConverter", key_converter), ("valueConverter", value_converter)):
        if name is not None:
            problem = f"{argument}={name!r}: there is no JVM, so use map before writing or after reading"
            raise not_found(name, problem)
