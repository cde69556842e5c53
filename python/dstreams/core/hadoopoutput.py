"""How do Hadoop's output formats write pairs? As lines of text, or into sequence files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from dstreams.core import sequencefile, tasks
from dstreams.core.codecs import Codec, codec_named
from dstreams.core.errors import java_error
from dstreams.core.hadoopformats import OLD, Settings, format_named, refuse_converters, setting
from dstreams.core.output import SummedFile, local_path, save

if TYPE_CHECKING:
    from dstreams.core._rdd_base import RDDBase

_OUTPUT_DIR = ("mapreduce.output.fileoutputformat.outputdir", "mapred.output.dir")
_COMPRESS = ("mapreduce.output.fileoutputformat.compress", "mapred.output.compress")
_CODEC = ("mapreduce.output.fileoutputformat.compress.codec", "mapred.output.compression.codec")
_SEPARATOR = ("mapreduce.output.textoutputformat.separator", "mapred.textoutputformat.separator")
_FORMAT = {False: ("mapred.output.format.class",), True: ("mapreduce.job.outputformat.class",)}
_KEY_CLASS = ("mapreduce.job.output.key.class", "mapred.output.key.class")
_VALUE_CLASS = ("mapreduce.job.output.value.class", "mapred.output.value.class")


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
    instead = "saveAsTextFile, saveAsSequenceFile or saveAsPickleFile"
    format_name = format_named(name, "OutputFormat", new_api, instead)
    refuse_converters(*converters)
    folder = local_path(path)
    if new_api and os.path.exists(folder):
        raise java_error(OLD + "FileAlreadyExistsException", f"Output directory {folder} already exists")
    codec = _codec(conf, codec_name)
    prefix = "part-r-" if new_api else "part-"
    if format_name == "SequenceFileOutputFormat":
        write = partial(_write_sequence, codec.name if codec else None, classes)
        save(rdd, path, write, prefix=prefix)
        return
    separator = setting(conf, *_SEPARATOR) or "\t"
    lines = rdd.mapPartitions(partial(_lines, separator))
    if codec is None:
        save(lines, path, tasks.write_lines, prefix=prefix)
    else:
        save(lines, path, partial(tasks.write_compressed, codec.name), codec.ending, prefix)


def write_dataset(rdd: RDDBase[Any], new_api: bool, converters: tuple[str | None, str | None], conf: Settings) -> None:
    """The same, all of it from a job's configuration."""
    name, path = setting(conf, *_FORMAT[new_api]), setting(conf, *_OUTPUT_DIR)
    if name is None:
        name = "org.apache.hadoop.mapreduce.lib.output.TextOutputFormat" if new_api else OLD + "TextOutputFormat"
    if path is None:
        raise java_error(OLD + "InvalidJobConfException", "Output directory not set in JobConf.")
    classes = (None, None) if name.endswith("TextOutputFormat") else _classes(conf)
    write_format(rdd, path, name, new_api, classes, converters, conf)


def _classes(conf: Settings) -> tuple[str | None, str | None]:
    return setting(conf, *_KEY_CLASS), setting(conf, *_VALUE_CLASS)


def _codec(conf: Settings, name: str | None) -> Codec | None:
    if name is None and (setting(conf, *_COMPRESS) or "").lower() == "true":
        name = setting(conf, *_CODEC) or "org.apache.hadoop.io.compress.DefaultCodec"
    return codec_named(name) if name else None


def _write_sequence(
    codec: str | None, classes: tuple[str | None, str | None], file: SummedFile, pairs: Iterable[Any]
) -> None:
    sequencefile.write_pairs(codec, file, map(_checked, pairs), classes)


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
