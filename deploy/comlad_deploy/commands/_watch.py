"""`comlad watch`: its options."""

import os
from argparse import ArgumentParser, Namespace
from pathlib import Path

from comlad_deploy.commands._command import Command

__all__ = ["WATCH"]


def _add_options(parser: ArgumentParser) -> None:
    parser.add_argument("server", metavar="HOST:PORT")
    parser.add_argument(
        "--keys",
        type=Path,
        metavar="DIR",
        help="the watcher's key, or the directory with all, as comlad keys leaves them",
    )
    parser.add_argument(
        "--insecure",
        action="store_true",
        help="without encryption to a server on another machine",
    )
    parser.add_argument(
        "--once",
        action="store_true",
        help="one state, and end: with 1 if the server does not answer within 5 seconds",
    )
    parser.add_argument("--json", action="store_true", help="each state as a JSON object a line")


def _run(options: Namespace) -> None:
    # gRPC would tell of every attempt to connect; it looks at this when it is first imported.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from comlad_deploy.watch import Options, watch

    watch(
        Options(
            server=options.server,
            keys=options.keys,
            insecure=options.insecure,
            once=options.once,
            as_json=options.json,
        )
    )


WATCH = Command(
    help="a running server: its progress, bytes, and who is late or was refused",
    description="Show a run live until it is over. A server that goes away is waited for.",
    add_options=_add_options,
    run=_run,
)
