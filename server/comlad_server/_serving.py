"""A gRPC server around one training run."""

import asyncio
import json
import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc.aio

from comlad.config import check_address, require
from comlad.errors import ConfigError
from comlad.experiment import Prepared
from comlad_server._credentials import choose_transport, server_credentials
from comlad_server._link import Links
from comlad_server._service import TrainingService
from comlad_server._training import Training
from comlad_server._transport import transport_options
from comlad_server.checkpoints import Checkpoint, Checkpoints, find_checkpoint
from comlad_server.operations import Operations
from comlad_server.results import Results

__all__ = ["Options", "serve"]

# Seconds between two lines of progress for a program that reads them.
_PROGRESS_S = 0.05
# Events of which it is told at once; of rounds now and then; of others the log tells.
_ANNOUNCED = ("listening", "metrics", "waiting", "started", "resumed", "stopped", "finished")


@dataclass(frozen=True, slots=True)
class Options:
    """How an experiment is served.

    Args:
        listen: HOST:PORT.
        out: Where results are written; nothing is, unless the address can be listened on.
        as_json: Whether events on stdout are JSON objects.
        count_link: Whether the interfaces carry this run and nothing else.
        checkpoint_every: Rounds from one checkpoint to the next; 0: none are written.
        resume: Whether to go on from where an earlier run in `out` stopped, if there is one.
        resume_from: From which checkpoint; None: the newest.
        keys: Where the server's keys are, for TLS with certificates at both ends.
        insecure: Whether others may reach it without.
        metrics: HOST:PORT where Prometheus may ask; None: nowhere.
        table_s: Seconds between two tables of the devices in the log; None: none is written.
    """

    listen: str
    out: Path
    as_json: bool = False
    count_link: bool = False
    checkpoint_every: int = 0
    resume: bool = False
    resume_from: Path | None = None
    keys: Path | None = None
    insecure: bool = False
    metrics: str | None = None
    table_s: float | None = None


async def serve(prepared: Prepared, options: Options) -> None:
    """Listen, train with whoever connects, and stop.

    Raises:
        ConfigError: An address cannot be listened on, `out` not written to, the keys not
            be used, or links not be counted.
        RoundError: The run ended before its last round.
    """
    if options.table_s is not None:
        require(
            0 < options.table_s < math.inf, "--table", options.table_s, "must be seconds above 0"
        )
    announce = _print_json if options.as_json else _print_text
    listen, out = options.listen, options.out
    check_address("--listen", listen)
    every = options.checkpoint_every
    require(every >= 0, "--checkpoint-every", every, "must be at least 1, or 0 for none")
    transport = choose_transport(listen, options.keys, options.insecure)
    credentials = None if options.keys is None else server_credentials(options.keys)
    links = Links() if options.count_link else None
    server = grpc.aio.server(options=transport_options(prepared))
    host = listen.rpartition(":")[0]
    try:
        if credentials is None:
            port = server.add_insecure_port(listen)
        else:
            port = server.add_secure_port(listen, credentials)
    except RuntimeError as error:
        raise ConfigError(
            f"--listen {listen}: the port is in use, or the address is not this machine's"
        ) from error
    operations = Operations(prepared.experiment, _progress(announce))
    try:
        async with operations.offered_by(server, options.metrics, options.table_s) as metrics:
            with _results(prepared, options) as (results, resumed):
                training = Training(
                    prepared,
                    results,
                    operations.observe,
                    links,
                    transport=transport,
                    checkpoints=Checkpoints(out, prepared.experiment, every) if every else None,
                    resumed=resumed,
                )
                TrainingService(prepared, training.connections).add_to(server)
                _heed_signals(training.connections.stop)
                await server.start()
                operations.observe({"event": "listening", "address": f"{host}:{port}"})
                if metrics is not None:
                    operations.observe({"event": "metrics", "address": metrics})
                await training.run()
                operations.observe({"event": "finished", "directory": str(out)})
    finally:
        await server.stop(grace=5.0)


@contextmanager
def _results(prepared: Prepared, options: Options) -> Iterator[tuple[Results, Checkpoint | None]]:
    """Where results are written, and what they go on with."""
    out, experiment = options.out, prepared.experiment
    resumed = find_checkpoint(out, experiment, options.resume_from) if options.resume else None
    with Results(out, experiment, resumed) as results:
        yield results, resumed


def _heed_signals(stop: Callable[[str], None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop, f"stopped by {number.name}")


def _progress(announce: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    last = 0.0

    def watch(event: dict[str, Any]) -> None:
        nonlocal last
        if event["event"] in _ANNOUNCED:
            announce(event)
        elif event["event"] == "round" and (now := time.monotonic()) - last >= _PROGRESS_S:
            last = now
            keys = ("event", "round", "loss", "accuracy")
            announce({key: event[key] for key in keys if key in event})

    return watch


def _print_json(event: dict[str, Any]) -> None:
    with suppress(BrokenPipeError):  # whoever listened is gone; the run goes on
        print(json.dumps(event), flush=True)


def _print_text(event: dict[str, Any]) -> None:
    match event:
        case {"event": "listening", "address": address}:
            print(f"listening on {address}", flush=True)
        case {"event": "waiting", "devices": devices}:
            print(
                f"still waiting for {len(devices)} devices, the first is {devices[0]}", flush=True
            )
        case {"event": "finished", "directory": directory}:
            print(f"finished; results in {directory}", flush=True)
