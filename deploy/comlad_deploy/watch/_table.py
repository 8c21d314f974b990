"""The state of a running server as a table on a terminal. Needs rich, of the extra `lab`."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from comlad_deploy.text import readable_bytes
from comlad_deploy.watch._lines import known_numbers, presence_text, progress_text
from comlad_deploy.watch._state import Show, State

__all__ = ["showing_tables", "state_table"]

_STYLES = {"waiting": "yellow", "training": "green", "stopped": "yellow", "failed": "red"}
_PRESENCE = {"here": "green", "late": "yellow", "away": "red"}
_COUNTS = ("answered", "missing", "refused")
_LAYERS = ("payload", "message", "tcp", "link")
# Lines around those of the devices, the cursor's included.
_FRAME = 10


@contextmanager
def showing_tables(once: bool) -> Iterator[Show]:
    """Gives what to call with each state.

    Args:
        once: Whether one state is all that comes: its table is as long as it is.
    """
    console = Console()
    if once:

        def print_whole(state: State | None) -> None:
            if state is not None:
                console.print(state_table(state, len(state["devices"]) + _FRAME + 2))

        yield print_whole
    else:
        with Live(console=console, auto_refresh=False) as live:
            last: State = {}

            def show(state: State | None) -> None:
                last.update(state or {"reason": "lost the server; trying again"})
                if "name" in last:
                    live.update(state_table(last, console.height), refresh=True)

            yield show


def state_table(state: State, height: int) -> RenderableType:
    """A state as a table of at most so many lines."""
    head = Table.grid(padding=(0, 2))
    head.add_row(
        Text(state["name"], style="bold"),
        Text(state["state"], style=_STYLES.get(state["state"], "")),
        ProgressBar(max(state["rounds"], 1), state["closed_rounds"], width=20),
        Text(progress_text(state)),
        Text(_rest(state)),
    )
    lines = [Text("   ".join(known_numbers(state)))]
    if state["reason"]:
        lines.append(Text(state["reason"], style="yellow"))
    faults = ", ".join(
        f"{count} {kind.replace('_', ' ')}" for kind, count in state["faults"].items() if count
    )
    presence = Text(f"{presence_text(state)}; faults: {faults or 'none'}")
    return Group(
        head,
        *lines,
        Text(),
        _byte_table(state),
        Text(),
        presence,
        _device_table(state["devices"], max(height - _FRAME - len(lines), 1)),
    )


def _byte_table(state: State) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(f"bytes in {state['counted_rounds']} rounds", no_wrap=True)
    layers = [layer for layer in _LAYERS if layer in state["bytes"]["up"]]
    for layer in layers:
        table.add_column(layer, justify="right", min_width=8, no_wrap=True)
    for way, counts in state["bytes"].items():
        table.add_row(way, *(readable_bytes(counts.get(layer, 0)) for layer in layers))
    return table


def _device_table(devices: list[State], most: int) -> RenderableType:
    """The devices; those in trouble, and then the first, if there is no room for all."""
    up, down = (list(devices[0]["bytes"][way])[-1] for way in ("up", "down"))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("device", justify="right", min_width=6)
    table.add_column("", min_width=4)
    for heading in ("last round", *_COUNTS, f"up {up}", f"down {down}"):
        table.add_column(heading, justify="right", min_width=max(len(heading), 7), no_wrap=True)
    table.add_column("refused last, because", no_wrap=True, overflow="ellipsis")
    shown = devices if len(devices) <= most else _first(devices, max(most - 1, 1))
    for device in shown:
        there = "late" if device["late"] else "here" if device["connected"] else "away"
        last = "" if device["last_round"] is None else str(device["last_round"])
        table.add_row(
            str(device["device"]),
            Text(there, style=_PRESENCE[there]),
            last,
            *(str(device[key]) for key in _COUNTS),
            readable_bytes(device["bytes"]["up"][up]),
            readable_bytes(device["bytes"]["down"][down]),
            Text(device["reason"]),
        )
    left = len(devices) - len(shown)
    return Group(table, Text(f"and {left} more", style="dim")) if left else table


def _first(devices: list[State], count: int) -> list[State]:
    def calm(device: State) -> tuple[bool, int]:
        return device["connected"] and not device["late"], -device["missing"] - device["refused"]

    return sorted(sorted(devices, key=calm)[:count], key=lambda device: device["device"])


def _rest(state: State) -> str:
    """How long the rest will take, at the present speed."""
    speed = state["rounds_per_second"]
    if not speed or state["state"] != "training":
        return ""
    seconds = (state["rounds"] - state["closed_rounds"]) / speed
    return f"{seconds:.0f} s left" if seconds < 100 else f"{seconds / 60:.0f} min left"
