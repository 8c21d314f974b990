"""Progress of many runs: live on a terminal where rich is installed, else a line for each."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from comlad_deploy.reproduce._pool import Job
from comlad_deploy.reproduce._trace import Trace

if TYPE_CHECKING:  # rich is part of the extra `lab`
    from rich.table import Table

__all__ = ["Progress", "watching"]


class Progress:
    """What is known of the jobs of a call.

    Args:
        jobs: In the order in which they are begun.
        found: How many others were there already.
        lines: Whether to print a line for each that is finished.
    """

    def __init__(self, jobs: Sequence[Job], found: int, lines: bool) -> None:
        self._jobs, self._lines = jobs, lines
        self._reached: Sequence[int] = [0] * len(jobs)
        self._started = time.monotonic()
        self._finished = 0
        if lines and found:
            print(f"{found} finished runs found", file=sys.stderr, flush=True)

    def reached(self, rounds: Sequence[int]) -> None:
        """How far each job is, in rounds."""
        self._reached = list(rounds)

    def done(self, job: Job, trace: Trace) -> None:
        """A job is finished."""
        self._finished += 1
        if self._lines:
            count = f"{self._finished}/{len(self._jobs)}"
            text = f"{count:>9}  {job.name}: loss {trace.losses[-1]:.4g}, {trace.seconds:.1f} s"
            print(text, file=sys.stderr, flush=True)

    @property
    def share(self) -> float:
        """How much of the work is done, from 0 to 1."""
        costs = [job.cost for job in self._jobs]
        parts = (cost * reached for cost, reached in zip(costs, self._reached, strict=True))
        whole = sum(job.cost * job.rounds for job in self._jobs)
        return sum(parts) / whole if whole else 1.0

    def table(self) -> "Table":
        """A line for all and one for each that is under way."""
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        seconds = time.monotonic() - self._started
        left = f"{seconds / self.share - seconds:.0f} s left" if self.share > 0.01 else ""
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
        count = f"{self._finished} of {len(self._jobs)} runs"
        table.add_row(count, ProgressBar(1, self.share, width=30), left)
        for job, round in zip(self._jobs, self._reached, strict=True):
            if 0 < round < job.rounds:
                bar = ProgressBar(job.rounds, round, width=30)
                table.add_row(job.name, bar, f"{round} rounds")
        return table


@contextmanager
def watching(jobs: Sequence[Job], found: int, hidden: bool) -> Iterator[Progress]:
    """Show how the jobs come along, on stderr.

    Args:
        jobs: In the order in which they are begun.
        found: How many others were there already.
        hidden: Show nothing.
    """
    try:
        from rich.console import Console
        from rich.live import Live
    except ImportError:
        live = False
    else:
        live = sys.stderr.isatty() and bool(jobs)
    progress = Progress(jobs, found, lines=not hidden and not live)
    if hidden or not live:
        yield progress
        return
    with Live(
        console=Console(stderr=True),
        get_renderable=progress.table,
        refresh_per_second=5,
        transient=True,  # results are printed by whoever runs
    ):
        yield progress
