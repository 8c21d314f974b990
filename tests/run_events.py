"""Events of a run as the server tells them, without a server."""

from typing import Any

from comlad.experiment import Experiment, read_experiment

Event = dict[str, Any]


def experiment_of(devices: int, rounds: int = 100) -> Experiment:
    """A small experiment with so many devices."""
    tables = {
        "name": "small",
        "rounds": rounds,
        "devices": {"count": devices},
        "problem": {"kind": "linear-regression", "dimension": 20},
        "step": {"learning_rate": 1e-6},
    }
    return read_experiment(tables)


def round_event(
    round: int, devices: int, own: dict[str, int] | None = None, **changes: Any
) -> Event:
    """A round in which every device sent so many bytes of each layer, and received ten times that.

    Args:
        round: t.
        devices: N.
        own: By layer.
        changes: Of other keys.
    """
    own = {"payload": 100, "message": 120} if own is None else own
    each = {
        way: {layer: [times * count] * devices for layer, count in own.items()}
        for way, times in (("up", 1), ("down", 10))
    }
    totals = {
        way: {layer: sum(counts) for layer, counts in layers.items()}
        for way, layers in each.items()
    }
    return {
        "event": "round",
        "round": round,
        "loss": 1 / (round + 1),
        "update_norm": 0.5,
        "missing": [],
        "refused": {},
        "bytes": totals,
        "devices": each,
        "seconds": 0.1,
        "phases": {"answers": 0.08, "close": 0.02, "record": 0.01},
    } | changes
