"""What do Hadoop's input formats make of files? Pairs: of positions and lines, of parts of lines, of sequence files.

1. Lines are cut by the engine, as `src/source/records.rs` says; sequence files are read here.
2. The older API cuts files into about `least` pieces, the newer one only where a block of a local file ends.
3. As in Spark, files are looked at when the RDD is made; and `hadoopFile`, alone, takes no notice of its `conf`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from dstreams.core import hadoopkeys as keys
from dstreams.core import inputs, sequencefile
from dstreams.core.arguments import java_text
from dstreams.core.errors import java_error
from dstreams.core.hadoopconf import Configuration
from dstreams.core.hadoopformats import Settings, format_named, refuse_converters
from dstreams.core.hadoopreading import reading_of
from dstreams.core.stopped import check_alive

if TYPE_CHECKING:
    from dstreams.core.context import SparkContext
    from dstreams.core.rdd import RDD


def read_format(
    ctx: SparkContext,
    path: str | None,
    name: str,
    new_api: bool,
    converters: tuple[str | None, str | None],
    conf: Settings,
) -> RDD[Any]:
    """An RDD of what an input format gives; without a path, `conf` has it."""
    from dstreams.core.rdd import RDD

    check_alive(ctx)
    java_text("inputFormatClass", name)
    format_name = format_named(name, "InputFormat", new_api, "textFile, wholeTextFiles, binaryFiles or sequenceFile")
    refuse_converters(*converters)
    settings = ctx._hadoop.with_call(conf)
    if path is not None and not new_api:
        settings = ctx._hadoop.with_call(None)
    place = path if path is not None else settings.get(keys.INPUT_DIR)
    if place is None:
        raise java_error("java.io.IOException", "No input paths specified in job")
    reading = reading_of(settings, ctx._file_settings, new_api)
    least = None if new_api else ctx.defaultMinPartitions
    if format_name == "SequenceFileInputFormat":
        plan = partial(inputs.sequence_plan, place, least, reading)
        rdd = ctx._read(place, plan, partial(reading.read, sequencefile.read_pairs))
    else:
        separator = _separator(settings) if format_name == "KeyValueTextInputFormat" else None
        rdd = RDD(ctx._running.text_pairs(place, least, separator, reading), ctx)
        rdd._node.label = place
    rdd.getNumPartitions()
    return rdd


def _separator(settings: Configuration) -> int:
    """The byte between key and value: of a longer separator the first character alone, of that the lowest byte."""
    text = settings.get(keys.KEY_SEPARATOR, "\t")
    if not text:
        raise java_error("java.lang.StringIndexOutOfBoundsException", f"{keys.KEY_SEPARATOR}: must not be empty")
    return ord(text[0]) & 0xFF
