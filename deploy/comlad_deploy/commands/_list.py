"""`comlad list`: its options."""

import json
from argparse import ArgumentParser, Namespace

from comlad_deploy.commands._command import Command

__all__ = ["LIST"]


def _add_options(parser: ArgumentParser) -> None:
    parser.add_argument("family", nargs="?", help="one family, for instance aggregators")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as JSON")
    form.add_argument(
        "--markdown", action="store_true", help="comlad's own parts as a page, all families"
    )


def _run(options: Namespace) -> None:
    from comlad.config import require
    from comlad_deploy.listing import describe_parts, parts_page, print_parts

    if options.markdown:
        require(options.family is None, "--markdown", options.family, "writes all families")
        print(parts_page(), end="")
    elif options.json:
        print(json.dumps(describe_parts(options.family), indent=2))
    else:
        print_parts(options.family)


LIST = Command(
    help="the parts an experiment can be made of",
    description="Every problem, coding, compressor, rule and attack at hand, those of other "
    "installed packages included, with parameters and source.",
    add_options=_add_options,
    run=_run,
)
