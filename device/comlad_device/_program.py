"""What the two device programs have in common."""

import argparse
import asyncio
import logging
import signal
import sys

from threadpoolctl import threadpool_limits
from uvloop import new_event_loop

from comlad.errors import ConfigError
from comlad_device._client import Client, ServerRefusedError

__all__ = ["base_parser", "parse_ids", "run_client"]

logger = logging.getLogger(__name__)


def base_parser(program: str, description: str) -> argparse.ArgumentParser:
    """A parser with the options that every device program has."""
    parser = argparse.ArgumentParser(prog=program, description=description)
    parser.add_argument("--server", required=True, metavar="HOST:PORT")
    parser.add_argument(
        "--device", required=True, metavar="I[,J-K]", help="ids of the devices to be, from 0"
    )
    parser.add_argument(
        "--log-level", default="info", choices=["debug", "info", "warning", "error"]
    )
    return parser


def parse_ids(text: str) -> tuple[int, ...]:
    """The ids in "3" or "0,4-6".

    Raises:
        ConfigError: It is something else, or names an id twice.
    """
    ids: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not _is_id(first) or (dash and not _is_id(last)):
            raise ConfigError(f"--device {text}: must be ids such as 3 or 0,4-6")
        some = range(int(first), int(last or first) + 1)
        if not 1 <= len(some) <= 10**6:
            raise ConfigError(f"--device {text}: must be 1 to a million ids, the smaller first")
        ids.extend(some)
    if len(set(ids)) != len(ids):
        raise ConfigError(f"--device {text}: must name each id once")
    return tuple(ids)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) < 2**31


def run_client(program: str, client: Client, log_level: str) -> None:
    """Take part until the run is over; exits with 1 if the server will have none of it."""
    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(levelname)s %(message)s")
    # Another number of BLAS threads changes the last bits of products.
    threadpool_limits(1)
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            rounds = runner.run(_until_told(client))
    except ServerRefusedError as error:
        print(f"{program}: the server at {client.server} refused: {error}", file=sys.stderr)
        sys.exit(1)
    except ConfigError as error:  # of an attack that shows only when it is called
        print(f"{program}: {error}", file=sys.stderr)
        sys.exit(1)
    except (asyncio.CancelledError, KeyboardInterrupt):
        sys.exit(130)
    logger.info("the run is over after %d rounds", rounds)


async def _until_told(client: Client) -> int:
    task = asyncio.ensure_future(client.run())
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await task
