"""Runs that are wanted: those that are there are found, the others computed and kept."""

from collections.abc import Iterable
from pathlib import Path

from comlad_deploy.reproduce._pool import Job, cores, run_jobs
from comlad_deploy.reproduce._store import Store
from comlad_deploy.reproduce._trace import Trace
from comlad_deploy.reproduce._watch import watching

__all__ = ["Runs"]


class Runs:
    """Traces by the place of their job.

    Args:
        directory: Where they are kept, and found again.
        workers: How many go on at a time; as many as there are cores if None.
        hidden: Whether to show no progress.
    """

    def __init__(self, directory: Path, workers: int | None, hidden: bool) -> None:
        self.workers = workers or cores()
        self.found = 0
        self.computed = 0
        self._store, self._hidden = Store(directory), hidden
        self._traces: dict[str, Trace] = {}

    def obtain(self, jobs: Iterable[Job]) -> None:
        """Have all of them; each is kept as soon as it is finished."""
        missing, found = [], 0
        for job in {job.place: job for job in jobs}.values():
            if job.place in self._traces:
                continue
            if (trace := self._store.find(job.place, job.tables)) is None:
                missing.append(job)
            else:
                self._traces[job.place] = trace
                found += 1
        self.found += found
        missing.sort(key=lambda job: -job.cost * job.rounds)  # then all cores finish together
        with watching(missing, found, self._hidden) as progress:

            def done(job: Job, trace: Trace) -> None:
                self._store.keep(job.place, job.tables, trace)
                self._traces[job.place] = trace
                self.computed += 1
                progress.done(job, trace)

            run_jobs(missing, self.workers, done, progress.reached)

    def __getitem__(self, place: str) -> Trace:
        return self._traces[place]
