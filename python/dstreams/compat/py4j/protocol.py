"""The exceptions that programs catch as py4j's. They are the engine's own: see `dstreams.core.engine.errors`."""

from dstreams.core.engine.errors import Py4JError, Py4JJavaError, Py4JNetworkError

__all__ = ["Py4JError", "Py4JJavaError", "Py4JNetworkError"]
