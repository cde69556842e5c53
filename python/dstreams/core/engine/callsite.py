"""Which line of the program is calling?

Asked once per job, so it must cost microseconds: it walks frames and reads no source.
"""

from __future__ import annotations

import os
import sys

_PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep


# Jobs that the JVM's side of PySpark starts, where nothing is known of the program.
_IN_JVM = {
    **dict.fromkeys(("first", "isEmpty", "runJob", "take"), "runJob at PythonRDD.scala:181"),
    **dict.fromkeys(
        (
            "saveAsHadoopDataset",
            "saveAsHadoopFile",
            "saveAsNewAPIHadoopDataset",
            "saveAsNewAPIHadoopFile",
            "saveAsPickleFile",
            "saveAsSequenceFile",
            "saveAsTextFile",
        ),
        "runJob at SparkHadoopWriter.scala:83",
    ),
    **dict.fromkeys(("countApprox", "sumApprox"), "sumApprox at NativeMethodAccessorImpl.java:0"),
    "meanApprox": "meanApprox at NativeMethodAccessorImpl.java:0",
    "countApproxDistinct": "countApproxDistinct at NativeMethodAccessorImpl.java:0",
}


def where() -> tuple[str, str, int]:
    """The function called last in this package, and the file and line outside that called it."""
    function, frame = "<module>", sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith(_PACKAGE) and not file.startswith("<frozen"):
            return function, file, frame.f_lineno
        function, frame = frame.f_code.co_name, frame.f_back  # type: ignore[assignment]
    return function, "<unknown>", 0


def short() -> str:
    """The place as Spark names stages after it: `collect at program.py:7`."""
    function, file, line = where()
    return _IN_JVM.get(function) or f"{function} at {file}:{line}"
