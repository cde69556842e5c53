"""The types of `dstreams.core.storagelevel`."""

# Written by scripts/stubs.py.
from dstreams.core.storagelevel import (
    StorageLevel as StorageLevel,
    check_level as check_level,
    java_error as java_error,
    refuse_level as refuse_level,
)
