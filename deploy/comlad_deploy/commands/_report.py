"""`comlad report`: its options."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from comlad_deploy.commands._command import Command

__all__ = ["REPORT"]


def _add_options(parser: ArgumentParser) -> None:
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument(
        "--link-bytes",
        type=Path,
        metavar="DIR",
        help="with the files that comlad-device --link-bytes wrote, device-0.json and so on",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: the run's directory")
    parser.add_argument(
        "--wait",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="for the run to end, and then some more for the devices' files; default: none",
    )
    parser.add_argument(
        "--replay",
        action="store_true",
        help="run it once more in this process, without a network but with the same absences; "
        "exits with 1 if the model is another one",
    )
    parser.add_argument("--json", action="store_true", help="the report as JSON on stdout")


def _run(options: Namespace) -> None:
    from comlad_deploy.report import Options, report

    report(
        Options(
            directory=options.directory,
            link_bytes=options.link_bytes,
            out=options.out,
            wait=options.wait,
            replay=options.replay,
            as_json=options.json,
        )
    )


REPORT = Command(
    help="what a run came to: a figure, tables, and whether it can be repeated",
    description="Report on the run in a directory: loss and accuracy over rounds and bytes, "
    "bytes of every device at each layer, and who failed when. Leaves report.png, "
    "report.txt and report.json.",
    add_options=_add_options,
    run=_run,
)
