"""The types of `dstreams.compat.py4j`."""

# Written by scripts/stubs.py.
