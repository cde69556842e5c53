"""Which of Hadoop's classes for input and output are known, and what does a job's configuration say?

Programs name formats by their Java classes, of the older API (`org.apache.hadoop.mapred`) or the newer one
(`org.apache.hadoop.mapreduce`). Known are text, text with keys, and sequence files; all others are Java code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from dstreams.core.errors import java_error

OLD, NEW = "org.apache.hadoop.mapred.", "org.apache.hadoop.mapreduce."
_INPUTS = ("TextInputFormat", "KeyValueTextInputFormat", "SequenceFileInputFormat")
_OUTPUTS = ("TextOutputFormat", "SequenceFileOutputFormat")
_PLACES = {"InputFormat": (_INPUTS, "lib.input."), "OutputFormat": (_OUTPUTS, "lib.output.")}

Settings = Mapping[str, str] | None


def format_named(name: str, kind: str, new_api: bool, instead: str) -> str:
    """The short name of a format, such as `TextInputFormat`; `kind` is `InputFormat` or `OutputFormat`.

    Raises: Py4JJavaError for a class that is of the other API, no class at all, or not available without a JVM.
    """
    known, below = _PLACES[kind]
    old, new = {OLD + each: each for each in known}, {NEW + below + each: each for each in known}
    ours, others = (new, old) if new_api else (old, new)
    if name in ours:
        return ours[name]
    if name in others:
        wanted = (NEW if new_api else OLD) + kind
        problem = (
            f"class {name} cannot be cast to class {wanted} ({name} and {wanted} are in unnamed module of loader 'app')"
        )
        raise java_error("java.lang.ClassCastException", problem)
    if "." not in name:
        raise java_error("java.lang.ClassNotFoundException", name)
    raise java_error(
        "java.lang.UnsupportedOperationException",
        f"{name} is Java code, and dstreams runs without a JVM: use {', '.join(ours)}, or {instead}",
    )


def refuse_converters(key_converter: str | None, value_converter: str | None) -> None:
    """Raises Py4JJavaError when there is a converter, which would be Java code."""
    name = key_converter or value_converter
    if name:
        _no_converter(name)


def _no_converter(name: str) -> NoReturn:
    raise java_error(
        "java.lang.UnsupportedOperationException",
        f"the converter {name} is Java code, and dstreams runs without a JVM: use map before writing or after reading",
    )
