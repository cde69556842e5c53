"""What outputs of streams noted: a module, so that functions which come back from a checkpoint find the very same list."""

from __future__ import annotations

SEEN: list[tuple[str, list]] = []
