"""The types of `dstreams.core.statcounter`."""

# Written by scripts/stubs.py.
from dstreams.core.statcounter import (
    StatCounter as StatCounter,
)
