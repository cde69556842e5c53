"""dstreams: Spark Streaming for Python without a JVM.

The public names are PySpark's; `import pyspark` gives them too when real PySpark is not installed.
"""

from __future__ import annotations

try:
    from dstreams import _native as _native
except ImportError as _error:
    # The words of CPython, of pyo3 and of the module itself have this in common.
    if "subinterpreters" not in str(_error):
        raise
    raise ImportError(
        "dstreams runs in the main interpreter of a process alone, and this is another one: import it in the main "
        "interpreter, or in a process of its own (multiprocessing, subprocess). Under mod_wsgi, "
        "`WSGIApplicationGroup %{GLOBAL}` has an application run in the main interpreter"
    ) from _error

from dstreams.compat import activate, load_ipython_extension
from dstreams.core.accumulators import Accumulator, AccumulatorParam
from dstreams.core.broadcast import Broadcast
from dstreams.core.conf import SparkConf
from dstreams.core.context import SparkContext
from dstreams.core.files import SparkFiles
from dstreams.core.profiler import BasicProfiler, Profiler
from dstreams.core.rdd import RDD
from dstreams.core.rdds.barrier import RDDBarrier
from dstreams.core.row import HiveContext, Row, SQLContext
from dstreams.core.serializers import CPickleSerializer, MarshalSerializer
from dstreams.core.status import SparkJobInfo, SparkStageInfo, StatusTracker
from dstreams.core.storagelevel import StorageLevel
from dstreams.core.taskcontext import BarrierTaskContext, BarrierTaskInfo, TaskContext
from dstreams.core.util import InheritableThread, inheritable_thread_target, keyword_only
from dstreams.core.version import SPARK_API_VERSION, __version__

__all__ = [
    "RDD",
    "SPARK_API_VERSION",
    "Accumulator",
    "AccumulatorParam",
    "BarrierTaskContext",
    "BarrierTaskInfo",
    "BasicProfiler",
    "Broadcast",
    "CPickleSerializer",
    "HiveContext",
    "InheritableThread",
    "MarshalSerializer",
    "Profiler",
    "RDDBarrier",
    "Row",
    "SQLContext",
    "SparkConf",
    "SparkContext",
    "SparkFiles",
    "SparkJobInfo",
    "SparkStageInfo",
    "StatusTracker",
    "StorageLevel",
    "TaskContext",
    "__version__",
    "activate",
    "inheritable_thread_target",
    "keyword_only",
    "load_ipython_extension",
]
