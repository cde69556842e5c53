"""How do functions of the program travel by value without losing the names of their files?

cloudpickle 3.1.3 gives all code that it loads one made-up file name, so tracebacks would show no lines of the program.
Here code keeps its file's name, as with Spark. Everything that pickles functions does it by this pickler.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from types import CodeType
from typing import Any

import cloudpickle


class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Pickles functions and classes of the program by value."""

    def reducer_override(self, obj: Any) -> Any:
        if type(obj) is CodeType:
            make, parts = self.dispatch_table[CodeType](obj)
            return code_of_file, (obj.co_filename, make, parts)
        return super().reducer_override(obj)


def code_of_file(name: str, make: Callable[..., CodeType], parts: tuple[Any, ...]) -> CodeType:
    """Code as it was, with the name of its file."""
    return make(*parts).replace(co_filename=name)


def dumps(value: Any, protocol: int = pickle.HIGHEST_PROTOCOL) -> bytes:
    """A pickle. Raises whatever a `__reduce__` raises."""
    buffer = io.BytesIO()
    Pickler(buffer, protocol=protocol).dump(value)
    return buffer.getvalue()
