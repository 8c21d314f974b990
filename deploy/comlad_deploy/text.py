"""Numbers as people read them."""

from pathlib import Path
from typing import Any

__all__ = ["describe_summary", "readable_bytes"]


def readable_bytes(count: float) -> str:
    """A number of bytes with a decimal unit, such as "1.32 MB"."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} B" if unit == "B" else f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


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
    for direction, layers in summary["bytes"].items():
        shown = ", ".join(f"{layer} {readable_bytes(count)}" for layer, count in layers.items())
        lines.append(f"  {direction:<8}  {shown}")
    lines += [
        f"  faults    {faults['refused']} refused, {faults['missing']} missing, "
        f"{faults['strangers']} strangers",
        f"  model     sha256 {summary['model_sha256']}",
        f"  results   {directory}",
    ]
    return "\n".join(lines)
