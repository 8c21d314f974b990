"""A run over the network and the same in this process."""

import json
from pathlib import Path
from typing import Any

from comlad.config import read_toml
from comlad.experiment import prepare, read_experiment
from comlad.rounds import read_attendance
from comlad_deploy.inprocess import run_inprocess
from comlad_deploy.run import run_prepared
from comlad_server.results import Results

__all__ = ["assert_same_run", "replayed", "run_networked", "run_simulated"]


def run_networked(file: Path, out: Path, per_process: int = 1) -> dict[str, Any]:
    prepared = prepare(read_experiment(read_toml(file), file.parent))
    return run_prepared(prepared, out, "processes", per_process, lambda _: None)


def run_simulated(file: Path, out: Path, per_process: int = 1) -> dict[str, Any]:
    prepared = prepare(read_experiment(read_toml(file), file.parent))
    with Results(out, prepared.experiment) as results:
        run_inprocess(prepared, results, per_process)
    summary: dict[str, Any] = json.loads((out / "summary.json").read_text())
    return summary


def assert_same_run(networked: dict[str, Any], simulated: dict[str, Any]) -> None:
    assert networked["model_sha256"] == simulated["model_sha256"]
    assert networked["loss"] == simulated["loss"]
    for direction in ("up", "down"):
        for layer in ("payload", "message"):
            for key in ("bytes", "devices"):
                assert networked[key][direction][layer] == simulated[key][direction][layer]


def replayed(found: dict[str, Any], out: Path, rounds: int) -> str:
    """The model that a run's attendance leads to."""
    prepared = prepare(read_experiment(found | {"rounds": rounds}))
    with (out / "rounds.jsonl").open() as lines:
        attendance = read_attendance(lines, prepared.experiment.devices.count, rounds)
    with Results(out.parent / "replayed", prepared.experiment) as results:
        model: str = run_inprocess(prepared, results, attendance=attendance)["model_sha256"]
    return model
