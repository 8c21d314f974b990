"""The comlad-byzantine command."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from comlad.attacks import ATTACKS
from comlad.config import at, read_toml, with_assignments
from comlad.errors import ConfigError
from comlad.experiment import Experiment, byzantine_devices, read_experiment
from comlad.logs import complain, start_logging
from comlad.rounds import Secrets
from comlad_device._options import base_parser, hush, reach

if TYPE_CHECKING:
    from comlad_device._client import Client

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Run lying devices; exits with 2 for bad input."""
    options = _parser().parse_args(arguments)
    start_logging(options.log_level, options.log_format)
    hush()
    from comlad_device._program import run_client

    try:
        client = _client(options)
    except ConfigError as error:
        complain("comlad-byzantine", error, options.log_format)
        sys.exit(2)
    run_client("comlad-byzantine", client, options.link_bytes, options.log_format)


def _client(options: argparse.Namespace) -> "Client":
    from comlad_device._client import Client

    to = reach(options)
    table = with_assignments({"kind": options.attack}, options.set)
    with at("--attack"):
        attack = ATTACKS.read(table)
    return Client(
        to.server,
        to.devices,
        attack,
        _schedule(options.schedule),
        _secrets(options.omniscient),
        to.keys,
        to.give_up_s,
    )


def _schedule(file: Path | None) -> Callable[[int], frozenset[int]] | None:
    """Who lies in a round, as an experiment draws it; None: all, always."""
    if file is None:
        return None
    experiment = _experiment("--schedule", file)
    return lambda round: byzantine_devices(experiment.devices, experiment.seed, round)


def _secrets(file: Path | None) -> Secrets | None:
    """What everybody in an experiment draws from; None: that is not to be known."""
    if file is None:
        return None
    experiment = _experiment("--omniscient", file)
    return Secrets.of(experiment.seed, experiment.devices.count)


def _experiment(option: str, file: Path) -> Experiment:
    with at(f"{option} {file}:"):
        return read_experiment(read_toml(file))


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
    parser.add_argument(
        "--omniscient",
        type=Path,
        metavar="FILE",
        help="know what everybody draws in this experiment, samples and tasks, and so what all "
        "honest devices send: as attacks on methods with a memory are mostly stated",
    )
    return parser


if __name__ == "__main__":
    main()
