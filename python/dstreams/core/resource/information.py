"""Which resources of one kind, such as GPUs, does a task or the driver have?"""

from __future__ import annotations

__all__ = ["ResourceInformation"]


class ResourceInformation:
    """A kind of resource by name, and the addresses of those that are there."""

    def __init__(self, name: str, addresses: list[str]) -> None:
        self._name = name
        self._addresses = addresses

    @property
    def name(self) -> str:
        """The kind of resource, such as `gpu`."""
        return self._name

    @property
    def addresses(self) -> list[str]:
        """One address for each; what it means depends on the kind."""
        return self._addresses
