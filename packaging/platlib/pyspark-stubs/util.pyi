"""The types of `dstreams.core.util`."""

# Written by scripts/stubs.py.
from dstreams.core.util import (
    InheritableThread as InheritableThread,
    R as R,
    VersionUtils as VersionUtils,
    inheritable_thread_target as inheritable_thread_target,
    keyword_only as keyword_only,
)
