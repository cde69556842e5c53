"""What do Hadoop's input formats make of files? Pairs: of positions and lines, of parts of lines, of sequence files.

1. Lines are cut by the engine, as `src/source/records.rs` says; sequence files and records of one length are read here.
2. The older API cuts files into about `least` pieces, the newer only where a block of a local file ends; the rarer
   formats have plans of their own (`hadoopsplits.py`).
3. As in Spark, files are looked at when the RDD is made, by a job for its first pair; three RDDs are made for it, two
   of them before anything may fail but the names of classes. And `hadoopFile`, alone, takes no notice of its `conf`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from dstreams import _native
from dstreams.core.engine.arguments import optional_text, refuse_capacity
from dstreams.core.engine.errors import Py4JJavaError, java_error
from dstreams.core.engine.stopped import check_alive
from dstreams.core.io import hadoopkeys as keys
from dstreams.core.io import inputs, sequencefile
from dstreams.core.io.hadoopconf import Configuration
from dstreams.core.io.hadoopformats import Names, Settings, check_classes, input_named, refuse_converters
from dstreams.core.io.hadoopreading import Reading, reading_of
from dstreams.core.io.hadoopsplits import Plan, combined_plan, counted_plan, fixed_plan, read_fixed
from dstreams.core.rdds import lineage
from dstreams.core.rdds.taking import first_in_jvm

if TYPE_CHECKING:
    from dstreams.core.context import SparkContext
    from dstreams.core.rdd import RDD

# Where Spark makes the first RDD of each method, and the others.
_PLACES = {
    "sequenceFile": "sequenceFile at PythonRDD.scala:344",
    "newAPIHadoopFile": "newAPIHadoopFile at PythonRDD.scala:414",
    "newAPIHadoopRDD": "newAPIHadoopRDD at PythonRDD.scala:416",
    "hadoopFile": "hadoopFile at PythonRDD.scala:483",
    "hadoopRDD": "hadoopRDD at PythonRDD.scala:485",
}
_CONVERTED = "map at PythonHadoopUtil.scala:185"
_LOOKED_AT = "take at SerDeUtil.scala:173"
_PICKLED = "mapPartitions at SerDeUtil.scala:178"

_FORMS: dict[str, sequencefile.Form] = {
    "SequenceFileInputFormat": sequencefile.as_values,
    "CombineSequenceFileInputFormat": sequencefile.as_values,
    "SequenceFileAsTextInputFormat": sequencefile.as_text,
    "SequenceFileAsBinaryInputFormat": sequencefile.as_bytes,
}


@dataclass(frozen=True)
class Input:
    """What a program asks for: the method, and its arguments. Without a path, `conf` has it."""

    method: str
    path: str | None
    format_name: str
    classes: Names
    converters: Names
    conf: Settings = None
    batch: int = 0
    least: int | None = None

    @property
    def new_api(self) -> bool:
        """Whether the method is one of the newer API."""
        return self.method.startswith("newAPI")

    @property
    def has_path(self) -> bool:
        """Whether the path is an argument of the method."""
        return not self.method.endswith("RDD")


def read_format(ctx: SparkContext, asked: Input) -> RDD[Any]:
    """An RDD of what an input format gives.

    Raises: Py4JJavaError for what cannot be read, as soon as Spark does: for a format, a class or a setting that makes
            no sense, a path where nothing is, a first pair that cannot be had.
    """
    from dstreams.core.rdd import RDD
    from dstreams.core.rdds.base import frozen

    check_alive(ctx)
    for argument, name in (
        ("inputFormatClass", asked.format_name),
        ("keyClass", asked.classes[0]),
        ("valueClass", asked.classes[1]),
    ):
        optional_text(argument, name)
    settings = ctx._hadoop.with_call(asked.conf)
    check_classes(keyClass=asked.classes[0], valueClass=asked.classes[1], inputFormatClass=asked.format_name)
    kind, path = ("NewHadoopRDD" if asked.new_api else "HadoopRDD"), asked.path if asked.has_path else None
    if asked.method == "newAPIHadoopFile":
        _check_path(path)
    found = lineage.Shown(ctx, kind, _PLACES[asked.method], (), _not_known, name=path)
    refuse_converters(*asked.converters)
    converted = lineage.Shown(ctx, "MapPartitionsRDD", _CONVERTED, (found,), _not_known)
    if asked.method == "hadoopFile":
        settings = ctx._hadoop.with_call(None)
    if asked.has_path:
        _check_path(path)
    rdd: RDD[Any] = RDD(_Source(ctx, asked, settings).node(), ctx)
    found.count = converted.count = rdd._count
    try:
        first_in_jvm(rdd._shown_as(converted), _LOOKED_AT)
    except Py4JJavaError as error:
        raise error if asked.has_path else _as_in_settings(error, settings) from error.__cause__
    if asked.batch < 0:
        rdd = RDD(frozen(ctx, rdd._node, (("partitions", 0, (partial(_no_batches, asked.batch),)),), True), ctx)
    return rdd._shown_as(lineage.Shown(ctx, "MapPartitionsRDD", _PICKLED, (converted,), rdd._count))


def _not_known() -> int:
    return 0


def _check_path(path: str | None) -> None:
    """Raises Py4JJavaError for a path that is None or empty."""
    if path is None:
        problem = 'Cannot invoke "String.length()" because "commaSeparatedPaths" is null'
        raise java_error("java.lang.NullPointerException", problem, "path: must be text, not None")
    if not path:
        raise java_error("java.lang.IllegalArgumentException", "Can not create a Path from an empty string")


def _as_in_settings(error: Py4JJavaError, settings: Configuration) -> Py4JJavaError:
    """An error that names paths as the settings have them: Hadoop makes no addresses of these."""
    problem = error.java_exception
    if not problem.getName().endswith(".InvalidInputException"):
        return error
    message = problem.getMessage()
    for path in (settings.get(keys.INPUT_DIR) or "").split(","):
        message = message.replace(f"file:{os.path.abspath(path)}", path)
    return java_error(problem.getName(), message)


def _no_batches(size: int, pairs: Iterable[Any]) -> Iterator[Any]:
    for _ in pairs:
        problem = f"requirement failed: size={size} and step={size}, but both must be positive"
        raise java_error("java.lang.IllegalArgumentException", problem, "batchSize: must be 0 or more")
    yield from ()


class _Source:
    """Makes the engine's node for what a program asks for."""

    def __init__(self, ctx: SparkContext, asked: Input, settings: Configuration) -> None:
        self._ctx, self._settings = ctx, settings
        self._format = input_named(asked.format_name, asked.new_api)
        self._new_api = asked.new_api
        place = asked.path if asked.has_path else settings.get(keys.INPUT_DIR)
        if place is None:
            raise java_error("java.io.IOException", "No input paths specified in job")
        self._place = place
        # Those that take files together are the newer API's, whichever is asked.
        newer = asked.new_api or self._format.startswith("Combine")
        self._reading = reading_of(settings, ctx._file_settings, newer)
        self._least = None if asked.new_api else ctx.defaultMinPartitions if asked.least is None else asked.least

    def node(self) -> _native.Rdd:
        """The pairs, in their partitions."""
        name = self._format
        if name in ("TextInputFormat", "KeyValueTextInputFormat"):
            made = self._text(name == "KeyValueTextInputFormat")
        elif name == "NLineInputFormat":
            # Its reader knows the ends of lines alone.
            made = self._pieces(
                partial(counted_plan, self._place, self._lines()), self._reading._replace(delimiter=None)
            )
        elif name == "CombineTextInputFormat":
            made = self._pieces(self._combined(), self._reading)
        elif name == "FixedLengthInputFormat":
            told = self._settings.get(keys.RECORD_LENGTH)
            made = self._read(partial(fixed_plan, self._place, self._least), partial(read_fixed, told))
        else:
            plan = self._combined() if name.startswith("Combine") else self._sequences
            read = partial(sequencefile.read_pairs, form=_FORMS[name])
            made = self._read(plan, read)
        made.label = self._place
        return made

    def _text(self, parted: bool) -> _native.Rdd:
        separator = self._settings.get(keys.KEY_SEPARATOR, "\t") or ""
        if parted and not separator:
            return self._read(partial(fixed_plan, self._place, self._least), _no_separator)
        # Of a longer separator the first character counts, and of that the lowest byte.
        byte = ord(separator[0]) & 0xFF if parted else None
        return self._ctx._running.text_pairs(self._place, self._least, byte, self._reading)

    def _lines(self) -> int:
        try:
            return self._settings.getInt(keys.LINES_PER_SPLIT, 1)
        except Py4JJavaError as error:
            if self._new_api:
                raise
            raise java_error("java.lang.RuntimeException", "Error in configuring object", str(error)) from None

    def _sequences(self, reading: Reading) -> Plan:
        if self._least is not None and self._least < 0:
            refuse_capacity("minSplits", self._least)
        return inputs.sequence_plan(self._place, self._least, reading)

    def _combined(self) -> Callable[[Reading], Plan]:
        return partial(combined_plan, self._place, self._settings)

    def _pieces(self, plan: Callable[[Reading], Plan], reading: Reading) -> _native.Rdd:
        return self._ctx._running.text_pieces(partial(plan, reading), self._new_api, reading)

    def _read(self, plan: Callable[[Reading], Plan], read: Callable[[str, int, int], Iterator[Any]]) -> _native.Rdd:
        reading = self._reading
        return self._ctx._read(self._place, partial(plan, reading), partial(reading.read, read))._node


def _no_separator(path: str, start: int, size: int) -> Iterator[Any]:
    problem, advice = "String index out of range: 0", f"{keys.KEY_SEPARATOR}: must not be empty"
    raise java_error("java.lang.StringIndexOutOfBoundsException", problem, advice)
