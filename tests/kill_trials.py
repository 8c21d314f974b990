"""kill -9 of the server at many random moments of runs with and without states.

    python tests/kill_trials.py [KILLS] [ROUNDS] [SEED]

Each run must end with the model of one that was never stopped. By hand, since it takes minutes.
"""

import shutil
import sys
import time
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from cluster import DIGITS
from kills import random_moments, survive
from threadpoolctl import threadpool_limits

from comlad.experiment import prepare, read_experiment
from comlad_deploy.inprocess import run_inprocess
from comlad_server.results import Results

ROBUST: dict[str, Any] = {"kind": "trimmed-mean", "trim": 0.2, "before": [{"kind": "nnm"}]}
SIGN_FLIP: dict[str, Any] = {"kind": "sign-flip", "factor": -2.0}

# What remembers something from round to round: the rule, the decoder, the estimator, or devices
# that lie.
RUNS: dict[str, dict[str, Any]] = {
    "Com-LAD": {},
    "centered clipping": {"aggregator": {"kind": "centered-clipping"}},
    "draco-cyclic": {
        "coding": {"kind": "draco-cyclic", "load": 7},
        "compressor": {"kind": "identity"},
        "aggregator": {"kind": "mean"},
    },
    "replay of 3 rounds ago": {"attack": {"kind": "replay", "delay": 3}},
    "Byz-VR-DM21": {
        "coding": {"kind": "cyclic", "tasks": "fixed"},
        "sampling": {"batch": 1},
        "estimator": {"kind": "byz-vr-dm21"},
        "compressor": {"kind": "top-k", "keep": 0.3},
    },
    "Byz-DASHA-PAGE over LAD": {
        "sampling": {"batch": 1},
        "estimator": {"kind": "byz-dasha-page"},
    },
    "mimic, centered clipping": {
        "attack": {"kind": "mimic"},
        "aggregator": {"kind": "centered-clipping"},
    },
}


def undisturbed(tables: dict[str, Any], out: Path) -> str:
    """The model of a run that nothing happens to."""
    prepared = prepare(read_experiment(tables))
    with Results(out, prepared.experiment) as results:
        model: str = run_inprocess(prepared, results)["model_sha256"]
    return model


def main(kills: int = 20, rounds: int = 1500, seed: int = 0) -> int:
    """Prints a line for each run; gives how many came to another model."""
    wrong = 0
    for name, changes in RUNS.items():
        tables = DIGITS | {"rounds": rounds} | changes
        directory = Path(mkdtemp(prefix="kills-"))
        started = time.monotonic()
        summary, killed = survive(tables, directory, random_moments(seed, kills, rounds), every=20)
        seconds = time.monotonic() - started
        same = summary["model_sha256"] == undisturbed(tables, directory / "alone")
        again = sum(resumed["again"] for resumed in summary["resumed"])
        faults = summary["faults"]["missing"] + summary["faults"]["refused"]
        print(
            f"{name}: {'same model' if same else 'ANOTHER MODEL'}, "
            f"{len(summary['resumed'])} times resumed, {again} rounds again, {faults} faults, "
            f"{seconds:.0f} s; killed after {', '.join(map(str, killed))} rounds",
            flush=True,
        )
        wrong += not same
        shutil.rmtree(directory)
    return wrong


if __name__ == "__main__":
    threadpool_limits(1)
    sys.exit(bool(main(*map(int, sys.argv[1:]))))
