"""The types of `dstreams.core.join`."""

# Written by scripts/stubs.py.
from dstreams.core.join import (
    python_cogroup as python_cogroup,
    python_full_outer_join as python_full_outer_join,
    python_join as python_join,
    python_left_outer_join as python_left_outer_join,
    python_right_outer_join as python_right_outer_join,
)
