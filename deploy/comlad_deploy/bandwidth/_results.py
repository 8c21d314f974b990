"""What a run's summary and rounds say of its bandwidth, as bandwidth.json has it."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comlad.compression import Bounded
from comlad_deploy.bandwidth._methods import Method
from comlad_deploy.traces import Trace, at_count

__all__ = ["Run", "compare", "flat", "uplink_layer"]

_PIECES = ("grpc_prefix", "http2_frames", "rest", "packet_headers")


@dataclass(frozen=True, slots=True)
class Run:
    """A method that was run to its end.

    Args:
        method: Which.
        directory: Where its results are.
        summary: Its summary.json.
        trace: Of its rounds.
    """

    method: Method
    directory: Path
    summary: Mapping[str, Any]
    trace: Trace


def uplink_layer(runs: Sequence[Run]) -> str:
    """The layer at which uplinks are compared: tcp, or message where it was not counted."""
    return "tcp" if all("tcp" in run.trace.uplink for run in runs) else "message"


def compare(runs: Sequence[Run]) -> dict[str, Any]:
    """The methods beside each other, at equal rounds and at equal bytes up.

    Args:
        runs: At least one.
    """
    layer = uplink_layer(runs)
    totals = [run.trace.uplink[layer][-1] for run in runs]
    least = min(totals)
    return {
        "equal_bytes": {
            "layer": layer,
            "bytes": least,
            "method": runs[totals.index(least)].method.name,
        },
        "methods": [_entry(run, layer, least, totals[0]) for run in runs],
    }


def _entry(run: Run, layer: str, least: int, first: int) -> dict[str, Any]:
    summary, trace, prepared = run.summary, run.trace, run.method.prepared
    devices = summary["experiment"]["devices"]["count"]
    share = summary["rounds"] * devices
    entry: dict[str, Any] = {
        "name": run.method.name,
        "directory": str(run.directory),
        "devices": devices,
        "rounds": summary["rounds"],
        "seed": summary["experiment"]["seed"],
        "dimension": prepared.objective.dimension,
        "bytes": {
            direction: {name: count / share for name, count in counts.items()}
            for direction, counts in summary["bytes"].items()
        },
        "overhead": {
            direction: {name: pieces[name] / share for name in _PIECES if name in pieces}
            | {"estimated": pieces["estimated"]}
            for direction, pieces in summary.get("overhead", {}).items()
        },
        "bits_per_coordinate": _bits(run, share),
        "uplink": {"bytes": trace.uplink[layer][-1], "ratio": trace.uplink[layer][-1] / first},
        "loss": summary["loss"],
        "at_equal_bytes": _at_bytes(trace, layer, least),
    }
    if "accuracy" in summary:
        entry["accuracy"] = summary["accuracy"]
    entry["faults"] = {kind: summary["faults"][kind] for kind in ("missing", "refused")}
    return entry | {name: summary[name] for name in ("model_sha256", "wall_seconds")}


def _bits(run: Run, share: int) -> dict[str, float | None]:
    """Bits that a vector takes as payload and those that it needs, for each coordinate of x."""
    prepared = run.method.prepared
    dimension, compressor = prepared.objective.dimension, prepared.experiment.compressor
    bound = compressor.bits(prepared.width) if isinstance(compressor, Bounded) else math.nan
    return {
        "payload": 8 * run.summary["bytes"]["up"]["payload"] / share / dimension,
        "bound": bound / dimension if math.isfinite(bound) else None,
    }


def _at_bytes(trace: Trace, layer: str, count: int) -> dict[str, float | None]:
    """Where a run was when all devices together had sent so much."""
    sent = trace.uplink[layer]
    result = {
        "rounds": at_count(sent, range(len(sent)), count),
        "loss": at_count(sent, trace.losses, count),
    }
    if trace.accuracies:
        result["accuracy"] = at_count(sent, trace.accuracies, count)
    return result


def flat(tables: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The numbers and words in nested tables, named "bytes_up_payload" and the like."""
    for key, value in tables.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}_")
        elif not isinstance(value, list):
            yield f"{prefix}{key}", value
