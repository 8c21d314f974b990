"""The comlad-byzantine command."""

import argparse
import sys
from pathlib import Path

from comlad.attacks import ATTACKS
from comlad.config import at, check_address, read_toml, with_assignments
from comlad.errors import ConfigError
from comlad.experiment import byzantine_devices, read_experiment
from comlad_device._client import Client
from comlad_device._program import base_parser, parse_ids, run_client

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Run lying devices; exits with 2 for bad input."""
    options = _parser().parse_args(arguments)
    try:
        client = _client(options)
    except ConfigError as error:
        print(f"comlad-byzantine: {error}", file=sys.stderr)
        sys.exit(2)
    run_client("comlad-byzantine", client, options.log_level)


def _client(options: argparse.Namespace) -> Client:
    check_address("--server", options.server)
    devices = parse_ids(options.device)
    table = with_assignments({"kind": options.attack}, options.set)
    with at("--attack"):
        attack = ATTACKS.read(table)
    if options.schedule is None:
        always = frozenset(devices)
        return Client(options.server, devices, attack, lambda _: always)
    with at(f"--schedule {options.schedule}:"):
        experiment = read_experiment(read_toml(options.schedule))
    return Client(
        options.server,
        devices,
        attack,
        lambda round: byzantine_devices(experiment.devices, experiment.seed, round),
    )


def _parser() -> argparse.ArgumentParser:
    parser = base_parser(
        "comlad-byzantine",
        "One or more lying devices in a process, to try what a defence is worth.",
    )
    parser.add_argument(
        "--attack", required=True, metavar="KIND", help="one of: " + ", ".join(ATTACKS.kinds())
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter of the attack"
    )
    parser.add_argument(
        "--schedule",
        type=Path,
        metavar="FILE",
        help="lie only in the rounds for which this experiment draws the device as Byzantine",
    )
    return parser


if __name__ == "__main__":
    main()
