"""The types of `dstreams.core.files`."""

# Written by scripts/stubs.py.
from dstreams.core.files import (
    OwnFolder as OwnFolder,
    ShippedFiles as ShippedFiles,
    SparkFiles as SparkFiles,
    ask_with as ask_with,
    in_order as in_order,
    java_error as java_error,
    java_hash as java_hash,
    local_path as local_path,
)
