"""Where the two functions of a run are executed: here, or in local processes. Verbs: map, gather, abandon, close.

Results come back in the order of the tasks whatever finishes first, so the number of workers changes nothing.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Protocol

from fhir2cdisc.mappings.errors import Fhir2CdiscError


class WorkerError(Fhir2CdiscError):
    """A process of a run that ended without a result; the message says what may help."""


class Executor(Protocol):
    """What a run needs of an engine; a distributed one (futures) has the same verbs."""

    def map(self, function: Callable[..., Any], tasks: Iterable[tuple[Any, ...]]) -> Sequence[Any]: ...

    def gather(self, pending: Sequence[Any]) -> Iterator[Any]: ...

    def abandon(self) -> None: ...

    def close(self) -> None: ...


class Here:
    """Everything in this process, one task after the other."""

    def map(self, function: Callable[..., Any], tasks: Iterable[tuple[Any, ...]]) -> Sequence[Any]:
        return [(function, task) for task in tasks]

    def gather(self, pending: Sequence[Any]) -> Iterator[Any]:
        for function, task in pending:
            yield function(*task)

    def abandon(self) -> None:
        return None

    def close(self) -> None:
        return None


class LocalProcesses:
    """A pool of processes on this machine."""

    def __init__(self, workers: int) -> None:
        # Spawned, not forked: a fork of a process with threads (Arrow, BLAS) may hang.
        self._pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))

    def map(self, function: Callable[..., Any], tasks: Iterable[tuple[Any, ...]]) -> Sequence[Future[Any]]:
        return [self._pool.submit(function, *task) for task in tasks]

    def gather(self, pending: Sequence[Future[Any]]) -> Iterator[Any]:
        for future in pending:
            try:
                yield future.result()
            except BrokenProcessPool as error:
                raise WorkerError(
                    "a worker process was ended from outside, often for want of memory; use fewer --workers"
                ) from error

    def abandon(self) -> None:
        """End the processes: nobody waits for what they are at."""
        for process in multiprocessing.active_children():
            process.terminate()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


def executor(workers: int) -> Executor:
    """An executor of so many workers; one worker means this process."""
    return LocalProcesses(workers) if workers > 1 else Here()
