"""Which module of dstreams stands behind which imported name? Data only.

1. A name below a listed one goes below its target: `pyspark.streaming.context` is
   `dstreams.streaming.context`.
2. A target that does not exist is a name that dstreams does not provide; rows may be ahead of the code.
3. A `pyspark` module that is listed nowhere is not provided.
"""

ALIASES: dict[str, str] = {
    "findspark": "dstreams.compat.findspark",
    "py4j": "dstreams.compat.py4j",
    "pyspark.accumulators": "dstreams.core.accumulators",
    "pyspark.broadcast": "dstreams.core.broadcast",
    "pyspark.cloudpickle": "cloudpickle",
    "pyspark.conf": "dstreams.core.conf",
    "pyspark.context": "dstreams.core.context",
    "pyspark.errors": "dstreams.errors",
    "pyspark.files": "dstreams.core.files",
    "pyspark.join": "dstreams.core.join",
    "pyspark.profiler": "dstreams.core.profiler",
    "pyspark.rdd": "dstreams.core.rdd",
    "pyspark.rddsampler": "dstreams.core.rddsampler",
    "pyspark.resource": "dstreams.core.resource",
    "pyspark.resultiterable": "dstreams.core.resultiterable",
    "pyspark.serializers": "dstreams.core.serializers",
    "pyspark.shuffle": "dstreams.core.shuffle",
    "pyspark.sql": "dstreams.sql",
    "pyspark.statcounter": "dstreams.core.statcounter",
    "pyspark.status": "dstreams.core.status",
    "pyspark.storagelevel": "dstreams.core.storagelevel",
    "pyspark.streaming": "dstreams.streaming",
    "pyspark.taskcontext": "dstreams.core.taskcontext",
    "pyspark.util": "dstreams.core.util",
    "pyspark.version": "dstreams.core.version",
}

# Beside a Spark Connect client: packages that are the client's, whatever dstreams has.
CLIENTS: frozenset[str] = frozenset({"pyspark.sql"})

# Beside a Spark Connect client: modules of which both have something. The client's SQL code imports private
# names from them that only its own files have, programs import public ones that must be ours. Value: whose
# name wins a tie.
SHARED: dict[str, str] = {
    "pyspark.accumulators": "dstreams",
    "pyspark.errors": "client",  # its classes take other arguments than ours, and its code raises them
    "pyspark.profiler": "client",
    "pyspark.serializers": "dstreams",
    "pyspark.util": "client",
}

# Beside a Spark Connect client: what its code imports from `pyspark` itself, and where its files define it.
CLIENT_NAMES: dict[str, str] = {
    "_NoValue": "pyspark._globals",
    "HiveContext": "pyspark.sql",
    "Row": "pyspark.sql",
    "SQLContext": "pyspark.sql",
}
