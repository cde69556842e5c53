"""How do objects become bytes, and a stream of bytes? The serializers that programs import from `pyspark.serializers`.

A stream is a sequence of frames: a length of 4 bytes, big end first, then as many bytes. Negative lengths are marks
(`SpecialLengths`). A batching serializer writes lists of elements through another one, a frame per list.
`SparkContext(serializer=...)` takes one of these, or a program's own; see `through`.
"""

from __future__ import annotations

import io
import itertools
import marshal
import pickle
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any

import cloudpickle

from dstreams.core.closures import by_value

__all__ = [
    "CPickleSerializer",
    "CloudPickleSerializer",
    "MarshalSerializer",
    "PickleSerializer",
    "UTF8Deserializer",
]

pickle_protocol = pickle.HIGHEST_PROTOCOL
_LARGEST = 1 << 31  # bytes in a frame


class SpecialLengths:
    """Lengths that are marks."""

    END_OF_DATA_SECTION = -1
    PYTHON_EXCEPTION_THROWN = -2
    TIMING_DATA = -3
    END_OF_STREAM = -4
    NULL = -5
    START_ARROW_STREAM = -6


# -- single values in a stream ------------------------------------------------------------------
def _reader(layout: str) -> Callable[[IO[bytes]], Any]:
    form = struct.Struct(layout)

    def read(stream: IO[bytes]) -> Any:
        data = stream.read(form.size)
        if len(data) < form.size:
            raise EOFError
        return form.unpack(data)[0]

    return read


read_int: Callable[[IO[bytes]], int] = _reader("!i")
read_long: Callable[[IO[bytes]], int] = _reader("!q")
read_bool: Callable[[IO[bytes]], bool] = _reader("!?")


def write_int(value: int, stream: IO[bytes]) -> None:
    """An int of 32 bits."""
    stream.write(struct.pack("!i", value))


def write_long(value: int, stream: IO[bytes]) -> None:
    """An int of 64 bits."""
    stream.write(struct.pack("!q", value))


def pack_long(value: int) -> bytes:
    """The 8 bytes of an int of 64 bits."""
    return struct.pack("!q", value)


def write_with_length(obj: bytes | bytearray, stream: IO[bytes]) -> None:
    """A frame."""
    write_int(len(obj), stream)
    stream.write(obj)


# -- serializers ----------------------------------------------------------------------------------
class Serializer:
    """What all serializers can do. Two are equal when their classes and their attributes are."""

    def dump_stream(self, iterator: Iterable[Any], stream: IO[bytes]) -> None:
        """Writes all objects."""
        raise NotImplementedError

    def load_stream(self, stream: IO[bytes]) -> Iterator[Any]:
        """The objects in a stream."""
        raise NotImplementedError

    def dumps(self, obj: Any) -> bytes:
        """The bytes of an object, or of a list of them where they come in batches."""
        raise NotImplementedError

    def _load_stream_without_unbatching(self, stream: IO[bytes]) -> Iterator[Iterable[Any]]:
        """The batches in a stream; without batches, each object by itself."""
        return ([one] for one in self.load_stream(stream))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.__dict__ == other.__dict__

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(str(self))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class FramedSerializer(Serializer):
    """A frame per object. A class of this kind defines `dumps` and `loads`."""

    def dump_stream(self, iterator: Iterable[Any], stream: IO[bytes]) -> None:
        """Writes a frame per object."""
        for obj in iterator:
            self._write_with_length(obj, stream)

    def load_stream(self, stream: IO[bytes]) -> Iterator[Any]:
        """The objects up to the mark for the end, or the end of the stream."""
        while True:
            try:
                obj = self._read_with_length(stream)
            except EOFError:
                return
            yield obj

    def _write_with_length(self, obj: Any, stream: IO[bytes]) -> None:
        data = self.dumps(obj)
        if data is None:
            raise ValueError("serialized value should not be None")
        if len(data) > _LARGEST:
            raise ValueError("can not serialize object larger than 2G")
        write_with_length(data, stream)

    def _read_with_length(self, stream: IO[bytes]) -> Any:
        length = read_int(stream)
        if length == SpecialLengths.END_OF_DATA_SECTION:
            raise EOFError
        if length == SpecialLengths.NULL:
            return None
        data = stream.read(length)
        if len(data) < length:
            raise EOFError
        return self.loads(data)

    def loads(self, obj: bytes) -> Any:
        """The object that bytes stand for."""
        raise NotImplementedError


