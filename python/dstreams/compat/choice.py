"""How does a running program choose dstreams, even beside an installed PySpark?

`dstreams.activate()`, or `%load_ext dstreams` in a notebook, before the first import of `pyspark`. Both only
set `DSTREAMS_ENGINE`, so child interpreters choose the same, and make sure that the finder is in place.
"""

from __future__ import annotations

import os
import sys

import _dstreams_names as names


def activate() -> None:
    """Let `pyspark`, `findspark` and `py4j` mean dstreams from here on, also beside the real packages.

    May be called any number of times. Raises ImportError, and changes nothing, when it comes too late (the
    real package is loaded already) or when `DSTREAMS_ENGINE=spark` insists on the real one.
    """
    if names.chosen() == "spark":
        raise ImportError(f"{names.VARIABLE}=spark insists on the real PySpark: unset it to run on dstreams")
    # A real findspark that has been loaded does no harm: it has only changed `sys.path`.
    foreign = [root for root in ("pyspark", "py4j") if root in sys.modules and not names.is_ours(root)]
    if foreign:
        raise ImportError(
            f"the real {foreign[0]} is already imported: restart Python, and call dstreams.activate()"
            " (in a notebook: %load_ext dstreams) before anything imports pyspark"
        )
    os.environ[names.VARIABLE] = "dstreams"
    names.install()


def load_ipython_extension(ipython: object) -> None:
    """`%load_ext dstreams` in a notebook: the same as `dstreams.activate()`."""
    activate()
