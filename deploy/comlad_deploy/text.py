"""Numbers as people read them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # rich is part of the extra `lab`
    from rich.table import Table

__all__ = ["UNITS", "defences_table", "describe_columns", "describe_summary", "readable_bytes"]

UNITS = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}

_LAYERS = ("payload", "message", "tcp")


def readable_bytes(count: float) -> str:
    """A number of bytes with a decimal unit and three digits, such as "1.32 MB"."""
    for unit, size in UNITS.items():
        if count < 999.5 * size or unit == "TB":
            break
    return f"{count:.0f} B" if unit == "B" else f"{count / size:#.3g} {unit}".replace(". ", " ")


def describe_summary(summary: dict[str, Any], directory: Path) -> str:
    """A run's summary in a few lines."""
    loss, faults = summary["loss"], summary["faults"]
    final = "not finite" if loss["final"] is None else f"{loss['final']:.6g}"
    lines = [
        f"{summary['experiment']['name']}: {summary['rounds']} rounds in "
        f"{summary['wall_seconds']:.1f} s, engine {summary['engine']}",
        f"  loss      {loss['initial']:.6g} -> {final}",
    ]
    if "accuracy" in summary:
        lines.append(f"  accuracy  {summary['accuracy']:.4f}")
    if "skipped" in summary:
        skipped = summary["skipped"]
        lines.append(f"  skipped   {skipped['rounds']} rounds, the last because: {skipped['last']}")
    if summary.get("decode_failed"):
        lines.append(f"  decoding  failed in {summary['decode_failed']} rounds")
    if "memory" in summary:
        ends = (f"{end} {readable_bytes(of['bytes'])}" for end, of in summary["memory"].items())
        lines.append(f"  memory    {', '.join(ends)}")
    for direction, layers in summary["bytes"].items():
        shown = ", ".join(f"{layer} {readable_bytes(count)}" for layer, count in layers.items())
        lines.append(f"  {direction:<8}  {shown}")
        if direction in summary.get("overhead", {}):
            lines.append(f"            {_describe_overhead(summary['overhead'][direction])}")
    lines += [
        f"  faults    {faults['refused']} refused, {faults['missing']} missing, "
        f"{faults['strangers']} strangers",
        f"  model     sha256 {summary['model_sha256']}",
        f"  results   {directory}",
    ]
    return "\n".join(lines)


def _describe_overhead(overhead: dict[str, Any]) -> str:
    """What made tcp of message, and link of tcp."""
    text = (
        f"{overhead['messages']} messages: gRPC {readable_bytes(overhead['grpc_prefix'])}, "
        f"HTTP/2 frames about {readable_bytes(overhead['http2_frames'])}, "
        f"the rest {readable_bytes(overhead['rest'])}"
    )
    if "packets" in overhead:
        headers = readable_bytes(overhead["packet_headers"])
        text += f"; {overhead['packets']} packets: headers {headers}"
    return text


def defences_table(entries: Sequence[dict[str, Any]]) -> "Table":
    """What the defences of a demo were worth and what they cost, 80 columns wide.

    Args:
        entries: As `defences` in the demo's summary.json.
    """
    from rich import box
    from rich.table import Table

    unit = _common_unit(entries)
    headings = [f"{layer}\n{unit}" for layer in _LAYERS]
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=0)
    table.add_column("\ndefence", min_width=20)
    for heading in ("test\naccuracy", "\nloss", "", *headings, "of\ndense", "\nseconds"):
        table.add_column(heading, justify="right")
    best = max(entry["accuracy"] for entry in entries)
    for entry in entries:
        loss = entry["loss"]
        up, down = (
            [_amount(way.get(layer), unit) for layer in _LAYERS]
            for way in (entry["bytes"]["up"], entry["bytes"]["down"])
        )
        table.add_row(
            entry["name"],
            f"{entry['accuracy']:.3f}",
            "not\nfinite" if loss is None else f"{loss:.3f}",
            "up\ndown",
            *map("\n".join, zip(up, down, strict=True)),
            f"{entry['uplink_ratio']:.1%}",
            f"{entry['wall_seconds']:.1f}",
            style="bold" if entry["accuracy"] == best else None,
            end_section=True,
        )
    return table


def describe_columns(entries: Sequence[dict[str, Any]]) -> str:
    """What the columns of `defences_table` mean."""
    entry = entries[0]
    layer = "tcp" if "tcp" in entry["bytes"]["up"] else "message"
    dense = readable_bytes(entry["dense_float64_bytes"])
    return (
        "up, down  what all devices together sent and received, at three layers:\n"
        "          payload, the encoded vectors; message, the protobuf messages with\n"
        "          them; tcp, all that the kernel counted on the connections\n"
        f"of dense  up at {layer}, compared with {dense}: what the bare vectors take as\n"
        "          dense float64, 8 bytes x coordinates x devices x rounds\n"
        "seconds   of the rounds, without starting the processes"
    )


def _common_unit(entries: Sequence[dict[str, Any]]) -> str:
    """The largest unit in which no number of the table is below one."""
    ways = [way for entry in entries for way in entry["bytes"].values()]
    least = min(way[layer] for way in ways for layer in _LAYERS if layer in way)
    return max((unit for unit in UNITS if UNITS[unit] <= max(least, 1)), key=UNITS.__getitem__)


def _amount(count: int | None, unit: str) -> str:
    return "–" if count is None else f"{count / UNITS[unit]:.2f}"
