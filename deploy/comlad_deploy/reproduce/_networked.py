"""One point of a figure again with real processes, which must give the same model."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from comlad.experiment import prepare, read_experiment
from comlad_deploy.files import write_text
from comlad_deploy.reproduce._figure import LossFigure
from comlad_deploy.reproduce._store import key_of
from comlad_deploy.reproduce._trace import compute
from comlad_deploy.run import run_prepared

__all__ = ["NETWORKED_ROUNDS", "networked_point", "networked_run"]

NETWORKED_ROUNDS = 30
_PER_PROCESS = 50


def networked_point(figure: LossFigure, directory: Path) -> dict[str, Any]:
    """A few rounds of the figure's chosen curve, over gRPC and in this process.

    Args:
        figure: Whose curve.
        directory: Where the networked run is written, and its result found the next time.

    Returns:
        What figN.json says of it.

    Raises:
        ProcessError: The processes did not get through it.
    """
    (curve,) = (curve for curve in figure.curves if curve.name == figure.networked)
    tables = figure.experiment(curve, seed=0, rounds=NETWORKED_ROUNDS)
    return networked_run(curve.name, tables, directory, _PER_PROCESS)


def networked_run(
    name: str, tables: Mapping[str, Any], directory: Path, per_process: int
) -> dict[str, Any]:
    """An experiment over gRPC and in this process.

    Args:
        name: Of the curve that it is of.
        tables: The experiment's, of a few rounds.
        directory: Where the networked run is written, and its result found the next time.
        per_process: How many devices share a process.

    Returns:
        What figN.json says of it.

    Raises:
        ProcessError: The processes did not get through it.
    """
    key = key_of(tables, "comlad_server", "comlad_device")
    file = directory / "point.json"
    if (point := _found(file, key)) is not None:
        return point
    prepared = prepare(read_experiment(tables))
    summary = run_prepared(prepared, directory, "processes", per_process, lambda _: None)
    here = compute(tables).model_sha256
    point = {
        "curve": name,
        "seed": tables["seed"],
        "rounds": tables["rounds"],
        "processes": 1 + (len(summary["streams"]) or prepared.experiment.devices.count),
        "model_sha256": summary["model_sha256"],
        "model_sha256_in_process": here,
        "equal": summary["model_sha256"] == here,
        "bytes": summary["bytes"],
        "faults": {kind: summary["faults"][kind] for kind in ("refused", "missing")},
    }
    write_text(file, json.dumps({"key": key, "point": point}, indent=2) + "\n")
    return point


def _found(file: Path, key: Mapping[str, Any]) -> dict[str, Any] | None:
    """The result of the same run if it was done before, with the same programs."""
    try:
        content = json.loads(file.read_text("utf-8"))
        point: dict[str, Any] = content["point"]
        return point if content["key"] == key else None
    except (OSError, ValueError, TypeError, KeyError):  # not there, or torn
        return None
