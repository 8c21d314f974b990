"""A gRPC server around one training run."""

import asyncio
import json
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc.aio

from comlad.config import check_address
from comlad.errors import ConfigError
from comlad.experiment import Prepared
from comlad.wire import transport_bound
from comlad_server._link import Links
from comlad_server._service import TrainingService
from comlad_server._training import Training
from comlad_server.results import Results

__all__ = ["Options", "serve"]

# Seconds between two lines of progress for a program that reads them.
_PROGRESS_S = 0.05


@dataclass(frozen=True, slots=True)
class Options:
    """How an experiment is served.

    Args:
        listen: HOST:PORT.
        out: Where results are written; nothing is, unless the address can be listened on.
        as_json: Whether events on stdout are JSON objects.
        count_link: Whether the interfaces carry this run and nothing else.
    """

    listen: str
    out: Path
    as_json: bool = False
    count_link: bool = False


async def serve(prepared: Prepared, options: Options) -> None:
    """Listen, train with whoever connects, and stop.

    Raises:
        ConfigError: The address cannot be listened on, `out` not written to, or links
            not be counted.
        RoundError: The run ended before its last round.
    """
    announce = _print_json if options.as_json else _print_text
    listen, out = options.listen, options.out
    check_address("--listen", listen)
    links = Links() if options.count_link else None
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", transport_bound(prepared)),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),  # a second server on the port must fail, not share it
            ("grpc.keepalive_time_ms", 20_000),  # finds out about hosts that vanished
            ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),  # devices do, too
        ]
    )
    host = listen.rpartition(":")[0]
    try:
        port = server.add_insecure_port(listen)
    except RuntimeError as error:
        raise ConfigError(
            f"--listen {listen}: the port is in use, or the address is not this machine's"
        ) from error
    with Results(out, prepared.experiment) as results:
        training = Training(prepared, results, _progress(announce), links)
        TrainingService(prepared, training).add_to(server)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, training.stop, f"stopped by {number.name}")
        await server.start()
        announce({"event": "listening", "address": f"{host}:{port}"})
        try:
            await training.run()
            announce({"event": "finished", "directory": str(out)})
        finally:
            await server.stop(grace=5.0)


def _progress(announce: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    last = 0.0

    def watch(event: dict[str, Any]) -> None:
        nonlocal last
        if event["event"] != "round":
            announce(event)
        elif (now := time.monotonic()) - last >= _PROGRESS_S:
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
