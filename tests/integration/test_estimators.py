"""Methods with a memory over a real network: the same run as in one process, whatever happens."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from cluster import (
    PATIENCE_S,
    Server,
    devices,
    read_rounds,
    serving,
    wait_until,
    write_experiment_file,
)
from kills import survive
from parity import assert_same_run, replayed, run_networked, run_simulated

from comlad.experiment import prepare, read_experiment

pytestmark = pytest.mark.integration

DM21: dict[str, Any] = {
    "name": "dm21",
    "rounds": 25,
    "devices": {"count": 20, "byzantine": 8, "deadline_s": PATIENCE_S},
    "problem": {"kind": "logistic-regression", "split": "dirichlet"},
    "coding": {"tasks": "fixed"},
    "sampling": {"batch": 1},
    "estimator": {"kind": "byz-vr-dm21"},
    "compressor": {"kind": "top-k", "keep": 0.1},
    "aggregator": {"kind": "trimmed-mean", "before": [{"kind": "nnm"}]},
    "attack": {"kind": "alie"},
    "step": {"learning_rate": 0.5},
}
SMALL = DM21 | {"rounds": 12, "devices": {"count": 6, "byzantine": 2, "deadline_s": PATIENCE_S}}
LIES = ("--attack", "sign-flip")
RANDOM = {"kind": "random-sparsification", "keep": 0.2}


def test_is_the_same_run_with_twenty_processes(tmp_path: Path) -> None:
    file = write_experiment_file(tmp_path, DM21)

    networked = run_networked(file, tmp_path / "net")
    simulated = run_simulated(file, tmp_path / "sim")

    assert_same_run(networked, simulated)
    assert len(networked["devices"]["up"]["message"]) == 20
    assert networked["faults"]["missing"] == networked["faults"]["refused"] == 0
    assert networked["loss"]["final"] < networked["loss"]["initial"]


CHANGES: dict[str, dict[str, Any]] = {
    "gradients of flipped labels": {"attack": {"kind": "label-flip"}},
    "a direction learned from what others send": {"attack": {"kind": "mimic", "warmup": 3}},
    "who lies is redrawn": {
        "attack": {"kind": "ipm"},
        "devices": {"count": 6, "byzantine": 2, "redraw": True, "deadline_s": PATIENCE_S},
    },
    "whole vectors now and then": {
        "estimator": {"kind": "byz-vr-marina", "probability": 0.3},
        "compressor": RANDOM,
    },
    "full gradients now and then": {
        "estimator": {"kind": "byz-dasha-page", "probability": 0.3},
        "compressor": {**RANDOM, "index": "seeded"},
    },
    "a shift": {"estimator": {"kind": "diana"}, "compressor": RANDOM},
    "a warm start": {"estimator": {"kind": "byz-dm21", "start": "warm"}},
    "momenta over tasks that change": {
        "estimator": {"kind": "ef21-sgdm"},
        "coding": {"load": 3},
    },
    "samples without a memory": {
        "estimator": {"kind": "plain"},
        "compressor": RANDOM,
        "coding": {"load": 2},
    },
}


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_is_the_same_run_whatever_is_remembered(tmp_path: Path, changes: dict[str, Any]) -> None:
    file = write_experiment_file(tmp_path, SMALL | changes)

    networked = run_networked(file, tmp_path / "net", 2)
    simulated = run_simulated(file, tmp_path / "sim", 2)

    assert_same_run(networked, simulated)
    assert networked["faults"]["missing"] == networked["faults"]["refused"] == 0


# Who lies knows no more than its own vector.
ALONE = SMALL | {"attack": {"kind": "sign-flip"}, "rounds": 100}


def test_goes_on_where_a_killed_server_has_stopped(tmp_path: Path) -> None:
    summary, killed = survive(ALONE, tmp_path, [20, 60], every=10)

    simulated = run_simulated(write_experiment_file(tmp_path, ALONE), tmp_path / "sim")
    assert len(killed) == 2
    assert summary["model_sha256"] == simulated["model_sha256"]


def test_takes_back_what_a_late_device_has_sent_in_vain(tmp_path: Path) -> None:
    quorum = {"count": 6, "byzantine": [4, 5], "quorum": 5, "deadline_s": 0.3}
    tables = ALONE | {"devices": quorum}

    with (
        serving(tables, tmp_path) as server,
        devices(server.address, "0-2", 3) as (_, late),
        devices(server.address, "4-5", options=LIES, program="comlad_device.byzantine"),
    ):
        for frozen in (20, 60):
            wait_until(lambda at=frozen: server.rounds_closed() > at, "some rounds")  # type: ignore[misc]
            late.send_signal(signal.SIGSTOP)
            wait_until(lambda: missing(server) == [3], "a deadline without it")
            late.send_signal(signal.SIGCONT)
            wait_until(lambda: missing(server) == [], "it to be there again")
        summary = server.finish()

    assert summary["faults"]["by_device"]["3"]["missing"] >= 2
    assert summary["faults"]["refused"] == 0 or list(summary["faults"]["by_device"]) == ["3"]
    assert summary["model_sha256"] == replayed(tables, server.out, tables["rounds"])


def test_is_told_what_is_held_of_it_when_it_has_lost_its_memory(tmp_path: Path) -> None:
    patient = {"count": 6, "byzantine": [4, 5], "quorum": 6, "repeats": 1000, "deadline_s": 0.5}
    tables = ALONE | {"rounds": 150, "devices": patient}

    with (
        serving(tables, tmp_path) as server,
        devices(server.address, "0-2"),
        devices(server.address, "4-5", options=LIES, program="comlad_device.byzantine"),
    ):
        with devices(server.address, 3) as (first,):
            wait_until(lambda: server.rounds_closed() > 20, "some rounds")
            first.kill()
            first.wait(PATIENCE_S)
        with devices(server.address, 3):
            summary = server.finish()

    payloads = [record["devices"]["down"]["payload"][3] for record in read_rounds(server.out)]
    width = prepare(read_experiment(tables)).objective.dimension
    usual = 8 * width + 6  # x and p
    assert sorted(set(payloads)) in ([usual, usual + 8 * width], [usual, 2 * usual + 8 * width])
    assert [payload > usual for payload in payloads].count(True) == 1
    recovered = [record.get("recovered") for record in read_rounds(server.out)]
    assert recovered == [[3] if payload > usual else None for payload in payloads]
    assert summary["rounds"] == 150
    assert summary["faults"]["refused"] == 0
    assert summary["loss"]["final"] < summary["loss"]["initial"]
    assert summary["model_sha256"] == replayed(tables, server.out, tables["rounds"])


def missing(server: Server) -> list[int]:
    lines = (server.out / "rounds.jsonl").read_text().splitlines()
    found: list[int] = json.loads(lines[-1])["missing"]
    return found
