"""Replies in chunks: those that count, and what liars and slow devices send."""

import hashlib
import tracemalloc
from typing import Any

import numpy as np
import pytest
from samples import dense, open_inbox, refuse, small

from comlad.compression import Dense, Payload
from comlad.errors import Status
from comlad.experiment import Prepared
from comlad.rounds import ByteCount, Direction, Layer, Plan
from comlad.v1 import training_pb2 as pb
from comlad.wire import Inbox, encode_reply, reply_bound, reply_messages
from comlad.wire._chunks import CHUNK_BYTES, LEAST_CHUNK_BYTES, MAX_MESSAGE_BYTES

# A reply of one device is larger than a message by a little.
Q = MAX_MESSAGE_BYTES // 8 + 1
DEVICES = 5


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    changes: dict[str, Any] = {
        "problem": {"kind": "quadratic", "dimension": Q},
        "compressor": {"kind": "identity"},
    }
    return small(**changes)


Opened = tuple[Inbox, Plan, ByteCount]


@pytest.fixture
def opened(prepared: Prepared) -> Opened:
    return open_inbox(prepared)


def vector(first: float = 1.0) -> Dense:
    values = np.zeros(Q)
    values[0] = first
    return Dense(values)


def chunks(plan: Plan, *payloads: Payload) -> list[bytes]:
    messages = list(reply_messages(plan, payloads or [vector()]))
    assert len(messages) > 2
    return messages


def chunk(plan: int, offset: int, data: bytes, sha256: bytes = b"") -> bytes:
    made = pb.Chunk(plan=plan, offset=offset, data=data, sha256=sha256)
    return pb.TrainRequest(chunk=made).SerializeToString()


def later(plan: Plan) -> Plan:
    """The plan of an earlier or later round."""
    return Plan(plan.round, plan.number ^ 1, plan.model, plan.permutation, plan.tasks)


def feed(inbox: Inbox, stream: tuple[int, ...], messages: list[bytes]) -> list[str]:
    return [verdict.reason for message in messages for verdict in inbox.receive(stream, message)]


class TestAReplyInChunks:
    def test_counts_when_it_is_whole(self, opened: Opened) -> None:
        inbox, plan, _ = opened
        *first, last = chunks(plan, vector(7))

        assert feed(inbox, (2,), first) == []
        assert inbox.missing() == [0, 1, 2, 3, 4]
        assert feed(inbox, (2,), [last]) == []

        assert dense(inbox.votes[2]).tobytes() == vector(7).values.tobytes()  # type: ignore[union-attr]

    def test_of_several_devices_has_all_their_votes(self, opened: Opened) -> None:
        inbox, plan, _ = opened

        assert feed(inbox, (4, 1), chunks(plan, vector(3), vector(5))) == []

        assert {device: dense(vote)[0] for device, vote in inbox.votes.items()} == {4: 3, 1: 5}

    def test_may_come_while_another_stream_sends_one(self, opened: Opened) -> None:
        inbox, plan, _ = opened
        both = zip(chunks(plan, vector(3)), chunks(plan, vector(5)), strict=True)

        for one, two in both:
            assert feed(inbox, (0,), [one]) == feed(inbox, (1,), [two]) == []

        assert {device: dense(vote)[0] for device, vote in inbox.votes.items()} == {0: 3, 1: 5}

    @pytest.mark.parametrize("stream", [(2,), (4, 1)])
    def test_is_charged_with_all_its_messages(
        self, opened: Opened, stream: tuple[int, ...]
    ) -> None:
        inbox, plan, counted = opened
        messages = chunks(plan, *(vector() for _ in stream))
        request = pb.TrainRequest.FromString(encode_reply(plan, [vector() for _ in stream]))

        feed(inbox, stream, messages)

        assert counted.total(Direction.UP, Layer.MESSAGE) == sum(map(len, messages))
        assert counted.total(Direction.UP, Layer.PAYLOAD) == len(stream) * 8 * Q
        own = counted.by_device()["up"]["message"]
        for device, part in zip(stream, request.reply.parts, strict=True):
            alone = len(stream) == 1
            assert own[device] == (sum(map(len, messages)) if alone else part.ByteSize())

    def test_may_begin_anew_when_its_stream_broke(self, opened: Opened) -> None:
        inbox, plan, _ = opened
        messages = chunks(plan)
        feed(inbox, (2,), messages[:2])

        inbox.leave((2,))

        assert feed(inbox, (2,), messages) == []
        assert list(inbox.votes) == [2]

    def test_of_an_earlier_round_is_refused_once(self, opened: Opened) -> None:
        inbox, plan, counted = opened
        late = chunks(later(plan))

        (reason,) = feed(inbox, (2,), late)

        assert reason == f"a reply to plan {plan.number ^ 1}: plan {plan.number} is open"
        assert inbox.stray == [(2, reason)]
        assert counted.total(Direction.UP, Layer.MESSAGE) == sum(map(len, late))
        assert not inbox.exhausted((2,))
        assert feed(inbox, (2,), chunks(plan)) == []
        assert list(inbox.votes) == [2]

    def test_that_a_new_round_found_half_sent_is_dropped(self, opened: Opened) -> None:
        inbox, plan, _ = opened

        assert feed(inbox, (2,), chunks(later(plan))[1:]) == []

        assert inbox.stray == []
        assert feed(inbox, (2,), chunks(plan)) == []
        assert list(inbox.votes) == [2]

    def test_answered_twice_has_its_first_vote(self, opened: Opened) -> None:
        inbox, plan, _ = opened
        feed(inbox, (2,), chunks(plan, vector(3)))

        reasons = feed(inbox, (2,), chunks(plan, vector(5)))

        assert reasons == ["a second reply of device 2: the first one stands"]
        assert dense(inbox.votes[2])[0] == 3

    def test_takes_no_memory_when_it_is_the_second(self, opened: Opened) -> None:
        inbox, plan, _ = opened
        messages = chunks(plan)
        feed(inbox, (2,), messages)
        tracemalloc.start()
        try:
            feed(inbox, (2,), messages[:-1])
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

        assert peak < 3 * CHUNK_BYTES


