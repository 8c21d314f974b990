"""The comlad-device command."""

import sys

from comlad.errors import ConfigError
from comlad.logs import complain, start_logging
from comlad_device._options import base_parser, hush, reach

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Run honest devices; exits with 2 for bad input."""
    parser = base_parser(
        "comlad-device",
        "One or more honest devices in a process. Needs an address and a key and nothing else: "
        "the server sends the data and says what to compute.",
    )
    options = parser.parse_args(arguments)
    start_logging(options.log_level, options.log_format)
    hush()
    from comlad_device._client import Client
    from comlad_device._program import run_client

    try:
        to = reach(options)
        client = Client(to.server, to.devices, keys=to.keys, give_up_s=to.give_up_s)
    except ConfigError as error:
        complain("comlad-device", error, options.log_format)
        sys.exit(2)
    run_client("comlad-device", client, options.link_bytes, options.log_format)
