"""Live progress on a terminal, where there is one and rich is installed."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["progress"]

Watch = Callable[[dict[str, Any]], None]


@contextmanager
def progress(rounds: int, hidden: bool = False) -> Iterator[Callable[[str], Watch]]:
    """Give a function that starts a run's line and gives what to call with its events.

    Args:
        rounds: How many rounds each run has.
        hidden: Show nothing.
    """
    try:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    except ImportError:
        hidden = True
    if hidden or not sys.stderr.isatty():
        yield lambda name: lambda event: None
        return
    bars = Progress(
        TextColumn("{task.description:<28}"),
        BarColumn(),
        TextColumn("{task.completed:>5}/{task.total} rounds"),
        TextColumn("{task.fields[shown]:<28}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )

    def start(name: str) -> Watch:
        task = bars.add_task(name, total=rounds, shown="starting")

        def watch(event: dict[str, Any]) -> None:
            if "round" in event:
                shown = f"loss {event['loss'] or float('nan'):.4g}"
                if "accuracy" in event:
                    shown += f"  accuracy {event['accuracy']:.3f}"
                bars.update(task, completed=event["round"] + 1, shown=shown)
            elif event.get("event") == "finished":
                bars.update(task, completed=rounds)

        return watch

    with bars:
        yield start
