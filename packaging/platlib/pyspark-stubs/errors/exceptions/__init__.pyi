"""The types of `dstreams.errors.exceptions`."""

# Written by scripts/stubs.py.
