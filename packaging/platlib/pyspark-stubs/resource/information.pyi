"""The types of `dstreams.core.resource.information`."""

# Written by scripts/stubs.py.
from dstreams.core.resource.information import (
    ResourceInformation as ResourceInformation,
)
