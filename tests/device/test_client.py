"""What a device process makes of a server that means it ill, or has had enough."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import grpc.aio
import pytest
from samples import small

from comlad.session import Session
from comlad.wire import encode_dataset, encode_finished, encode_welcome
from comlad_device._client import Client
from comlad_device.connection import ServerRefusedError

PATIENCE_S = 60.0


async def take_part(train: Any, fetch: Callable[..., Any] | None = None) -> int:
    """What device 0 comes to with a server of these methods."""
    server = grpc.aio.server(options=[("grpc.max_send_message_length", -1)])
    methods: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
        "Train": grpc.stream_stream_rpc_method_handler(train)
    }
    if fetch is not None:
        methods["FetchDataset"] = grpc.unary_stream_rpc_method_handler(fetch)
    service = "comlad.v1.TrainingService"
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, methods),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        return await asyncio.wait_for(Client(f"127.0.0.1:{port}", (0,)).run(), PATIENCE_S)
    finally:
        await server.stop(grace=None)


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (bytes(2**24 + 1), "RESOURCE_EXHAUSTED: .* larger than max"),
        (b"\xff\xff", "not understood: bytes that are no TrainResponse"),
    ],
    ids=["more than is ever sent at once", "no message"],
)
def test_gives_up_a_server_that_sends(answer: bytes, complaint: str) -> None:
    async def train(_: AsyncIterator[bytes], context: Any) -> None:
        await context.write(answer)
        await context.read()  # Join
        await context.read()  # the end

    with pytest.raises(ServerRefusedError, match=complaint):
        asyncio.run(take_part(train))


def test_hears_that_the_run_is_over_in_the_middle_of_a_long_reply() -> None:
    prepared = small(
        "devices.count=3",
        "devices.byzantine=0",
        problem={"kind": "quadratic", "dimension": 2**21},
        compressor={"kind": "identity"},
        attack=None,
    )
    dataset = encode_dataset(prepared.data.train)

    async def train(_: AsyncIterator[bytes], context: Any) -> None:
        await context.read()  # Join
        await context.write(encode_welcome(prepared, (0,), dataset))
        await context.read()  # Ready
        for message, _last in Session(prepared).open_round().broadcast.messages((0,)):
            await context.write(message)
        await context.read()  # the first of many chunks; the device waits to send the others
        await context.write(encode_finished(7))

    async def fetch(_: bytes, context: Any) -> AsyncIterator[bytes]:
        for chunk, _payload in dataset.chunks():
            yield chunk

    assert asyncio.run(take_part(train, fetch)) == 7


def test_hears_why_it_was_sent_away_in_the_middle_of_a_reply() -> None:
    prepared = small("devices.byzantine=0", attack=None)
    dataset = encode_dataset(prepared.data.train)

    async def train(_: AsyncIterator[bytes], context: Any) -> None:
        await context.read()  # Join
        await context.write(encode_welcome(prepared, (0,), dataset))
        await context.read()  # Ready
        for message, _last in Session(prepared).open_round().broadcast.messages((0,)):
            await context.write(message)
        await context.abort(grpc.StatusCode.ABORTED, "the reason")

    async def fetch(_: bytes, context: Any) -> AsyncIterator[bytes]:
        for chunk, _payload in dataset.chunks():
            yield chunk

    for _ in range(8):  # half of the time it is writing just then
        with pytest.raises(ServerRefusedError, match=r"^ABORTED: the reason$"):
            asyncio.run(take_part(train, fetch))
