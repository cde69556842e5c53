"""How do files become RDDs, other than line by line, and how do they reach tasks?

Paths are as for `textFile`: a path, a folder, a glob, or several with commas between. Files are listed on first use: a
missing one is noticed by the first action.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from dstreams.core.engine.arguments import (
    java_bool,
    java_int,
    java_text,
    optional_int,
    optional_text,
    refuse_capacity,
    refuse_null,
)
from dstreams.core.engine.settings import value_of
from dstreams.core.files import ShippedFiles, in_order
from dstreams.core.io import inputs, sequencefile
from dstreams.core.io.hadoopformats import SEQUENCES
from dstreams.core.io.hadoopinput import Input, read_format
from dstreams.core.io.hadoopreading import Reading, reading_of
from dstreams.core.io.output import local_path
from dstreams.core.io.writables import TEXT
from dstreams.core.rdd import RDD
from dstreams.core.rdds import lineage
from dstreams.core.rdds.base import frozen

if TYPE_CHECKING:
    from dstreams.core.context import SparkContext


class FileInputs:
    """Whole files, fixed records, pickles, sequence files."""

    def wholeTextFiles(
        self, path: str, minPartitions: int | None = None, use_unicode: bool = True
    ) -> RDD[tuple[str, str]]:
        """(path, text) of each file; `.gz`, `.bz2`, `.deflate` and `.zst` are decompressed.

        Shape:  small files share partitions, about `minPartitions` (default: 2, or fewer with a smaller parallelism).
        Raises: Py4JJavaError when an action runs and nothing is there.
        """
        least = optional_int("minPartitions", minPartitions, self._context.defaultMinPartitions)
        java_text("path", path)
        reading = self._reading(new_api=True)
        plan = partial(inputs.whole_text_plan, path, least, reading)
        read = self._read(path, plan, partial(reading.read, partial(inputs.read_text, use_unicode)), each=1)
        return self._shown(read, ("WholeTextFileRDD", "MapPartitionsRDD*"), "wholeTextFiles", path, pairs=True)

    def binaryFiles(self, path: str, minPartitions: int | None = None) -> RDD[tuple[str, bytes]]:
        """(path, content) of each file.

        Shape:  small files share partitions.
        Raises: Py4JJavaError when an action runs and nothing is there.
        """
        least = optional_int("minPartitions", minPartitions, self._context.defaultMinPartitions)
        parallelism = max(self._context.defaultParallelism, least)
        java_text("path", path)
        # Spark opens these files where Python's bytes are made of them, behind its care for missing and corrupt ones.
        plan = partial(inputs.binary_plan, path, parallelism, self._reading(new_api=True))
        read = self._read(path, plan, inputs.read_binaries, each=1)
        return self._shown(read, ("BinaryFileRDD*",), "binaryFiles", path, pairs=True)

    def binaryRecords(self, path: str, recordLength: int) -> RDD[bytes]:
        """The records of `recordLength` bytes that files consist of.

        Raises: Py4JJavaError when an action runs and nothing is there, or a file ends within a record.
        """
        java_text("path", path)
        java_int("recordLength", recordLength)
        reading = self._reading(new_api=True)
        plan = partial(inputs.records_plan, path, recordLength, reading)
        read = self._read(path, plan, partial(reading.read, partial(inputs.read_records, recordLength)), each=1)
        return self._shown(read, ("NewHadoopRDD*", "MapPartitionsRDD"), "binaryRecords", path)

    def pickleFile(self, name: str, minPartitions: int | None = None) -> RDD[Any]:
        """The elements that `RDD.saveAsPickleFile` saved, here or with Spark.

        Raises: Py4JJavaError when an action runs and nothing is there, or a file is no pickle file.
        """
        least = optional_int("minPartitions", minPartitions, self._context.defaultMinPartitions)
        given: Any = name  # None fails when an action looks for files
        plan: Any = partial(refuse_null, "name")
        if given is not None:
            plan = partial(self._sequence_plan, java_text("name", given), least)
        read = self._read(name, plan, partial(self._reading(new_api=False).read, sequencefile.read_pickles))
        return self._shown(read, ("HadoopRDD*", "MapPartitionsRDD"), "objectFile", name)

    def sequenceFile(
        self,
        path: str,
        keyClass: str | None = None,
        valueClass: str | None = None,
        keyConverter: str | None = None,
        valueConverter: str | None = None,
        minSplits: int | None = None,
        batchSize: int = 0,
    ) -> RDD[tuple[Any, Any]]:
        """The (key, value) pairs of sequence files of text, bytes (as bytearrays), numbers, bools and nulls.

        The files tell their classes, so `keyClass`, `valueClass` and `batchSize` are not needed. As in Spark, a job
        looks for the first pair at once, here and in the four methods below.
        Raises: Py4JJavaError at once when nothing is there, when the first pair is of other classes, or for a
                converter, which would be Java code.
        """
        optional_text("path", path)  # None fails where files are looked for
        least = optional_int("minSplits", minSplits, self._context.defaultMinPartitions)
        classes, converters = (keyClass or TEXT.name, valueClass or TEXT.name), (keyConverter, valueConverter)
        asked = Input("sequenceFile", path, SEQUENCES, classes, converters, None, batchSize, least)
        return read_format(self._context, asked)

    # -- files for tasks --------------------------------------------------------------------------
    _shipped_files: ShippedFiles | None = None
    _python_includes: list[str]
    PACKAGE_EXTENSIONS: ClassVar[Iterable[str]] = (".zip", ".egg", ".jar")

    @property
    def _shipped(self) -> ShippedFiles:
        ctx = self._context
        ctx._running  # noqa: B018 - a stopped context must say so
        if self._shipped_files is None:
            self._shipped_files = ShippedFiles(value_of(ctx._conf, "spark.files.overwrite"))
        return self._shipped_files

    def addFile(self, path: str, recursive: bool = False) -> None:
        """Copies a local file, or a folder if `recursive`, to where `SparkFiles.get` finds it in tasks.

        Raises: Py4JJavaError when it does not exist, or another file of this name was added.
        """
        shipped = self._shipped
        shipped.add(java_text("path", path), java_bool("recursive", recursive))

    def addPyFile(self, path: str) -> None:
        """Makes a copy of a module, or of those in a .zip, .egg or .jar, importable from now on, here and in tasks.

        Raises: Py4JJavaError when it does not exist, is a folder, or another file of this name was added.
        """
        shipped = self._shipped
        shipped.add(java_text("path", path), False)
        name = os.path.basename(local_path(path))
        if name.lower().endswith(tuple(self.PACKAGE_EXTENSIONS)):
            self._python_includes.append(name)
            sys.path.insert(1, os.path.join(shipped.root, name))
        elif shipped.root not in sys.path:
            sys.path.append(shipped.root)
        importlib.invalidate_caches()

    def _forget_files(self) -> None:
        if self._shipped_files is not None:
            root = self._shipped_files.root
            sys.path[:] = [folder for folder in sys.path if folder != root and not folder.startswith(root + os.sep)]
            self._shipped_files.remove()

    def addArchive(self, path: str) -> None:
        """Unpacks a local .zip, .tar, .tar.gz, .tgz or .jar into the folder that `SparkFiles.get` finds under its name.

        `path#name` gives the folder another name. Raises: Py4JJavaError when it does not exist or is no archive.
        """
        shipped = self._shipped
        shipped.add_archive(java_text("path", path))

    @property
    def listFiles(self) -> list[str]:
        """The files and folders that were added, as `file:` addresses."""
        self._context._running  # noqa: B018 - a stopped context must say so
        return in_order(self._shipped_files.files) if self._shipped_files else []

    @property
    def listArchives(self) -> list[str]:
        """The archives that were added, as `file:` addresses."""
        self._context._running  # noqa: B018 - a stopped context must say so
        return in_order(self._shipped_files.archives) if self._shipped_files else []

    def _reading(self, new_api: bool) -> Reading:
        """What the settings say about reading files now, by one of Hadoop's two interfaces."""
        return reading_of(self._context._hadoop, self._context._file_settings, new_api)

    def _sequence_plan(self, path: str, least: int) -> list[list[inputs.Piece]]:
        if least < 0:
            refuse_capacity("minPartitions", least)
        # Settings are read when the partitions are made: the older interface does so.
        return inputs.sequence_plan(path, least, self._reading(new_api=False))

    @property
    def _context(self) -> SparkContext:
        return self  # type: ignore[return-value]

    def _read(
        self,
        path: str,
        plan: Callable[[], list[list[inputs.Piece]]],
        read: Callable[[Iterable[inputs.Piece]], Iterable[Any]],
        each: int = 0,
    ) -> RDD[Any]:
        """What `read` finds in the pieces of a plan; `each`: how many elements are in a batch, if that is fixed."""
        pieces = self._context._running.planned(plan)
        pieces.label = optional_text("path", path)
        # Below Python in Spark: no chain of the program's, and under no profiler.
        steps = (("partitions", 0, (read,)), ("packed", each, ()))
        return RDD(frozen(self._context, pieces, steps, False), self._context)

    def _shown(self, made: RDD[Any], kinds: tuple[str, ...], method: str, path: str, pairs: bool = False) -> RDD[Any]:
        """Says what Spark has for an RDD of files."""
        shown = lineage.of_file(self._context, kinds, method, path, made._node.partitions)
        shown.pairs = pairs
        return made._shown_as(shown, lineage.RAW if pairs else None)

    # -- Hadoop's formats -----------------------------------------------------------------------
    def hadoopFile(
        self,
        path: str,
        inputFormatClass: str,
        keyClass: str,
        valueClass: str,
        keyConverter: str | None = None,
        valueConverter: str | None = None,
        conf: dict[str, str] | None = None,
        batchSize: int = 0,
    ) -> RDD[tuple[Any, Any]]:
        """The pairs that a format of `org.apache.hadoop.mapred` finds in files.

        Known are TextInputFormat (position in bytes, line), lib.NLineInputFormat and lib.CombineTextInputFormat (the
        same, in other partitions), KeyValueTextInputFormat (what is before and behind a tab), FixedLengthInputFormat
        (position, bytes), SequenceFileInputFormat, its AsText and AsBinary, and lib.CombineSequenceFileInputFormat.
        The classes have to exist; they and `batchSize` change nothing.
        As in Spark, `conf` has no effect here: the other three methods honour it, `docs/settings.md` says what of it.
        Raises: Py4JJavaError for other formats and for converters, which are Java code; when nothing is there.
        """
        classes, converters = (keyClass, valueClass), (keyConverter, valueConverter)
        return read_format(
            self._context, Input("hadoopFile", path, inputFormatClass, classes, converters, conf, batchSize)
        )

    def newAPIHadoopFile(
        self,
        path: str,
        inputFormatClass: str,
        keyClass: str,
        valueClass: str,
        keyConverter: str | None = None,
        valueConverter: str | None = None,
        conf: dict[str, str] | None = None,
        batchSize: int = 0,
    ) -> RDD[tuple[Any, Any]]:
        """As `hadoopFile`, by the formats of `org.apache.hadoop.mapreduce.lib.input`."""
        classes, converters = (keyClass, valueClass), (keyConverter, valueConverter)
        return read_format(
            self._context, Input("newAPIHadoopFile", path, inputFormatClass, classes, converters, conf, batchSize)
        )

    def hadoopRDD(
        self,
        inputFormatClass: str,
        keyClass: str,
        valueClass: str,
        keyConverter: str | None = None,
        valueConverter: str | None = None,
        conf: dict[str, str] | None = None,
        batchSize: int = 0,
    ) -> RDD[tuple[Any, Any]]:
        """As `hadoopFile`, with the path in `conf` as `mapreduce.input.fileinputformat.inputdir`."""
        classes, converters = (keyClass, valueClass), (keyConverter, valueConverter)
        return read_format(
            self._context, Input("hadoopRDD", None, inputFormatClass, classes, converters, conf, batchSize)
        )

    def newAPIHadoopRDD(
        self,
        inputFormatClass: str,
        keyClass: str,
        valueClass: str,
        keyConverter: str | None = None,
        valueConverter: str | None = None,
        conf: dict[str, str] | None = None,
        batchSize: int = 0,
    ) -> RDD[tuple[Any, Any]]:
        """As `newAPIHadoopFile`, with the path in `conf` as `mapreduce.input.fileinputformat.inputdir`."""
        classes, converters = (keyClass, valueClass), (keyConverter, valueConverter)
        return read_format(
            self._context, Input("newAPIHadoopRDD", None, inputFormatClass, classes, converters, conf, batchSize)
        )
