"""Rounds of models that are larger than a message."""

import tracemalloc
from typing import Any

import numpy as np
import pytest
from samples import fresh_rng

from comlad.coding import Cyclic
from comlad.errors import MessageError
from comlad.experiment import Downlink
from comlad.rounds import ByteCount, Direction, Layer, Plan
from comlad.v1 import training_pb2 as pb
from comlad.wire import (
    MAX_MESSAGE_BYTES,
    Broadcast,
    Download,
    broadcast_bound,
    decode_round,
    parse_response,
)
from comlad.wire._chunks import chunk_bytes

DOWN = Direction.DOWN
N, Q = 300, MAX_MESSAGE_BYTES // 8 + 1
BOUND, CHUNK = broadcast_bound(Q, N, 2), chunk_bytes(N)


def plan_of(number: int = 7, dimension: int = Q, **fields: Any) -> Plan:
    model, order = fresh_rng().normal(0, 1, dimension), fresh_rng(1).permutation(N)
    return Plan(0, number, model, order, order[::-1].copy(), **fields)


def sent(
    plan: Plan, devices: tuple[int, ...] = (3, 1), downlink: Downlink | None = None
) -> list[bytes]:
    return [message for message, _ in Broadcast(plan, downlink or Downlink()).messages(devices)]


def chunk_of(message: bytes) -> pb.Chunk:
    response = parse_response(message)
    assert response.WhichOneof("event") == "chunk"
    return response.chunk


def downloaded(messages: list[bytes], bound: int = BOUND) -> bytes | bytearray | None:
    download = Download(bound)
    *first, last = [chunk_of(message) for message in messages]
    assert [download.add(chunk) for chunk in first] == [None] * len(first)
    return download.add(last)


@pytest.mark.parametrize("devices", [(3,), (3, 1)])
def test_arrives_as_it_was_sent(devices: tuple[int, ...]) -> None:
    plan = plan_of()

    whole = downloaded(sent(plan, devices))

    assert whole == Broadcast(plan, Downlink()).message(devices)
    arrived = decode_round(
        parse_response(whole).round,
        devices=len(devices),
        device_count=N,
        dimension=Q,
        coding=Cyclic(),
    )
    assert arrived.model.tobytes() == plan.model.tobytes()
    assert arrived.tasks.tolist() == plan.tasks[list(devices)].tolist()


def test_of_half_the_width_fits_into_a_message() -> None:
    assert len(sent(plan_of(), downlink=Downlink(model="float32"))) == 1


@pytest.mark.parametrize("dimension", [10, Q])
def test_says_which_message_is_the_last(dimension: int) -> None:
    *first, last = Broadcast(plan_of(dimension=dimension), Downlink()).messages((3,))

    assert not any(is_last for _, is_last in first)
    assert last[1]


def test_makes_no_copy_of_the_model_for_a_stream_nor_for_all() -> None:
    plan = plan_of()
    tracemalloc.start()
    try:
        broadcast = Broadcast(plan, Downlink())
        streams = [broadcast.messages((device,)) for device in range(3)]
        for messages in zip(*streams, strict=True):
            del messages
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < plan.model.nbytes / 2


@pytest.mark.parametrize("devices", [(3,), (3, 1)])
@pytest.mark.parametrize("change", [{}, {"mask_keys": (bytes(16),) * N}])
class TestBytes:
    def test_are_those_of_all_messages(
        self, devices: tuple[int, ...], change: dict[str, Any]
    ) -> None:
        plan, whole = plan_of(**change), ByteCount(N)

        Broadcast(plan, Downlink()).charge(whole, devices)

        assert whole.total(DOWN, Layer.MESSAGE) == sum(map(len, sent(plan, devices)))
        keys = 16 * len(devices) if change else 0
        assert whole.total(DOWN, Layer.PAYLOAD) == 8 * Q + 2 * N + keys

    def test_are_charged_as_messages_go_out(
        self, devices: tuple[int, ...], change: dict[str, Any]
    ) -> None:
        broadcast, whole, both = (
            Broadcast(plan_of(**change), Downlink()),
            ByteCount(N),
            ByteCount(N),
        )
        now, then = ByteCount(N), ByteCount(N)
        broadcast.charge(whole, devices)
        tallies = iter([now, now])

        for number, (message, _) in enumerate(
            broadcast.messages(devices, None, lambda: next(tallies, then))
        ):
            if number == 0:
                assert now.total(DOWN, Layer.MESSAGE) == len(message)

        for tally in (now, then):
            assert 0 < tally.total(DOWN, Layer.PAYLOAD) <= tally.total(DOWN, Layer.MESSAGE)
            both.include(tally)
        assert both.totals() == whole.totals()
        assert both.by_device() == whole.by_device()
        assert both.by_stream() == whole.by_stream()


class TestADownload:
    def test_drops_a_round_that_the_server_has_given_up(self) -> None:
        download = Download(BOUND)
        for message in sent(plan_of(1))[:2]:
            download.add(chunk_of(message))

        *_, whole = [download.add(chunk_of(message)) for message in sent(plan_of(2))]

        assert parse_response(whole or b"").round.plan == 2

    def test_refuses_more_than_a_round_can_have(self) -> None:
        with pytest.raises(MessageError, match=f"must be at most {8 * Q - 1} in all"):
            downloaded(sent(plan_of()), 8 * Q - 1)

    def test_refuses_a_round_without_its_beginning(self) -> None:
        with pytest.raises(MessageError, match=f"a chunk at offset {CHUNK}: must be at 0"):
            downloaded(sent(plan_of())[1:])

    def test_refuses_a_round_with_a_gap(self) -> None:
        first, _, *rest = sent(plan_of())

        with pytest.raises(
            MessageError, match=f"a chunk at offset {2 * CHUNK}: must be at {CHUNK}"
        ):
            downloaded([first, *rest])

    def test_refuses_a_round_that_was_changed_on_its_way(self) -> None:
        first, second, *rest = sent(plan_of())
        spoilt = pb.TrainResponse.FromString(second)
        spoilt.chunk.data = b"x" + spoilt.chunk.data[1:]

        with pytest.raises(MessageError, match="chunks with digest"):
            downloaded([first, spoilt.SerializeToString(), *rest])


@pytest.mark.parametrize("devices", [1, 2, N])
def test_bounds_no_honest_round(devices: int) -> None:
    subsets = np.tile(np.arange(N), (N, 1))
    plan = plan_of(dimension=10, common_key=bytes(16), mask_keys=(bytes(16),) * N)
    own = Plan(0, 2**32 - 1, plan.model, None, plan.tasks, subsets, bytes(16), plan.mask_keys)

    for each in (plan, own):
        size = len(Broadcast(each, Downlink()).message(range(devices)))
        assert size <= broadcast_bound(10, N, devices)
