"""Follows a server's run from state to state, and over the times when it is away."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import grpc
import grpc.aio

from comlad.errors import ComladError
from comlad.v1 import watch_pb2 as pb
from comlad_deploy.watch._state import Show, State, state_of
from comlad_device.connection import NoServerError, ServerRefusedError, connected

__all__ = ["WatchError", "follow"]

_WATCH = f"/{pb.DESCRIPTOR.services_by_name['WatchService'].full_name}/Watch"
# States after which nothing comes; a server that was stopped may go on.
_OVER = ("finished", "failed")
# How long a server may take to answer where that is the question.
_ONCE_S = 5.0
_PAUSE_S = 1.0
# Reasons to try again, as devices do: it ends, or is not there yet.
_PASSING = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.INTERNAL}


class WatchError(ComladError):
    """There is nothing to watch, or the run that was watched has failed."""


async def follow(server: str, keys: Path | None, show: Show, *, once: bool) -> State:
    """Show states until the run is over; gives the last.

    Args:
        server: HOST:PORT.
        keys: The directory of a watcher's key; None: without TLS.
        show: Called with each state, and with None when the server went away.
        once: Whether one state is enough; then the server must answer soon.

    Raises:
        WatchError: The server does not answer, or not to us.
    """
    patience_s = _ONCE_S if once else None
    while True:
        try:
            async with connected(server, keys, patience_s) as channel:
                async with aclosing(_states(channel, patience_s)) as states:
                    async for state in states:
                        show(state)
                        if once or state["state"] in _OVER:
                            return state
        except (NoServerError, ServerRefusedError) as error:
            raise WatchError(str(error)) from error
        except grpc.aio.AioRpcError as error:
            if once or error.code() not in _PASSING:
                raise WatchError(
                    f"the server at {server} refused: {error.code().name}: {error.details()}"
                ) from error
        if once:
            raise WatchError(f"the server at {server} is ending")
        show(None)
        await asyncio.sleep(_PAUSE_S)


async def _states(
    channel: grpc.aio.Channel, timeout_s: float | None
) -> AsyncGenerator[State, None]:
    call = channel.unary_stream(
        _WATCH, pb.WatchRequest.SerializeToString, pb.WatchResponse.FromString
    )(pb.WatchRequest(), timeout=timeout_s)
    async for response in call:
        yield state_of(response)
