"""What helps to test and to show streaming programs.

`feed`, `collect`, `advance` and `expect` test a stream batch by batch (`batches`); with pytest, the fixtures
`spark_context` and `streaming_context` bring the contexts (`_dstreams_pytest`). A server of text and the demo are in
`feeder` and `demo`.
"""

from __future__ import annotations

from dstreams.testing.batches import Results, advance, collect, expect, feed

__all__ = ["Results", "advance", "collect", "expect", "feed"]
