"""The gRPC face of a training run: bytes in, bytes out, errors as status codes."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio

from comlad.errors import MessageError, Status
from comlad.experiment import Prepared
from comlad.v1 import training_pb2 as pb
from comlad.wire import (
    MAX_JOIN_BYTES,
    encode_dataset,
    encode_welcome,
    parse_join,
    parse_ready,
    parse_request,
)
from comlad_server._stream import Stream
from comlad_server._tcp import find_connection
from comlad_server._training import Training

__all__ = ["TrainingService"]

_Context = grpc.aio.ServicerContext[bytes, bytes]
# How long a stream may take to join, and then to fetch the data and be ready.
_JOIN_S, _READY_S = 20.0, 600.0
_CODES = {code.value[0]: code for code in grpc.StatusCode}


class TrainingService:
    """TrainingService of proto/comlad/v1/training.proto.

    Args:
        prepared: What is run; its training data is what devices may fetch.
        training: The run that the streams take part in.
    """

    def __init__(self, prepared: Prepared, training: Training) -> None:
        self._prepared = prepared
        self._training = training
        self._dataset = encode_dataset(prepared.data.train)
        self._peers: Counter[str] = Counter()  # streams by connection

    def add_to(self, server: grpc.aio.Server) -> None:
        """Offer the service. No serialisers: messages are bounded before they are parsed."""
        methods: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
            "Train": grpc.stream_stream_rpc_method_handler(self.train),
            "FetchDataset": grpc.unary_stream_rpc_method_handler(
                self.fetch_dataset, pb.FetchDatasetRequest.FromString
            ),
        }
        name = pb.DESCRIPTOR.services_by_name["TrainingService"].full_name
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, methods),))

    async def train(self, _: AsyncIterator[bytes], context: _Context) -> None:
        """Serve the stream of one device process from Join to its end."""
        self._peers[context.peer()] += 1
        try:
            await self._serve(context)
        finally:
            self._peers -= Counter([context.peer()])  # and forgets those with none left

    async def _serve(self, context: _Context) -> None:
        try:
            stream = await self._admit(context)
        except MessageError as error:
            self._training.stranger(f"{context.peer()}: {error}")
            await context.abort(_CODES[error.status], str(error))
        listening = asyncio.create_task(self._listen(stream, context))
        stream.on_hang_up = listening.cancel
        try:
            await asyncio.wait({listening})
        finally:
            listening.cancel()
            self._training.leave(stream)
        if listening.cancelled():  # the run hung up
            return
        match listening.exception():
            case MessageError() as refusal:
                await context.abort(_CODES[refusal.status], str(refusal))
            case Exception() as unexpected:
                raise unexpected

    async def _listen(self, stream: Stream, context: _Context) -> None:
        """Take what comes until the stream ends or the run hangs up."""
        try:
            if isinstance(data := await _soon(context, _READY_S), bytes):
                parse_ready(data)
                self._training.ready(stream)
            while await self._take(stream, context):
                pass
        except MessageError as error:
            self._training.cut_off(stream, str(error))
            raise

    async def _take(self, stream: Stream, context: _Context) -> bool:
        """Take a message, and keep nothing of it while the next one is waited for."""
        data = await context.read()
        if not isinstance(data, bytes):
            return False
        self._training.receive(stream, data)
        return True

    async def fetch_dataset(
        self, request: pb.FetchDatasetRequest, context: _Context
    ) -> AsyncIterator[bytes]:
        """The dataset in chunks."""
        if request.sha256 != self._dataset.sha256:
            reason = f"no dataset with digest {request.sha256.hex()}"
            await context.abort(grpc.StatusCode.NOT_FOUND, reason)
        for chunk in self._dataset.chunks():
            yield chunk

    async def _admit(self, context: _Context) -> Stream:
        data = await _soon(context, _JOIN_S)
        if not isinstance(data, bytes):
            raise MessageError("a stream that ended before it joined")
        request = parse_request(data, MAX_JOIN_BYTES)
        devices = parse_join(request, self._prepared.experiment.devices.count)

        async def write(message: bytes) -> None:
            try:
                await context.write(message)
            except grpc.aio.BaseError as error:
                raise ConnectionError("the stream has ended") from error

        stream = Stream(devices, write)
        self._training.join(stream)
        # A connection that several streams share cannot be told apart.
        alone = self._peers[context.peer()] == 1
        stream.count_with(find_connection(context.peer()) if alone else None)
        stream.tell(encode_welcome(self._prepared, devices, self._dataset))
        return stream


async def _soon(context: _Context, seconds: float) -> object:
    """The stream's next message, if it comes in time."""
    try:
        async with asyncio.timeout(seconds):
            return await context.read()
    except TimeoutError as error:
        raise MessageError(
            f"nothing for {seconds:.0f} seconds: must join, fetch the data and be ready",
            Status.FAILED_PRECONDITION,
        ) from error
