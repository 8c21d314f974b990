"""Live progress on a terminal, where there is one and rich is installed."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # rich is part of the extra `lab`
    from rich.table import Table

__all__ = ["progress"]

Watch = Callable[[dict[str, Any]], None]


@contextmanager
def progress(
    rounds: int, hidden: bool = False, names: Sequence[str] = ()
) -> Iterator[Callable[[str], Watch]]:
    """Give a function that starts a run's line and gives what to call with its events.

    Args:
        rounds: How many rounds each run has.
        hidden: Show nothing.
        names: Of runs that are to come, whose lines are there from the beginning.
    """
    try:
        from rich.console import Console
        from rich.live import Live
    except ImportError:
        hidden = True
    if hidden or not sys.stderr.isatty():
        yield lambda name: lambda event: None
        return
    lines = {name: _Line(name) for name in names}

    def start(name: str) -> Watch:
        line = lines.setdefault(name, _Line(name))
        line.started = time.monotonic()
        return line.watch

    with Live(
        console=Console(stderr=True),
        get_renderable=lambda: _table(list(lines.values()), rounds),
        refresh_per_second=10,
        transient=True,  # results are printed by whoever runs
    ):
        yield start


@dataclass
class _Line:
    """What is known of a run."""

    name: str
    rounds: int = 0
    loss: str = ""
    accuracy: str = ""
    started: float | None = None
    ended: float | None = None

    def watch(self, event: dict[str, Any]) -> None:
        if event.get("event") == "round":
            self.rounds = event["round"] + 1
            self.loss = "nan" if event["loss"] is None else f"{event['loss']:.4g}"
            if "accuracy" in event:
                self.accuracy = f"{event['accuracy']:.3f}"
        elif event.get("event") == "finished":
            self.ended = time.monotonic()

    @property
    def state(self) -> str:
        if self.started is None:
            return "waiting"
        return f"{(self.ended or time.monotonic()) - self.started:.0f} s"


def _table(lines: list[_Line], rounds: int) -> "Table":
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("", no_wrap=True)
    table.add_column("")
    for heading, width in (("round", len(str(rounds))), ("loss", 6), ("accuracy", 8), ("", 7)):
        table.add_column(heading, justify="right", min_width=width, no_wrap=True)
    for line in lines:
        done = rounds if line.ended is not None else line.rounds
        bar = ProgressBar(rounds, done, width=8, finished_style="bar.complete")
        shown = str(done) if line.started is not None else ""
        table.add_row(Text(line.name), bar, shown, line.loss, line.accuracy, line.state)
    return table
