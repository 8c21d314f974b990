"""What the two device programs do once they know what: take part, and end as they should."""

import asyncio
import logging
import signal
import sys
from contextlib import ExitStack
from pathlib import Path

from threadpoolctl import threadpool_limits
from uvloop import new_event_loop

from comlad.errors import ConfigError
from comlad.logs import complain
from comlad_device._client import Client
from comlad_device._link_bytes import link_bytes
from comlad_device.connection import NoServerError, ServerRefusedError

__all__ = ["run_client"]

logger = logging.getLogger(__name__)


def run_client(program: str, client: Client, count_link: Path | None, log_format: str) -> None:
    """Take part until the run is over; exits with 1 if the server will have none of it.

    Args:
        program: Its name, for people.
        client: What it does.
        count_link: Where to write what the interfaces carried; exits with 2 if it cannot be.
        log_format: Of the log, for its last line.
    """
    # Another number of BLAS threads changes the last bits of products.
    threadpool_limits(1)
    with ExitStack() as stack:
        try:
            stack.enter_context(link_bytes(count_link, lambda: client.devices))
        except ConfigError as error:
            complain(program, error, log_format)
            sys.exit(2)
        _run(program, client, log_format)


def _run(program: str, client: Client, log_format: str) -> None:
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            rounds = runner.run(_until_told(client))
    except ServerRefusedError as error:
        complain(program, f"the server at {client.server} refused: {error}", log_format)
        sys.exit(1)
    except (ConfigError, NoServerError) as error:  # an attack may be wrong only when it is called
        complain(program, error, log_format)
        sys.exit(1)
    except (asyncio.CancelledError, KeyboardInterrupt):
        sys.exit(130)
    logger.info("the run is over after %d rounds", rounds, extra={"rounds": rounds})


async def _until_told(client: Client) -> int:
    task = asyncio.ensure_future(client.run())
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await task
