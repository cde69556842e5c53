"""The core of Spark's Python API: contexts, RDDs, shared variables."""
