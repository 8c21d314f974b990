"""The comlad command."""

import argparse
import json
import logging
import sys
from pathlib import Path

from comlad.config import require
from comlad.errors import ComladError, ConfigError

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Run the command; exits with 2 for bad input, 1 for a run that failed, 130 for Ctrl-C."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="comlad: %(message)s")
    try:
        options.command(options)
    except ComladError as error:
        print(f"comlad: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, ConfigError) else getattr(error, "status", 1))
    except KeyboardInterrupt:
        print("comlad: interrupted; what was finished is kept", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # for instance piped into head
        sys.stderr.close()
        sys.exit(1)


def _bandwidth(options: argparse.Namespace) -> None:
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


def _demo(options: argparse.Namespace) -> None:
    from comlad_deploy.demo import run_demo

    run_demo(options.out, options.rounds, options.seed, options.json)


def _list(options: argparse.Namespace) -> None:
    from comlad_deploy.listing import describe_parts, print_parts

    if options.markdown:
        require(options.family is None, "--markdown", options.family, "writes all families")
        from comlad_deploy.page import parts_page

        print(parts_page(), end="")
    elif options.json:
        print(json.dumps(describe_parts(options.family), indent=2))
    else:
        print_parts(options.family)


def _reproduce(options: argparse.Namespace) -> None:
    from comlad_deploy.reproduce import Options, reproduce

    reproduce(
        Options(
            figures=options.figure,
            rounds=options.rounds,
            seeds=options.seeds,
            out=options.out,
            workers=options.workers,
            extras=options.extras,
            as_json=options.json,
        )
    )


def _run(options: argparse.Namespace) -> None:
    from comlad_deploy.run import run_file

    run_file(
        options.experiment,
        engine=options.engine,
        per_process=options.per_process,
        assignments=options.set,
        out=options.out,
        as_json=options.json,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="comlad",
        description="Compressed, coded, Byzantine-robust distributed training on a real wire.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    demo = commands.add_parser(
        "demo",
        help="four defences against three liars, with a picture",
        description="Train on real images with a server and ten device processes of which three "
        "lie, once for each of four defences, and show what each was worth and cost.",
    )
    demo.add_argument(
        "--out", type=Path, default=Path("out/demo"), metavar="DIR", help="%(default)s"
    )
    demo.add_argument("--rounds", type=int, default=300, metavar="T", help="default: %(default)s")
    demo.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    demo.add_argument("--json", action="store_true", help="the summary on stdout, nothing else")
    demo.set_defaults(command=_demo)

    run = commands.add_parser(
        "run",
        help="run an experiment file",
        description="Run an experiment to its end and leave summary.json, rounds.jsonl, "
        "model.npy and the resolved experiment.toml in a directory, in place of an earlier run's.",
    )
    run.add_argument("experiment", type=Path, metavar="EXPERIMENT.toml")
    run.add_argument(
        "--engine",
        choices=["processes", "inprocess"],
        default="processes",
        help="a process for the server and one for each device (default), or all in this one",
    )
    run.add_argument(
        "--per-process", type=int, default=1, metavar="M", help="devices in a process (default: 1)"
    )
    run.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="a.b=value",
        help="a key of the experiment; may be repeated",
    )
    run.add_argument("--out", type=Path, metavar="DIR", help="default: out/NAME")
    run.add_argument("--json", action="store_true", help="the summary on stdout, nothing else")
    run.set_defaults(command=_run)

    reproduction = commands.add_parser(
        "reproduce",
        help="the LAD paper's figures, with each of its claims judged",
        description="Compute figures of the LAD paper and judge what it says of them. Leaves "
        "figN.csv, figN.png, figN.json, reproduction.md and the curves' experiment files in a "
        "directory; curves that are there already are not computed again.",
    )
    reproduction.add_argument(
        "figure", nargs="+", metavar="FIGURE", help="fig2, fig3, fig4, fig5, fig6 or all"
    )
    reproduction.add_argument(
        "--rounds", type=int, default=5000, metavar="T", help="default: %(default)s"
    )
    reproduction.add_argument(
        "--seeds", type=int, default=5, metavar="K", help="draws of the data; default: %(default)s"
    )
    reproduction.add_argument(
        "--out", type=Path, default=Path("out/reproduction"), metavar="DIR", help="%(default)s"
    )
    reproduction.add_argument(
        "--workers", type=int, metavar="W", help="runs at a time; default: a core each"
    )
    reproduction.add_argument(
        "--extras", action="store_true", help="also curves that the paper does not have"
    )
    reproduction.add_argument(
        "--json", action="store_true", help="the figures' JSON on stdout, nothing else"
    )
    reproduction.set_defaults(command=_reproduce)

    bandwidth = commands.add_parser(
        "bandwidth",
        help="what methods send, at every layer, and what that buys on narrow links",
        description="Run methods with a server and device processes; report what a device sends "
        "and receives in a round at every layer, the bits of a coordinate beside their entropy, "
        "and the loss at equal rounds and at equal bytes. With --uplink or --downlink also the "
        "seconds to a loss on links of that rate, in network namespaces, beside what arithmetic "
        "says. Without files a standard set is run: on the digits, or on links a quadratic of "
        "100 000 parameters. Leaves bandwidth.json and .csv, with figures (on links links.json "
        "...), bandwidth.md of both, and every run in a directory of its own.",
    )
    bandwidth.add_argument("experiment", nargs="*", type=Path, metavar="EXPERIMENT.toml")
    bandwidth.add_argument(
        "--out", type=Path, default=Path("out/bandwidth"), metavar="DIR", help="%(default)s"
    )
    bandwidth.add_argument(
        "--rounds",
        type=int,
        metavar="T",
        help="of every method; default: the files', or 300, on links 20",
    )
    bandwidth.add_argument(
        "--seed", type=int, metavar="S", help="of every method; default: the files', or 0"
    )
    bandwidth.add_argument(
        "--uplink",
        action="extend",
        type=lambda rates: rates.split(","),
        default=[],
        metavar="RATE[,RATE]...",
        help="of each device's link to the server, such as 10mbit, or several to go through; "
        "Linux, root",
    )
    bandwidth.add_argument(
        "--downlink", metavar="RATE", help="of the links from the server; Linux, root"
    )
    bandwidth.add_argument(
        "--target",
        type=float,
        metavar="LOSS",
        help="to reach on these links; default: the highest with which one that made progress ends",
    )
    bandwidth.add_argument(
        "--namespaces",
        action="store_true",
        help="server and devices in network namespaces, to count the link layer; Linux, root",
    )
    bandwidth.add_argument(
        "--json", action="store_true", help="the results on stdout, nothing else"
    )
    bandwidth.set_defaults(command=_bandwidth)

    listing = commands.add_parser(
        "list",
        help="the parts an experiment can be made of",
        description="Every problem, coding, compressor, rule and attack at hand, those of other "
        "installed packages included, with parameters and source.",
    )
    listing.add_argument("family", nargs="?", help="one family, for instance aggregators")
    form = listing.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as JSON")
    form.add_argument(
        "--markdown", action="store_true", help="comlad's own parts as a page, all families"
    )
    listing.set_defaults(command=_list)
    return parser


if __name__ == "__main__":
    main()
