"""Whatever bytes come, the server neither raises nor counts what is not a vote."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import Generator
from samples import answers, dense, first_plan, fresh_rng, open_inbox, repeatable, small

from comlad.compression import Sparse
from comlad.errors import MessageError, Status
from comlad.experiment import Prepared
from comlad.rounds import Direction, Layer
from comlad.v1 import training_pb2 as pb
from comlad.wire import (
    Broadcast,
    decode_dataset,
    decode_round,
    decode_welcome,
    encode_dataset,
    encode_join,
    encode_ready,
    encode_reply,
    encode_welcome,
    parse_join,
    parse_ready,
    parse_request,
)

SPARSE = small()
DENSE = small(compressor={"kind": "identity"})
KEEP = {"kind": "top-k", "keep": 4}
COMPRESSED = {
    "sparse": SPARSE,
    "dense": DENSE,
    "natural": small(compressor={"kind": "natural"}),
    "qsgd": small(compressor={"kind": "qsgd", "levels": 4}),
    "scaled-sign": small(compressor={"kind": "scaled-sign"}),
    "terngrad": small(compressor={"kind": "terngrad"}),
    "two levels": small(compressor={"kind": "stochastic-quantization"}),
    "chain": small(compressor=[KEEP, {"kind": "qsgd", "levels": 2}]),
    "common mask": small("compressor.index=common"),
    "common chain": small(
        compressor=[
            {"kind": "random-sparsification", "keep": 4, "index": "common"},
            {"kind": "natural", "values": "float64"},
        ]
    ),
}


def mutated(data: bytes, rng: Generator) -> bytes:
    """The bytes with one to four small accidents."""
    result = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        at = int(rng.integers(len(result) + 1))
        until = min(len(result), at + int(rng.integers(1, 9)))
        match rng.integers(7):
            case 0 if until > at:
                result[at] ^= 1 << int(rng.integers(8))
            case 1 if until > at:
                result[at] = int(rng.choice([0, 1, 0x7F, 0x80, 0xFF]))
            case 2:
                del result[at:until]
            case 3:
                result[at:at] = rng.bytes(int(rng.integers(1, 9)))
            case 4:
                result[at:at] = result[at:until]
            case 5:
                del result[at:]
            case 6:
                result[at:until] = b"\xff" * (until - at)
    return bytes(result)


def check(prepared: Prepared, stream: tuple[int, ...], data: bytes) -> int:
    """Receive bytes in a new round; gives the number of votes that came of them."""
    inbox, plan, counted = open_inbox(prepared)

    verdicts = inbox.receive(stream, data)

    assert set(inbox.votes) | set(inbox.refused) <= set(stream)
    assert not set(inbox.votes) & set(inbox.refused)
    assert counted.total(Direction.UP, Layer.MESSAGE) == len(data)
    assert min(counted.by_device()["up"]["message"]) >= 0
    for vote in inbox.votes.values():
        prepared.experiment.compressor.admit(vote, 6)
        assert np.isfinite(dense(vote)).all()
        if isinstance(vote, Sparse):
            assert (vote.indices[1:] > vote.indices[:-1]).all()
    for verdict in verdicts:
        refusal = pb.TrainResponse.FromString(verdict.answer).refusal
        assert Status(refusal.status)
        assert refusal.round == plan.round
    return len(inbox.votes)


@pytest.mark.parametrize("prepared", COMPRESSED.values(), ids=COMPRESSED)
@pytest.mark.parametrize("stream", [(2,), (4, 0, 3)])
def test_survives_accidents_to_a_reply(prepared: Prepared, stream: tuple[int, ...]) -> None:
    plan, rng = first_plan(prepared), fresh_rng()
    sent = answers(prepared, plan)
    good = encode_reply(plan, [sent[device] for device in stream])

    votes = [check(prepared, stream, mutated(good, rng)) for _ in range(400)]

    # Some accidents spoil nothing that can be seen, most of them something.
    assert 0 < sum(votes) < len(stream) * len(votes)


@settings(repeatable, max_examples=300)
@given(st.binary(max_size=200), st.sampled_from([(2,), (4, 0, 3)]))
def test_survives_any_bytes(data: bytes, stream: tuple[int, ...]) -> None:
    assert check(SPARSE, stream, data) == 0


VECTORS = pb.DevicePart.DESCRIPTOR.oneofs_by_name["vector"].fields
VALUES = pb.DevicePart().dense.DESCRIPTOR.oneofs_by_name["values"].fields
FIELDS = [(vector.name, values.name) for vector in VECTORS for values in VALUES]


@settings(repeatable, max_examples=500)
@given(st.sampled_from(FIELDS), st.binary(max_size=40), st.sampled_from(list(COMPRESSED)))
def test_survives_any_bytes_for_values(field: tuple[str, str], data: bytes, name: str) -> None:
    prepared, (form, kind) = COMPRESSED[name], field
    plan, part = first_plan(prepared), pb.DevicePart()
    vector = getattr(part, form)
    if isinstance(getattr(vector, kind), bytes):
        setattr(vector, kind, data)
    else:
        with suppress(DecodeError):  # what was read until then stays
            getattr(vector, kind).MergeFromString(data)
        getattr(vector, kind).SetInParent()
    reply = pb.Reply(round=plan.round, plan=plan.number, parts=[part])

    check(prepared, (2,), pb.TrainRequest(reply=reply).SerializeToString())


def join(data: bytes) -> None:
    assert set(parse_join(parse_request(data, 1000), 5)) <= set(range(5))


def round_(data: bytes) -> None:
    plan = decode_round(pb.TrainResponse.FromString(data).round, 2, 5, 6)
    assert sorted(plan.permutation.tolist()) == list(range(5))
    assert plan.tasks.max() < 5


def keyed(data: bytes) -> None:
    response = pb.TrainResponse.FromString(data)
    assert len(decode_round(response.round, 2, 5, 6, shares_mask=True).common_key) == 16


def welcome(data: bytes) -> None:
    decode_welcome(pb.TrainResponse.FromString(data).welcome, 2)


def dataset(data: bytes) -> None:
    decode_dataset(data, hashlib.sha256(data).digest())


DECODERS: dict[str, tuple[bytes, Callable[[bytes], Any]]] = {
    "join": (encode_join([4, 1]), join),
    "ready": (encode_ready(), parse_ready),
    "round": (Broadcast(first_plan(SPARSE)).message([4, 1]), round_),
    "round with a key": (Broadcast(first_plan(COMPRESSED["common mask"])).message([4, 1]), keyed),
    "welcome": (
        encode_welcome(SPARSE, [4, 1], encode_dataset(SPARSE.data.train)),
        welcome,
    ),
    "dataset": (encode_dataset(SPARSE.data.train).data, dataset),
}


@pytest.mark.parametrize(("good", "decode"), DECODERS.values(), ids=DECODERS)
def test_refuses_what_accidents_make_of_other_messages(
    good: bytes, decode: Callable[[bytes], Any]
) -> None:
    rng, refused = fresh_rng(), 0

    for _ in range(1500):
        try:
            decode(mutated(good, rng))
        except (MessageError, DecodeError):
            refused += 1

    assert refused > 100
