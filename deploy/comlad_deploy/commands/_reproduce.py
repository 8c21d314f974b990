"""`comlad reproduce`: its options."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from comlad_deploy.commands._command import Command

__all__ = ["REPRODUCE"]


def _add_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "figure", nargs="+", metavar="FIGURE", help="fig2, fig3, fig4, fig5, fig6 or all"
    )
    parser.add_argument(
        "--rounds", type=int, default=5000, metavar="T", help="default: %(default)s"
    )
    parser.add_argument(
        "--seeds", type=int, default=5, metavar="K", help="draws of the data; default: %(default)s"
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
            as_json=options.json,
        )
    )


REPRODUCE = Command(
    help="the LAD paper's figures, with each of its claims judged",
    description="Compute figures of the LAD paper and judge what it says of them. Leaves "
    "figN.csv, figN.png, figN.json, reproduction.md and the curves' experiment files in a "
    "directory; curves that are there already are not computed again.",
    add_options=_add_options,
    run=_run,
)
