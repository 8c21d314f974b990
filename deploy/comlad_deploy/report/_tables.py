"""The report's tables and lines."""

from collections.abc import Iterable, Mapping
from typing import Any

from comlad_deploy.sheets import Sheet
from comlad_deploy.text import UNITS, readable_bytes

__all__ = ["bytes_sheet", "describe_own_link", "describe_run", "devices_sheet", "reasons_sheet"]

Results = Mapping[str, Any]

_NONE = "–"
_LAYERS = ("payload", "message", "tcp", "link")
_MAX_REASON = 58


def describe_run(results: Results) -> str:
    """What was run and what it came to, in a few lines."""
    loss = results["loss"]
    final = "not finite" if loss["final"] is None else f"{loss['final']:.6g}"
    over = f"engine {results['engine']}"
    if "transport" in results:
        over += f", {results['transport']}"
    lines = [
        f"{results['name']}: {results['rounds']} rounds in {results['wall_seconds']:.1f} s, {over}",
        f"  loss      {loss['initial']:.6g} -> {final}",
    ]
    if "accuracy" in results:
        lines.append(f"  accuracy  {results['accuracy']:.4f}")
    if "stopped" in results:
        lines.append(f"  stopped   {results['stopped']}")
    lines.append(f"  model     sha256 {results['model_sha256']}")
    if "replay" in results:
        lines.append(f"  replay    {_describe_replay(results['replay'])}")
    return "\n".join(lines)


def _describe_replay(replay: Results) -> str:
    what = "in one process, without a network"
    if replay["absences"]:
        what += f", with the {replay['absences']} absences of this run"
    if replay["equal"]:
        return f"{what}: the same model, to the last bit"
    return f"{what}: ANOTHER MODEL, sha256 {replay['model_sha256']}"


def bytes_sheet(results: Results) -> Sheet:
    """All devices together: every layer and direction, in all and a round and device."""
    layers = list(results["bytes"]["up"])
    share = results["rounds"] * len(results["by_device"])
    setup = results.get("setup", {})
    rows = []
    for layer in layers:
        row = [layer]
        for way in ("up", "down"):
            count = results["bytes"][way][layer]
            row += [f"{count:,}", f"{count / share:,.0f}" if share else _NONE]
        rows.append(row + [_count(setup.get(way, {}).get(layer)) for way in ("up", "down")])
    headings = ["\nlayer", "up:\nin all", "a round\nand device"]
    headings += ["down:\nin all", "a round\nand device", "joining:\nup", "\ndown"]
    return Sheet(headings, rows)


def devices_sheet(results: Results, limit: int = 100) -> Sheet:
    """A row for each device: whether it answered, and what it was charged with.

    Args:
        results: The report.
        limit: Of so many devices at most, the first.
    """
    devices = results["by_device"][:limit]
    columns = [
        (way, layer)
        for way in ("up", "down")
        for layer in _LAYERS
        if all(layer in device["bytes"][way] for device in devices)
    ]
    counts = [[device["bytes"][way][layer] for way, layer in columns] for device in devices]
    headings = [
        f"{way if i == 0 or columns[i - 1][0] != way else ''}\n{layer}"
        for i, (way, layer) in enumerate(columns)
    ]
    if any("own_link" in device for device in devices):
        headings += ["own link\nup", "\ndown"]
        for row, device in zip(counts, devices, strict=True):
            own = device.get("own_link", {})
            row += [own.get("up"), own.get("down")]
    unit = _unit(count for row in counts for count in row if count is not None)
    rows = [
        [
            f"{device['device']}{' lies' if device['byzantine'] else ''}",
            *(str(device[key]) for key in ("answered", "missing", "refused")),
            *(_NONE if count is None else _in(count, unit) for count in row),
        ]
        for device, row in zip(devices, counts, strict=True)
    ]
    return Sheet(
        [f"{unit} by\ndevice", "an-\nswered", "miss-\ning", "re-\nfused", *headings], rows, 0
    )


def _unit(counts: Iterable[int]) -> str:
    """The smallest in which all of them have at most five digits before the point."""
    most = max(counts, default=0)
    return next((unit for unit, size in UNITS.items() if most < 10**5 * size), "TB")


def _in(count: int, unit: str) -> str:
    return f"{count:,}" if unit == "B" else f"{count / UNITS[unit]:,.1f}"


def reasons_sheet(results: Results, limit: int = 12) -> Sheet:
    """Why answers were refused, the most frequent first; so many at most."""
    rows = []
    for fault in results["reasons"][:limit]:
        first, last = fault["rounds"]
        reason = fault["reason"]
        if len(reason) > _MAX_REASON:
            reason = reason[: _MAX_REASON - 1] + "…"
        times, rounds = str(fault["times"]), f"{first}" if first == last else f"{first}–{last}"
        rows.append([reason, str(fault["device"]), times, rounds])
    return Sheet(["refused because", "device", "times", "rounds"], rows)


def describe_own_link(results: Results) -> str:
    """The containers' own counts beside the server's, in a few lines."""
    own = results["own_link"]
    heard, count = own["devices"], len(results["by_device"])
    lines = [
        f"link, the devices' own word ({heard} of {count}): up {own['up']:,} B "
        f"({readable_bytes(own['up'])}), down {own['down']:,} B ({readable_bytes(own['down'])})"
    ]
    if "server" in own:
        server = own["server"]
        lines.append(
            f"link, the server's interfaces, joining included: up {server['up']:,} B, "
            f"down {server['down']:,} B"
        )
        if heard == count:
            lines.append(
                "  the devices' word less the server's count: "
                f"up {_difference(own['up'], server['up'])}, "
                f"down {_difference(own['down'], server['down'])}"
            )
            if min(own[way] - 0.99 * server[way] for way in ("up", "down")) < 0:
                lines.append("  a device counts from the start of its program, the last if several")
    return "\n".join(lines)


def _difference(own: int, server: int) -> str:
    part = f" ({(own - server) / server:+.2%})" if server else ""
    return f"{own - server:+,} B{part}"


def _count(count: int | None) -> str:
    return _NONE if count is None else f"{count:,}"