class BatchedSerializer(Serializer):
    """Lists of `batchSize` objects, each through another serializer; all in one list without a size."""

    UNLIMITED_BATCH_SIZE = -1
    UNKNOWN_BATCH_SIZE = 0

    def __init__(self, serializer: Serializer, batchSize: int = UNLIMITED_BATCH_SIZE) -> None:
        self.serializer = serializer
        self.batchSize = batchSize

    def _batched(self, iterator: Iterable[Any]) -> Iterator[Any]:
        if self.batchSize == self.UNLIMITED_BATCH_SIZE:
            yield list(iterator)
            return
        source = iter(iterator)
        # A size of 0 never fills, so it makes one batch; but of nothing it makes none.
        size = self.batchSize or None
        while batch := list(itertools.islice(source, size)):
            yield batch

    def dump_stream(self, iterator: Iterable[Any], stream: IO[bytes]) -> None:
        """Writes all objects in batches."""
        self.serializer.dump_stream(self._batched(iterator), stream)

    def load_stream(self, stream: IO[bytes]) -> Iterator[Any]:
        """The objects of all batches."""
        return itertools.chain.from_iterable(self._load_stream_without_unbatching(stream))

    def _load_stream_without_unbatching(self, stream: IO[bytes]) -> Iterator[Any]:
        return self.serializer.load_stream(stream)

    def __repr__(self) -> str:
        return f"BatchedSerializer({self.serializer}, {self.batchSize})"


class FlattenedValuesSerializer(BatchedSerializer):
    """Pairs of a key and a list of values; a list of more than `batchSize` is cut into several pairs."""

    def __init__(self, serializer: Serializer, batchSize: int = 10) -> None:
        super().__init__(serializer, batchSize)

    def _batched(self, iterator: Iterable[Any]) -> Iterator[Any]:
        for key, values in iterator:
            for at in range(0, len(values), self.batchSize):
                yield key, values[at : at + self.batchSize]

    def load_stream(self, stream: IO[bytes]) -> Iterator[Any]:
        """The pairs as they were written."""
        return self.serializer.load_stream(stream)

    def __repr__(self) -> str:
        return f"FlattenedValuesSerializer({self.serializer}, {self.batchSize})"


class AutoBatchedSerializer(BatchedSerializer):
    """Batches that grow until one has about `bestSize` bytes, and shrink when one has ten times as many."""

    def __init__(self, serializer: Serializer, bestSize: int = 1 << 16) -> None:
        super().__init__(serializer, self.UNKNOWN_BATCH_SIZE)
        self.bestSize = bestSize

    def dump_stream(self, iterator: Iterable[Any], stream: IO[bytes]) -> None:
        """Writes all objects in batches."""
        source, size = iter(iterator), 1
        while batch := list(itertools.islice(source, size)):
            data = self.serializer.dumps(batch)
            write_with_length(data, stream)
            if len(data) < self.bestSize:
                size *= 2
            elif len(data) > self.bestSize * 10 and size > 1:
                size //= 2

    def __repr__(self) -> str:
        return f"AutoBatchedSerializer({self.serializer})"


class _OfTwo(Serializer):
    """Reads batches of two kinds that alternate in one stream."""

    def __init__(self, key_ser: Serializer, val_ser: Serializer) -> None:
        self.key_ser = key_ser
        self.val_ser = val_ser

    def _batches(self, stream: IO[bytes]) -> Iterator[tuple[list[Any], list[Any]]]:
        keys = self.key_ser._load_stream_without_unbatching(stream)
        values = self.val_ser._load_stream_without_unbatching(stream)
        # One from each in turn: they read the same stream, and it may end after either.
        for one, other in zip(keys, values, strict=False):
            yield list(one), list(other)

    def load_stream(self, stream: IO[bytes]) -> Iterator[Any]:
        """The pairs in a stream."""
        return itertools.chain.from_iterable(self._load_stream_without_unbatching(stream))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.key_ser}, {self.val_ser})"


class CartesianDeserializer(_OfTwo):
    """All pairs of a batch of keys and the batch of values after it."""

    def _load_stream_without_unbatching(self, stream: IO[bytes]) -> Iterator[Iterable[Any]]:
        return (itertools.product(keys, values) for keys, values in self._batches(stream))


class PairDeserializer(_OfTwo):
    """Pairs by position of a batch of keys and the batch of values after it, which has to be as long."""

    def _load_stream_without_unbatching(self, stream: IO[bytes]) -> Iterator[Iterable[Any]]:
        for keys, values in self._batches(stream):
            if len(keys) != len(values):
                raise ValueError(
                    "Can not deserialize PairRDD with different number of items in batches: "
                    f"({len(keys)}, {len(values)})"
                )
            yield zip(keys, values, strict=True)


class NoOpSerializer(FramedSerializer):
    """Bytes as they are."""

    def dumps(self, obj: Any) -> Any:
        """The object."""
        return obj

    def loads(self, obj: Any) -> Any:
        """The object."""
        return obj


class PickleSerializer(FramedSerializer):
    """Python's pickle."""

    def dumps(self, obj: Any) -> bytes:
        """A pickle."""
        return pickle.dumps(obj, pickle_protocol)

    def loads(self, obj: bytes, encoding: str = "bytes") -> Any:
        """What a pickle holds."""
        return pickle.loads(obj, encoding=encoding)


