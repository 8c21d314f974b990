"""A run once more in this process, without a network, to compare the model."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from comlad.config import at, read_toml
from comlad.errors import RoundError
from comlad.experiment import prepare, read_experiment
from comlad.rounds import read_attendance
from comlad_deploy.run import run_prepared

__all__ = ["replay"]


def replay(
    directory: Path, summary: Mapping[str, Any], records: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Whether the run of a directory gives the same model in one process.

    Args:
        directory: With the run's experiment.toml and rounds.jsonl.
        summary: Its summary.json.
        records: The lines of its rounds.jsonl.

    Returns:
        `equal`, the `model_sha256`, and how many `absences` were repeated.

    Raises:
        ConfigError: Not all of it is there, or its attack is a program of its own.
    """
    file = directory / "experiment.toml"
    with at(f"{file}:"):
        # Of a run that was stopped, the rounds that there were.
        tables = read_toml(file) | {"rounds": max(summary["rounds"], 1)}
        prepared = prepare(read_experiment(tables, directory.absolute()))
    count, rounds = prepared.experiment.devices.count, prepared.experiment.rounds
    with at(f"{directory}:"), (directory / "rounds.jsonl").open(encoding="utf-8") as lines:
        attendance = read_attendance(lines, count, rounds)
    with TemporaryDirectory(prefix="comlad-replay-") as place:
        with suppress(RoundError):  # it ended as that run may have: what it reached is written
            run_prepared(
                prepared, Path(place), "inprocess", 1, lambda _: None, attendance=attendance
            )
        again = json.loads(Path(place, "summary.json").read_text("utf-8"))["model_sha256"]
    return {
        "equal": again == summary["model_sha256"],
        "model_sha256": again,
        "absences": sum(len(record["missing"]) + len(record["refused"]) for record in records),
    }
