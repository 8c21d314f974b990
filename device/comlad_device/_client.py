"""A device process's end of the connection."""

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import grpc
import grpc.aio
from threadpoolctl import threadpool_limits

from comlad.attacks import Attack
from comlad.compression import mask_scope
from comlad.errors import MessageError
from comlad.problems import Arrays
from comlad.rounds import Memories, Plan, Site, device_messages, nobody
from comlad.v1 import training_pb2 as pb
from comlad.wire import (
    Download,
    Welcome,
    broadcast_bound,
    decode_dataset,
    decode_round,
    decode_welcome,
    encode_join,
    encode_ready,
    parse_response,
    reply_messages,
)

__all__ = ["Client", "ServerRefusedError"]

logger = logging.getLogger(__name__)

_SERVICE = pb.DESCRIPTOR.services_by_name["TrainingService"].full_name
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 5.0
# Rounds come in chunks: Welcome is the largest, with 16 bytes for each device of a process.
_MAX_RECEIVED_BYTES = 2**24
# Reasons to try again; any other status means that trying again is no use.
_PASSING = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}

_Stream = grpc.aio.StreamStreamCall[bytes, bytes]


class ServerRefusedError(Exception):
    """The server does not want these devices, or is not one that they understand."""


@dataclass
class Client:
    """Serves some devices until the server says that the run is over.

    Args:
        server: HOST:PORT.
        devices: The ids of the devices.
        attack: What those that lie send instead.
        liars: Which devices lie in a round.
    """

    server: str
    devices: tuple[int, ...]
    attack: Attack | None = None
    liars: Callable[[int], frozenset[int]] = nobody
    _welcomed: bool = False
    _pause_s: float = _FIRST_PAUSE_S
    _datasets: dict[bytes, Arrays] = field(default_factory=dict)

    async def run(self) -> int:
        """Take part; gives the number of rounds that the run had.

        Waits for a server that is not there, and comes back to one that went away.

        Raises:
            ServerRefusedError: Trying again would be no use.
        """
        options = [
            ("grpc.max_receive_message_length", _MAX_RECEIVED_BYTES),
            ("grpc.max_send_message_length", -1),
            ("grpc.initial_reconnect_backoff_ms", int(1000 * _FIRST_PAUSE_S)),
            ("grpc.min_reconnect_backoff_ms", int(1000 * _FIRST_PAUSE_S)),
            ("grpc.max_reconnect_backoff_ms", int(1000 * _LONGEST_PAUSE_S)),
            ("grpc.keepalive_time_ms", 30_000),  # finds out when the server's host vanishes
        ]
        async with grpc.aio.insecure_channel(self.server, options) as channel:
            while True:
                await self._connected(channel)
                try:
                    return await self._take_part(channel)
                except grpc.aio.AioRpcError as error:
                    # Once it was welcome, it can only be itself that is connected already:
                    # the server has not noticed yet that the old stream broke.
                    taken = error.code() == grpc.StatusCode.ALREADY_EXISTS and self._welcomed
                    if error.code() not in _PASSING and not taken:
                        raise ServerRefusedError(
                            f"{error.code().name}: {error.details()}"
                        ) from error
                    logger.warning("lost the server (%s); trying again", error.details())
                except MessageError as error:
                    raise ServerRefusedError(f"not understood: {error}") from error
                # Up to twice as long, so that devices that were lost together do not
                # all come back together.
                await asyncio.sleep(self._pause_s * random.uniform(1, 2))
                self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)

    async def _connected(self, channel: grpc.aio.Channel) -> None:
        """Wait for the server; gRPC itself tries again and again, ever more slowly."""
        told = False
        while (state := channel.get_state(try_to_connect=True)) != grpc.ChannelConnectivity.READY:
            if state == grpc.ChannelConnectivity.TRANSIENT_FAILURE and not told:
                logger.warning("no server at %s yet; trying again until there is one", self.server)
                told = True
            await channel.wait_for_state_change(state)

    async def _take_part(self, channel: grpc.aio.Channel) -> int:
        """One stream from Join to Finished."""
        stream: _Stream = channel.stream_stream(f"/{_SERVICE}/Train")()
        try:
            await _write(stream, encode_join(self.devices))
            welcome, site = await self._welcome(channel, stream)
            await _write(stream, encode_ready())
            return await self._rounds(stream, welcome, site)
        finally:
            stream.cancel()

    async def _rounds(self, stream: _Stream, welcome: Welcome, site: Site) -> int:
        """Answer every round; gives how many there were."""
        numbers = welcome.dimension, welcome.device_count, len(self.devices)
        download = Download(broadcast_bound(*numbers))
        memories: Memories = {}
        plan = None
        coming = asyncio.create_task(_next(stream, download))
        try:
            while True:
                response = await coming
                match response.WhichOneof("event"):
                    case "round":
                        plan = decode_round(
                            response.round,
                            devices=len(self.devices),
                            device_count=welcome.device_count,
                            dimension=welcome.dimension,
                            coding=welcome.coding,
                            scope=mask_scope(welcome.compressor),
                            base=plan,
                        )
                        del response  # a model that the plan has as well
                        # Read on: a server that hangs up in mid-answer has said why before.
                        coming = asyncio.create_task(_next(stream, download))
                        try:
                            memories = await _answer(stream, site, plan, memories)
                        except grpc.aio.AioRpcError:
                            await asyncio.wait([coming])
                            if coming.exception() is not None:
                                raise
                    case "finished":
                        await stream.code()  # let the server hang up first
                        return response.finished.rounds
                    case other:
                        raise MessageError(f"{other or 'nothing'} in the middle of a run")
        finally:
            coming.cancel()

    async def _welcome(self, channel: grpc.aio.Channel, stream: _Stream) -> tuple[Welcome, Site]:
        response = await _read(stream)
        if response.WhichOneof("event") != "welcome":
            raise MessageError("a stream that does not begin with Welcome")
        welcome = decode_welcome(response.welcome, len(self.devices))
        self._welcomed, self._pause_s = True, _FIRST_PAUSE_S
        threadpool_limits(1)  # of what a plug-in brought
        digest = welcome.dataset_sha256
        if digest not in self._datasets:
            self._datasets = {digest: decode_dataset(await _fetch(channel, welcome), digest)}
        return welcome, welcome.site(self._datasets[digest], self.devices, self.attack, self.liars)


