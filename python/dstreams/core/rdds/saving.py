"""Writing RDDs into files."""

from __future__ import annotations

from typing import TypeVar

from dstreams.core.io import hadoopoutput
from dstreams.core.io.hadoopoutput import write_dataset, write_format, write_pickles, write_sequence, write_text
from dstreams.core.rdds.pairs import PairOps

T = TypeVar("T")


class Output(PairOps[T]):
    """Saves elements."""

    def saveAsTextFile(self, path: str, compressionCodecClass: str | None = None) -> None:
        """Writes a folder with a file `part-00000` ... per partition, a line per element, and `_SUCCESS` at the end.

        `compressionCodecClass` is the name of a Hadoop class: GzipCodec, BZip2Codec, DefaultCodec (zlib) or
        ZStandardCodec.
        Raises: Py4JJavaError when the folder exists, or a task fails; then there is no `_SUCCESS`.
        """
        write_text(self, path, compressionCodecClass)

    def saveAsPickleFile(self, path: str, batchSize: int = 10) -> None:
        """Writes a folder of sequence files with pickles of `batchSize` elements, which Spark can read too.

        Raises: Py4JJavaError when the folder exists, or a task fails; then there is no `_SUCCESS`.
        """
        write_pickles(self, path, batchSize)

    def saveAsSequenceFile(self, path: str, compressionCodecClass: str | None = None) -> None:
        """Writes a folder of sequence files, which Spark can read, from (key, value) pairs.

        Keys and values: str, bytes, bool, int, float, None, dicts, tuples of these, of the classes of the first pair.
        As in Spark, ints of 32 bits and longer ones are two classes, and an RDD without a pair is an error.
        Raises: Py4JJavaError for elements that are no such pairs; when the folder exists, or a task fails; then there
                is no `_SUCCESS`.
        """
        write_sequence(self, path, compressionCodecClass)

    # -- Hadoop's formats -----------------------------------------------------------------------
    def saveAsHadoopFile(
        self,
        path: str,
        outputFormatClass: str,
        keyClass: str | None = None,
        valueClass: str | None = None,
        keyConverter: str | None = None,
        valueConverter: str | None = None,
        conf: dict[str, str] | None = None,
        compressionCodecClass: str | None = None,
    ) -> None:
        """Writes (key, value) pairs by a format of `org.apache.hadoop.mapred`: Text- or SequenceFileOutputFormat.

        Classes count when both are given; else the first pair decides. Raises: Py4JJavaError for other formats and for
        converters, which are Java code; when the folder exists, a pair is of other classes, or a task fails.
        """
        classes, converters = (keyClass, valueClass), (keyConverter, valueConverter)
        settings = self.ctx._hadoop.with_call(conf)
        asked = hadoopoutput.Output(
            False, path, outputFormatClass, classes, converters, settings, compressionCodecClass
        )
        write_format(self, asked)

    def saveAsNewAPIHadoopFile(
        self,
        path: str,
        outputFormatClass: str,
        keyClass: str | None = None,
        valueClass: str | None = None,
        keyConverter: str | None = None,
        valueConverter: str | None = None,
        conf: dict[str, str] | None = None,
    ) -> None:
        """As `saveAsHadoopFile`, by the formats of `org.apache.hadoop.mapreduce.lib.output`."""
        classes, converters = (keyClass, valueClass), (keyConverter, valueConverter)
        settings = self.ctx._hadoop.with_call(conf)
        write_format(self, hadoopoutput.Output(True, path, outputFormatClass, classes, converters, settings))

    def saveAsHadoopDataset(
        self, conf: dict[str, str], keyConverter: str | None = None, valueConverter: str | None = None
    ) -> None:
        """As `saveAsHadoopFile`, with all of it in `conf`: `mapred.output.format.class`, and the folder as
        `mapreduce.output.fileoutputformat.outputdir`.
        """
        write_dataset(self, False, (keyConverter, valueConverter), conf)

    def saveAsNewAPIHadoopDataset(
        self, conf: dict[str, str], keyConverter: str | None = None, valueConverter: str | None = None
    ) -> None:
        """As `saveAsNewAPIHadoopFile`, with all of it in `conf`: `mapreduce.job.outputformat.class`, and the folder as
        `mapreduce.output.fileoutputformat.outputdir`.
        """
        write_dataset(self, True, (keyConverter, valueConverter), conf)
