"""How do elements of the program, ranges, lines of files and checkpoints become RDDs?"""

from __future__ import annotations

import itertools
import os
import uuid
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from dstreams.core.engine.arguments import java_int, java_text, optional_int, refuse_capacity, refuse_null
from dstreams.core.engine.errors import java_error
from dstreams.core.rdd import RDD, PipelinedRDD
from dstreams.core.rdds import lineage
from dstreams.core.rdds.base import frozen
from dstreams.core.rdds.checkpoint import checkpoint_path, parts_of, stored_parts
from dstreams.core.rdds.narrow import union_of
from dstreams.core.rdds.ranges import Numbers
from dstreams.core.serializers import BatchedSerializer, CPickleSerializer, UTF8Deserializer, through

if TYPE_CHECKING:
    from dstreams.core.context import SparkContext

T = TypeVar("T")


class Sources:
    """Lists, ranges, text, unions; the folder for checkpoints."""

    @property
    def _context(self) -> SparkContext:
        return self  # type: ignore[return-value]

    def emptyRDD(self) -> RDD[Any]:
        """An RDD without partitions."""
        made: RDD[Any] = RDD(self._context._running.held([]), self._context)
        made._node.set_packing(1)
        shown = lineage.Shown(self._context, "EmptyRDD", lineage.by("emptyRDD"), (), made._node.partitions)
        return made._shown_as(shown, lineage.RAW)

    def range(self, start: int, end: int | None = None, step: int = 1, numSlices: int | None = None) -> RDD[int]:
        """An RDD of the ints of `range(start, end, step)`; with one argument, of `range(start)`."""
        if end is None:
            start, end = 0, start
        return self.parallelize(range(start, end, step), numSlices)

    def parallelize(self, c: Iterable[T], numSlices: int | None = None) -> RDD[T]:
        """An RDD of the elements of `c`, copied now and cut into `numSlices` partitions as Spark cuts them."""
        slices = java_int("numSlices", int(numSlices)) if numSlices is not None else self._context.defaultParallelism
        if slices < 0:
            return RDD(self._context._running.planned(_refuse_slices), self._context)
        if not slices:
            raise ZeroDivisionError("integer division or modulo by zero: numSlices is 0")
        if isinstance(c, range) and len(c):
            numbers = Numbers.of(c, slices)
            source = self._of_range(numbers)
            count = source._node.partitions
            source._shown_as(lineage.Shown(self._context, "ParallelCollectionRDD", lineage.OF_LIST, (), count))
            return PipelinedRDD._of_numbers(source, numbers)
        data: Sequence[T] = c if isinstance(c, (list, tuple)) else list(c)
        batch = max(1, min(len(data) // slices, self._context._batchSize or 1024))
        if self._has_own_serializer:
            data = list(through(BatchedSerializer(self._context._unbatched_serializer, batch), data))
        batches = -(-len(data) // batch)
        cuts = [min(i * batches // slices * batch, len(data)) for i in range(slices + 1)]
        parts = [list(data[a:b]) for a, b in itertools.pairwise(cuts)]
        made: RDD[T] = RDD(self._context._running.held(parts, batch), self._context)
        shown = lineage.Shown(self._context, "ParallelCollectionRDD", lineage.OF_LIST, (), made._node.partitions)
        return made._shown_as(shown, ("batch", batch))

    @property
    def _has_own_serializer(self) -> bool:
        """Whether elements have to pass through the program's serializer."""
        return not isinstance(self._context._unbatched_serializer, CPickleSerializer)

    def _of_range(self, numbers: Numbers) -> RDD[Any]:
        engine, parts = self._context._running, [numbers.part(index) for index in range(numbers.slices)]
        if all(-(2**62) < border < 2**62 for part in parts for border in (part.start, part.stop, part.step)):
            return RDD(engine.numbers([(part.start, part.step, len(part)) for part in parts]), self._context)
        return RDD(engine.held([list(part) for part in parts]), self._context)

    def textFile(self, name: str, minPartitions: int | None = None, use_unicode: bool = True) -> RDD[str]:
        """An RDD of the lines of text files: a path, a folder, a glob, or several with commas between.

        Shape:  one partition per split, at least `minPartitions` (default: 2, or fewer with a smaller parallelism).
        Raises: Py4JJavaError when an action runs and nothing is there; the files are read anew by each action.
        Source: pyspark.SparkContext.textFile; `use_unicode=False` gives bytes.
        """
        least = optional_int("minPartitions", minPartitions, self._context.defaultMinPartitions)
        engine = self._context._running
        if name is None:
            node = engine.planned(partial(refuse_null, "name"))
        elif least <= 0:
            java_text("name", name)
            node = engine.planned(partial(refuse_capacity, "minPartitions", least))
        else:
            node = engine.text_file(java_text("name", name), least)
        node.label = name
        if not use_unicode:  # to Spark there is no further step
            node = frozen(self._context, node, (("map", 0, (_encode,)), ("packed", 1, ())), True)
        rdd: RDD[str] = RDD(node, self._context, UTF8Deserializer(use_unicode))
        shown = lineage.of_file(self._context, ("HadoopRDD*", "MapPartitionsRDD*"), "textFile", name, node.partitions)
        return rdd._shown_as(shown, lineage.TEXT if use_unicode else lineage.RAW)

    def union(self, rdds: Sequence[RDD[T]]) -> RDD[T]:
        """The elements of all RDDs in turn; RDDs partitioned alike are merged partition by partition.

        Raises: IndexError without an RDD.
        """
        if rdds is None:
            raise TypeError("rdds: expected a list of RDDs, got None")
        if not rdds:
            raise IndexError("rdds: a union needs at least one RDD")
        return union_of(rdds)

    def setCheckpointDir(self, dirName: str | None) -> None:
        """Makes a folder of its own in `dirName`, for checkpoints of RDDs; None: there is none any more.

        Raises: Py4JJavaError (IOException) when the folder cannot be made.
        """
        self._context._running  # noqa: B018 - a stopped context must say so
        if dirName is None:
            self._context._checkpoint_dir = None
            return
        folder = os.path.join(checkpoint_path(java_text("dirName", dirName), "dirName"), str(uuid.uuid4()))
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError as error:
            problem = f"The checkpoint folder {folder} cannot be made: {error.strerror}"
            named = {
                FileNotFoundError: "java.io.FileNotFoundException",
                NotADirectoryError: "org.apache.hadoop.fs.ParentNotDirectoryException",
            }
            raise java_error(named.get(type(error), "java.io.IOException"), problem) from error
        self._context._checkpoint_dir = f"file:{folder}"

    def getCheckpointDir(self) -> str | None:
        """The folder for checkpoints, as `file:` path, if set."""
        self._context._running  # noqa: B018 - a stopped context must say so
        return self._context._checkpoint_dir

    def _checkpointFile(self, name: str, input_deserializer: Any) -> RDD[Any]:
        """The elements of an RDD's checkpoint, by what its `getCheckpointFile()` said.

        Raises: Py4JJavaError (IllegalArgumentException) when there is no such folder.
        """
        shown = lineage.Shown(self._context, "ReliableCheckpointRDD", lineage.by("checkpointFile"), (), int)
        made: RDD[Any] = RDD(stored_parts(self._context, name, parts_of(name)), self._context, input_deserializer)
        made._checkpoint_file = name
        shown.count = made._count
        return made._shown_as(shown)


def _refuse_slices() -> Any:
    raise java_error("java.lang.IllegalArgumentException", "Positive number of partitions required")


def _encode(line: str) -> bytes:
    return line.encode("utf-8")
