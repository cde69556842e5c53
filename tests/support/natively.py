"""Programs that run once with native functions and once without."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


def check_both_ways(monkeypatch: pytest.MonkeyPatch, make: Callable[[], Any]) -> Any:
    """What `make` gives natively, which must be what Python gives: values, types and order."""
    with monkeypatch.context() as patch:
        patch.setenv("DSTREAMS_NATIVE", "1")
        native = make()
        patch.setenv("DSTREAMS_NATIVE", "0")
        assert repr(native) == repr(make())
    return native
