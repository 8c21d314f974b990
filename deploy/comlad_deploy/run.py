"""`comlad run`: an experiment file on one of the engines."""

import asyncio
import json
import signal
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from comlad.config import at, read_toml, require, with_assignments
from comlad.errors import ConfigError
from comlad.experiment import Experiment, Prepared, prepare, read_experiment
from comlad.rounds import Attendance, local_site, read_attendance
from comlad_deploy.inprocess import run_inprocess
from comlad_deploy.interrupts import heeded_signals
from comlad_deploy.networks import Network
from comlad_deploy.processes import run_processes
from comlad_deploy.progress import progress
from comlad_deploy.text import describe_summary
from comlad_server.checkpoints import Checkpoints, find_checkpoint
from comlad_server.results import Results

__all__ = ["Engine", "Persistence", "run_file", "run_prepared"]

Engine = Literal["processes", "inprocess"]


@dataclass(frozen=True, slots=True)
class Persistence:
    """How a run is kept, and what it goes on with.

    Args:
        resume: Whether it goes on from where an earlier run in its directory stopped.
        resume_from: From which checkpoint; None: the newest, or from the beginning.
        every: Rounds from one checkpoint to the next.
    """

    resume: bool = False
    resume_from: Path | None = None
    every: int = 50

    def __post_init__(self) -> None:
        require(self.every >= 1, "--checkpoint-every", self.every, "must be at least 1")

    @property
    def words(self) -> tuple[str, ...]:
        """The options of comlad-server that mean this."""
        words = ["--checkpoint-every", str(self.every)]
        if self.resume:
            words.append("--resume")
        if self.resume_from is not None:
            words += ["--resume-from", str(self.resume_from)]
        return tuple(words)


def run_file(
    path: Path,
    *,
    engine: Engine,
    per_process: int,
    assignments: Sequence[str],
    out: Path | None,
    as_json: bool,
    attendance: Path | None = None,
    persistence: Persistence | None = None,
) -> None:
    """Run an experiment file and print what came of it."""
    require(per_process >= 1, "--per-process", per_process, "must be at least 1")
    tables = with_assignments(read_toml(path), assignments)
    with at(f"{path}:"):
        prepared = prepare(read_experiment(tables, path.parent.absolute()))
    experiment = prepared.experiment
    directory = out or Path("out", experiment.name)
    attended = None if attendance is None else _read_attendance(attendance, engine, experiment)
    with progress(experiment.rounds, hidden=as_json) as watch:
        summary = run_prepared(
            prepared,
            directory,
            engine,
            per_process,
            watch(experiment.name),
            attendance=attended,
            persistence=persistence or Persistence(),
        )
    print(json.dumps(summary, indent=2) if as_json else describe_summary(summary, directory))


def run_prepared(
    prepared: Prepared,
    directory: Path,
    engine: Engine,
    per_process: int,
    watch: Callable[[dict[str, Any]], None],
    *,
    network: Network | None = None,
    attendance: Sequence[Attendance] | None = None,
    persistence: Persistence | None = None,
) -> dict[str, Any]:
    """Run an experiment on an engine; gives the contents of summary.json.

    Args:
        prepared: What is run.
        directory: Where its results are written.
        engine: Which one.
        per_process: How many devices share a process.
        watch: Called with the run's events.
        network: What joins the processes; None: loopback.
        attendance: Who took part in each round of the run that is repeated, in this process.
        persistence: None: no checkpoints, from the beginning.
    """
    if engine == "inprocess":
        local_site(prepared)  # refuses what only a network reaches, before anything is written
        resumed = checkpoints = None
        if persistence is not None:
            checkpoints = Checkpoints(directory, prepared.experiment, persistence.every)
            if persistence.resume:
                where = persistence.resume_from
                resumed = find_checkpoint(directory, prepared.experiment, where)
        with (
            heeded_signals() as check_signals,
            Results(directory, prepared.experiment, resumed) as results,
        ):
            return run_inprocess(
                prepared,
                results,
                per_process,
                watch,
                attendance=attendance,
                checkpoints=checkpoints,
                resumed=resumed,
                before_round=check_signals,
            )
    with asyncio.Runner() as runner:
        words = () if persistence is None else persistence.words
        work = run_processes(prepared, directory, per_process, watch, network, persistence=words)
        return runner.run(_interruptible(work))


def _read_attendance(path: Path, engine: Engine, experiment: Experiment) -> tuple[Attendance, ...]:
    if engine != "inprocess":
        right = "is repeated in one process only; use --engine inprocess"
        raise ConfigError(f"--attendance {path}: {right}")
    try:
        with at(f"--attendance {path}:"), path.open(encoding="utf-8") as lines:
            return read_attendance(lines, experiment.devices.count, experiment.rounds)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--attendance {path}: cannot be read ({error})") from error


async def _interruptible(work: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
    """Let the first signal end the work in an orderly way; further ones do not break that off."""
    task = asyncio.ensure_future(work)

    def once() -> None:
        if not task.cancelling():
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, once)
    try:
        return await task
    except asyncio.CancelledError as error:
        raise KeyboardInterrupt from error
