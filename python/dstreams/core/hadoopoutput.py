"""How do Hadoop's output formats write pairs? As lines of text, or into sequence files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from dstreams.core import hadoopkeys as keys
from dstreams.core import sequencefile, tasks
from dstreams.core.errors import java_error
from dstreams.core.hadoopconf import Configuration
from dstreams.core.hadoopformats import OLD, Settings, format_named, refuse_converters
from dstreams.core.hadoopwriting import Writing, writing_of
from dstreams.core.output import SummedFile, local_path, save

if TYPE_CHECKING:
    from dstreams.core._rdd_base import RDDBase


def write_text(rdd: RDDBase[Any], path: str, codec_name: str | None = None) -> None:
    """Writes elements as lines of text."""
    writing = writing_of(rdd.ctx, rdd.ctx._hadoop, codec_name)
    _save_lines(rdd, path, "part-", writing)


def write_sequence(rdd: RDDBase[Any], path: str, codec_name: str | None = None) -> None:
    """Writes (key, value) pairs into sequence files."""
    writing = writing_of(rdd.ctx, rdd.ctx._hadoop, codec_name)
    save(rdd, path, partial(_write_sequence, _compression(writing), (None, None)), writing=writing)


def write_pickles(rdd: RDDBase[Any], path: str, batch_size: int) -> None:
    """Writes elements, pickled in lists, into sequence files."""
    writing = writing_of(rdd.ctx, rdd.ctx._hadoop)
    save(rdd, path, partial(sequencefile.write_pickles, batch_size, _compression(writing)), writing=writing)


def write_format(
    rdd: RDDBase[Any],
    path: str,
    name: str,
    new_api: bool,
    classes: tuple[str | None, str | None],
    converters: tuple[str | None, str | None],
    conf: Settings,
    codec_name: str | None = None,
) -> None:
    """Writes (key, value) pairs into a folder. Without classes, the first pair of a partition decides on them."""
    settings = rdd.ctx._hadoop.with_call(conf)
    _write(rdd, path, name, new_api, classes, converters, settings, codec_name)


def _write(
    rdd: RDDBase[Any],
    path: str,
    name: str,
    new_api: bool,
    classes: tuple[str | None, str | None],
    converters: tuple[str | None, str | None],
    settings: Configuration,
    codec_name: str | None = None,
) -> None:
    instead = "saveAsTextFile, saveAsSequenceFile or saveAsPickleFile"
    format_name = format_named(name, "OutputFormat", new_api, instead)
    refuse_converters(*converters)
    writing = writing_of(rdd.ctx, settings, codec_name)
    folder = local_path(path)
    if new_api and writing.validates and os.path.exists(folder):
        raise java_error(OLD + "FileAlreadyExistsException", f"Output directory {folder} already exists")
    prefix = (settings.get(keys.BASE_NAME) or "part") + "-r-" if new_api else "part-"
    if format_name == "SequenceFileOutputFormat":
        write = partial(_write_sequence, _compression(writing), classes)
        save(rdd, path, write, prefix=prefix, writing=writing)
        return
    separator = settings.get(keys.OUTPUT_SEPARATOR, "\t") or ""
    _save_lines(rdd.mapPartitions(partial(_lines, separator)), path, prefix, writing)


def _save_lines(rdd: RDDBase[Any], path: str, prefix: str, writing: Writing) -> None:
    codec = writing.codec
    if codec is None:
        save(rdd, path, tasks.write_lines, prefix=prefix, writing=writing)
    else:
        save(rdd, path, partial(tasks.write_compressed, codec.name), codec.ending, prefix, writing=writing)


def write_dataset(rdd: RDDBase[Any], new_api: bool, converters: tuple[str | None, str | None], conf: Settings) -> None:
    """The same, all of it from a job's configuration."""
    settings = rdd.ctx._hadoop.with_call(conf)
    name, path = settings.get(keys.NEW_FORMAT if new_api else keys.OLD_FORMAT), settings.get(keys.OUTPUT_DIR)
    if name is None:
        name = "org.apache.hadoop.mapreduce.lib.output.TextOutputFormat" if new_api else OLD + "TextOutputFormat"
    if path is None:
        raise java_error(OLD + "InvalidJobConfException", "Output directory not set in JobConf.")
    classes: tuple[str | None, str | None] = (None, None)
    if not name.endswith("TextOutputFormat"):
        classes = (settings.get(keys.KEY_CLASS), settings.get(keys.VALUE_CLASS))
    _write(rdd, path, name, new_api, classes, converters, settings)


def _compression(writing: Writing) -> sequencefile.Compression | None:
    if writing.codec is None or not writing.compresses_sequences:
        return None
    return sequencefile.Compression(writing.codec.name, writing.block_bytes)


def _write_sequence(
    compression: sequencefile.Compression | None,
    classes: tuple[str | None, str | None],
    file: SummedFile,
    pairs: Iterable[Any],
) -> None:
    sequencefile.write_pairs(compression, file, map(_checked, pairs), classes)


def _lines(separator: str, pairs: Iterable[Any]) -> Iterator[str]:
    for pair in pairs:
        key, value = _checked(pair)
        yield separator.join(java_text(one) for one in (key, value) if one is not None)


def _checked(pair: Any) -> Any:
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise java_error("org.apache.spark.SparkException", f"RDD element of type {type(pair).__name__} cannot be used")
    return pair


def java_text(value: Any) -> str:
    """A value as Hadoop's classes for it print it. Raises Py4JJavaError when there is no such class."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _java_double(value)
    if isinstance(value, (bytes, bytearray)):
        return value.hex(" ")
    if isinstance(value, (str, int)):
        return str(value)
    if isinstance(value, dict):
        pairs = value.items()
        return "{" + ", ".join("=".join("(null)" if x is None else java_text(x) for x in pair) for pair in pairs) + "}"
    raise java_error("org.apache.spark.SparkException", f"Data of type {type(value).__name__} cannot be used")


def _java_double(value: float) -> str:
    """A float as Java prints it: with an exponent below 10**-3 and from 10**7 on."""
    if value != value or value in (float("inf"), float("-inf")):
        return {"inf": "Infinity", "-inf": "-Infinity"}.get(str(value), "NaN")
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    power = int(exponent) + len(digits) - 1
    rest = "".join(map(str, digits[1:])) or "0"
    return f"{'-' if sign else ''}{digits[0]}.{rest}E{power}"
