"""`comlad bandwidth`: its options."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from comlad_deploy.commands._command import Command

__all__ = ["BANDWIDTH"]


def _add_options(parser: ArgumentParser) -> None:
    parser.add_argument("experiment", nargs="*", type=Path, metavar="EXPERIMENT.toml")
    parser.add_argument(
        "--out", type=Path, default=Path("out/bandwidth"), metavar="DIR", help="%(default)s"
    )
    parser.add_argument(
        "--rounds",
        type=int,
        metavar="T",
        help="of every method; default: the files', or 300, on links 20",
    )
    parser.add_argument(
        "--seed", type=int, metavar="S", help="of every method; default: the files', or 0"
    )
    parser.add_argument(
        "--uplink",
        action="extend",
        type=lambda rates: rates.split(","),
        default=[],
        metavar="RATE[,RATE]...",
        help="of each device's link to the server, such as 10mbit, or several to go through; "
        "Linux, root",
    )
    parser.add_argument(
        "--downlink", metavar="RATE", help="of the links from the server; Linux, root"
    )
    parser.add_argument(
        "--target",
        type=float,
        metavar="LOSS",
        help="to reach on these links; default: the highest with which one that made progress ends",
    )
    parser.add_argument(
        "--namespaces",
        action="store_true",
        help="server and devices in network namespaces, to count the link layer; Linux, root",
    )
    parser.add_argument("--json", action="store_true", help="the results on stdout, nothing else")


def _run(options: Namespace) -> None:
    from comlad_deploy.bandwidth import Options, bandwidth

    bandwidth(
        Options(
            files=options.experiment,
            rounds=options.rounds,
            seed=options.seed,
            out=options.out,
            uplinks=options.uplink,
            downlink=options.downlink,
            target=options.target,
            namespaces=options.namespaces,
            as_json=options.json,
        )
    )


BANDWIDTH = Command(
    help="what methods send, at every layer, and what that buys on narrow links",
    description="Run methods with a server and device processes; report what a device sends "
    "and receives in a round at every layer, the bits of a coordinate beside their entropy, "
    "and the loss at equal rounds and at equal bytes. With --uplink or --downlink also the "
    "seconds to a loss on links of that rate, in network namespaces, beside what arithmetic "
    "says. Without files a standard set is run: on the digits, or on links a quadratic of "
    "100 000 parameters. Leaves bandwidth.json and .csv, with figures (on links links.json "
    "...), bandwidth.md of both, and every run in a directory of its own.",
    add_options=_add_options,
    run=_run,
)
