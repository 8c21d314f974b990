"""Whatever bytes come, neither side raises or takes what it should not. See tests/fuzz.py."""

import hashlib
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from fuzz import STREAMS, Fuzz, Server, setups
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import open_inbox, repeatable, small
from wire_trees import broken, parse, write

from comlad.errors import MessageError
from comlad.rounds import Direction, Layer
from comlad.v1 import training_pb2 as pb
from comlad.wire import (
    decode_dataset,
    decode_held,
    decode_welcome,
    encode_dataset,
    encode_join,
    encode_ready,
    encode_welcome,
    parse_join,
    parse_ready,
    parse_request,
)

PREPARED = small()
VECTORS = pb.DevicePart.DESCRIPTOR.oneofs_by_name["vector"].fields
VALUES = pb.DevicePart().dense.DESCRIPTOR.oneofs_by_name["values"].fields
FIELDS = [(vector.name, values.name) for vector in VECTORS for values in VALUES]


@pytest.fixture(scope="module")
def servers() -> dict[str, Server]:
    return {name: Server(prepared) for name, prepared in setups().items()}


def test_survive_mutated_messages() -> None:
    fuzz = Fuzz(1)

    fuzz.run(5000)

    for tally in fuzz.tallies.values():
        # Some accidents spoil nothing that can be seen, most of them something.
        assert tally.taken > 100
        assert tally.refused > 500
        assert len(tally.reasons) > 20


def test_take_the_messages_that_mutations_start_from(servers: dict[str, Server]) -> None:
    rng = random.Random(0)

    for server in servers.values():
        for messages in server.honest[:2]:
            assert [write(parse(data, server.event.DESCRIPTOR)) for data in messages] == messages
        came = {server.take(messages, rng) for messages in server.honest[:2] for _ in range(8)}
        assert "taken" in came


@settings(repeatable, max_examples=100)
@given(st.binary(max_size=200), st.sampled_from(STREAMS))
def test_survive_any_bytes(data: bytes, stream: tuple[int, ...]) -> None:
    inbox, _, counted = open_inbox(PREPARED)

    inbox.receive(stream, data)

    assert inbox.votes == {}
    assert counted.total(Direction.UP, Layer.MESSAGE) == len(data)


@settings(repeatable, max_examples=150)
@given(field=st.sampled_from(FIELDS), data=st.binary(max_size=40), at=st.integers(0, 2**20))
def test_survive_any_bytes_for_values(
    servers: dict[str, Server], field: tuple[str, str], data: bytes, at: int
) -> None:
    names, (form, kind) = list(servers), field
    server, part = servers[names[at % len(names)]], pb.DevicePart()
    vector = getattr(part, form)
    if isinstance(getattr(vector, kind), bytes):
        setattr(vector, kind, data)
    else:
        with suppress(DecodeError):  # what was read until then stays
            getattr(vector, kind).MergeFromString(data)
        getattr(vector, kind).SetInParent()
    request = pb.TrainRequest.FromString(server.honest[0][0])
    request.reply.parts[0].MergeFrom(part)

    assert server.take([request.SerializeToString()], random.Random(at))


def join(data: bytes) -> None:
    assert set(parse_join(parse_request(data, 1000), 5)) <= set(range(5))


def welcome(data: bytes) -> None:
    decode_welcome(pb.TrainResponse.FromString(data).welcome)


def dataset(data: bytes) -> None:
    decode_dataset(data, hashlib.sha256(data).digest())


def held(data: bytes) -> None:
    for vector in decode_held(data, 6).values():
        assert vector.shape == (6,)
        assert np.isfinite(vector).all()


DATASET = encode_dataset(PREPARED.data.train)
DECODERS: dict[str, tuple[bytes, Callable[[bytes], Any]]] = {
    "join": (encode_join([4, 1]), join),
    "ready": (encode_ready(), parse_ready),
    "welcome": (encode_welcome(PREPARED, [4, 1], DATASET), welcome),
    "dataset": (DATASET.data, dataset),
    "held": (encode_dataset({"estimate": np.arange(6.0)}).data, held),
}


@pytest.mark.parametrize(("good", "decode"), DECODERS.values(), ids=DECODERS)
def test_refuse_what_accidents_make_of_other_messages(
    good: bytes, decode: Callable[[bytes], Any]
) -> None:
    rng, refused = random.Random(0), 0

    for _ in range(1000):
        data = good
        for _ in range(rng.randint(1, 4)):
            data = broken(data, good, rng)
        try:
            decode(data)
        except (MessageError, DecodeError):
            refused += 1

    assert refused > 100
