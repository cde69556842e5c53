"""The types of `dstreams.core.version`."""

# Written by scripts/stubs.py.
