"""A networked run and an in-process run of the same experiment are the same run.

Servers and devices are processes of their own. What starts them, and the in-process runs,
happen in this process, which has its libraries loaded, except where the command is tried.
"""

import sys
from pathlib import Path
from typing import Any

import pytest
from cluster import DIGITS, SMALL, read_rounds, run_summary, write_experiment_file
from parity import assert_same_run, run_networked, run_simulated

pytestmark = pytest.mark.integration

FIGURE_6: dict[str, Any] = {
    "name": "figure-6",
    "rounds": 30,
    "devices": {"count": 100, "byzantine": 30, "deadline_s": 60.0},
    "problem": {"kind": "linear-regression", "dimension": 100, "heterogeneity": 0.3},
    "coding": {"kind": "cyclic", "load": 3},
    "compressor": {"kind": "random-sparsification", "keep": 30},
    "aggregator": {"kind": "trimmed-mean", "trim": 0.1, "before": [{"kind": "nnm"}]},
    "attack": {"kind": "sign-flip", "factor": -2.0},
    "step": {"learning_rate": 3e-7},
}


COMPRESSED_LIES: dict[str, Any] = {
    "name": "compressed-lies",
    "rounds": 12,
    "devices": {"count": 6, "byzantine": 2, "deadline_s": 60.0},
    "problem": {"kind": "linear-regression", "dimension": 200},
    "coding": {"kind": "cyclic", "load": 3},
    "compressor": {"kind": "random-sparsification", "keep": 0.3},
    "aggregator": {"kind": "trimmed-mean", "trim": 0.2, "before": [{"kind": "nnm"}]},
    "attack": {"kind": "sign-flip", "factor": -2.0},
    "step": {"learning_rate": 1e-7},
}


@pytest.mark.parametrize("per_process", [1, 4])
def test_gives_the_same_model_and_bytes_on_digits(tmp_path: Path, per_process: int) -> None:
    file = write_experiment_file(tmp_path, DIGITS)

    networked = run_networked(file, tmp_path / "net", per_process)
    simulated = run_simulated(file, tmp_path / "sim", per_process)

    assert networked["engine"] == "processes"
    assert simulated["engine"] == "inprocess"
    assert_same_run(networked, simulated)
    assert networked["faults"]["missing"] == networked["faults"]["refused"] == 0
    for ours, theirs in zip(
        read_rounds(tmp_path / "net"), read_rounds(tmp_path / "sim"), strict=True
    ):
        for key in ("round", "loss", "accuracy", "update_norm", "missing", "refused"):
            assert ours[key] == theirs[key]


def test_gives_the_same_model_with_a_hundred_processes_or_three(tmp_path: Path) -> None:
    file = write_experiment_file(tmp_path, FIGURE_6)

    hundred = run_networked(file, tmp_path / "hundred")
    three = run_networked(file, tmp_path / "three", 50)
    simulated = run_simulated(file, tmp_path / "sim")
    simulated_three = run_simulated(file, tmp_path / "sim3", 50)

    assert_same_run(hundred, simulated)
    assert_same_run(three, simulated_three)
    assert three["model_sha256"] == hundred["model_sha256"]
    assert len(three["streams"]) == 3
    assert [stream["devices"] for stream in three["streams"]] == [
        stream["devices"] for stream in simulated_three["streams"]
    ]


COMPRESSED: dict[str, list[dict[str, Any]]] = {
    "a chain": [{"kind": "top-k", "keep": 0.2}, {"kind": "qsgd", "levels": 4}],
    "a common mask": [{"kind": "random-sparsification", "keep": 0.3, "index": "common"}],
    "a chain under a common mask": [
        {"kind": "random-sparsification", "keep": 0.5, "index": "common"},
        {"kind": "stochastic-quantization"},
    ],
}


@pytest.mark.parametrize("links", COMPRESSED.values(), ids=COMPRESSED)
def test_compresses_alike_on_both_engines(tmp_path: Path, links: list[dict[str, Any]]) -> None:
    changes = {"compressor": links, "estimator": {"kind": "plain", "biased": True}}
    file = write_experiment_file(tmp_path, COMPRESSED_LIES | changes)

    networked = run_networked(file, tmp_path / "net", 3)
    simulated = run_simulated(file, tmp_path / "sim", 3)

    assert_same_run(networked, simulated)
    assert networked["faults"]["missing"] == networked["faults"]["refused"] == 0


DECODED: dict[str, dict[str, Any]] = {
    "complex": {"kind": "draco-cyclic", "load": 5},
    "by vote": {"kind": "draco-repetition", "load": 6},
}


