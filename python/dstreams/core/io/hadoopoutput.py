"""How do Hadoop's output formats write pairs? As lines of text, or into sequence files.

1. Before it writes pairs, Spark looks at the first element, and at the first pair again if no classes are given: that
   pair decides on the classes of all files. Each look is a job.
2. Four RDDs are made on the way, in between what may fail: so a failed call has made as many as in Spark.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from dstreams import _native
from dstreams.core.engine.errors import java_error
from dstreams.core.engine.stopped import check_alive
from dstreams.core.io import hadoopkeys as keys
from dstreams.core.io import sequencefile
from dstreams.core.io.codecs import codec_named
from dstreams.core.io.hadoopconf import Configuration
from dstreams.core.io.hadoopformats import (
    OLD,
    Names,
    Settings,
    check_classes,
    exists,
    output_named,
    refuse_converters,
)
from dstreams.core.io.hadoopwriting import Writing, writing_of
from dstreams.core.io.javatext import java_class, known_to_java
from dstreams.core.io.output import SummedFile, folder_named, save
from dstreams.core.io.writables import LONG, TEXT, java_text, writable_for
from dstreams.core.rdds import tasks
from dstreams.core.rdds.taking import first_in_jvm

if TYPE_CHECKING:
    from dstreams.core.rdds.base import RDDBase

_SEQUENCES = OLD + "SequenceFileOutputFormat"
_NEW_TEXT = "org.apache.hadoop.mapreduce.lib.output.TextOutputFormat"
_LOOKED_AT = "take at SerDeUtil.scala:204"
_FIRST_PAIR = "first at PythonRDD.scala:549"


@dataclass(frozen=True)
class Output:
    """What a program asks for: which API, and the arguments of the method."""

    new_api: bool
    path: str | None
    format_name: str | None
    classes: Names = (None, None)
    converters: Names = (None, None)
    settings: Configuration = field(default_factory=Configuration)
    codec_name: str | None = None
    of_settings: bool = False
    """Whether the settings have all of it: then these tell the classes, too."""


def write_text(rdd: RDDBase[Any], path: str, codec_name: str | None = None) -> None:
    """Writes elements as lines of text."""
    writing = writing_of(rdd.ctx, rdd.ctx._hadoop, codec_name)
    _save_lines(rdd, path, "part-", writing, numbered=False)


def write_pickles(rdd: RDDBase[Any], path: str, batch_size: int) -> None:
    """Writes elements, pickled in lists, into sequence files."""
    writing = writing_of(rdd.ctx, rdd.ctx._hadoop, sequences=True)
    # Spark counts elements until there are as many as that: no number but a whole one above 0 ever comes.
    given: Any = batch_size
    each = batch_size if isinstance(given, int) and given >= 0 else sys.maxsize
    save(rdd, path, partial(sequencefile.write_pickles, each, _compression(writing)), writing=writing)


def write_sequence(rdd: RDDBase[Any], path: str, codec_name: str | None = None) -> None:
    """Writes (key, value) pairs into sequence files."""
    settings = rdd.ctx._hadoop.with_call(None)
    write_format(rdd, Output(False, path, _SEQUENCES, settings=settings, codec_name=codec_name))


def write_format(rdd: RDDBase[Any], asked: Output) -> None:
    """Writes (key, value) pairs into a folder. Without both classes, the first pair of all decides on them."""
    check_alive(rdd.ctx)
    _look_at_first(rdd)
    if None in asked.classes:
        asked = replace(asked, classes=_classes_of_first(rdd))
    else:
        check_classes(keyClass=asked.classes[0], valueClass=asked.classes[1])
    refuse_converters(*asked.converters)
    if asked.codec_name:
        codec_named(asked.codec_name)
    if asked.format_name is None:
        raise java_error(
            "java.lang.NullPointerException", "", "outputFormatClass: must be the name of a class, not None"
        )
    rdd.ctx._next_rdd()
    _write(rdd, asked)


def write_dataset(rdd: RDDBase[Any], new_api: bool, converters: Names, conf: Settings) -> None:
    """The same, all of it from a job's configuration."""
    check_alive(rdd.ctx)
    settings = rdd.ctx._hadoop.with_call(conf)
    _look_at_first(rdd)
    refuse_converters(*converters)
    rdd.ctx._next_rdd()
    name, path = settings.get(keys.NEW_FORMAT if new_api else keys.OLD_FORMAT), settings.get(keys.OUTPUT_DIR)
    classes = settings.get(keys.KEY_CLASS, LONG.name), settings.get(keys.VALUE_CLASS, TEXT.name)
    asked = Output(new_api, path or "", name or (_NEW_TEXT if new_api else OLD + "TextOutputFormat"), classes)
    asked = replace(asked, settings=settings, of_settings=True)
    _check_dataset(asked)
    if path is None:
        problem = "Output directory not set." if new_api else "Output directory not set in JobConf."
        raise java_error(OLD + "InvalidJobConfException", problem)
    _write(rdd, asked)


