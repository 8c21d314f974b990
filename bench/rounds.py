"""Rounds a second of the whole system, beside a bare loop that moves the same bytes.

python -m bench.rounds [--repeat 3]
"""

import argparse
import asyncio
import statistics
import tempfile
from pathlib import Path
from typing import Any

from bench.bare import bare_rounds_per_second
from comlad.experiment import prepare, read_experiment
from comlad_deploy.processes import run_processes

_DEVICES = 10


def _experiment(dimension: int, rounds: int) -> dict[str, Any]:
    return {
        "name": f"bench-{dimension}",
        "rounds": rounds,
        "devices": {"count": _DEVICES, "byzantine": 3},
        "problem": {"kind": "linear-regression", "dimension": dimension},
        "coding": {"kind": "cyclic", "load": 3},
        "compressor": {"kind": "random-sparsification", "keep": 0.3},
        "aggregator": {"kind": "trimmed-mean", "trim": 0.2, "before": [{"kind": "nnm"}]},
        "attack": {"kind": "sign-flip"},
        "step": {"learning_rate": 3e-7 * 100 / dimension},
    }


def _system(dimension: int, rounds: int) -> tuple[float, int, int]:
    """Rounds a second, and bytes of a message down and up."""
    prepared = prepare(read_experiment(_experiment(dimension, rounds)))
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
    print(f"{_DEVICES} device processes, Com-LAD with nnm and trimmed mean, load 3, keep 30 %")
    print(f"{'Q':>8} {'down B':>8} {'up B':>8} {'system/s':>9} {'bare/s':>9} {'ratio':>6}")
    for dimension, rounds in ((100, 1000), (100_000, 100)):
        systems, bares = [], []
        for _ in range(options.repeat):  # in turns, so that a busy moment hits both
            speed, down, up = _system(dimension, rounds)
            systems.append(speed)
            bares.append(bare_rounds_per_second(_DEVICES, rounds, down, up))
        system, bare = statistics.median(systems), statistics.median(bares)
        numbers = f"{dimension:>8} {down:>8} {up:>8} {system:>9.1f} {bare:>9.1f}"
        print(f"{numbers} {system / bare:>6.2f}", flush=True)


if __name__ == "__main__":
    _main()