@pytest.mark.parametrize("coding", DECODED.values(), ids=DECODED)
def test_decodes_alike_on_both_engines(tmp_path: Path, coding: dict[str, Any]) -> None:
    tables = SMALL | {
        "devices": {"count": 12, "byzantine": 2, "deadline_s": 60.0},
        "coding": coding,
        "attack": {"kind": "sign-flip"},
    }
    file = write_experiment_file(tmp_path, tables)

    networked = run_networked(file, tmp_path / "net", 4)
    simulated = run_simulated(file, tmp_path / "sim", 4)

    assert_same_run(networked, simulated)
    assert networked["decode_failed"] == simulated["decode_failed"] == 0
    for out in ("net", "sim"):
        for record in read_rounds(tmp_path / out):
            assert record["suspects"] == networked["byzantine"]


def test_redraws_the_liars_alike_on_both_engines(tmp_path: Path) -> None:
    devices = {"count": 6, "byzantine": 2, "redraw": True}
    file = write_experiment_file(tmp_path, COMPRESSED_LIES | {"devices": devices})

    networked = run_networked(file, tmp_path / "net")
    simulated = run_simulated(file, tmp_path / "sim")

    assert_same_run(networked, simulated)
    assert "byzantine" not in networked


LIES: dict[str, dict[str, Any]] = {
    "after a look at the server's rule": {"attack": {"kind": "opt-alie"}},
    "after what others would say": {"attack": {"kind": "min-max"}},
    "out of memory": {
        "attack": {"kind": "mimic"},
        "devices": {"count": 6, "byzantine": 2, "redraw": True},
    },
    "in the form of a payload": {
        "attack": {"kind": "quantizer-range"},
        "compressor": {"kind": "stochastic-quantization"},
    },
}


@pytest.mark.parametrize("changes", LIES.values(), ids=LIES)
def test_lies_alike_on_both_engines(tmp_path: Path, changes: dict[str, Any]) -> None:
    file = write_experiment_file(tmp_path, COMPRESSED_LIES | {"rounds": 6} | changes)

    networked = run_networked(file, tmp_path / "net", 2)
    simulated = run_simulated(file, tmp_path / "sim", 2)

    assert_same_run(networked, simulated)
    assert networked["faults"] == simulated["faults"]
    assert networked["faults"]["missing"] == networked["faults"]["refused"] == 0


@pytest.mark.parametrize("redraw", [False, True])
def test_misses_the_silent_alike_on_both_engines(tmp_path: Path, redraw: bool) -> None:
    # Long beside what an honest device takes: every round of silence lasts as long.
    devices = {"count": 6, "byzantine": 2, "redraw": redraw, "deadline_s": 2.0}
    tables = SMALL | {
        "rounds": 4,
        "devices": devices,
        "attack": {"kind": "crash", "since": 2},
        "aggregator": {"kind": "trimmed-mean", "trim": 0.2},
    }
    file = write_experiment_file(tmp_path, tables)
    # Where anybody may lie, a process has silent devices and others.
    per_process = 3 if redraw else 2

    networked = run_networked(file, tmp_path / "net", per_process)
    simulated = run_simulated(file, tmp_path / "sim", per_process)

    assert_same_run(networked, simulated)
    assert networked["faults"] == simulated["faults"]
    missing = [record["missing"] for record in read_rounds(tmp_path / "net")]
    assert [len(silent) for silent in missing] == [0, 0, 2, 2]
    assert missing == [record["missing"] for record in read_rounds(tmp_path / "sim")]


def test_repeats_a_run_from_the_experiment_it_left(tmp_path: Path) -> None:
    file = write_experiment_file(tmp_path, DIGITS)
    changes = ("--set", "seed=7", "--set", "rounds=8")
    first = run_summary(file, tmp_path / "first", "--per-process", 5, *changes)

    left = tmp_path / "first" / "experiment.toml"
    second = run_summary(left, tmp_path / "second", "--per-process", 5, "--engine", "inprocess")

    assert_same_run(first, second)
    assert second["experiment"] == first["experiment"]
    assert first["experiment"]["seed"] == 7


def test_is_attacked_by_a_program_that_knows_only_the_proto_files(tmp_path: Path) -> None:
    stranger = Path(__file__).parent.parent / "stranger.py"
    tables = {
        "name": "stranger",
        "rounds": 10,
        "devices": {"count": 5, "byzantine": 1},
        "problem": {"kind": "linear-regression", "dimension": 30},
        "aggregator": {"kind": "trimmed-mean"},
        "attack": {"command": [sys.executable, str(stranger)]},
        "step": {"learning_rate": 1e-6},
    }
    file = write_experiment_file(tmp_path, tables)

    defended = run_networked(file, tmp_path / "defended")
    file = write_experiment_file(tmp_path, tables | {"aggregator": {"kind": "mean"}})
    undefended = run_networked(file, tmp_path / "mean")

    assert defended["faults"]["refused"] == defended["faults"]["missing"] == 0
    assert defended["loss"]["final"] < defended["loss"]["initial"]
    assert undefended["loss"]["final"] > 1e60
