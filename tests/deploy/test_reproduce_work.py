"""Runs that are computed once, in this process or in others, and found again."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from cluster import PATIENCE_S, run_summary, wait_until
from samples import tables

from comlad.errors import ComladError, ConfigError, MessageError, RoundError
from comlad.experiment import prepare, read_experiment
from comlad.rounds import simulate
from comlad_deploy.processes import ProcessError
from comlad_deploy.reproduce import _networked
from comlad_deploy.reproduce._figure import Curve, LossFigure
from comlad_deploy.reproduce._pool import Job, run_jobs
from comlad_deploy.reproduce._runs import Runs
from comlad_deploy.reproduce._store import Store
from comlad_deploy.reproduce._trace import compute, horizons, marks
from comlad_deploy.reproduce._work import Work

ROUNDS = 4


def figure() -> LossFigure:
    """Two curves of a small problem."""
    parts = {key: table for key, table in tables().items() if isinstance(table, dict)}
    return LossFigure(
        key="fig9",
        setting="small",
        panels=[""],
        curves=[
            Curve("CWTM", "cwtm", 2, parts),
            Curve("LAD-CWTM, d = 3", "cwtm", 3, {**parts, "coding": {"load": 3}}),
        ],
        reference=["CWTM"],
        compared="as a multiple of CWTM's",
        claims=[],
        facts=[],
        headlines=[],
        networked="CWTM",
    )


def work(out: Path, rounds: int = ROUNDS, workers: int = 1) -> Work:
    """Both curves for two seeds, run."""
    done = Work([figure()], rounds, 2, out, runs(out, workers))
    done.run()
    return done


def runs(out: Path, workers: int = 1) -> Runs:
    """Found in a directory, or computed."""
    return Runs(out / "curves", workers, hidden=True)


def kept(out: Path) -> list[Path]:
    return sorted((out / "curves").rglob("*.json"))


def test_records_the_loss_at_every_mark() -> None:
    experiment = tables("rounds=5")
    prepared = prepare(read_experiment(experiment))

    trace = compute(experiment)

    assert marks(5) == (0, 1, 2, 3, 4, 5)
    assert trace.losses[1:] == tuple(
        prepared.objective.loss(state.model) for state, _ in simulate(prepared)
    )


@pytest.mark.parametrize("rounds", [1, 2, 7, 49, 200, 333, 5000, 12_345])
def test_marks_contain_both_ends_and_the_horizons(rounds: int) -> None:
    found = marks(rounds)

    assert found[0] == 0
    assert found[-1] == horizons(rounds)[-1] == rounds
    assert set(horizons(rounds)) < {*found}
    assert list(found) == sorted(set(found))
    assert len(found) <= 206


def test_looks_at_the_paper_s_fractions_of_the_rounds() -> None:
    assert horizons(5000) == (100, 500, 1000, 2500, 5000)
    assert horizons(1) == (1,)


def test_gives_the_model_of_comlad_run(tmp_path: Path) -> None:
    done = work(tmp_path)
    done.write_experiments()
    file = tmp_path / "experiments" / "fig9" / "lad-cwtm-d3.toml"

    summary = run_summary(file, tmp_path / "run", "--engine", "inprocess", "--set", "seed=1")

    trace = done.traces(figure())["LAD-CWTM, d = 3"][1]
    assert summary["model_sha256"] == trace.model_sha256
    assert summary["loss"]["final"] == trace.losses[-1]


def test_computes_nothing_twice(tmp_path: Path) -> None:
    first = work(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in kept(tmp_path)}

    second = work(tmp_path)

    assert (first.runs.computed, first.runs.found) == (4, 0)
    assert (second.runs.computed, second.runs.found) == (0, 4)
    assert second.traces(figure()) == first.traces(figure())
    assert {path: path.stat().st_mtime_ns for path in kept(tmp_path)} == before


def test_computes_only_what_is_missing(tmp_path: Path) -> None:
    first = work(tmp_path)
    kept(tmp_path)[2].unlink()

    second = work(tmp_path)

    assert (second.runs.computed, second.runs.found) == (1, 3)
    assert [
        [trace.model_sha256 for trace in seeds] for seeds in second.traces(figure()).values()
    ] == [[trace.model_sha256 for trace in seeds] for seeds in first.traces(figure()).values()]


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: "[]",
        lambda text: text.replace('"losses": [', '"losses": [1.0, '),
        lambda text: text.replace('"format": 2', '"format": 0'),
        lambda text: text.replace('"numpy": "', '"numpy": "0.'),
        lambda text: text.replace('"code": {"comlad": "', '"code": {"comlad": "0'),
        lambda text: text.replace('"load": 2', '"load": 1'),
        lambda text: text.replace('"skipped"', '"skiped"'),
    ],
)
def test_computes_again_what_is_torn_or_of_something_else(tmp_path: Path, damage: Any) -> None:
    work(tmp_path)
    path = kept(tmp_path)[0]
    text = path.read_text()
    path.write_text(damage(text))
    assert path.read_text() != text

    second = work(tmp_path)

    seconds = {"seconds": 0}
    assert (second.runs.computed, second.runs.found) == (1, 3)
    assert json.loads(path.read_text())["trace"] | seconds == json.loads(text)["trace"] | seconds


def test_keeps_runs_of_different_lengths_side_by_side(tmp_path: Path) -> None:
    work(tmp_path, rounds=3)
    work(tmp_path, rounds=4)

    again = work(tmp_path, rounds=3)

    assert (again.runs.computed, again.runs.found) == (0, 4)


def test_keeps_a_loss_that_is_not_finite(tmp_path: Path) -> None:
    experiment = tables("step.learning_rate=1e200", "rounds=3", attack=None, devices={"count": 5})
    trace = compute(experiment)
    store = Store(tmp_path)

    store.keep("place", experiment, trace)

    assert trace.losses[-1] == float("inf")
    assert trace.skipped > 0
    assert store.find("place", experiment) == trace


def test_gives_the_same_in_other_processes(tmp_path: Path) -> None:
    here, apart = work(tmp_path / "here"), work(tmp_path / "apart", workers=2)

    assert apart.runs.computed == 4
    for ours, theirs in zip(
        here.traces(figure()).values(), apart.traces(figure()).values(), strict=True
    ):
        assert [trace.losses for trace in ours] == [trace.losses for trace in theirs]
        assert [trace.model_sha256 for trace in ours] == [trace.model_sha256 for trace in theirs]


def test_refuses_an_experiment_that_cannot_be_before_anything_is_written(tmp_path: Path) -> None:
    wrong = figure()
    wrong.curves[1].tables["coding"]["load"] = 6

    with pytest.raises(ConfigError, match="load = 6"):
        Work([wrong], ROUNDS, 2, tmp_path / "out", runs(tmp_path / "out"))

    assert not (tmp_path / "out").exists()


def test_passes_a_worker_s_complaint_on(tmp_path: Path) -> None:
    jobs = [Job("bad", "bad", tables("problem.arrays='nowhere.npz'"))] * 2

    with pytest.raises(ConfigError, match=r"nowhere\.npz"):
        run_jobs(jobs, 2, lambda job, trace: None)


def test_reports_how_far_it_is() -> None:
    seen: list[list[int]] = []
    job = Job("name", "place", tables("rounds=3"))

    run_jobs([job], 1, lambda job, trace: None, lambda reached: seen.append(list(reached)))

    assert seen == [[1], [2], [3]]


ENDLESS = """
from samples import tables
from comlad_deploy.reproduce._pool import Job, run_jobs
from comlad_deploy.reproduce._runs import Runs

