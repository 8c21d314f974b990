"""Rounds a second of the whole system, beside a bare loop that moves the same bytes.

python -m bench.rounds [--repeat 3]
"""

import argparse
import asyncio
import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

from bench.bare import bare_rounds_per_second
from comlad.experiment import prepare, read_experiment
from comlad_deploy.processes import run_processes

_DEVICES = 10
# The system alone, and with the arithmetic of the paper's whole method on top.
_SETTINGS: dict[str, dict[str, Any]] = {
    "mean, load 1, dense": {
        "aggregator": {"kind": "mean"},
    },
    "com-lad": {
        "coding": {"kind": "cyclic", "load": 3},
        "compressor": {"kind": "random-sparsification", "keep": 0.3},
        "aggregator": {"kind": "trimmed-mean", "trim": 0.2, "before": [{"kind": "nnm"}]},
    },
}


def _experiment(setting: str, dimension: int, rounds: int) -> dict[str, Any]:
    return {
        "name": f"bench-{dimension}",
        "rounds": rounds,
        "devices": {"count": _DEVICES, "byzantine": 3},
        "problem": {"kind": "linear-regression", "dimension": dimension},
        "attack": {"kind": "sign-flip"},
        "step": {"learning_rate": 3e-7 * 100 / dimension},
        **_SETTINGS[setting],
    }


def _system(setting: str, dimension: int, rounds: int) -> tuple[float, int, int]:
    """Rounds a second, and bytes of a message down and up."""
    prepared = prepare(read_experiment(_experiment(setting, dimension, rounds)))
    with tempfile.TemporaryDirectory() as directory:
        summary = asyncio.run(run_processes(prepared, Path(directory)))
    messages = rounds * _DEVICES
    down = round(summary["bytes"]["down"]["message"] / messages)
    up = round(summary["bytes"]["up"]["message"] / messages)
    return rounds / summary["wall_seconds"], down, up


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=3, help="pairs of runs; medians are shown")
    options = parser.parse_args()
    print(f"rounds a second with a server and {_DEVICES} device processes, {os.cpu_count()} cores")
    print(f"{'':>20} {'Q':>7} {'down B':>7} {'up B':>7} {'comlad':>7} {'bare':>7} {'ratio':>6}")
    for setting in _SETTINGS:
        for dimension, rounds in ((100, 1000), (100_000, 100)):
            systems, bares = [], []
            for _ in range(options.repeat):  # in turns, so that a busy moment hits both
                speed, down, up = _system(setting, dimension, rounds)
                systems.append(speed)
                bares.append(bare_rounds_per_second(_DEVICES, rounds, down, up))
            system, bare = statistics.median(systems), statistics.median(bares)
            sizes = f"{setting:<20} {dimension:>7} {down:>7} {up:>7}"
            print(f"{sizes} {system:>7.1f} {bare:>7.1f} {system / bare:>6.2f}", flush=True)


if __name__ == "__main__":
    _main()