async def _answer(stream: _Stream, site: Site, plan: Plan, memories: Memories) -> Memories:
    """Send what the devices have to say; gives what they remember from now on."""
    payloads, memories = device_messages(site, plan, memories)
    if any(payload is not None for payload in payloads):
        for message in reply_messages(plan, payloads):
            await _write(stream, message)
    return memories


async def _next(stream: _Stream, download: Download) -> pb.TrainResponse:
    """The server's next message but refusals, put together if it comes in chunks."""
    while True:
        response = await _read(stream)
        match response.WhichOneof("event"):
            case "refusal":
                logger.warning("round %d: %s", response.refusal.round, response.refusal.reason)
            case "chunk":
                if (whole := download.add(response.chunk)) is not None:
                    return parse_response(whole)
            case _:
                return response


async def _read(stream: _Stream) -> pb.TrainResponse:
    data = await stream.read()
    if not isinstance(data, bytes):
        raise await _end_of(stream)
    return parse_response(data)


async def _write(stream: _Stream, data: bytes) -> None:
    try:
        await stream.write(data)
    except (grpc.aio.AioRpcError, asyncio.InvalidStateError) as error:
        raise await _end_of(stream) from error


async def _end_of(stream: _Stream) -> grpc.aio.AioRpcError:
    """Why a stream ended. What gRPC calls internal is a connection that broke on a write."""
    code, details = await stream.code(), await stream.details()
    if code in (grpc.StatusCode.OK, grpc.StatusCode.INTERNAL):
        code = grpc.StatusCode.UNAVAILABLE
    nothing = grpc.aio.Metadata()
    return grpc.aio.AioRpcError(code, nothing, nothing, details or "the stream ended")


async def _fetch(channel: grpc.aio.Channel, welcome: Welcome) -> bytes:
    """The dataset in its serialised form; never more of it than was announced."""
    fetch = channel.unary_stream(
        f"/{_SERVICE}/FetchDataset",
        pb.FetchDatasetRequest.SerializeToString,
        pb.FetchDatasetResponse.FromString,
    )
    data = bytearray()
    async for response in fetch(pb.FetchDatasetRequest(sha256=welcome.dataset_sha256)):
        data += response.chunk
        if len(data) > welcome.dataset_bytes:
            raise MessageError(f"more than the {welcome.dataset_bytes} bytes of data announced")
    return bytes(data)
