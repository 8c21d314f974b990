"""The device's end of its stream: bytes out, messages in, and why it ended."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

import grpc
import grpc.aio

from comlad.v1 import training_pb2 as pb
from comlad.wire import Download, parse_response

__all__ = ["Stream"]

logger = logging.getLogger(__name__)

_Call = grpc.aio.StreamStreamCall[bytes, bytes]
# How long to wait, after a write has failed, for the server's word on why.
_MOMENTS, _MOMENT_S = 50, 0.01


class Stream:
    """One call of Train.

    Reading and writing raise AioRpcError, with what the server said, once it has ended.
    """

    def __init__(self, call: _Call) -> None:
        self._call = call
        self._said: tuple[grpc.StatusCode, str] | None = None
        call.add_done_callback(self._note)

    async def write(self, data: bytes) -> None:
        """Send a message."""
        try:
            await self._call.write(data)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError) as error:
            raise await self._end() from error

    async def read(self) -> pb.TrainResponse:
        """The server's next message as it comes."""
        data = await self._call.read()
        if not isinstance(data, bytes):
            raise await self._end()
        return parse_response(data)

    async def next(self, download: Download) -> pb.TrainResponse:
        """The server's next message but refusals, put together if it comes in chunks."""
        while True:
            response = await self.read()
            match response.WhichOneof("event"):
                case "refusal":
                    fields = {"round": response.refusal.round, "reason": response.refusal.reason}
                    logger.warning("round %d: %s", *fields.values(), extra=fields)
                case "chunk":
                    if (whole := download.add(response.chunk)) is not None:
                        return parse_response(whole)
                case _:
                    return response

    async def ended(self) -> None:
        """Wait until the server hangs up."""
        await self._call.code()

    def cancel(self) -> None:
        """End it from here."""
        self._call.cancel()

    def _note(self, _: Any) -> None:
        """Keep what the server said, at once: a write that fails afterwards takes its place.

        grpc.aio makes INTERNAL of such a write, and overwrites the status that had come.
        """
        code = _at_once(self._call.code())
        if code is not None and code != grpc.StatusCode.INTERNAL:
            self._said = code, _at_once(self._call.details()) or ""

    async def _end(self) -> grpc.aio.AioRpcError:
        """Why it ended. What is INTERNAL all the time is a connection that broke on a write."""
        await self._call.code()
        for _ in range(_MOMENTS):
            if self._said is not None:
                break
            await asyncio.sleep(_MOMENT_S)
        code, details = self._said or (grpc.StatusCode.UNAVAILABLE, "the connection broke")
        if code == grpc.StatusCode.OK:
            code = grpc.StatusCode.UNAVAILABLE
        nothing = grpc.aio.Metadata()
        return grpc.aio.AioRpcError(code, nothing, nothing, details or "the stream ended")


def _at_once(question: Coroutine[Any, Any, Any]) -> Any:
    """The answer of a coroutine that need not wait for it; None if it would."""
    try:
        question.send(None)
    except StopIteration as answer:
        return answer.value
    question.close()
    return None
