"""The gRPC face of a run's status, for those who look on."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import grpc
import grpc.aio

from comlad.errors import MessageError
from comlad.v1 import watch_pb2 as pb
from comlad_server._identity import identity_of
from comlad_server.operations._board import StatusBoard
from comlad_server.operations._status import DeviceStatus, RunState, Status

__all__ = ["WATCH_SERVICE", "WatchService", "encode_status"]

WATCH_SERVICE = pb.DESCRIPTOR.services_by_name["WatchService"].full_name

_Context = grpc.aio.ServicerContext[bytes, bytes]
_MAX_WATCHERS = 16
_PAUSE_S = 0.5
# How long watchers may take to hear how the run has ended.
_FAREWELL_S = 1.0

_STATES = {
    RunState.WAITING: pb.RUN_STATE_WAITING,
    RunState.TRAINING: pb.RUN_STATE_TRAINING,
    RunState.FINISHED: pb.RUN_STATE_FINISHED,
    RunState.STOPPED: pb.RUN_STATE_STOPPED,
    RunState.FAILED: pb.RUN_STATE_FAILED,
}


class WatchService:
    """WatchService of proto/comlad/v1/watch.proto.

    A state is serialised once for all watchers, and the next one only when the last is
    written: one who does not read holds up nobody and costs one message.

    Args:
        board: The status that is shown.
    """

    def __init__(self, board: StatusBoard) -> None:
        self._board = board
        self._watchers: set[asyncio.Task[Any]] = set()
        self._over = asyncio.Event()
        self._serialised = -1, b""

    def add_to(self, server: grpc.aio.Server) -> None:
        """Offer the service. No serialisers: all watchers are sent the same bytes."""
        methods: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
            "Watch": grpc.unary_stream_rpc_method_handler(self.watch)
        }
        handler = grpc.method_handlers_generic_handler(WATCH_SERVICE, methods)
        server.add_generic_rpc_handlers((handler,))

    async def watch(self, _: bytes, context: _Context) -> None:
        """Send the state now and whenever it has changed, until the run is over."""
        await _refuse_devices(context)
        if len(self._watchers) >= _MAX_WATCHERS:
            reason = f"{len(self._watchers)} watch already: must be at most {_MAX_WATCHERS}"
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, reason)
        task = asyncio.current_task()
        assert task is not None  # gRPC runs each call in one
        self._watchers.add(task)
        try:
            await self._send_states(context)
        finally:
            self._watchers.discard(task)

    async def end(self) -> None:
        """The run is over: tell how it ended, then end all streams."""
        self._over.set()
        if self._watchers:
            _, late = await asyncio.wait(self._watchers, timeout=_FAREWELL_S)
            for task in late:
                task.cancel()

    async def _send_states(self, context: _Context) -> None:
        shown = -1
        while True:
            over = self._over.is_set()
            if over or self._board.changes != shown:
                shown, state = self._state()
                await context.write(state)
            if over:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(_PAUSE_S):
                    await self._over.wait()

    def _state(self) -> tuple[int, bytes]:
        """The state, serialised, and after how many changes it was so."""
        if self._serialised[0] != (changes := self._board.changes):
            self._serialised = changes, encode_status(self._board.status())
        return self._serialised


async def _refuse_devices(context: _Context) -> None:
    """End the call of whoever has a certificate that is none of a watcher."""
    try:
        identity = identity_of(context)
    except MessageError as error:
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, str(error))
    if identity is not None and identity.role == "devices":
        reason = f"a call with the certificate of {identity}: must be a watcher's"
        await context.abort(grpc.StatusCode.PERMISSION_DENIED, reason)


def encode_status(status: Status) -> bytes:
    """A WatchResponse, serialised."""
    return pb.WatchResponse(
        name=status.name,
        state=_STATES[status.state],
        reason=status.reason,
        rounds=status.rounds,
        closed_rounds=status.closed,
        counted_rounds=status.counted,
        loss=status.loss,
        accuracy=status.accuracy,
        seconds=status.seconds,
        rounds_per_second=status.rounds_per_second,
        phases=pb.PhaseSeconds(**status.phases),
        up=_layers(status.bytes["up"]),
        down=_layers(status.bytes["down"]),
        faults=pb.FaultCounts(**status.faults),
        checkpoint_round=status.checkpoint,
        devices=map(_device, status.devices),
    ).SerializeToString()


def _device(device: DeviceStatus) -> pb.DeviceState:
    return pb.DeviceState(
        device_id=device.device,
        connected=device.connected,
        peer=device.peer,
        late=device.late,
        last_round=device.last_round,
        answered=device.answered,
        missing=device.missing,
        refused=device.refused,
        reason=device.reason,
        up=_layers(device.bytes["up"]),
        down=_layers(device.bytes["down"]),
    )


def _layers(counts: Mapping[str, int]) -> pb.LayerBytes:
    return pb.LayerBytes(**counts)
