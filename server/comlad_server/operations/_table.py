"""A table of the devices of a run, and what each of them sent and received, as text."""

import logging
from collections.abc import Iterator, Mapping, Sequence

from comlad_server.operations._board import StatusBoard
from comlad_server.operations._status import WAYS, DeviceStatus, Status

__all__ = ["TableLog", "device_table"]

logger = logging.getLogger("comlad_server.table")

# More devices than this are not shown one by one.
_MOST_ROWS = 40
_UNITS = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_ABOUT = ("device", "", "last", "answered", "missing", "refused")


class TableLog:
    """Writes the table to the log, whatever the level of the rest of it.

    Args:
        board: Whose devices are shown.
    """

    def __init__(self, board: StatusBoard) -> None:
        self._board = board
        logger.setLevel(logging.INFO)

    def write(self) -> None:
        """Write the table as it is now."""
        logger.info("%s", device_table(self._board.status()), extra={"event": "table"})


def device_table(status: Status) -> str:
    """The devices of a run in lines of at most 100 characters, with the sums below them.

    Of more than 40 devices those 20 that sent most and 20 with most faults are shown.
    """
    columns = _columns(status)
    unit = _unit([status.bytes[way][layer] for way, layer in columns])
    shown = _shown(status.devices)
    rest = [device for device in status.devices if device not in shown]
    rows = [(_about(device), device.bytes) for device in shown]
    if rest:
        rows.append((_sums(f"{len(rest)} more", rest), _total(rest)))
    if shared := _shared(status):
        rows.append((["shared", *[""] * 5], shared))
    rows.append((_sums("all", status.devices), status.bytes))
    ways = [way if way not in dict(columns[:i]) else "" for i, (way, _) in enumerate(columns)]
    lines = [[*[""] * 6, *ways], [*_ABOUT, *(layer for _, layer in columns)]]
    lines += [[*about, *(_amount(of, column, unit) for column in columns)] for about, of in rows]
    return "\n".join([_headline(status, unit), *_aligned(lines)])


def _columns(status: Status) -> list[tuple[str, str]]:
    """Up, every layer; down, where little is encoded, what a device can be charged with."""
    up, down = status.bytes["up"], status.bytes["down"]
    own = list(status.devices[0].bytes["down"])[-1]
    outermost = list(down)[-1]
    return [*(("up", layer) for layer in up), *dict.fromkeys((("down", own), ("down", outermost)))]


def _headline(status: Status, unit: str) -> str:
    connected = sum(device.connected for device in status.devices)
    parts = [f"{status.closed} of {status.rounds} rounds"]
    if status.loss is not None:
        parts.append(f"loss {status.loss:.4g}")
    if status.rounds_per_second is not None:
        parts.append(f"{status.rounds_per_second:.1f} rounds/s")
    parts.append(f"{connected} of {len(status.devices)} connected")
    resumed = status.closed - status.counted
    since = f" since round {resumed}" if resumed else ""
    return f"{', '.join(parts)}; {unit}{since}:"


def _shown(devices: Sequence[DeviceStatus]) -> list[DeviceStatus]:
    if len(devices) <= _MOST_ROWS:
        return list(devices)
    half = _MOST_ROWS // 2
    faulty = sorted(devices, key=lambda device: -(device.missing + device.refused))[:half]
    busy = sorted(devices, key=lambda device: -device.bytes["up"]["message"])
    chosen = {device.device for device in faulty}
    for device in busy:
        if len(chosen) < _MOST_ROWS:
            chosen.add(device.device)
    return [device for device in devices if device.device in chosen]


def _about(device: DeviceStatus) -> list[str]:
    there = "late" if device.late else "" if device.connected else "away"
    last = "" if device.last_round is None else str(device.last_round)
    numbers = (device.answered, device.missing, device.refused)
    return [str(device.device), there, last, *map(str, numbers)]


def _sums(name: str, devices: Sequence[DeviceStatus]) -> list[str]:
    sums = (
        sum(device.answered for device in devices),
        sum(device.missing for device in devices),
        sum(device.refused for device in devices),
    )
    return [name, "", "", *map(str, sums)]


def _total(devices: Sequence[DeviceStatus]) -> dict[str, dict[str, int]]:
    return {
        way: {
            layer: sum(device.bytes[way][layer] for device in devices)
            for layer in devices[0].bytes[way]
        }
        for way in WAYS
    }


def _shared(status: Status) -> dict[str, dict[str, int]]:
    """What devices of one process share, and so is none's own; {} if nothing is shared."""
    own = _total(status.devices)
    shared = {
        way: {layer: status.bytes[way][layer] - own[way].get(layer, 0) for layer in own[way]}
        for way in WAYS
    }
    return shared if any(count for layers in shared.values() for count in layers.values()) else {}


def _unit(counts: Sequence[int]) -> str:
    """The smallest one in which the largest number has at most four digits."""
    most = max(counts, default=0)
    return next((unit for unit, size in _UNITS.items() if most < 10**4 * size), "TB")


def _amount(counts: Mapping[str, Mapping[str, int]], column: tuple[str, str], unit: str) -> str:
    way, layer = column
    if (count := counts[way].get(layer)) is None:
        return ""
    return str(count) if unit == "B" else f"{count / _UNITS[unit]:.1f}"


def _aligned(lines: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        yield "  ".join(cells).rstrip()
