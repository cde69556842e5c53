"""The types of `dstreams.errors.texts`."""

# Written by scripts/stubs.py.
from dstreams.errors.texts import (
    filled as filled,
)
