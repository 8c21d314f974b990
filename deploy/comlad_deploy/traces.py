"""What a run reached as it went on, and what that says at some bytes or some loss."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["Trace", "at_count", "read_trace", "rounds_to"]


@dataclass(frozen=True, slots=True)
class Trace:
    """A run, round by round; of T rounds every sequence has T + 1 numbers, from before the first.

    Args:
        losses: F(x_t).
        accuracies: On held-out samples; nan before the first round, empty without such.
        uplink: Bytes that all devices together had sent by then, by layer.
        seconds: Since the first broadcast.
        busiest: Bytes that the link of one device had carried by then, the most of any, by
            direction: at the last layer that was counted in every round.
    """

    losses: Sequence[float]
    accuracies: Sequence[float]
    uplink: Mapping[str, Sequence[int]]
    seconds: Sequence[float]
    busiest: Mapping[str, Sequence[int]]

    @property
    def rounds(self) -> int:
        return len(self.losses) - 1


def read_trace(directory: Path, summary: Mapping[str, Any]) -> Trace:
    """The trace of a finished run from its directory and its summary."""
    with (directory / "rounds.jsonl").open(encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    layers = summary["bytes"]["up"]
    accuracies = [record["accuracy"] for record in records if "accuracy" in record]
    return Trace(
        losses=[summary["loss"]["initial"], *(record["loss"] for record in records)],
        accuracies=[math.nan, *accuracies] if accuracies else [],
        uplink={
            # A round in which nobody could be counted at a layer is one that added nothing.
            layer: [0, *accumulate(record["bytes"]["up"].get(layer, 0) for record in records)]
            for layer in layers
        },
        seconds=[0.0, *accumulate(record["seconds"] for record in records)],
        busiest={way: _busiest(records, way) for way in ("up", "down")},
    )


def at_count(counts: Sequence[float], values: Sequence[float], count: float) -> float | None:
    """A value on the line through (counts, values), both with a number a round.

    Args:
        counts: Never falling.
        values: At these counts.
        count: Where; beyond the last one the last value holds.

    Returns:
        None where a neighbour is not a number, or there are none.
    """
    value = float(np.interp(count, counts, values)) if values else math.nan
    return value if math.isfinite(value) else None


def _busiest(records: Sequence[Mapping[str, Any]], direction: str) -> list[int]:
    counted = [record["devices"][direction] for record in records]
    # Not link if a connection was lost on the way.
    layer = next(
        layer for layer in ("link", "tcp", "message") if all(layer in layers for layers in counted)
    )
    rounds = np.cumsum([layers[layer] for layers in counted], axis=0)
    return [0, *rounds.max(axis=1).tolist()] if counted else [0]


def rounds_to(losses: Sequence[float], target: float) -> int | None:
    """After how many rounds the loss was at the target or below; None if never."""
    return next((rounds for rounds, loss in enumerate(losses) if loss <= target), None)
