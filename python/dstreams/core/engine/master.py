"""Where do tasks run? Reads a master such as `local[4]`.

Everything runs in this process; masters of clusters are refused by name, because a program that asks for one must
not silently run somewhere else.
"""

from __future__ import annotations

import os
import re

from dstreams.core.engine.errors import java_error
from dstreams.core.engine.settings import MOST_THREADS

_WHERE = "master, or spark.master"
_LOCAL = re.compile(r"local(?:\[(\*|[0-9]+)(?:\s*,\s*([0-9]+))?\])?")
_LOCAL_CLUSTER = re.compile(r"local-cluster\[\s*([0-9]+)\s*,\s*([0-9]+)\s*,\s*([0-9]+)\s*\]")


def usable_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


def parse(master: str) -> tuple[int, int]:
    """Task threads and tries per task. Raises Py4JJavaError for anything that is not local."""
    found = _LOCAL.fullmatch(master)
    if found:
        threads = usable_cores() if found[1] == "*" else _number(master, "threads", found[1] or "1", MOST_THREADS)
        return threads, _number(master, "tries of a task", found[2] or "1", 2**31 - 1)
    cluster = _LOCAL_CLUSTER.fullmatch(master)
    if cluster:
        processes = _number(master, "workers", cluster[1], MOST_THREADS)
        cores = _number(master, "cores", cluster[2], MOST_THREADS // processes)
        return processes * cores, 4
    if master in ("yarn", "k8s") or re.match(r"(spark|mesos|k8s|yarn)://?", master):
        raise java_error(
            "org.apache.spark.SparkException",
            f"Could not use Master URL: '{master}' ({_WHERE}): dstreams runs on this machine only. Use local, local[n] "
            "or local[*] here, and run the same program on Apache Spark for a cluster",
        )
    raise java_error(
        "org.apache.spark.SparkException",
        f"Could not parse Master URL: '{master}' ({_WHERE}). Use local, local[n], local[*] or local[n, maxFailures]",
    )


def _number(master: str, what: str, text: str, most: int) -> int:
    # What has more digits is not even read.
    found = int(text[:12])
    if not 1 <= found <= most:
        asked = "Asked to run locally with 0 threads" if (what, found) == ("threads", 0) else "Could not use Master URL"
        problem = f"{asked}: '{master}' ({_WHERE}) has {text:.40} for its number of {what}, which is 1 to {most}"
        raise java_error("org.apache.spark.SparkException", problem)
    return found
