"""`comlad reproduce`: its options."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from comlad_deploy.commands._command import Command

__all__ = ["REPRODUCE"]


def _add_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "figure",
        nargs="+",
        metavar="FIGURE",
        help="fig2, fig3, fig4, fig5 or fig6 of the LAD paper; dm21: Byz-DM21's claims; or all",
    )
    parser.add_argument(
        "--rounds", type=int, metavar="T", help="default: 5000; for dm21 800, with --full 5000"
    )
    parser.add_argument(
        "--seeds",
        type=int,
        metavar="K",
        help="draws of the data; default: 5; for dm21 3, with --full 5",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("out/reproduction"), metavar="DIR", help="%(default)s"
    )
    parser.add_argument(
        "--workers", type=int, metavar="W", help="runs at a time; default: a core each"
    )
    parser.add_argument(
        "--extras", action="store_true", help="also curves that the paper does not have"
    )
    parser.add_argument(
        "--full", action="store_true", help="dm21 with every rule and both compressors: hours"
    )
    parser.add_argument(
        "--json", action="store_true", help="the figures' JSON on stdout, nothing else"
    )


def _run(options: Namespace) -> None:
    from comlad_deploy.reproduce import Options, reproduce

    reproduce(
        Options(
            figures=options.figure,
            rounds=options.rounds,
            seeds=options.seeds,
            out=options.out,
            workers=options.workers,
            extras=options.extras,
            full=options.full,
            as_json=options.json,
        )
    )


REPRODUCE = Command(
    help="two papers' figures, with each of their claims judged",
    description="Compute figures of the LAD paper, or run the setting of Byz-DM21's, and judge "
    "what they say. Leaves figN.csv, figN.png, figN.json, reproduction.md and the curves' "
    "experiment files in a directory; curves that are there already are not computed again.",
    add_options=_add_options,
    run=_run,
)