jobs = [Job("name", "place", tables("rounds=1000000000")) for _ in range(3)]
report = lambda reached: print(sum(count > 0 for count in reached), flush=True)
run_jobs(jobs, 2, lambda job, trace: None, report)
"""


@contextmanager
def endless_work() -> Iterator[tuple[subprocess.Popen[str], list[psutil.Process]]]:
    """A process whose two workers have come some way, and all processes below it."""
    with subprocess.Popen(
        [sys.executable, "-c", ENDLESS],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if line.strip() == "2":
                    break
            yield process, psutil.Process(process.pid).children(recursive=True)
        finally:
            process.kill()


def alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ends_its_workers_when_it_is_told_to_end(number: int) -> None:
    with endless_work() as (process, below):
        os.kill(process.pid, number)
        os.killpg(process.pid, number)  # as a terminal does

        _, errors = process.communicate(timeout=PATIENCE_S)

        assert process.returncode == -signal.SIGINT
        assert errors.count("Traceback") == 1, errors  # its own, of KeyboardInterrupt
        assert "resource_tracker" not in errors
        wait_until(lambda: not any(map(alive, below)), "their end")


def test_leaves_no_worker_behind_if_it_is_killed() -> None:
    with endless_work() as (process, below):
        process.kill()

        wait_until(lambda: not any(map(alive, below)), "their end")


@pytest.mark.parametrize("error", [ProcessError, RoundError, MessageError])
def test_says_so_if_processes_could_not_do_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: type[ComladError],
) -> None:
    def fail(*_: object) -> None:
        raise error("the server did not start")

    monkeypatch.setattr(_networked, "run_prepared", fail)

    point = Work([figure()], ROUNDS, 1, tmp_path, runs(tmp_path)).networked(figure())

    assert not point["equal"]
    assert point["failed"] == "the server did not start"
    assert "fig9 with real processes: the server did not start" in caplog.text


def test_ends_if_the_person_can_mend_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ConfigError("--out: cannot be written")

    monkeypatch.setattr(_networked, "run_prepared", fail)

    with pytest.raises(ConfigError, match=r"^--out: cannot be written$"):
        Work([figure()], ROUNDS, 1, tmp_path, runs(tmp_path)).networked(figure())


def test_says_so_if_processes_gave_another_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    counts = {"refused": 0, "missing": 0}
    summary = {"model_sha256": "other", "streams": [1, 2], "bytes": {}, "faults": counts}
    monkeypatch.setattr(_networked, "run_prepared", lambda *_: summary)

    point = Work([figure()], ROUNDS, 1, tmp_path, runs(tmp_path)).networked(figure())

    assert not point["equal"]
    assert point["model_sha256"] != point["model_sha256_in_process"]
    assert "gave another model" in caplog.text
