"""Models that are larger than a message travel in chunks, and nothing else changes."""

from pathlib import Path
from typing import Any

import pytest
from cluster import read_rounds, run_summary, write_experiment_file

pytestmark = pytest.mark.integration

Q = 600_000
EXPERIMENT: dict[str, Any] = {
    "name": "large",
    "rounds": 2,
    "devices": {"count": 3, "deadline_s": 60.0},
    "problem": {"kind": "quadratic", "dimension": Q},
    "compressor": {"kind": "identity"},
    "aggregator": {"kind": "trimmed-mean", "trim": 1},
    "step": {"learning_rate": 0.2},
}


def test_gives_the_same_model_and_bytes_on_both_engines(tmp_path: Path) -> None:
    file = write_experiment_file(tmp_path, EXPERIMENT)
    options = ("--per-process", 2)  # one of two devices, one of one

    networked = run_summary(file, tmp_path / "net", *options)
    simulated = run_summary(file, tmp_path / "sim", *options, "--engine", "inprocess")

    assert networked["model_sha256"] == simulated["model_sha256"]
    assert networked["loss"] == simulated["loss"]
    assert networked["loss"]["final"] < networked["loss"]["initial"]
    assert networked["faults"]["missing"] == networked["faults"]["refused"] == 0
    for ours, theirs in zip(
        read_rounds(tmp_path / "net"), read_rounds(tmp_path / "sim"), strict=True
    ):
        for direction in ("up", "down"):
            for layer in ("payload", "message"):
                for key in ("bytes", "devices"):
                    assert ours[key][direction][layer] == theirs[key][direction][layer]
    # Chunks cost a thousandth or less.
    for layers in networked["bytes"].values():
        assert layers["payload"] < layers["message"] < 1.001 * layers["payload"]
