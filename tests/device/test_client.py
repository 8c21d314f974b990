"""What a device process makes of a server that means it ill."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
import pytest

from comlad_device._client import Client, ServerRefusedError


async def join(answer: bytes) -> None:
    """Join a server whose first message is this."""

    async def train(_: AsyncIterator[bytes], context: Any) -> None:
        await context.write(answer)
        await context.read()  # Join
        await context.read()  # the end

    server = grpc.aio.server(options=[("grpc.max_send_message_length", -1)])
    methods: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
        "Train": grpc.stream_stream_rpc_method_handler(train)
    }
    service = "comlad.v1.TrainingService"
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, methods),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        await asyncio.wait_for(Client(f"127.0.0.1:{port}", (0,)).run(), 60)
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
    with pytest.raises(ServerRefusedError, match=complaint):
        asyncio.run(join(answer))
