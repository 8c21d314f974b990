"""The options that the two device programs have in common."""

import argparse
import os
from pathlib import Path
from typing import NamedTuple

from comlad.config import Identity, check_address, is_loopback, parse_ids, read_keys, require
from comlad.errors import ConfigError
from comlad.logs import add_log_options

__all__ = ["Reach", "base_parser", "hush", "reach"]


class Reach(NamedTuple):
    """Who the devices are and how they get to the server, as `Client` takes it."""

    server: str
    devices: tuple[int, ...]
    keys: Path | None
    give_up_s: float | None


def base_parser(program: str, description: str) -> argparse.ArgumentParser:
    """A parser with the options that every device program has."""
    parser = argparse.ArgumentParser(prog=program, description=description)
    parser.add_argument("--server", required=True, metavar="HOST:PORT")
    parser.add_argument(
        "--device",
        metavar="I[,J-K]",
        help="ids of the devices to be, from 0 (default with --keys: all that the key is for)",
    )
    parser.add_argument(
        "--keys",
        type=Path,
        metavar="DIR",
        help="the devices' key, or a directory with all, as comlad keys leaves them",
    )
    parser.add_argument(
        "--insecure",
        action="store_true",
        help="without encryption and proof of who is who to a server on another machine",
    )
    parser.add_argument(
        "--give-up",
        type=float,
        metavar="SECONDS",
        help="end when there was no server for so long (default: never)",
    )
    parser.add_argument(
        "--link-bytes",
        type=Path,
        metavar="FILE",
        help="write what this host's network interfaces carried until the end (Linux)",
    )
    add_log_options(parser)
    return parser


def reach(options: argparse.Namespace) -> Reach:
    """What the options say of whom the devices are and how they get to the server.

    Raises:
        ConfigError: They cannot be, or do not go together.
    """
    check_address("--server", options.server)
    if options.give_up is not None:
        require(options.give_up > 0, "--give-up", options.give_up, "must be above 0 seconds")
    devices = () if options.device is None else parse_ids("--device", options.device)
    if options.keys is not None:
        if options.insecure:
            raise ConfigError("--insecure: must be without --keys")
        keys = read_keys(options.keys, Identity.of_devices(devices) if devices else None)
        return Reach(options.server, devices, keys.directory, options.give_up)
    if not devices:
        raise ConfigError("--device is missing: must be given where there are no --keys")
    if not options.insecure and not is_loopback(options.server):
        raise ConfigError(
            f"--server {options.server}: must have --keys DIR, or --insecure for a network that "
            "can be trusted wholly; without is for this machine only"
        )
    return Reach(options.server, devices, None, options.give_up)


def hush() -> None:
    """Keep gRPC's own lines, which would double ours; to be called before it is first imported."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
