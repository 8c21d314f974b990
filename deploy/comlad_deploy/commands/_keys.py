"""`comlad keys`: its options."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from comlad_deploy.commands._command import Command

__all__ = ["KEYS"]


def _add_options(parser: ArgumentParser) -> None:
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument("--devices", type=int, required=True, metavar="N", help="how many devices")
    parser.add_argument(
        "--group",
        action="append",
        default=[],
        metavar="I-J",
        help="devices that run on one host and have one key; may be repeated",
    )
    parser.add_argument(
        "--days", type=int, default=365, metavar="D", help="valid so long; default: %(default)s"
    )
    parser.add_argument(
        "--renew", action="store_true", help="new keys for all, by the same authority"
    )
    parser.add_argument("--json", action="store_true", help="what was made as JSON, nothing else")


def _run(options: Namespace) -> None:
    from comlad_deploy.keys import describe_keys, keys_as_json, make_keys

    made = make_keys(
        options.directory, options.devices, options.group, days=options.days, renew=options.renew
    )
    print((keys_as_json if options.json else describe_keys)(options.directory, made))


KEYS = Command(
    help="keys for a cluster on several hosts",
    description="Make a certificate authority, a key for the server, one for each device and "
    "one for whoever watches, each in a directory of its own to be copied to its host. Run "
    "again it makes what is missing; what is there stays, unless it is to be renewed.",
    add_options=_add_options,
    run=_run,
)
