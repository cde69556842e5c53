"""What do programs reach through `sc._jvm`, `sc._jsc` and `sc._gateway`? The few things of the JVM side that they use.

1. There is no JVM: what is here is the same question answered by this process. All else raises `Py4JError`, which names
   what was asked for and says what to do instead.
2. `names.py` has the table of Java's names; the other files have what they mean.
"""

from __future__ import annotations

from dstreams.core.java.context import JavaContext
from dstreams.core.java.names import JavaGateway, JavaView

__all__ = ["JavaContext", "JavaGateway", "JavaView"]
