"""The processes engine: a server and its devices, each a process of this machine."""

import asyncio
import json
import logging
import os
import shutil
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from comlad.attacks import ATTACKS
from comlad.config import inline, require
from comlad.errors import ComladError, ConfigError
from comlad.experiment import Command, Experiment, Prepared, process_groups
from comlad.rounds import spied_on
from comlad_deploy.networks import Network
from comlad_server.results import place_experiment

__all__ = ["ProcessError", "process_count", "run_processes"]

logger = logging.getLogger(__name__)

# How long a process may take to end by itself before it is killed.
_GRACE_S = 10.0

# Stands in a command for the server's address, which is known only when it runs.
_ADDRESS = "{address}"

Watch = Callable[[dict[str, Any]], None]
_Process = asyncio.subprocess.Process


class ProcessError(ComladError):
    """A process of the cluster ended when it should not have.

    Args:
        reason: Which one, and what it means.
        status: What the command should exit with.
    """

    def __init__(self, reason: str, status: int = 1) -> None:
        super().__init__(reason)
        self.status = status


async def run_processes(
    prepared: Prepared,
    directory: Path,
    per_process: int = 1,
    watch: Watch = lambda _: None,
    network: Network | None = None,
    *,
    persistence: Sequence[str] = ("--checkpoint-every", "0"),
) -> dict[str, Any]:
    """Run an experiment as a server process and device processes on this machine.

    Whatever ends this coroutine, cancellation included, ends every process it started;
    a server that is ended so writes what it has.

    Args:
        prepared: What is run.
        directory: Where the server writes its results.
        per_process: How many devices share a process.
        watch: Called with the server's events.
        network: With a link for each of `process_count` device processes; None: loopback.
        persistence: Options of comlad-server about checkpoints.

    Returns:
        The contents of summary.json.

    Raises:
        ConfigError: The attack's program is not there.
        ProcessError: The server failed, or a device ended before the run began.
    """
    experiment = prepared.experiment
    commands = _device_commands(experiment, per_process, directory)
    cluster = _Cluster(network)
    try:
        # Not in the results' directory, which a server that refuses to run leaves as it is.
        with TemporaryDirectory(prefix="comlad-") as scratch:
            file = place_experiment(Path(scratch), experiment)
            server, port = await cluster.start_server(file, directory, persistence)
        for index, (name, command, environment) in enumerate(commands):
            await cluster.start_device(index, port, name, command, environment)
        await cluster.follow(server, watch, experiment.rounds)
    finally:
        await cluster.end()
    summary: dict[str, Any] = json.loads((directory / "summary.json").read_text("utf-8"))
    return summary


def process_count(experiment: Experiment, per_process: int = 1) -> int:
    """How many device processes `run_processes` starts.

    An attack that is a program of its own takes a process for each of its devices.
    """
    honest, byzantine = process_groups(experiment.devices, experiment.seed, per_process)
    alone = isinstance(experiment.attack, Command)
    return len(honest) + (sum(map(len, byzantine)) if alone else len(byzantine))


