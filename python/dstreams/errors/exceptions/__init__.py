"""The package that PySpark keeps its exception classes in; they are in `base.py`."""
