"""What outputs of streams noted: in a module, so that functions that come back from a checkpoint find the same list."""

from __future__ import annotations

SEEN: list[tuple[str, list]] = []
# Values with which functions of streams are to fail.
FAILING: set[int] = set()
