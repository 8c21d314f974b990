"""Runs that are stopped or killed, and gone on with, come to the model of one that never was."""

import json
import shutil
import signal
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from cluster import (
    PATIENCE_S,
    SMALL,
    comlad,
    read_rounds,
    run_comlad,
    run_summary,
    serving,
    wait_until,
    write_experiment_file,
)
from kills import free_address, random_moments, start_devices, survive

from comlad.experiment import prepare, read_experiment
from comlad_deploy.inprocess import run_inprocess
from comlad_server.checkpoints import Checkpoints
from comlad_server.results import Results

pytestmark = pytest.mark.integration

# The rule remembers the aggregate of the round before, and the liar its vectors.
STATEFUL: dict[str, Any] = SMALL | {
    "rounds": 300,
    "devices": {"count": 5, "byzantine": [4], "deadline_s": PATIENCE_S},
    "aggregator": {"kind": "centered-clipping"},
    "attack": {"kind": "replay", "delay": 2},
}


def undisturbed(tables: dict[str, Any], out: Path) -> dict[str, Any]:
    """The summary of a run in this process that nothing happens to; two groups of devices."""
    prepared = prepare(read_experiment(tables))
    with Results(out, prepared.experiment) as results:
        kept = Checkpoints(out, prepared.experiment, prepared.experiment.rounds // 2)
        return run_inprocess(prepared, results, per_process=9, checkpoints=kept)


def test_a_server_that_is_killed_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    moments = random_moments(seed=1, kills=3, rounds=300)

    summary, killed = survive(STATEFUL, tmp_path, moments, every=15)

    alone = undisturbed(STATEFUL, tmp_path / "alone")
    assert summary["model_sha256"] == alone["model_sha256"]
    assert summary["loss"] == alone["loss"]
    assert summary["faults"] == alone["faults"]
    assert summary["bytes"]["up"]["payload"] == alone["bytes"]["up"]["payload"]
    assert all(record["missing"] == [] for record in read_rounds(tmp_path / "out"))
    assert len(killed) == 3
    assert summary["resumed"][-1]["round"] >= killed[0] - 30


def test_a_server_that_is_stopped_loses_no_round(tmp_path: Path) -> None:
    """And tells its devices to wait for the next one."""
    address = free_address()
    with ExitStack() as stack:
        processes = start_devices(stack, STATEFUL, address)
        with serving(STATEFUL, tmp_path, listen=address) as server:
            wait_until(lambda: server.rounds_closed() > 20, "some rounds")
            server.process.send_signal(signal.SIGTERM)
            status, errors = server.end()
        reached = json.loads((server.out / "summary.json").read_text())
        with serving(STATEFUL, tmp_path, "--resume", listen=address) as server:
            summary = server.finish()
        statuses = [process.wait(PATIENCE_S) for process in processes]

    assert status == 1
    assert errors.splitlines()[-1] == "comlad-server: stopped by SIGTERM"
    assert reached["stopped"] == "stopped by SIGTERM"
    assert statuses == [0, 0]
    assert summary["resumed"] == [{"round": reached["rounds"], "again": 0}]
    assert summary["model_sha256"] == undisturbed(STATEFUL, tmp_path / "alone")["model_sha256"]


@pytest.mark.parametrize(
    ("engine", "number"),
    [
        ("inprocess", signal.SIGTERM),
        ("inprocess", signal.SIGKILL),
        ("processes", signal.SIGINT),
    ],
)
def test_a_command_that_is_ended_goes_on(
    tmp_path: Path, engine: str, number: signal.Signals
) -> None:
    # Devices that are started anew have forgotten what they remembered: a liar without memory.
    tables = STATEFUL | {"rounds": 10**6, "attack": {"kind": "sign-flip"}}
    file, out = write_experiment_file(tmp_path, tables), tmp_path / "out"
    words = ("--engine", engine, "--per-process", 9)
    run = subprocess.Popen(
        comlad("run", file, "--out", out, *words), stderr=subprocess.PIPE, text=True
    )
    wait_until(lambda: any(out.glob("checkpoints/*.npz")), "a checkpoint")

    run.send_signal(number)
    _, errors = run.communicate(timeout=PATIENCE_S)
    reached = len(read_rounds(out)) + 10
    summary = run_summary(file, out, *words, "--resume", "--set", f"rounds={reached}")

    killed = number == signal.SIGKILL
    assert run.returncode == (-number if killed else 130)
    assert errors.endswith("" if killed else "comlad: interrupted; what was finished is kept\n")
    assert [record["round"] for record in read_rounds(out)] == list(range(reached))
    alone = undisturbed(tables | {"rounds": reached}, tmp_path / "alone")
    for key in ("model_sha256", "loss", "faults", "byzantine", "rounds"):
        assert summary[key] == alone[key]
    if engine == "inprocess":
        for key in ("bytes", "devices", "streams"):
            assert summary[key] == alone[key]


@pytest.mark.parametrize("engine", ["inprocess", "processes"])
def test_a_finished_run_can_be_made_longer(tmp_path: Path, engine: str) -> None:
    tables = STATEFUL | {"attack": {"kind": "sign-flip"}, "rounds": 10}
    file, out = write_experiment_file(tmp_path, tables), tmp_path / "out"
    undisturbed(tables, out)
    words = ("--engine", engine, "--resume", "--per-process", 9)

    again = run_summary(file, out, *words)
    longer = run_summary(file, out, *words, "--set", "rounds=20")

    alone = [undisturbed(tables | {"rounds": end}, tmp_path / f"{end}") for end in (10, 20)]
    assert [again["rounds"], longer["rounds"]] == [10, 20]
    assert again["model_sha256"] == alone[0]["model_sha256"]
    assert longer["model_sha256"] == alone[1]["model_sha256"]
    assert [record["round"] for record in read_rounds(out)] == list(range(20))
    # Of the first ten rounds nobody has counted what a connection carried.
    assert longer["bytes"]["up"].keys() == {"payload", "message"}
    assert longer["bytes"]["up"] == alone[1]["bytes"]["up"]


def test_a_networked_run_goes_on_in_one_process_as_with_new_ones(tmp_path: Path) -> None:
    """Its checkpoint is without what devices remember: they begin from what is held of them."""
    tables = STATEFUL | {
        "attack": {"kind": "sign-flip"},
        "rounds": 10,
        "estimator": {"kind": "byz-dm21"},
        "compressor": {"kind": "top-k", "keep": 2},
    }
    file, out = write_experiment_file(tmp_path, tables), tmp_path / "networked"
    run_summary(file, out, "--engine", "processes")
    copy = shutil.copytree(out, tmp_path / "inprocess")
    words = ("--resume", "--set", "rounds=20")

    networked = run_summary(file, out, "--engine", "processes", *words)
    simulated = run_summary(file, copy, "--engine", "inprocess", *words)

    undisturbed_one = undisturbed(tables | {"rounds": 20}, tmp_path / "alone")
    assert networked["rounds"] == simulated["rounds"] == 20
    assert networked["model_sha256"] == simulated["model_sha256"]
    assert networked["model_sha256"] != undisturbed_one["model_sha256"]
    recovered = {r["round"]: r["recovered"] for r in read_rounds(out) if "recovered" in r}
    assert recovered == {10: [0, 1, 2, 3, 4]}


def test_a_torn_checkpoint_is_refused_before_anything_is_started(tmp_path: Path) -> None:
    tables = STATEFUL | {"rounds": 10}
    file, out = write_experiment_file(tmp_path, tables), tmp_path / "out"
    undisturbed(tables, out)
    older, newer = sorted((out / "checkpoints").iterdir())
    newer.write_bytes(newer.read_bytes()[:-100])
    before = (out / "rounds.jsonl").read_bytes()

    refused = run_comlad("run", file, "--out", out, "--resume")

    assert refused.returncode == 2
    assert f"checkpoint {newer}: is torn" in refused.stderr
    assert (out / "rounds.jsonl").read_bytes() == before
    words = ("--engine", "inprocess", "--resume-from", older)
    summary = run_summary(file, out, *words)
    assert summary["model_sha256"] == undisturbed(tables, tmp_path / "alone")["model_sha256"]
