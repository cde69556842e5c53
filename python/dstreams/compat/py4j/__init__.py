"""`py4j` without a JVM: only what Spark programs name in `except` clauses, in `py4j.protocol`."""

__dstreams__ = True
