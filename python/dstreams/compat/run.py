"""How is a program run as `python PROGRAM` would run it, but with `pyspark` meaning dstreams?

1. This interpreter becomes the program's: `sys.argv`, `sys.path[0]` and `__main__` are as the program expects
   them.
2. The choice of engine is in the environment, so interpreters that the program starts have it too.
"""

from __future__ import annotations

import builtins
import io
import os
import sys
from importlib.machinery import SourceFileLoader

from dstreams.compat.choice import activate


def run_program(program: str, arguments: list[str]) -> int:
    """Run a Python file in place of the current `__main__`. Its exceptions, also SystemExit, pass through.

    Returns an exit code: 2, with a sentence on stderr, if the program could not be started.
    """
    path = os.path.abspath(program)
    try:
        activate()
        with io.open_code(path) as file:
            source = file.read()
    except (ImportError, OSError) as problem:
        print(f"dstreams: {problem}", file=sys.stderr)
        return 2
    sys.argv[:] = [program, *arguments]
    if not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
        sys.path[0] = os.path.dirname(os.path.realpath(path))
    # In place, and for good: pickles, child processes and exit handlers all look for the program in
    # `__main__`. Our caller lives in that namespace and finds none of its own globals in it afterwards.
    namespace = sys.modules["__main__"].__dict__
    namespace.clear()
    namespace.update(
        __name__="__main__",
        __doc__=None,
        __package__=None,
        __loader__=SourceFileLoader("__main__", path),
        __spec__=None,
        __builtins__=builtins,
        __file__=path,
    )
    exec(compile(source, path, "exec"), namespace)
    return 0
