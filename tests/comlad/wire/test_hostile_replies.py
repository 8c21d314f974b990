"""Messages that do not count: each is refused with its status and nothing raises."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from samples import answers, dense, open_inbox, small

from comlad.compression import Dense, Payload, Sparse
from comlad.errors import Status
from comlad.rounds import Plan
from comlad.v1 import training_pb2 as pb
from comlad.wire import Inbox, Verdict, encode_join, encode_ready, encode_reply, reply_bound

INVALID, PRECONDITION = Status.INVALID_ARGUMENT, Status.FAILED_PRECONDITION
NOT_FOUND, EXISTS = Status.NOT_FOUND, Status.ALREADY_EXISTS
TOO_LARGE = Status.RESOURCE_EXHAUSTED

# Q = 6, of which 4 are kept, in float32; device 2 is alone on its stream.
GOOD = Sparse(6, np.array([0, 2, 3, 5]), np.ones(4, np.float32))


def edited(edit: Callable[[pb.Reply], Any], *payloads: Payload) -> Callable[[Plan], bytes]:
    """A message that is right but for one thing."""

    def make(plan: Plan) -> bytes:
        request = pb.TrainRequest.FromString(encode_reply(plan, payloads or [GOOD]))
        edit(request.reply)
        return request.SerializeToString()

    return make


def sent(payload: Payload) -> Callable[[Plan], bytes]:
    return lambda plan: encode_reply(plan, [payload])


def spoil(name: str, value: Any) -> Callable[[Plan], bytes]:
    """A message with another value in a field of the sparse vector."""
    return edited(lambda reply: setattr(reply.parts[0].sparse, name, value))


# What a device sends, why it is refused, and with which status.
REFUSED: dict[str, tuple[Callable[[Plan], bytes], str, Status]] = {
    "nothing": (lambda _: b"", "a message that is no Reply", INVALID),
    "no protobuf": (lambda _: b"\xff" * 20, "bytes that are no TrainRequest", INVALID),
    "cut off": (lambda plan: sent(GOOD)(plan)[:-1], "bytes that are no TrainRequest", INVALID),
    "oversize": (lambda _: bytes(1000), "a message of 1000 bytes: must be at most", TOO_LARGE),
    "a second join": (lambda _: encode_join([1]), "a message that is no Reply", INVALID),
    "a second ready": (lambda _: encode_ready(), "a message that is no Reply", INVALID),
    "another dimension": (
        spoil("dimension", 7),
        "a vector of dimension 7: must be 6",
        INVALID,
    ),
    "an index out of range": (spoil("gaps", b"\x00\x02\x01\x03"), "an index past the end", INVALID),
    "a repeated index": (spoil("gaps", b"\x00\x02\x00\x02"), "index 2 repeats the one", INVALID),
    "a descending index": (  # one step back, if sums could wrap
        spoil("gaps", b"\x00\x02\xff\xff\xff\xff\x0f\x01"),
        "an index past the end",
        INVALID,
    ),
    "an index of 2^35": (
        spoil("gaps", b"\x00\x02\x80\x80\x80\x80\x80\x01\x01"),
        "an index in more bytes than it needs",
        INVALID,
    ),
    "an index in a long form": (
        spoil("gaps", b"\x00\x82\x00\x01\x02"),
        "an index in more bytes than it needs",
        INVALID,
    ),
    "fewer indices than values": (
        spoil("gaps", b"\x00\x02\x01"),
        "3 whole indices for 4 values",
        INVALID,
    ),
    "not a number": (
        sent(Sparse(6, GOOD.indices, np.array([1, np.nan, 1, 1], np.float32))),
        "nan as value 1: must be finite",
        INVALID,
    ),
    "infinity": (
        sent(Sparse(6, GOOD.indices, np.array([1, 1, 1, -np.inf], np.float32))),
        "-inf as value 3: must be finite",
        INVALID,
    ),
    "half a value": (spoil("float32", bytes(15)), "15 bytes of float32: must be a", INVALID),
    "too many values": (
        sent(Sparse(6, np.arange(5), np.ones(5, np.float32))),
        "sparse float32, 5 values: must be sparse float32, 4 values",
        INVALID,
    ),
    "too few values": (
        sent(Sparse(6, np.arange(3), np.ones(3, np.float32))),
        "sparse float32, 3 values: must be sparse float32, 4 values",
        INVALID,
    ),
    "wider values": (
        sent(Sparse(6, GOOD.indices, np.ones(4))),
        "sparse float64, 4 values: must be sparse float32, 4 values",
        INVALID,
    ),
    "dense instead of sparse": (
        sent(Dense(np.ones(6, np.float32))),
        "dense float32, 6 values: must be sparse float32, 4 values",
        INVALID,
    ),
    "a vector without values": (
        edited(lambda reply: reply.parts[0].sparse.ClearField("float32")),
        "a vector without values",
        INVALID,
    ),
    "an empty part": (
        edited(lambda reply: reply.parts[0].ClearField("sparse")),
        "a part without a vector: must be dense or sparse",
        INVALID,
    ),
}
# The same, but they are no answer to this round, so that one may still come.
STRAY: dict[str, tuple[Callable[[Plan], bytes], str, Status]] = {
    "a round that is over": (
        edited(lambda reply: setattr(reply, "round", 6)),
        "a reply to round 6: round 0 is open",
        PRECONDITION,
    ),
    "another plan": (
        edited(lambda reply: setattr(reply, "plan", reply.plan ^ 1)),
        "a reply to plan ",
        PRECONDITION,
    ),
    "a slot past the stream": (
        edited(lambda reply: setattr(reply.parts[0], "slot", 1)),
        "slot 1: the stream joined with 1",
        NOT_FOUND,
    ),
    "no parts": (
        edited(lambda reply: reply.ClearField("parts")),
        "a reply without parts: must have one for each device",
        INVALID,
    ),
}


def refuse(inbox: Inbox, stream: tuple[int, ...], data: bytes) -> tuple[Verdict, pb.Refusal]:
    """The one verdict, and what the device is told."""
    (verdict,) = inbox.receive(stream, data)
    response = pb.TrainResponse.FromString(verdict.answer)
    assert response.WhichOneof("event") == "refusal"
    assert response.refusal.reason == verdict.reason
    return verdict, response.refusal


@pytest.mark.parametrize(("make", "reason", "status"), REFUSED.values(), ids=REFUSED)
class TestARefusedMessage:
    def test_says_why(self, make: Callable[[Plan], bytes], reason: str, status: Status) -> None:
        inbox, plan, _ = open_inbox(small())

        verdict, refusal = refuse(inbox, (2,), make(plan))

        assert verdict.reason.startswith(reason)
        assert verdict.device == 2
        assert refusal.status == status
        assert refusal.round == plan.round

    def test_costs_the_device_its_vote_of_this_round(
        self, make: Callable[[Plan], bytes], reason: str, status: Status
    ) -> None:
        inbox, plan, _ = open_inbox(small())
        inbox.receive((2,), make(plan))

        _, refusal = refuse(inbox, (2,), encode_reply(plan, [GOOD]))

        assert inbox.votes == {}
        assert inbox.refused[2].startswith(reason)
        assert refusal.status == EXISTS
        assert inbox.answered([2])
        assert inbox.missing() == [0, 1, 3, 4]

    def test_changes_no_vote_that_was_taken(
        self, make: Callable[[Plan], bytes], reason: str, status: Status
    ) -> None:
        inbox, plan, _ = open_inbox(small())
        inbox.receive((2,), encode_reply(plan, [GOOD]))

        refuse(inbox, (2,), make(plan))

        assert dense(inbox.votes[2]).tobytes() == dense(GOOD).tobytes()
        assert inbox.refused == {}
        assert [device for device, _ in inbox.stray] == [2]


@pytest.mark.parametrize(("make", "reason", "status"), STRAY.values(), ids=STRAY)
def test_a_stray_message_leaves_room_for_the_answer(
    make: Callable[[Plan], bytes], reason: str, status: Status
) -> None:
    inbox, plan, _ = open_inbox(small())

    verdict, refusal = refuse(inbox, (2,), make(plan))

    assert verdict.reason.startswith(reason)
    assert refusal.status == status
    assert inbox.stray == [(2, verdict.reason)]
    assert inbox.missing() == [0, 1, 2, 3, 4]
    assert inbox.receive((2,), encode_reply(plan, [GOOD])) == []


class TestASecondReply:
    OTHER = Sparse(6, np.arange(4), np.full(4, 9, np.float32))

    def test_is_refused(self) -> None:
        inbox, plan, _ = open_inbox(small())
        inbox.receive((2,), encode_reply(plan, [GOOD]))

        verdict, refusal = refuse(inbox, (2,), encode_reply(plan, [self.OTHER]))

        assert verdict.reason == "a second reply of device 2: the first one stands"
        assert refusal.status == EXISTS
        assert inbox.stray == [(2, verdict.reason)]
        assert dense(inbox.votes[2]).tobytes() == dense(GOOD).tobytes()

    def test_is_refused_in_the_same_message(self) -> None:
        inbox, plan, _ = open_inbox(small())
        twice = edited(lambda reply: setattr(reply.parts[1], "slot", 0), GOOD, self.OTHER)

        _, refusal = refuse(inbox, (2,), twice(plan))

        assert refusal.status == EXISTS
        assert dense(inbox.votes[2]).tobytes() == dense(GOOD).tobytes()


class TestAProcessOfSeveralDevices:
    def test_loses_the_votes_of_bad_parts_only(self) -> None:
        inbox, plan, _ = open_inbox(small())
        bad = Sparse(6, GOOD.indices, np.full(4, np.nan, np.float32))

        verdict, refusal = refuse(inbox, (4, 1, 3), encode_reply(plan, [GOOD, bad, GOOD]))

        assert sorted(inbox.votes) == [3, 4]
        assert list(inbox.refused) == [1]
        assert (verdict.device, refusal.slot) == (1, 1)

    def test_loses_all_of_them_with_a_message_that_cannot_be_read(self) -> None:
        inbox, _, _ = open_inbox(small())

        verdict, refusal = refuse(inbox, (4, 1, 3), b"\xff")

        assert sorted(inbox.refused) == [1, 3, 4]
        assert verdict.device == 4
        assert not refusal.HasField("slot")

    def test_speaks_for_no_one_else(self) -> None:
        inbox, plan, _ = open_inbox(small())

        refuse(inbox, (4, 1), encode_reply(plan, [GOOD, GOOD, GOOD]))

        assert sorted(inbox.votes) == [1, 4]

    def test_may_say_more_than_one_device(self) -> None:
        prepared = small()
        inbox, plan, _ = open_inbox(prepared)
        data = encode_reply(plan, answers(prepared, plan))
        assert reply_bound(prepared, 1) < len(data)

        _, refusal = refuse(inbox, (2,), data)
        assert inbox.receive((0, 1, 3, 4), encode_reply(plan, [GOOD] * 4)) == []

        assert refusal.status == TOO_LARGE


class TestAFlood:
    def test_is_noticed(self) -> None:
        inbox, plan, _ = open_inbox(small())

        for _ in range(8):
            inbox.receive((2,), encode_reply(plan, []))
        assert not inbox.exhausted((2,))
        inbox.receive((2,), encode_reply(plan, []))

        assert inbox.exhausted((2,))
        assert not inbox.exhausted((3,))

    def test_in_one_message_is_not_answered_part_by_part(self) -> None:
        large = {"kind": "linear-regression", "dimension": 30_000}
        inbox, plan, counted = open_inbox(small(problem=large, compressor={"kind": "identity"}))
        reply = pb.Reply(round=plan.round, plan=plan.number, parts=[pb.DevicePart()] * 50_000)
        data = pb.TrainRequest(reply=reply).SerializeToString()

        verdicts = inbox.receive((2,), data)

        assert len(verdicts) < 20
        assert len(inbox.stray) < 20
        assert counted.totals()["up"]["message"] == len(data)

    def test_of_all_devices_of_a_process_at_once_is_none(self) -> None:
        inbox, plan, _ = open_inbox(small("devices.count=100", "devices.byzantine=0"))

        verdicts = inbox.receive(tuple(range(100)), encode_reply(plan, [Dense(np.zeros(2))] * 100))

        assert len(verdicts) == 100
        assert not inbox.exhausted(tuple(range(100)))
