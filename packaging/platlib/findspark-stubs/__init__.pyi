"""The types of `dstreams.compat.findspark`."""

# Written by scripts/stubs.py.
from dstreams.compat.findspark import (
    add_jars as add_jars,
    add_packages as add_packages,
    find as find,
    init as init,
)
