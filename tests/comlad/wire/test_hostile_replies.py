"""Messages that do not count: each is refused with its status and nothing raises."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from samples import GOOD, dense, open_inbox, refuse, small

from comlad.compression import Dense, Masked, Payload, SignValues, Sparse
from comlad.errors import Status
from comlad.rounds import Plan
from comlad.v1 import training_pb2 as pb
from comlad.wire import encode_join, encode_ready, encode_reply

INVALID, PRECONDITION = Status.INVALID_ARGUMENT, Status.FAILED_PRECONDITION
NOT_FOUND, EXISTS = Status.NOT_FOUND, Status.ALREADY_EXISTS
TOO_LARGE = Status.RESOURCE_EXHAUSTED


def edited(edit: Callable[[pb.Reply], Any]) -> Callable[[Plan], bytes]:
    """A message that is right but for one thing."""

    def make(plan: Plan) -> bytes:
        request = pb.TrainRequest.FromString(encode_reply(plan, [GOOD]))
        edit(request.reply)
        return request.SerializeToString()

    return make


def sent(payload: Payload) -> Callable[[Plan], bytes]:
    return lambda plan: encode_reply(plan, [payload])


def spoil(name: str, value: Any) -> Callable[[Plan], bytes]:
    """A message with another value in a field of the sparse vector."""
    return edited(lambda reply: setattr(reply.parts[0].sparse, name, value))


# What device 2, alone on its stream, sends; why it is refused, and with which status.
# Q = 6, of which 4 are kept, in float32.
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
    "codes instead of floats": (
        sent(Sparse(6, GOOD.indices, SignValues(1.0, np.zeros(4, bool)))),
        "sparse sign, 4 values: must be sparse float32, 4 values",
        INVALID,
    ),
    "codes of an infinite scale": (
        sent(Sparse(6, GOOD.indices, SignValues(np.inf, np.zeros(4, bool)))),
        "inf as scale: must be finite",
        INVALID,
    ),
    "no indices": (
        sent(Masked(6, GOOD.indices, GOOD.values)),
        "a masked vector: the server chose no coordinates in this round",
        INVALID,
    ),
    "a vector without values": (
        edited(lambda reply: reply.parts[0].sparse.ClearField("float32")),
        "a vector without values",
        INVALID,
    ),
    "an empty part": (
        edited(lambda reply: reply.parts[0].ClearField("sparse")),
        "a part without a vector: must be dense, sparse or masked",
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
