"""A disk without room, as a limit on the size of files."""

import resource
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from cluster import read_rounds, run_comlad, run_summary, write_experiment_file

pytestmark = pytest.mark.integration

# A checkpoint has the model and the aggregate: twice the size of model.npy.
TABLES: dict[str, Any] = {
    "name": "wide",
    "rounds": 8,
    "devices": {"count": 4},
    "problem": {"kind": "quadratic", "dimension": 2000},
    "aggregator": {"kind": "centered-clipping"},
    "step": {"learning_rate": 1e-3},
}


def with_room(size: int, file: Path, out: Path, *arguments: object) -> CompletedProcess[str]:
    """A run that can write files of so many bytes."""
    return run_comlad(
        *("run", file, "--out", out, "--checkpoint-every", 2, *arguments),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_experiment_file(tmp_path, TABLES)


def test_a_run_goes_on_without_checkpoints(tmp_path: Path, file: Path) -> None:
    done = with_room(24_000, file, tmp_path / "out", "--engine", "inprocess")

    assert done.returncode == 0
    complaints = done.stderr.splitlines()
    assert complaints[0] == "comlad: no checkpoint after 2 rounds: [Errno 27] File too large"
    assert len(read_rounds(tmp_path / "out")) == 8
    # What could not be written takes no room.
    assert list((tmp_path / "out" / "checkpoints").iterdir()) == []


def test_a_server_goes_on_without_checkpoints(tmp_path: Path, file: Path) -> None:
    done = with_room(24_000, file, tmp_path / "out")

    assert done.returncode == 0, done.stderr
    assert "no checkpoint after" in done.stderr
    assert len(read_rounds(tmp_path / "out")) == 8


@pytest.mark.parametrize("engine", ["inprocess", "processes"])
def test_a_run_that_cannot_write_its_rounds_can_be_gone_on_with(
    tmp_path: Path, engine: str
) -> None:
    narrow = TABLES | {"problem": {"kind": "quadratic", "dimension": 20}}
    file, out = write_experiment_file(tmp_path, narrow | {"rounds": 40}), tmp_path / "out"

    done = with_room(9_000, file, out, "--engine", engine)

    assert done.returncode == 1
    assert f"{out}/rounds.jsonl: cannot be written ([Errno 27] File too large)" in done.stderr
    reached = len(read_rounds(out))  # of whole lines
    assert 5 < reached < 40

    resumed = run_summary(file, out, "--engine", engine, "--resume")
    alone = run_summary(file, tmp_path / "alone", "--engine", "inprocess")
    assert resumed["model_sha256"] == alone["model_sha256"]
    assert [record["round"] for record in read_rounds(out)] == list(range(40))
