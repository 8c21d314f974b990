"""What the server holds of a device, told to a process that has lost its own memory."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from samples import small

from comlad.errors import MessageError, Status
from comlad.experiment import Devices
from comlad.rounds import ByteCount, Direction, Layer
from comlad.session import OpenRound, Session
from comlad_server._connections import Connections
from comlad_server._stream import Stream

HELD = {3: {"estimate": np.arange(6.0)}}
PEER = "ipv4:127.0.0.1:1234"


async def write(_: bytes) -> None: ...


def opened_round(**changes: Any) -> OpenRound:
    """A round that is open, in which something is held of device 3."""
    prepared = small(estimator={"kind": "ef21"}, compressor={"kind": "top-k", "keep": 2})
    return replace(Session(prepared).open_round(), memories=HELD, **changes)


def connected(*devices: tuple[int, ...]) -> tuple[Connections, list[Stream]]:
    """A stream for each of these groups, all from one peer."""
    connections = Connections(Devices(5), ByteCount(5), lambda _: None)
    streams = [Stream(group, write, PEER) for group in devices]
    for stream in streams:
        connections.join(stream)
    return connections, streams


def refusal(connections: Connections, peer: str, device: int, plan: int) -> MessageError:
    with pytest.raises(MessageError) as caught:
        connections.held(peer, device, plan)
    return caught.value


def test_is_told_to_who_hosts_the_device() -> None:
    connections, (_, stream) = connected((0,), (1, 3))
    opened = opened_round()
    connections.open(opened)

    assert connections.held(PEER, 3, opened.plan.number) == (stream, HELD[3])


def test_is_nothing_where_no_answer_has_counted() -> None:
    connections, (stream,) = connected((1, 3))
    opened = opened_round()
    connections.open(opened)

    assert connections.held(PEER, 1, opened.plan.number) == (stream, {})


@pytest.mark.parametrize(("peer", "device"), [("ipv4:127.0.0.1:1235", 3), (PEER, 2), (PEER, 99)])
def test_is_nobody_elses_business(peer: str, device: int) -> None:
    connections, _ = connected((1, 3))
    opened = opened_round()
    connections.open(opened)

    error = refusal(connections, peer, device, opened.plan.number)

    assert str(error) == f"device {device} has no stream on this connection"
    assert error.status is Status.PERMISSION_DENIED


def test_is_told_no_more_once_the_stream_has_ended() -> None:
    connections, (stream,) = connected((1, 3))
    opened = opened_round()
    connections.open(opened)
    connections.leave(stream)

    error = refusal(connections, PEER, 3, opened.plan.number)

    assert error.status is Status.PERMISSION_DENIED


def test_is_told_of_the_plan_that_is_open() -> None:
    connections, _ = connected((1, 3))
    opened = opened_round()
    connections.open(opened)
    other = opened.plan.number ^ 1

    error = refusal(connections, PEER, 3, other)

    assert str(error) == f"plan {other} is not open"
    assert error.status is Status.FAILED_PRECONDITION


def test_is_told_while_a_round_is_open() -> None:
    connections, _ = connected((1, 3))
    opened = opened_round()
    before = refusal(connections, PEER, 3, opened.plan.number)
    connections.open(opened)
    connections.close()

    after = refusal(connections, PEER, 3, opened.plan.number)

    assert before.status is after.status is Status.FAILED_PRECONDITION


def test_is_told_once_in_a_stream() -> None:
    connections, (stream,) = connected((1, 3))
    opened = opened_round()
    connections.open(opened)
    number = opened.plan.number
    connections.held(PEER, 3, number)

    error = refusal(connections, PEER, 3, number)

    assert str(error) == "what is held of device 3 was told in this stream"
    assert error.status is Status.ALREADY_EXISTS
    assert connections.held(PEER, 1, number)[0] is stream


def test_is_not_told_again_in_the_next_round() -> None:
    connections, _ = connected((1, 3))
    opened = opened_round()
    connections.open(opened)
    connections.held(PEER, 3, opened.plan.number)
    following = replace(opened, plan=replace(opened.plan, number=7))
    connections.open(following)

    error = refusal(connections, PEER, 3, 7)

    assert error.status is Status.ALREADY_EXISTS
    assert opened.recovered == {3}


def test_is_recorded_of_who_was_told() -> None:
    connections, _ = connected((1, 3), (0,))
    opened = opened_round()
    connections.open(opened)
    refusal(connections, PEER, 0, opened.plan.number ^ 1)
    refusal(connections, "somebody else", 1, opened.plan.number)

    connections.held(PEER, 3, opened.plan.number)

    assert opened.recovered == {3}


def test_is_not_told_in_vain_to_a_process_that_was_lost_again() -> None:
    connections, (stream,) = connected((1, 3))
    opened = opened_round()
    connections.open(opened)
    connections.held(PEER, 3, opened.plan.number)
    connections.leave(stream)
    again = Stream((1, 3), write, PEER)
    connections.join(again)

    assert connections.held(PEER, 3, opened.plan.number) == (again, HELD[3])


def test_is_charged_to_the_device() -> None:
    connections, (stream,) = connected((1, 3))
    opened = opened_round()
    connections.open(opened)
    before = opened.counted.total(Direction.DOWN, Layer.MESSAGE)

    connections.charge(stream, 3, Direction.UP, 11)
    connections.charge(stream, 3, Direction.DOWN, 100, 40)
    connections.charge(stream, 3, Direction.DOWN, 20, 8)

    down = opened.counted.by_device()["down"]
    assert down["message"] == [0, 0, 0, 120, 0]
    assert down["payload"] == [0, 0, 0, 48, 0]
    assert opened.counted.total(Direction.DOWN, Layer.MESSAGE) == before + 120
    up = opened.counted.by_device()["up"]
    assert up["message"] == [0, 0, 0, 11, 0]
    assert up["payload"] == [0, 0, 0, 0, 0]