SMALL = bytes(LEAST_CHUNK_BYTES)
BOUND = 8 * Q + 128


def begun(plan: int) -> list[bytes]:
    return [chunk(plan, 0, SMALL)]


def nested(plan: int) -> list[bytes]:
    inner = chunk(plan, 0, SMALL)
    return [chunk(plan, 0, inner, hashlib.sha256(inner).digest())]


# What device 2 sends in place of its reply, and why the last of it is refused.
SPOILT: dict[str, tuple[Any, str, Status]] = {
    "a second beginning": (
        lambda plan: begun(plan) * 2,
        "a chunk at offset 0: must be at 16384",
        Status.INVALID_ARGUMENT,
    ),
    "no beginning": (
        lambda plan: [chunk(plan, len(SMALL), SMALL)],
        "a chunk at offset 16384: must be at 0",
        Status.INVALID_ARGUMENT,
    ),
    "a gap": (
        lambda plan: [*begun(plan), chunk(plan, 2 * len(SMALL), SMALL)],
        "a chunk at offset 32768: must be at 16384",
        Status.INVALID_ARGUMENT,
    ),
    "single bytes": (
        lambda plan: [chunk(plan, 0, b"x")],
        "a chunk of 1 bytes: must be at least 16384",
        Status.INVALID_ARGUMENT,
    ),
    "nothing": (
        lambda plan: [chunk(plan, 0, b"")],
        "a chunk of 0 bytes: must be at least 16384",
        Status.INVALID_ARGUMENT,
    ),
    "another digest": (
        lambda plan: [*begun(plan), chunk(plan, len(SMALL), SMALL, b"wrong")],
        "chunks with digest ",
        Status.INVALID_ARGUMENT,
    ),
    "a chunk in chunks": (
        nested,
        "a message that is no Reply: the stream has joined",
        Status.INVALID_ARGUMENT,
    ),
    "bytes that are no message": (
        lambda plan: [chunk(plan, 0, b"\xff" * 9, hashlib.sha256(b"\xff" * 9).digest())],
        "bytes that are no TrainRequest",
        Status.INVALID_ARGUMENT,
    ),
    "more than any reply has": (
        lambda plan: [chunk(plan, start, bytes(2**20)) for start in range(0, BOUND, 2**20)],
        f"chunks of {5 * 2**20} bytes: must be at most {BOUND} in all",
        Status.RESOURCE_EXHAUSTED,
    ),
}


@pytest.mark.parametrize(("make", "reason", "status"), SPOILT.values(), ids=SPOILT)
def test_refuses_a_reply_that_is_spoilt(
    prepared: Prepared, opened: Opened, make: Any, reason: str, status: Status
) -> None:
    assert reply_bound(prepared, 1) == BOUND
    inbox, plan, _ = opened
    *first, last = make(plan.number)
    assert feed(inbox, (2,), first) == []

    verdict, refusal = refuse(inbox, (2,), last)

    assert verdict.reason.startswith(reason)
    assert refusal.status == status
    assert list(inbox.refused) == [2]
    assert feed(inbox, (2,), chunks(plan)) == ["a second reply of device 2: the first one stands"]
    assert inbox.votes == {}


@pytest.mark.parametrize("kind", ["a second beginning", "no beginning", "single bytes"])
def test_refuses_a_spoilt_reply_once_however_it_goes_on(opened: Opened, kind: str) -> None:
    inbox, plan, _ = opened
    feed(inbox, (2,), SPOILT[kind][0](plan.number))

    assert feed(inbox, (2,), chunks(plan)[1:]) == []

    assert not inbox.exhausted((2,))


@pytest.mark.parametrize("change", [0, 1])
@pytest.mark.parametrize("size", [0, 2**20])
def test_cuts_off_a_flood_of_what_is_dropped(opened: Opened, change: int, size: int) -> None:
    inbox, plan, _ = opened
    flood = chunk(plan.number ^ change, 2**60, bytes(size))
    most, sent = 10 * BOUND // max(size, LEAST_CHUNK_BYTES), 0

    while not inbox.exhausted((2,)) and sent < most:
        feed(inbox, (2,), [flood])
        sent += 1

    assert inbox.exhausted((2,))
    assert not inbox.exhausted((3,))


def test_cuts_off_who_begins_again_and_again(opened: Opened) -> None:
    inbox, plan, _ = opened
    sent = 0

    while not inbox.exhausted((2,)):
        feed(inbox, (2,), begun(plan.number))
        sent += 1

    assert sent < 30


def test_holds_no_more_of_a_reply_that_never_ends_than_it_can_have(opened: Opened) -> None:
    inbox, plan, _ = opened
    piece = bytes(CHUNK_BYTES)
    tracemalloc.start()
    try:
        for start in range(0, 10 * BOUND, CHUNK_BYTES):
            inbox.receive((2,), chunk(plan.number, start, piece))
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 1.3 * BOUND  # a growing buffer has room to spare
    assert held < 10_000


def test_forgets_half_a_reply_with_its_round(prepared: Prepared) -> None:
    inbox, plan, _ = open_inbox(prepared)
    first, *rest = chunks(plan)
    feed(inbox, (2,), [first])

    inbox, _, _ = open_inbox(prepared)  # of the same plan, to be sure

    assert feed(inbox, (2,), rest)[0].startswith("a chunk at offset ")
