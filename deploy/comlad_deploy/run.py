"""`comlad run`: an experiment file on one of the engines."""

import asyncio
import json
import signal
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, Literal

from comlad.config import at, read_toml, require, with_assignments
from comlad.experiment import Prepared, prepare, read_experiment
from comlad.rounds import local_site
from comlad_deploy.inprocess import run_inprocess
from comlad_deploy.networks import Network
from comlad_deploy.processes import run_processes
from comlad_deploy.progress import progress
from comlad_deploy.text import describe_summary
from comlad_server.results import Results

__all__ = ["Engine", "run_file", "run_prepared"]

Engine = Literal["processes", "inprocess"]


def run_file(
    path: Path,
    *,
    engine: Engine,
    per_process: int,
    assignments: Sequence[str],
    out: Path | None,
    as_json: bool,
) -> None:
    """Run an experiment file and print what came of it."""
    require(per_process >= 1, "--per-process", per_process, "must be at least 1")
    tables = with_assignments(read_toml(path), assignments)
    with at(f"{path}:"):
        prepared = prepare(read_experiment(tables, path.parent.absolute()))
    experiment = prepared.experiment
    directory = out or Path("out", experiment.name)
    with progress(experiment.rounds, hidden=as_json) as watch:
        summary = run_prepared(prepared, directory, engine, per_process, watch(experiment.name))
    print(json.dumps(summary, indent=2) if as_json else describe_summary(summary, directory))


def run_prepared(
    prepared: Prepared,
    directory: Path,
    engine: Engine,
    per_process: int,
    watch: Callable[[dict[str, Any]], None],
    *,
    network: Network | None = None,
) -> dict[str, Any]:
    """Run an experiment on an engine; gives the contents of summary.json.

    Args:
        prepared: What is run.
        directory: Where its results are written.
        engine: Which one.
        per_process: How many devices share a process.
        watch: Called with the run's events.
        network: What joins the processes; None: loopback.
    """
    if engine == "inprocess":
        for number in (signal.SIGTERM, signal.SIGHUP):  # end it as Ctrl-C does
            signal.signal(number, signal.default_int_handler)
        local_site(prepared)  # refuses what only a network reaches, before anything is written
        with Results(directory, prepared.experiment) as results:
            return run_inprocess(prepared, results, per_process, watch)
    with asyncio.Runner() as runner:
        work = run_processes(prepared, directory, per_process, watch, network)
        return runner.run(_interruptible(work))


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
