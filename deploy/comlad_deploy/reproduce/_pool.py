"""Many runs at once, one in each worker process.

Workers are spawned, hold BLAS at one thread and end with this process, whatever ends it.
How far each has come stands in memory that all share: nobody waits for anybody.
"""

import ctypes
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import wait as wait_for
from typing import Any

from comlad.errors import ComladError
from comlad_deploy.reproduce._trace import Stopped, Trace, compute

__all__ = ["Job", "cores", "run_jobs"]

_REFRESH_S = 0.2
_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Job:
    """A run that is wanted.

    Args:
        name: As people read it.
        place: Where its trace is kept.
        tables: Of its experiment, with seed and rounds.
        cost: How long it takes, compared with others of as many rounds.
        closely: Whether more is recorded than losses.
        weighed: Whether that has the bytes that are sent, which takes as long as all else.
        averaged: Whether that has the mean of ‖∇F‖² over all rounds.
    """

    name: str
    place: str
    tables: Mapping[str, Any]
    cost: float = 1.0
    closely: bool = False
    weighed: bool = False
    averaged: bool = False

    @property
    def rounds(self) -> int:
        """T."""
        rounds: int = self.tables["rounds"]
        return rounds


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_jobs(
    jobs: Sequence[Job],
    workers: int,
    done: Callable[[Job, Trace], None],
    watch: Callable[[Sequence[int]], None] = lambda _: None,
) -> None:
    """Run all of them.

    Args:
        jobs: In the order in which they are begun: the longest first, for all cores to
            finish together.
        workers: How many processes share it; with one, this process does it.
        done: Called in this process as each is finished.
        watch: Called now and then with the rounds that each job has reached, in their order.

    Raises:
        ComladError: A worker is gone.
    """
    with _signals(_interrupt):
        if workers == 1:
            _run_here(jobs, done, watch)
        elif jobs:
            _run_apart(jobs, min(workers, len(jobs)), done, watch)


def _compute(job: Job, seen: Callable[[int], None]) -> Trace:
    return compute(
        job.tables, seen, closely=job.closely, weighed=job.weighed, averaged=job.averaged
    )


def _run_here(
    jobs: Sequence[Job],
    done: Callable[[Job, Trace], None],
    watch: Callable[[Sequence[int]], None],
) -> None:
    reached = [0] * len(jobs)
    for index, job in enumerate(jobs):

        def seen(round: int, index: int = index) -> None:
            reached[index] = round
            watch(reached)

        done(job, _compute(job, seen))


def _run_apart(
    jobs: Sequence[Job],
    workers: int,
    done: Callable[[Job, Trace], None],
    watch: Callable[[Sequence[int]], None],
) -> None:
    context = multiprocessing.get_context("spawn")
    # One number for each job and, at the end, whether all are to stop.
    shared = context.RawArray(ctypes.c_int64, len(jobs) + 1)
    pool = ProcessPoolExecutor(workers, context, _begin, (shared,))
    try:
        with _signals(signal.SIG_IGN):  # workers keep that: this process tells them when to stop
            running: dict[Future[Trace], Job] = {
                pool.submit(_work, index, job): job for index, job in enumerate(jobs)
            }
        while running:
            finished, _ = wait(running, _REFRESH_S, FIRST_COMPLETED)
            for future in finished:
                done(running.pop(future), future.result())
            watch(shared[:-1])
    except BrokenProcessPool as error:
        raise ComladError("a worker process is gone; what it had finished is kept") from error
    finally:
        shared[len(jobs)] = 1
        pool.shutdown(cancel_futures=True)


@contextmanager
def _signals(handler: Any) -> Iterator[None]:
    """Treat every signal that asks for the end in the same way."""
    before = {number: signal.signal(number, handler) for number in _ENDINGS}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def _interrupt(*_: object) -> None:
    """End in an orderly way; further signals do not break that off."""
    for number in _ENDINGS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


# What a worker shares with those who started it.
_shared: Any = None


def _begin(shared: Any) -> None:
    global _shared  # noqa: PLW0603  # the only way to hand shared memory to a worker
    _shared = shared
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait_for([parent.sentinel])
    os._exit(1)


def _work(index: int, job: Job) -> Trace:
    def seen(round: int) -> None:
        _shared[index] = round
        if _shared[len(_shared) - 1]:
            raise Stopped

    return _compute(job, seen)
