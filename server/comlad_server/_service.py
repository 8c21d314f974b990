"""The gRPC face of a training run: bytes in, bytes out, errors as status codes."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from typing import Any

import grpc
import grpc.aio

from comlad.config import Identity
from comlad.errors import MessageError, Status
from comlad.experiment import Prepared
from comlad.rounds import Direction
from comlad.v1 import training_pb2 as pb
from comlad.wire import (
    MAX_JOIN_BYTES,
    encode_dataset,
    encode_held,
    encode_welcome,
    parse_join,
    parse_ready,
    parse_request,
)
from comlad_server._connections import Connections
from comlad_server._identity import Calls, device_identity
from comlad_server._stream import Stream
from comlad_server._tcp import find_connection
from comlad_server._turns import Turns

__all__ = ["TrainingService"]

_Context = grpc.aio.ServicerContext[bytes, bytes]
# How long a stream may take to join, and then to fetch the data and be ready.
_JOIN_S, _READY_S = 20.0, 600.0
_CODES = {code.value[0]: code for code in grpc.StatusCode}


class TrainingService:
    """TrainingService of proto/comlad/v1/training.proto.

    Args:
        prepared: What is run; its training data is what devices may fetch.
        connections: Of the run that the streams take part in.
    """

    def __init__(self, prepared: Prepared, connections: Connections) -> None:
        self._prepared = prepared
        self._connections = connections
        self._dataset = encode_dataset(prepared.data.train)
        self._peers: Counter[str] = Counter()  # streams by connection
        self._calls = Calls()
        # Of what takes memory before we know what for, each connection has one at a time.
        self._joins, self._fetches = Turns(), Turns()

    def add_to(self, server: grpc.aio.Server) -> None:
        """Offer the service. No serialisers: messages are bounded before they are parsed."""
        methods: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
            "Train": grpc.stream_stream_rpc_method_handler(self.train),
            "FetchDataset": grpc.unary_stream_rpc_method_handler(
                self.fetch_dataset, pb.FetchDatasetRequest.FromString
            ),
            "FetchEstimate": grpc.unary_stream_rpc_method_handler(
                self.fetch_estimate, pb.FetchEstimateRequest.FromString
            ),
        }
        name = pb.DESCRIPTOR.services_by_name["TrainingService"].full_name
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, methods),))

    async def train(self, _: AsyncIterator[bytes], context: _Context) -> None:
        """Serve the stream of one device process from Join to its end."""
        peer = context.peer()
        self._peers[peer] += 1
        try:
            identity = device_identity(context)
            with self._calls.count(identity):
                await self._serve(context, identity)
        except MessageError as error:
            self._connections.stranger(f"{peer}: {error}")
            await _abort(context, error)
        finally:
            self._peers -= Counter([peer])  # and forgets those with none left

    async def _serve(self, context: _Context, identity: Identity | None) -> None:
        stream = await self._admit(context, identity)
        listening = asyncio.create_task(self._listen(stream, context))
        stream.on_hang_up = listening.cancel
        try:
            await asyncio.wait({listening})
        finally:
            listening.cancel()
            self._connections.leave(stream)
        if listening.cancelled():  # the run hung up
            if stream.verdict is not None:
                await _abort(context, stream.verdict)
            return
        match listening.exception():
            case MessageError() as refusal:
                await _abort(context, refusal)
            case Exception() as unexpected:
                raise unexpected

    async def _listen(self, stream: Stream, context: _Context) -> None:
        """Take what comes until the stream ends or the run hangs up."""
        try:
            if isinstance(data := await _soon(context, _READY_S), bytes):
                parse_ready(data)
                self._connections.ready(stream)
            while await self._take(stream, context):
                pass
        except MessageError as error:
            self._connections.cut_off(stream, str(error))
            raise

    async def _take(self, stream: Stream, context: _Context) -> bool:
        """Take a message, and keep nothing of it while the next one is waited for."""
        data = await context.read()
        if not isinstance(data, bytes):
            return False
        self._connections.receive(stream, data)
        return True

    async def fetch_dataset(self, request: pb.FetchDatasetRequest, context: _Context) -> None:
        """The dataset in chunks, for devices."""
        try:
            with self._calls.count(device_identity(context)):
                if request.sha256 != self._dataset.sha256:
                    reason = f"no dataset with digest {request.sha256.hex()[:64]}"
                    raise MessageError(reason, Status.NOT_FOUND)
                await self._send(self._dataset.chunks, context)
        except MessageError as error:
            await _abort(context, error)

    async def fetch_estimate(self, request: pb.FetchEstimateRequest, context: _Context) -> None:
        """What is remembered of a device, for its process."""
        connections, device = self._connections, request.device_id
        try:
            with self._calls.count(device_identity(context)):
                stream, memory = connections.held(context.peer(), device, request.plan)
                connections.charge(stream, device, Direction.UP, request.ByteSize())

                def sent(chunk: bytes, payload: int) -> None:
                    connections.charge(stream, device, Direction.DOWN, len(chunk), payload)

                await self._send(lambda: encode_held(memory), context, sent)
        except MessageError as error:
            await _abort(context, error)

    async def _send(
        self,
        chunks: Callable[[], Iterator[tuple[bytes, int]]],
        context: _Context,
        sent: Callable[[bytes, int], object] = lambda *_: None,
    ) -> None:
        """Send messages, each with the payload in it; made when it is the connection's turn."""
        try:
            async with asyncio.timeout(_READY_S), self._fetches.of(context.peer()):
                for chunk, payload in chunks():
                    await context.write(chunk)
                    sent(chunk, payload)
        except TimeoutError as error:
            reason = f"data that were not taken within {_READY_S:.0f} seconds"
            raise MessageError(reason, Status.RESOURCE_EXHAUSTED) from error
        except grpc.aio.BaseError:
            pass  # who asked is gone

    async def _admit(self, context: _Context, identity: Identity | None) -> Stream:
        data = await _soon(context, _JOIN_S, self._joins.of(context.peer()))
        if not isinstance(data, bytes):
            raise MessageError("a stream that ended before it joined")
        request = parse_request(data, MAX_JOIN_BYTES)
        devices = parse_join(request, self._prepared.experiment.devices.count, identity)

        async def write(message: bytes) -> None:
            try:
                await context.write(message)
            except grpc.aio.BaseError as error:
                raise ConnectionError("the stream has ended") from error

        stream = Stream(devices, write, context.peer())
        if identity is not None:  # who is cut off is not to come back as another of its devices
            stream.holders = (*devices, identity)
        # Whoever has the key may have lost its connection without our noticing it.
        self._connections.join(stream, replace=identity is not None)
        # A connection that several streams share cannot be told apart.
        alone = self._peers[context.peer()] == 1
        stream.count_with(find_connection(context.peer()) if alone else None)
        stream.tell(encode_welcome(self._prepared, devices, self._dataset))
        return stream


async def _abort(context: _Context, error: MessageError) -> None:
    """End a call with the reason, if there is still someone to hear it."""
    with suppress(grpc.aio.InternalError):
        await context.abort(_CODES[error.status], str(error))


async def _soon(
    context: _Context, seconds: float, turn: AbstractAsyncContextManager[None] | None = None
) -> object:
    """The stream's next message, if it comes in time; read when it is its turn."""
    try:
        async with asyncio.timeout(seconds), turn or nullcontext():
            return await context.read()
    except TimeoutError as error:
        raise MessageError(
            f"nothing for {seconds:.0f} seconds: must join, fetch the data and be ready",
            Status.FAILED_PRECONDITION,
        ) from error
