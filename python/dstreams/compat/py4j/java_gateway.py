"""The door to a JVM, kept so that it can be imported, and shut."""

__all__ = ["JavaGateway"]


class JavaGateway:
    """Raises when it is made: there is no JVM behind dstreams to talk to."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        raise NotImplementedError("dstreams runs without a JVM, so there is no Java gateway to open")
