"""Where do tasks run? Reads a master such as `local[4]`.

Everything runs in this process; masters of clusters are refused by name, because a program that asks for one must
not silently run somewhere else.
"""

from __future__ import annotations

import os
import re

from dstreams.core.errors import java_error

_LOCAL = re.compile(r"local(?:\[\s*(\*|[0-9]+)\s*(?:,\s*([0-9]+)\s*)?\])?")
_LOCAL_CLUSTER = re.compile(r"local-cluster\[\s*([0-9]+)\s*,\s*([0-9]+)\s*,\s*([0-9]+)\s*\]")


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


def parse(master: str) -> tuple[int, int]:
    """Task threads and tries per task. Raises Py4JJavaError for anything that is not local."""
    found = _LOCAL.fullmatch(master)
    if found:
        threads = _cores() if found[1] == "*" else int(found[1] or 1)
        if threads == 0:
            raise java_error("org.apache.spark.SparkException", "Asked to run locally with 0 threads")
        return threads, int(found[2] or 1)
    cluster = _LOCAL_CLUSTER.fullmatch(master)
    if cluster:
        return max(1, int(cluster[1]) * int(cluster[2])), 4
    if master in ("yarn", "k8s") or re.match(r"(spark|mesos|k8s|yarn)://?", master):
        raise java_error(
            "org.apache.spark.SparkException",
            f"Could not use Master URL: '{master}': dstreams runs on this machine only. Use local, local[n] or "
            "local[*] here, and run the same program on Apache Spark for a cluster",
        )
    raise java_error(
        "org.apache.spark.SparkException",
        f"Could not parse Master URL: '{master}'. Use local, local[n], local[*] or local[n, maxFailures]",
    )
