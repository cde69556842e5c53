"""Where do messages go? To the logger `dstreams`, which by default writes warnings and errors to stderr."""

from __future__ import annotations

import logging

logger = logging.getLogger("dstreams")
