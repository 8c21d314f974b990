"""`comlad compose`: its options."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from comlad_deploy.commands._command import Command

__all__ = ["COMPOSE"]


def _add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--devices", type=int, required=True, metavar="N")
    parser.add_argument("--out", type=Path, metavar="FILE", help="default: stdout")


def _run(options: Namespace) -> None:
    from comlad_deploy.compose import compose_file
    from comlad_deploy.files import write_text

    text = compose_file(options.devices)
    if options.out is None:
        print(text, end="")
    else:
        write_text(options.out, text)


COMPOSE = Command(
    help="a Docker Compose file for so many devices",
    description="Write a Docker Compose file of a server, N devices, a key maker and a "
    "report, each a container. deploy/compose has one for ten, with its settings.",
    add_options=_add_options,
    run=_run,
)
