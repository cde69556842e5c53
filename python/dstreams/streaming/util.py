"""Small things of streams: how times are named."""

from __future__ import annotations

import time
from datetime import datetime


def rddToFileName(prefix: str, suffix: str | None, timestamp: datetime | int | float) -> str:
    """The folder of one batch: `prefix-<milliseconds>`, with `.suffix` when there is one."""
    if isinstance(timestamp, datetime):
        timestamp = int(time.mktime(timestamp.timetuple()) * 1000) + timestamp.microsecond // 1000
    return f"{prefix}-{timestamp}" if suffix is None else f"{prefix}-{timestamp}.{suffix}"
