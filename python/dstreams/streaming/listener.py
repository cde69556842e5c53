"""What can a program be told about its batches?"""

from __future__ import annotations

from typing import Any

__all__ = ["StreamingListener"]


class StreamingListener:
    """Override what you want to hear of; each method gets one event object with getter methods."""

    def onStreamingStarted(self, streamingStarted: Any) -> None:
        """The streaming has begun."""

    def onReceiverStarted(self, receiverStarted: Any) -> None:
        """A receiver has begun."""

    def onReceiverError(self, receiverError: Any) -> None:
        """A receiver has reported an error."""

    def onReceiverStopped(self, receiverStopped: Any) -> None:
        """A receiver has ended."""

    def onBatchSubmitted(self, batchSubmitted: Any) -> None:
        """A batch's jobs wait to run."""

    def onBatchStarted(self, batchSubmitted: Any) -> None:
        """A batch's jobs have begun."""

    def onBatchCompleted(self, batchCompleted: Any) -> None:
        """A batch's jobs have ended."""

    def onOutputOperationStarted(self, outputOperationStarted: Any) -> None:
        """An output operation of a batch has begun."""

    def onOutputOperationCompleted(self, outputOperationCompleted: Any) -> None:
        """An output operation of a batch has ended."""