class _Cluster:
    """The processes that were started, and their end."""

    def __init__(self, network: Network | None) -> None:
        self._network = network
        self._server: _Process | None = None
        self._devices: dict[str, _Process] = {}

    async def start_server(
        self, experiment: Path, directory: Path, persistence: Sequence[str]
    ) -> tuple[_Process, str]:
        """Start a server on a port that the system picks; gives the port."""
        command = [
            *(sys.executable, "-m", "comlad_server", "--json", "--log-level", "error"),
            *("--experiment", str(experiment), "--out", str(directory)),
            *persistence,
        ]
        if self._network is None:
            command += ["--listen", "127.0.0.1:0"]
        else:
            # Nobody else is in these namespaces.
            command += ["--listen", "0.0.0.0:0", "--insecure", "--count-link"]
            command = self._network.on_server(command)
        server = self._server = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            env=_environment(),
            start_new_session=True,  # Ctrl-C reaches this process alone, which ends the others
        )
        event = await _next_event(server)
        if event is None:
            raise ProcessError("the server did not start", max(await server.wait(), 1))
        return server, event["address"].rpartition(":")[2]

    async def start_device(
        self,
        index: int,
        port: str,
        name: str,
        command: list[str],
        environment: Mapping[str, str],
    ) -> None:
        host = "127.0.0.1" if self._network is None else self._network.server_host(index)
        address = f"{host}:{port}"
        command = [address if word == _ADDRESS else word for word in command]
        if self._network is not None:
            command = self._network.on_device(index, command)
        try:
            self._devices[name] = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                env={**_environment(), **environment, "COMLAD_SERVER": address},
                start_new_session=True,
            )
        except OSError as error:
            raise ConfigError(
                f"[attack] command = {command!r}: does not start ({error})"
            ) from error

    async def follow(self, server: _Process, watch: Watch, rounds: int) -> None:
        """Pass the server's events on until it has ended."""
        begun = False
        losses = {
            asyncio.ensure_future(process.wait()): name for name, process in self._devices.items()
        }
        event = asyncio.ensure_future(_next_event(server))
        try:
            while True:
                await asyncio.wait({event, *losses}, return_when=asyncio.FIRST_COMPLETED)
                if event.done():
                    if (happened := event.result()) is None:
                        break
                    if happened["event"] == "waiting":
                        first = happened["devices"][0]
                        logger.warning(
                            "still waiting for %d devices, the first is %d",
                            len(happened["devices"]),
                            first,
                        )
                    else:
                        begun = begun or _begins(happened, rounds)
                        watch(happened)
                    event = asyncio.ensure_future(_next_event(server))
                for loss in [loss for loss in losses if loss.done()]:
                    self._mourn(losses.pop(loss), loss.result(), begun)
                # One that was told that the run is over ends with 0.
                if not losses and all(device.returncode for device in self._devices.values()):
                    raise ProcessError("no device is left; what was reached is kept")
        finally:
            for task in (event, *losses):
                task.cancel()
        if status := await server.wait():
            raise ProcessError("the server ended early; what it wrote is kept", max(status, 1))

    async def end(self) -> None:
        """End whatever still runs, the server first so that it can write what it has."""
        if self._server is not None:
            await _end([self._server])
        await _end(list(self._devices.values()))

    def _mourn(self, name: str, status: int, begun: bool) -> None:
        if not begun:
            raise ProcessError(f"{name} ended with status {status} before the run began")
        if status:
            logger.warning("%s ended with status %d; the run goes on without", name, status)


def _device_commands(
    experiment: Experiment, per_process: int, directory: Path
) -> list[tuple[str, list[str], dict[str, str]]]:
    """Name, command and environment of each device process."""
    require(per_process >= 1, "--per-process", per_process, "must be at least 1")
    honest, byzantine = process_groups(experiment.devices, experiment.seed, per_process)
    commands: list[tuple[str, list[str], dict[str, str]]] = [
        (f"device {_ids(group)}", [*_program("comlad_device", group)], {}) for group in honest
    ]
    if isinstance(attack := experiment.attack, Command):
        if shutil.which(attack.command[0]) is None:
            right = "must be a program that can be executed"
            raise ConfigError(f"[attack] command = {list(attack.command)!r}: {right}")
        return commands + [
            (f"device {device}", list(attack.command), {"COMLAD_DEVICE": str(device)})
            for group in byzantine
            for device in group
        ]
    for group in byzantine:
        assert attack is not None  # an experiment with liars has one
        table = ATTACKS.write(attack)
        command = [*_program("comlad_device.byzantine", group), "--attack", table.pop("kind")]
        for key, value in table.items():
            command += ["--set", f"{key}={inline(value)}"]
        if experiment.devices.redraw:
            command += ["--schedule", str(directory / "experiment.toml")]
        if spied_on(experiment):
            command += ["--omniscient", str(directory / "experiment.toml")]
        commands.append((f"device {_ids(group)}", command, {}))
    return commands


def _program(module: str, group: tuple[int, ...]) -> list[str]:
    return [
        *(sys.executable, "-m", module, "--server", _ADDRESS),
        *("--device", _ids(group), "--insecure", "--log-level", "error"),
    ]


def _begins(event: Mapping[str, Any], rounds: int) -> bool:
    """Whether devices may end from now on: a run that is gone on with may have no round left."""
    over: bool = event["event"] == "resumed" and event["round"] >= rounds
    return over or event["event"] == "started"


def _ids(group: tuple[int, ...]) -> str:
    return ",".join(map(str, group))


def _environment() -> dict[str, str]:
    # Many processes share the machine: one BLAS thread each, and no memory set aside for more.
    return {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


async def _next_event(server: _Process) -> dict[str, Any] | None:
    """The server's next event; None when there are no more."""
    assert server.stdout is not None
    line = await server.stdout.readline()
    event: dict[str, Any] | None = json.loads(line) if line else None
    return event


async def _end(processes: list[_Process]) -> None:
    """End processes with all that they started; those that take too long, by force."""
    running = {
        asyncio.ensure_future(process.wait()): process
        for process in processes
        if process.returncode is None
    }
    for process in running.values():
        _signal(process, signal.SIGTERM)
    if running:
        _, late = await asyncio.wait(running, timeout=_GRACE_S)
        for wait in late:
            _signal(running[wait], signal.SIGKILL)
        await asyncio.wait(running)


def _signal(process: _Process, number: signal.Signals) -> None:
    """Each process leads a session, and so a group, of its own."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
