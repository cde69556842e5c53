"""How does a job run while the elements of the one before are used? One ahead, in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from dstreams.core.engine import deep
from dstreams.core.util import InheritableThread

R = TypeVar("R")
_POLL = 0.05  # seconds; between two polls Ctrl-C is heard


def ahead(jobs: Iterable[Callable[[], R]]) -> Iterator[R]:
    """The results of jobs in turn. While one is used, the next job runs; the one after it waits until it is asked for.

    What a job raises is raised where its result is asked for.
    """
    source = iter(jobs)
    running = _begin(source)
    while running is not None:
        result = running.result()
        running = _begin(source)
        yield result


def _begin(jobs: Iterator[Callable[[], R]]) -> _Running[R] | None:
    job = next(jobs, None)
    return _Running(job) if job is not None else None


class _Running(Generic[R]):
    """A job that has begun, with the local properties of the thread that began it."""

    def __init__(self, job: Callable[[], R]) -> None:
        self._results: list[R] = []
        self._error: BaseException | None = None
        self._thread = InheritableThread(self._run, args=(job,), daemon=True)
        deep.start(self._thread)

    def _run(self, job: Callable[[], R]) -> None:
        try:
            self._results.append(job())
        except BaseException as error:  # raised again where the result is asked for
            self._error = error

    def result(self) -> R:
        """What the job gives, once it has ended."""
        while self._thread.is_alive():
            self._thread.join(_POLL)
        if self._error is not None:
            raise self._error
        return self._results[0]
