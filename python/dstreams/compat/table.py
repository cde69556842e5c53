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

# What programs import that is not here, and what to do instead. The longest name that fits counts.
_REAL = "an installed PySpark runs the program unchanged (DSTREAMS_ENGINE=spark insists on it)"
_RECEIVER = "a Receiver of your own (StreamingContext.receiverStream) or a socket can feed a stream"
INSTEAD: dict[str, str] = {
    "pyspark.sql": (
        "DataFrames and SQL are not part of dstreams yet; RDDs do what many queries do (map, filter, reduceByKey, join,"
        f" sortBy; Row is in pyspark itself), and {_REAL}"
    ),
    "pyspark.ml": f"machine learning is not part of dstreams; {_REAL}",
    "pyspark.mllib": f"machine learning is not part of dstreams; {_REAL}",
    "pyspark.pandas": f"pandas on Spark is not part of dstreams; pandas itself may do, or {_REAL}",
    "pyspark.streaming.kafka": f"Spark has had no Kafka DStreams for Python since 3.0; {_RECEIVER}",
    "pyspark.streaming.kinesis": f"Kinesis is not part of dstreams yet; {_RECEIVER}, and {_REAL}",
    "pyspark.streaming.flume": f"Spark has had no Flume DStreams for Python since 3.0; {_RECEIVER}",
    "pyspark.streaming.mqtt": f"Spark has had no MQTT DStreams for Python since 2.0; {_RECEIVER}",
    "pyspark.java_gateway": "there is no JVM here, and nothing to reach one by",
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
