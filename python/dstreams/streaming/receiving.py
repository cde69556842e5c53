"""Which inputs of a StreamingContext are made of receivers written in Python?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, BinaryIO

from dstreams.core.conf import SparkConf
from dstreams.core.storagelevel import StorageLevel
from dstreams.streaming.receiver import RawSocketReceiver, Receiver, SocketReceiver
from dstreams.streaming.settings import block_interval_ms, receiver_limits, restart_delay_ms, waiting_bytes
from dstreams.streaming.supervisor import supervise

if TYPE_CHECKING:
    from dstreams.streaming.dstream import DStream


class ReceiverSources:
    """The part of `StreamingContext` that Spark has in Scala alone."""

    def receiverStream(self, receiver: Receiver[Any]) -> DStream[Any]:
        """What a receiver stores. Records of one `spark.streaming.blockInterval` (200 ms) are a partition.

        Source: org.apache.spark.streaming.StreamingContext.receiverStream (3.5).
        """
        from dstreams.streaming.dstream import DStream

        if not isinstance(receiver, Receiver):
            raise TypeError(f"receiver: expected a pyspark.streaming.receiver.Receiver, got {receiver!r:.80}")
        ssc: Any = self
        conf = ssc._sc._conf
        ssc._graph.limit_receivers(*receiver_limits(conf))
        intake = ssc._graph.intake(block_interval_ms(conf), _bound(receiver, conf))
        supervisor = supervise(receiver, intake, restart_delay_ms(conf))
        stream = ssc._graph.add_receiver(intake, supervisor, type(receiver).__name__, "localhost")
        supervisor.stream_id = stream
        ssc._has_receivers = True
        ssc._supervisors.append((stream, supervisor))
        return DStream(stream, ssc)

    def socketStream(
        self,
        hostname: str,
        port: int,
        converter: Callable[[BinaryIO], Iterable[Any]],
        storageLevel: StorageLevel = StorageLevel.MEMORY_AND_DISK_2,
    ) -> DStream[Any]:
        """The objects that `converter` makes of the bytes that a TCP server at `hostname:port` sends.

        `converter(file)` is called for each connection, in the receiver's thread, with a binary file to read from; it
        gives an iterable. A server that is absent or goes away, and a converter that raises, are tried again.
        """
        _check_server(hostname, port)
        if not callable(converter):
            raise TypeError(f"converter: expected a function of a binary file, got {converter!r:.80}")
        return self.receiverStream(SocketReceiver(hostname, port, converter, storageLevel))

    def rawSocketStream(
        self,
        hostname: str,
        port: int,
        storageLevel: StorageLevel = StorageLevel.MEMORY_AND_DISK_2,
        decoder: Callable[[bytes], Iterable[Any]] | None = None,
    ) -> DStream[Any]:
        """Blocks that a TCP server sends, each behind its length in bytes as four bytes, the highest first.

        Each block is a partition: of one element, its bytes, or of what `decoder(block)` gives, `pickle.loads` of a
        pickled list for instance, if the server is to be trusted with that.
        """
        _check_server(hostname, port)
        if decoder is not None and not callable(decoder):
            raise TypeError(f"decoder: expected a function of bytes, got {decoder!r:.80}")
        return self.receiverStream(RawSocketReceiver(hostname, port, decoder, storageLevel))


def _check_server(hostname: Any, port: Any) -> None:
    if type(hostname) is not str or not hostname:
        raise TypeError(f"hostname: expected a host name as text, got {hostname!r}")
    if type(port) is not int:
        raise TypeError(f"port: expected a whole number, got {port!r}")
    if not 0 < port < 65536:
        raise ValueError(f"port: expected 1 to 65535, got {port}")


def _bound(receiver: Receiver[Any], conf: SparkConf) -> int:
    own = receiver.max_pending_bytes
    return waiting_bytes(conf) if own is None else own