def _check_dataset(asked: Output) -> None:
    """What the older API finds out before it looks at anything else."""
    for name in asked.classes:
        if not asked.new_api and name is not None and not exists(name):
            problem = f"java.lang.RuntimeException: java.lang.ClassNotFoundException: Class {name} not found"
            raise java_error("java.lang.RuntimeException", problem)
    output_named(asked.format_name or "", asked.new_api, of_settings=True)


def _look_at_first(rdd: RDDBase[Any]) -> None:
    """Looks whether the first element is a pair. Spark makes an RDD of Java's objects before, one of pairs after."""
    rdd._node  # noqa: B018 - a function that cannot be pickled must fail before anything else
    rdd._show_packed()
    rdd.ctx._next_rdd()
    for element in first_in_jvm(_in_java(rdd), _LOOKED_AT):
        if element is None:
            raise java_error(
                "java.lang.NullPointerException", 'Cannot invoke "Object.getClass()" because "obj" is null'
            )
        if type(element) is not tuple or len(element) != 2:
            told = f"RDD element of type {java_class(element)} cannot be used"
            advice = f"{element!r:.80} is no tuple of key and value"
            raise java_error("org.apache.spark.SparkException", told, advice)
    rdd.ctx._next_rdd()


def _in_java(rdd: RDDBase[Any]) -> RDDBase[Any]:
    """The elements as far as Java can unpickle them; tasks fail otherwise."""
    return rdd._step("partitions", _unpickled)


def _unpickled(elements: Iterable[Any]) -> Iterator[Any]:
    for one in elements:
        # Who takes one stops its worker before that has told of accumulators: what functions added is lost.
        updates = _native.task_updates()
        if updates is not None:
            updates.clear()
        yield known_to_java(one)


def _classes_of_first(rdd: RDDBase[Any]) -> Names:
    """The classes that the first pair decides on."""
    found = first_in_jvm(_in_java(rdd), _FIRST_PAIR)
    if not found:
        advice = "Without a pair nothing tells the classes: keyClass and valueClass of saveAsHadoopFile do"
        raise java_error("org.apache.spark.SparkUnsupportedOperationException", "empty collection", advice)
    classes = [writable_for(one) for one in found[0]]
    for writable, one in zip(classes, found[0], strict=True):
        writable.dump(one)  # what is within must have classes, too
    return classes[0].name, classes[1].name


def _write(rdd: RDDBase[Any], asked: Output) -> None:
    format_name = output_named(asked.format_name or "", asked.new_api, asked.of_settings)
    if asked.new_api and asked.path is None:
        problem = f"The value of property {keys.OUTPUT_DIR} must not be null"
        raise java_error("java.lang.IllegalArgumentException", problem, "path: must be text, not None")
    folder = folder_named(asked.path)
    sequences = format_name == "SequenceFileOutputFormat"
    writing = writing_of(rdd.ctx, asked.settings, asked.codec_name, sequences=sequences)
    if asked.new_api and writing.validates and os.path.exists(folder):
        raise java_error(OLD + "FileAlreadyExistsException", f"Output directory {folder} already exists")
    prefix = (asked.settings.get(keys.BASE_NAME) or "part") + "-r-" if asked.new_api else "part-"
    if sequences:
        write = partial(_write_sequence, _compression(writing), asked.classes)
        save(rdd, folder, write, prefix=prefix, writing=writing, numbered=True)
        return
    separator = asked.settings.get(keys.OUTPUT_SEPARATOR, "\t") or ""
    _save_lines(rdd.mapPartitions(partial(_lines, separator)), folder, prefix, writing, numbered=True)


def _save_lines(rdd: RDDBase[Any], path: str, prefix: str, writing: Writing, numbered: bool) -> None:
    codec = writing.codec
    if codec is None:
        save(rdd, path, tasks.write_lines, prefix=prefix, writing=writing, numbered=numbered)
    else:
        write = partial(tasks.write_compressed, codec.name)
        save(rdd, path, write, codec.ending, prefix, writing=writing, numbered=numbered)


def _compression(writing: Writing) -> sequencefile.Compression | None:
    if writing.codec is None or not writing.compresses_sequences:
        return None
    return sequencefile.Compression(writing.codec.name, writing.block_bytes)


def _write_sequence(
    compression: sequencefile.Compression | None, classes: Names, file: SummedFile, pairs: Iterable[Any]
) -> None:
    key_class, value_class = classes
    names = key_class or LONG.name, value_class or TEXT.name
    sequencefile.write_pairs(compression, names, file, map(_ends, pairs))


def _lines(separator: str, pairs: Iterable[Any]) -> Iterator[str]:
    for pair in pairs:
        found = [java_text(one) for one in _ends(pair) if one is not None]
        if found:
            yield separator.join(found)


def _ends(pair: Any) -> tuple[Any, Any]:
    """What Spark takes for key and value: of a longer tuple, the first and the last."""
    if type(pair) is tuple and pair:
        return pair[0], pair[-1]
    problem = f"class {java_class(pair)} cannot be cast to class [Ljava.lang.Object;"
    raise java_error("java.lang.ClassCastException", problem, f"{pair!r:.80} is no tuple of key and value")
