"""The comlad-device command."""

import sys

from comlad.config import check_address
from comlad.errors import ConfigError
from comlad_device._client import Client
from comlad_device._program import base_parser, parse_ids, run_client

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Run honest devices; exits with 2 for bad input."""
    parser = base_parser(
        "comlad-device",
        "One or more honest devices in a process. Needs an address and nothing else: "
        "the server sends the data and says what to compute.",
    )
    options = parser.parse_args(arguments)
    try:
        check_address("--server", options.server)
        client = Client(options.server, parse_ids(options.device))
    except ConfigError as error:
        print(f"comlad-device: {error}", file=sys.stderr)
        sys.exit(2)
    run_client("comlad-device", client, options.log_level)
