"""Which versions are these?"""

__version__ = "0.1.0"
# The version of Spark whose API, answers and errors are reproduced.
SPARK_API_VERSION = "3.5.9"
