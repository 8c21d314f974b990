"""Getting through to a server that may not be there yet, or does not let us in."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import grpc.aio

from comlad.config import Keys, read_keys
from comlad_device._tls import open_channel, what_is_wrong

__all__ = ["FIRST_PAUSE_S", "LONGEST_PAUSE_S", "NoServerError", "ServerRefusedError", "connected"]

logger = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 5.0
# Rounds come in chunks: Welcome is the largest, with a key and an id for each device.
_MAX_RECEIVED_BYTES = 2**24
_OPTIONS: list[tuple[str, Any]] = [
    ("grpc.max_receive_message_length", _MAX_RECEIVED_BYTES),
    ("grpc.max_send_message_length", -1),
    # A connection of its own for each: a server lets few calls share one, and counts its bytes.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", int(1000 * FIRST_PAUSE_S)),
    ("grpc.min_reconnect_backoff_ms", int(1000 * FIRST_PAUSE_S)),
    ("grpc.max_reconnect_backoff_ms", int(1000 * LONGEST_PAUSE_S)),
    ("grpc.keepalive_time_ms", 30_000),  # finds out when the server's host vanishes
]


class ServerRefusedError(Exception):
    """The server does not want these devices, or is not one that they understand."""


class NoServerError(Exception):
    """There was no server for as long as it was to be waited for."""


@asynccontextmanager
async def connected(
    server: str, directory: Path | None, give_up_s: float | None
) -> AsyncIterator[grpc.aio.Channel]:
    """A channel that is connected; waits for a server that is not there.

    Args:
        server: HOST:PORT.
        directory: Where the keys are that make it TLS; None: there are none.
        give_up_s: How long to wait for it; None: for ever.

    Raises:
        ServerRefusedError: It is there, but one end does not accept the other.
        NoServerError: It was not there for too long.
        ConfigError: The keys cannot be read, or are none.
    """
    # Read for every connection: they may have been renewed.
    keys = None if directory is None else read_keys(directory)
    async with open_channel(server, keys, _OPTIONS) as channel:
        try:
            async with asyncio.timeout(give_up_s):
                await _ready(channel, server, keys)
        except TimeoutError as error:
            raise NoServerError(f"no server at {server} for {give_up_s:g} seconds") from error
        yield channel


async def _ready(channel: grpc.aio.Channel, server: str, keys: Keys | None) -> None:
    """Wait until it is; gRPC itself tries again and again, ever more slowly."""
    told = False
    while (state := channel.get_state(try_to_connect=True)) != grpc.ChannelConnectivity.READY:
        if state == grpc.ChannelConnectivity.TRANSIENT_FAILURE:
            if (wrong := await asyncio.to_thread(what_is_wrong, server, keys)) is not None:
                raise ServerRefusedError(f"UNAUTHENTICATED: {wrong}")
            if not told:
                logger.warning("no server at %s yet; trying again until there is one", server)
                told = True
        await channel.wait_for_state_change(state)