class CloudPickleSerializer(FramedSerializer):
    """Pickle that also knows functions and classes of the program."""

    def dumps(self, obj: Any) -> bytes:
        """A pickle. Raises PicklingError when there can be none."""
        try:
            return by_value.dumps(obj, pickle_protocol)
        except pickle.PickleError:
            raise
        except Exception as error:
            text = str(error)
            if "'i' format requires" in text:
                raise pickle.PicklingError(f"Object too large to serialize: {text}") from error
            raise pickle.PicklingError(f"Could not serialize object: {type(error).__name__}: {text}") from error

    def loads(self, obj: bytes, encoding: str = "bytes") -> Any:
        """What a pickle holds."""
        return cloudpickle.loads(obj, encoding=encoding)


CPickleSerializer = CloudPickleSerializer


class MarshalSerializer(FramedSerializer):
    """Python's marshal: fast, for numbers, text, bytes and the builtin collections alone."""

    def dumps(self, obj: Any) -> bytes:
        """Marshalled bytes. Raises ValueError for any other object."""
        return marshal.dumps(obj)

    def loads(self, obj: bytes) -> Any:
        """What marshalled bytes hold."""
        return marshal.loads(obj)


class AutoSerializer(FramedSerializer):
    """Marshal while it can, pickle from the first object on that it cannot. A leading letter tells which."""

    def __init__(self) -> None:
        self._type: bytes | None = None

    def dumps(self, obj: Any) -> bytes:
        """Bytes of either kind."""
        if self._type is None:
            try:
                return b"M" + marshal.dumps(obj)
            except ValueError:
                self._type = b"P"
        return self._type + pickle.dumps(obj, pickle_protocol)

    def loads(self, obj: bytes) -> Any:
        """What bytes of either kind hold. Raises ValueError when they are of neither."""
        kind = obj[:1]
        if kind == b"M":
            return marshal.loads(obj[1:])
        if kind == b"P":
            return pickle.loads(obj[1:])
        raise ValueError(f"invalid serialization type: {kind!r}")


class CompressedSerializer(FramedSerializer):
    """The frames of another serializer, compressed by zlib."""

    def __init__(self, serializer: FramedSerializer) -> None:
        assert isinstance(serializer, FramedSerializer), "serializer must be a FramedSerializer"
        self.serializer = serializer

    def dumps(self, obj: Any) -> bytes:
        """Compressed bytes."""
        return zlib.compress(self.serializer.dumps(obj), 1)

    def loads(self, obj: bytes) -> Any:
        """What compressed bytes hold."""
        return self.serializer.loads(zlib.decompress(obj))

    def __repr__(self) -> str:
        return f"CompressedSerializer({self.serializer})"


class UTF8Deserializer(Serializer):
    """Reads frames of text; as bytes without `use_unicode`."""

    def __init__(self, use_unicode: bool = True) -> None:
        self.use_unicode = use_unicode

    def loads(self, stream: IO[bytes]) -> Any:
        """The next text of a stream; None where there is the mark for it. Raises EOFError at the end."""
        length = read_int(stream)
        if length == SpecialLengths.END_OF_DATA_SECTION:
            raise EOFError
        if length == SpecialLengths.NULL:
            return None
        data = stream.read(length)
        return data.decode("utf-8") if self.use_unicode else data

    def load_stream(self, stream: IO[bytes]) -> Iterator[Any]:
        """The texts of a stream."""
        while True:
            try:
                text = self.loads(stream)
            except (struct.error, EOFError):
                return
            yield text

    def __repr__(self) -> str:
        return f"UTF8Deserializer({self.use_unicode})"


class ChunkedStream:
    """A stream to write into, which passes on frames of `buffer_size` bytes and the mark for the end at last."""

    def __init__(self, wrapped: IO[bytes], buffer_size: int) -> None:
        self.buffer_size = buffer_size
        self.buffer = bytearray()
        self.wrapped = wrapped

    def write(self, bytes: bytes) -> None:
        """Appends bytes."""
        self.buffer += bytes
        while len(self.buffer) >= self.buffer_size:
            write_with_length(self.buffer[: self.buffer_size], self.wrapped)
            del self.buffer[: self.buffer_size]

    def close(self) -> None:
        """Passes on what is left, and closes the stream within."""
        if self.buffer:
            write_with_length(self.buffer, self.wrapped)
            self.buffer.clear()
        write_int(SpecialLengths.END_OF_DATA_SECTION, self.wrapped)
        self.wrapped.close()

    @property
    def closed(self) -> bool:
        """Whether the stream within is closed."""
        return self.wrapped.closed


def batched(serializer: Serializer, size: int) -> Serializer:
    """A context's serializer: 0 lets batches choose their size."""
    if size == 0:
        return AutoBatchedSerializer(serializer)
    return BatchedSerializer(serializer, size)


def through(serializer: Serializer, elements: Iterable[Any]) -> Iterator[Any]:
    """Elements written and read again: what a serializer other than the usual ones makes of them."""
    stream = io.BytesIO()
    serializer.dump_stream(elements, stream)
    stream.seek(0)
    return serializer.load_stream(stream)
