"""The comlad-server command."""

import argparse
import asyncio
import json
import logging
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc.aio
from threadpoolctl import threadpool_limits

from comlad.config import at, parse_toml
from comlad.errors import ConfigError, RoundError
from comlad.experiment import Experiment, Prepared, prepare, read_experiment
from comlad.wire import transport_bound
from comlad_server._service import TrainingService
from comlad_server._training import Training
from comlad_server.results import Results

try:
    from uvloop import new_event_loop
except ImportError:  # not on Windows
    from asyncio import new_event_loop  # type: ignore[assignment]

__all__ = ["load_experiment", "main"]

# Seconds between two lines of progress for a program that reads them.
_PROGRESS_S = 0.05


def main(arguments: list[str] | None = None) -> None:
    """Run the server; exits with 2 for bad input and 1 for a run that failed."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        level=options.log_level.upper(), format="%(asctime)s %(levelname)s %(message)s"
    )
    # Another number of BLAS threads changes the last bits of products.
    threadpool_limits(1)
    try:
        experiment = load_experiment(options.experiment)
        out = options.out or Path("out", experiment.name)
        prepared = prepare(experiment)
        with (
            Results(out, experiment) as results,
            asyncio.Runner(loop_factory=new_event_loop) as runner,
        ):
            runner.run(_serve(prepared, results, options.listen, options.json))
    except ConfigError as error:
        sys.exit(_complain(error, 2))
    except RoundError as error:
        sys.exit(_complain(error, 1))


def load_experiment(path: Path) -> Experiment:
    """The experiment in a TOML file.

    Raises:
        ConfigError: The file is not there, is not TOML or cannot run.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot read it ({error})") from error
    with at(f"{path}:"):
        return read_experiment(parse_toml(text, str(path)), path.parent.absolute())


async def _serve(prepared: Prepared, results: Results, listen: str, as_json: bool) -> None:
    announce = _print_json if as_json else _print_text
    training = Training(prepared, results, _progress(announce))
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", transport_bound(prepared)),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),  # a second server on the port must fail, not share it
            ("grpc.keepalive_time_ms", 20_000),  # finds out about hosts that vanished
        ]
    )
    TrainingService(prepared, training).add_to(server)
    host = listen.rpartition(":")[0]
    try:
        port = server.add_insecure_port(listen)
    except RuntimeError as error:
        raise ConfigError(
            f"--listen {listen}: the port is in use, or the address is not this machine's"
        ) from error
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, training.stop, f"stopped by {number.name}")
    await server.start()
    announce({"event": "listening", "address": f"{host}:{port}"})
    try:
        await training.run()
        announce({"event": "finished", "directory": str(results.directory)})
    finally:
        await server.stop(grace=0.5)


def _progress(announce: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    last = 0.0

    def watch(record: dict[str, Any]) -> None:
        nonlocal last
        if (now := time.monotonic()) - last >= _PROGRESS_S:
            last = now
            shown = {key: record[key] for key in ("round", "loss", "accuracy") if key in record}
            announce({"event": "round"} | shown)

    return watch


def _print_json(event: dict[str, Any]) -> None:
    print(json.dumps(event), flush=True)


def _print_text(event: dict[str, Any]) -> None:
    match event:
        case {"event": "listening", "address": address}:
            print(f"listening on {address}", flush=True)
        case {"event": "finished", "directory": directory}:
            print(f"finished; results in {directory}", flush=True)


def _complain(error: Exception, status: int) -> int:
    print(f"comlad-server: {error}", file=sys.stderr)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="comlad-server",
        description="The parameter server of an experiment: waits for its devices, trains, "
        "and leaves what came of it in a directory.",
    )
    parser.add_argument(
        "--experiment", type=Path, required=True, metavar="FILE", help="a TOML file"
    )
    parser.add_argument(
        "--listen", required=True, metavar="HOST:PORT", help="port 0: one that is free"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="for results (default: out/NAME)")
    parser.add_argument(
        "--json", action="store_true", help="events on stdout, a JSON object a line"
    )
    parser.add_argument(
        "--log-level", default="info", choices=["debug", "info", "warning", "error"]
    )
    return parser
