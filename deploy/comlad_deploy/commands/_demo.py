"""`comlad demo`: its options."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from comlad_deploy.commands._command import Command

__all__ = ["DEMO"]


def _add_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, default=Path("out/demo"), metavar="DIR", help="%(default)s"
    )
    parser.add_argument("--rounds", type=int, default=300, metavar="T", help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--json", action="store_true", help="the summary on stdout, nothing else")


def _run(options: Namespace) -> None:
    from comlad_deploy.demo import run_demo

    run_demo(options.out, options.rounds, options.seed, options.json)


DEMO = Command(
    help="four defences against three liars, with a picture",
    description="Train on real images with a server and ten device processes of which three "
    "lie, once for each of four defences, and show what each was worth and cost.",
    add_options=_add_options,
    run=_run,
)
