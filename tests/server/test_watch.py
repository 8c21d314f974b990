import asyncio
from typing import Any, cast

import grpc
import pytest
from run_events import experiment_of, round_event

from comlad.v1 import watch_pb2 as pb
from comlad_deploy.watch import state_of
from comlad_server.operations import _watch
from comlad_server.operations._board import StatusBoard
from comlad_server.operations._status import FAULTS, PHASES, RunState
from comlad_server.operations._watch import WatchService, encode_status


class Watcher:
    """A call of Watch without a connection; one that does not read if told so."""

    def __init__(self, reads: bool = True) -> None:
        self.heard: list[pb.WatchResponse] = []
        self.code: grpc.StatusCode | None = None
        self._reads = asyncio.Event()
        if reads:
            self._reads.set()

    def auth_context(self) -> dict[str, list[bytes]]:
        return {"transport_security_type": [b"insecure"]}

    async def write(self, message: bytes) -> None:
        self.heard.append(pb.WatchResponse.FromString(message))
        await self._reads.wait()

    async def abort(self, code: grpc.StatusCode, details: str) -> None:
        self.code = code
        raise asyncio.CancelledError

    def call(self, service: WatchService) -> asyncio.Task[None]:
        return asyncio.create_task(service.watch(b"", cast(Any, self)))


async def turns(count: int = 5) -> None:
    """Let everyone else have so many turns."""
    for _ in range(count):
        await asyncio.sleep(0)


def test_tells_the_state_at_once_and_how_the_run_ended() -> None:
    async def run() -> None:
        board = StatusBoard(experiment_of(2))
        service, watcher = WatchService(board), Watcher()
        call = watcher.call(service)
        await turns()
        board.observe(round_event(0, 2))
        board.observe({"event": "finished", "directory": "out"})
        await service.end()
        await call

        first, last = watcher.heard
        assert (first.state, first.closed_rounds) == (pb.RUN_STATE_WAITING, 0)
        assert (last.state, last.closed_rounds) == (pb.RUN_STATE_FINISHED, 1)

    asyncio.run(run())


def test_tells_changes_but_not_each_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_watch, "_PAUSE_S", 0.001)

    async def run() -> None:
        board = StatusBoard(experiment_of(2))
        service, watcher = WatchService(board), Watcher()
        watcher.call(service)
        await turns()
        for number in range(100):
            board.observe(round_event(number, 2))
        while len(watcher.heard) < 2:
            await asyncio.sleep(0.001)
        await service.end()

        assert [state.closed_rounds for state in watcher.heard][:2] == [0, 100]

    asyncio.run(run())


def test_leaves_a_watcher_behind_that_does_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_watch, "_FAREWELL_S", 0.01)

    async def run() -> None:
        board = StatusBoard(experiment_of(2))
        service, stuck, other = WatchService(board), Watcher(reads=False), Watcher()
        calls = [stuck.call(service), other.call(service)]
        await turns()
        for number in range(100):
            board.observe(round_event(number, 2))
        await service.end()
        await asyncio.wait(calls)

        assert len(stuck.heard) == 1
        assert other.heard[-1].closed_rounds == 100

    asyncio.run(run())


def test_turns_away_a_seventeenth() -> None:
    async def run() -> None:
        service = WatchService(StatusBoard(experiment_of(2)))
        watchers = [Watcher() for _ in range(17)]
        calls = [watcher.call(service) for watcher in watchers]
        await turns()

        assert [watcher.code for watcher in watchers[:16]] == [None] * 16
        assert watchers[16].code is grpc.StatusCode.RESOURCE_EXHAUSTED

        calls[0].cancel()
        await turns()
        late = Watcher()
        late.call(service)
        await turns()

        assert late.heard
        await service.end()

    asyncio.run(run())


def test_carries_the_whole_status() -> None:
    board = StatusBoard(experiment_of(2), clock=iter(range(100)).__next__)
    board.observe({"event": "ready", "devices": [0], "peer": "ipv4:127.0.0.1:1"})
    board.observe({"event": "started", "round": 0})
    board.observe(round_event(0, 2, {"payload": 1, "message": 2, "tcp": 3}, accuracy=0.5))
    board.observe(round_event(1, 2, {"payload": 1, "message": 2, "tcp": 3}, missing=[1]))
    board.observe({"event": "refused", "round": 2, "device": 0, "reason": "too many bytes"})
    status = board.status()

    state = state_of(pb.WatchResponse.FromString(encode_status(status)))

    assert state.pop("state") == status.state
    assert state.pop("closed_rounds") == status.closed
    assert state.pop("counted_rounds") == status.counted
    assert state.pop("checkpoint_round") is status.checkpoint is None
    for device, shown in zip(status.devices, state.pop("devices"), strict=True):
        assert shown == {key: getattr(device, key) for key in shown}
        assert set(shown) == set(device.__slots__)
    assert state == {key: getattr(status, key) for key in state}


def test_has_a_name_on_the_wire_for_all_there_is() -> None:
    names = pb.RunState.DESCRIPTOR.values_by_name
    states = {name.removeprefix("RUN_STATE_").lower() for name in names}

    assert states == {*RunState} | {"unspecified"}
    assert tuple(pb.FaultCounts.DESCRIPTOR.fields_by_name) == FAULTS
    assert tuple(pb.PhaseSeconds.DESCRIPTOR.fields_by_name) == PHASES
