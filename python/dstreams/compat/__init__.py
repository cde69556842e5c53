"""The names that Spark programs import: how do `pyspark`, `findspark` and `py4j` lead to dstreams?

Whether they do is decided in `_dstreams_names` (a module of its own, so that interpreter start and real
PySpark stay untouched by dstreams). Here: which name means what (`table.py`), how it gets there
(`aliases.py`), how a program asks for it (`choice.py`), and the two small packages that dstreams has no other
use for (`findspark.py`, `py4j/`). No API code: whatever `pyspark.x` holds is defined elsewhere in dstreams.
"""

from dstreams.compat.choice import activate, load_ipython_extension

__all__ = ["activate", "load_ipython_extension"]
