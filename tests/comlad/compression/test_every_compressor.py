"""What every compressor promises."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from samples import dense, fresh_rng, name_of

from comlad.compression import COMPRESSORS, Dense, Payload, Sparse
from comlad.errors import ConfigError, MessageError
from comlad.v1 import training_pb2 as pb
from comlad.wire._vectors import RawVector, encode_vector

COMPRESSORS_TO_TRY: list[dict[str, Any]] = [
    {"kind": "identity"},
    {"kind": "identity", "values": "float32"},
    {"kind": "random-sparsification", "keep": 1},
    {"kind": "random-sparsification", "keep": 0.3},
    {"kind": "random-sparsification", "keep": 1.0, "index": "gaps"},
    {"kind": "random-sparsification", "keep": 1, "values": "float64"},
]
# What none of these would send for a vector of length Q, or not all of them.
Q = 12
FOREIGN: list[Payload] = [
    Dense(np.zeros(Q)),
    Dense(np.zeros(Q, np.float32)),
    Sparse(Q, np.arange(1), np.zeros(1, np.float32)),
    Sparse(Q, np.arange(1), np.zeros(1)),
    Sparse(Q, np.arange(4), np.zeros(4, np.float32)),
    Sparse(Q, np.arange(Q), np.zeros(Q, np.float32)),
    Sparse(Q, np.arange(0), np.zeros(0, np.float32)),
    Sparse(Q, np.arange(2), np.zeros(2, np.float32)),
]


def vector(dimension: int = Q) -> NDArray[np.float64]:
    return fresh_rng().normal(0, 100, dimension)


def through_the_wire(payload: Payload) -> Payload:
    part = pb.DevicePart()
    encode_vector(payload, part)
    return RawVector.of(pb.DevicePart.FromString(part.SerializeToString())).decode(
        payload.dimension
    )


def form(payload: Payload) -> tuple[object, ...]:
    return type(payload), payload.values.dtype, len(payload.values)


def test_has_a_sample_of_every_kind() -> None:
    assert {table["kind"] for table in COMPRESSORS_TO_TRY} == set(COMPRESSORS.own)


@pytest.mark.parametrize("table", COMPRESSORS_TO_TRY, ids=name_of)
class TestEveryCompressor:
    @pytest.mark.parametrize("dimension", [1, 2, Q, 128, 129, 70_000])
    def test_loses_nothing_on_the_wire(self, table: dict[str, Any], dimension: int) -> None:
        payload = COMPRESSORS.read(table).compress(vector(dimension), fresh_rng())

        arrived = through_the_wire(payload)

        assert form(arrived) == form(payload)
        assert arrived.values.tobytes() == payload.values.tobytes()
        assert dense(arrived).tobytes() == dense(payload).tobytes()

    @pytest.mark.parametrize("dimension", [1, 2, Q, 127, 128, 129, 16_384, 16_385])
    def test_keeps_to_its_bound(self, table: dict[str, Any], dimension: int) -> None:
        compressor, part = COMPRESSORS.read(table), pb.DevicePart()
        payload = compressor.compress(vector(dimension), fresh_rng())
        if isinstance(payload, Sparse):  # the coordinates that take most bytes
            first = dimension - len(payload.indices)
            payload = Sparse(dimension, np.arange(first, dimension), payload.values)

        encode_vector(payload, part)

        assert RawVector.of(part).payload_bytes <= compressor.payload_bound(dimension)

    def test_keeps_the_dimension(self, table: dict[str, Any]) -> None:
        assert COMPRESSORS.read(table).compress(vector(), fresh_rng()).dimension == Q

    def test_repeats_itself_for_the_same_draws(self, table: dict[str, Any]) -> None:
        compressor = COMPRESSORS.read(table)

        first, second = (dense(compressor.compress(vector(), fresh_rng(8))) for _ in range(2))

        assert first.tobytes() == second.tobytes()

    def test_leaves_the_vector_alone(self, table: dict[str, Any]) -> None:
        original = vector()
        original.flags.writeable = False

        COMPRESSORS.read(table).compress(original, fresh_rng())

        assert original.tobytes() == vector().tobytes()

    def test_does_not_hold_on_to_the_vector(self, table: dict[str, Any]) -> None:
        original = vector()
        payload = COMPRESSORS.read(table).compress(original, fresh_rng())
        before = dense(payload)

        original[:] = 0

        assert dense(payload).tobytes() == before.tobytes()

    def test_admits_its_own_payloads(self, table: dict[str, Any]) -> None:
        compressor = COMPRESSORS.read(table)

        compressor.admit(through_the_wire(compressor.compress(vector(), fresh_rng())), Q)

    @pytest.mark.parametrize("payload", FOREIGN, ids=lambda payload: payload.describe())
    def test_admits_nothing_else(self, table: dict[str, Any], payload: Payload) -> None:
        compressor = COMPRESSORS.read(table)
        own = compressor.compress(vector(), fresh_rng())

        if form(payload) == form(own):
            compressor.admit(payload, Q)
        else:
            with pytest.raises(MessageError) as caught:
                compressor.admit(payload, Q)
            assert str(caught.value).startswith(f"{payload.describe()}: must be ")

    def test_is_read_as_it_was_written(self, table: dict[str, Any]) -> None:
        compressor = COMPRESSORS.read(table)

        assert COMPRESSORS.read(COMPRESSORS.write(compressor)) == compressor


@pytest.mark.parametrize("keep", [Q + 1, 10**30])
def test_refuses_to_keep_more_than_there_is(keep: int) -> None:
    compressor = COMPRESSORS.read({"kind": "random-sparsification", "keep": keep})

    with pytest.raises(ConfigError) as caught:
        compressor.check(Q)

    assert str(caught.value) == f"keep = {keep}: must be at most 12, the dimension of the model"
