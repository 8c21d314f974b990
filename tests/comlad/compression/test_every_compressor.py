"""What every compressor promises."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from math import ceil
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from samples import dense, fresh_rng, name_of, repeatable

from comlad.compression import (
    COMPRESSORS,
    Bfloat16Values,
    Bounded,
    Compressor,
    Dense,
    Draws,
    Float16Values,
    Masked,
    NaturalValues,
    Payload,
    QsgdValues,
    SignValues,
    Sparse,
    Sparsifier,
    TakesMask,
    TernaryValues,
    TwoLevelValues,
    Uniform,
    Values,
    chained,
    links_of,
    mask_scope,
)
from comlad.errors import ConfigError, MessageError
from comlad.v1 import training_pb2 as pb
from comlad.wire._vectors import RawVector, encode_vector

Tables = Sequence[dict[str, Any]]

COMPRESSORS_TO_TRY: list[Tables] = [
    [{"kind": "identity"}],
    [{"kind": "identity", "values": "float32"}],
    [{"kind": "identity", "values": "float16"}],
    [{"kind": "identity", "values": "bfloat16"}],
    [{"kind": "natural"}],
    [{"kind": "natural", "values": "float64"}],
    [{"kind": "qsgd", "levels": 1}],
    [{"kind": "qsgd", "levels": 5}],
    [{"kind": "random-sparsification", "keep": 1}],
    [{"kind": "random-sparsification", "keep": 0.3}],
    [{"kind": "random-sparsification", "keep": 1.0, "index": "gaps"}],
    [{"kind": "random-sparsification", "keep": 1, "values": "float64"}],
    [{"kind": "random-sparsification", "keep": 0.3, "index": "common"}],
    [{"kind": "random-sparsification", "keep": 1, "index": "common", "values": "float64"}],
    [{"kind": "random-sparsification", "keep": 0.3, "index": "rice", "values": "float16"}],
    [{"kind": "random-sparsification", "keep": 0.3, "index": "seeded", "values": "bfloat16"}],
    [{"kind": "random-sparsification", "keep": 0.3, "scaled": False}],
    [{"kind": "random-sparsification", "keep": 0.3, "index": "common", "scaled": False}],
    [{"kind": "scaled-sign"}],
    [{"kind": "stochastic-quantization"}],
    [{"kind": "stochastic-quantization", "range": [-100.0, 100.0]}],
    [{"kind": "terngrad"}],
    [{"kind": "top-k", "keep": 0.3}],
    [{"kind": "top-k", "keep": 1, "values": "float64"}],
    [{"kind": "top-k", "keep": 0.3, "index": "bitmap", "values": "bfloat16"}],
    [{"kind": "random-sparsification", "keep": 0.3}, {"kind": "terngrad"}],
    [{"kind": "random-sparsification", "keep": 0.5, "index": "common"}, {"kind": "natural"}],
    [{"kind": "top-k", "keep": 0.3}, {"kind": "qsgd", "levels": 4}],
    [{"kind": "top-k", "keep": 0.3}, {"kind": "scaled-sign"}],
    [{"kind": "top-k", "keep": 0.3}, {"kind": "identity", "values": "float16"}],
]
# What none of these would send for a vector of length Q, or not all of them.
Q, KEY = 12, bytes(range(16))
BLOCKS: list[Values] = [
    np.zeros(Q),
    np.zeros(Q, np.float32),
    Float16Values(0, np.zeros(Q, np.float16)),
    Bfloat16Values(np.zeros(Q, np.uint16)),
    NaturalValues(np.zeros(Q)),
    NaturalValues(np.zeros(Q, np.float32)),
    QsgdValues(0.0, 1, np.zeros(Q, np.int32)),
    QsgdValues(0.0, 4, np.zeros(Q, np.int32)),
    QsgdValues(0.0, 5, np.zeros(Q, np.int32)),
    SignValues(0.0, np.zeros(Q, bool)),
    TernaryValues(0.0, np.zeros(Q, np.int8)),
    TwoLevelValues(-100.0, 100.0, np.zeros(Q, bool)),
]
FOREIGN: list[Payload] = [
    *(Dense(block) for block in BLOCKS),
    Sparse(Q, np.arange(1), np.zeros(1, np.float32)),
    Sparse(Q, np.arange(1), np.zeros(1)),
    Sparse(Q, np.arange(4), np.zeros(4, np.float32)),
    *(Sparse(Q, np.arange(Q), block) for block in BLOCKS),
    Sparse(Q, np.arange(0), np.zeros(0, np.float32)),
    Sparse(Q, np.arange(2), np.zeros(2, np.float32)),
    Sparse(Q, np.arange(4), Float16Values(0, np.zeros(4, np.float16))),
    Sparse(Q, np.arange(4), Bfloat16Values(np.zeros(4, np.uint16))),
    Sparse(Q, np.arange(4), QsgdValues(0.0, 4, np.zeros(4, np.int32))),
    Sparse(Q, np.arange(4), QsgdValues(0.0, 3, np.zeros(4, np.int32))),
    Masked(Q, np.arange(1), np.zeros(1)),
    Masked(Q, np.arange(4), np.zeros(4, np.float32)),
    Masked(Q, np.arange(4), Bfloat16Values(np.zeros(4, np.uint16))),
    Masked(Q, np.arange(6), NaturalValues(np.zeros(6, np.float32))),
]


def made(tables: Tables) -> Compressor:
    return chained([COMPRESSORS.read(table) for table in tables])


def ids(tables: Tables) -> str:
    return "+".join(map(name_of, tables))


def draws(seed: int = 0) -> Draws:
    return Draws(partial(fresh_rng, seed), KEY)


def vector(dimension: int = Q) -> NDArray[np.float64]:
    return fresh_rng().normal(0, 100, dimension)


def through_the_wire(compressor: Compressor, payload: Payload) -> Payload:
    part = pb.DevicePart()
    encode_vector(payload, part)
    mask = None
    if mask_scope(compressor) != "none":
        assert isinstance(compressor, TakesMask)
        mask = compressor.mask(payload.dimension, KEY)
    arrived = RawVector.of(pb.DevicePart.FromString(part.SerializeToString()))
    return arrived.decode(payload.dimension, mask)


def on_the_wire(payload: Payload) -> RawVector:
    part = pb.DevicePart()
    encode_vector(payload, part)
    return RawVector.of(part)


def test_has_a_sample_of_every_kind() -> None:
    assert {tables[0]["kind"] for tables in COMPRESSORS_TO_TRY} == set(COMPRESSORS.own)


@pytest.mark.parametrize("tables", COMPRESSORS_TO_TRY, ids=ids)
class TestEveryCompressor:
    @pytest.mark.parametrize("dimension", [1, 2, Q, 128, 129, 70_000])
    def test_loses_nothing_on_the_wire(self, tables: Tables, dimension: int) -> None:
        compressor = made(tables)
        payload = compressor.compress(vector(dimension), draws())

        arrived = through_the_wire(compressor, payload)

        assert type(arrived) is type(payload)
        assert arrived.describe() == payload.describe()
        assert arrived.floats().tobytes() == payload.floats().tobytes()
        assert dense(arrived).tobytes() == dense(payload).tobytes()

    @pytest.mark.parametrize("dimension", [1, 2, Q, 127, 128, 129, 16_384, 16_385])
    def test_keeps_to_its_bound(self, tables: Tables, dimension: int) -> None:
        compressor = made(tables)
        payload = compressor.compress(vector(dimension), draws())
        if type(payload) is Sparse:  # the coordinates that take most bytes
            first = dimension - len(payload.indices)
            payload = replace(payload, indices=np.arange(first, dimension))

        assert on_the_wire(payload).payload_bytes <= compressor.payload_bound(dimension)

    @pytest.mark.parametrize("dimension", [1, 2, 3, Q, 127, 128, 1000])
    def test_takes_the_bits_that_it_says(self, tables: Tables, dimension: int) -> None:
        """To the byte, but for indices, whose codes take more than their entropy."""
        compressor = made(tables)
        assert isinstance(compressor, Bounded)

        payload = compressor.compress(vector(dimension), draws())

        raw, bits = on_the_wire(payload), compressor.bits(dimension)
        _, _, indices = raw.indices
        if type(payload) is Sparse:
            (first, *_) = links_of(compressor)
            assert isinstance(first, Sparsifier)
            bits -= first.index_bits(dimension)
        assert raw.payload_bytes - len(indices) == ceil(round(bits, 6) / 8)

    def test_keeps_the_dimension(self, tables: Tables) -> None:
        assert made(tables).compress(vector(), draws()).dimension == Q

    def test_repeats_itself_for_the_same_draws(self, tables: Tables) -> None:
        compressor = made(tables)

        first, second = (dense(compressor.compress(vector(), draws(8))) for _ in range(2))

        assert first.tobytes() == second.tobytes()

    def test_repeats_itself_for_other_draws_if_it_says_so(self, tables: Tables) -> None:
        compressor = made(tables)
        agreement = compressor.agreement if isinstance(compressor, Uniform) else "none"

        sent = {dense(compressor.compress(vector(), draws(seed))).tobytes() for seed in range(20)}

        assert len(sent) == 1 or agreement == "none"

    def test_leaves_the_vector_alone(self, tables: Tables) -> None:
        original = vector()
        original.flags.writeable = False

        made(tables).compress(original, draws())

        assert original.tobytes() == vector().tobytes()

    def test_does_not_hold_on_to_the_vector(self, tables: Tables) -> None:
        original = vector()
        payload = made(tables).compress(original, draws())
        before = dense(payload)

        original[:] = 0

        assert dense(payload).tobytes() == before.tobytes()

    def test_admits_its_own_payloads(self, tables: Tables) -> None:
        compressor = made(tables)
        payload = compressor.compress(vector(), draws())

        compressor.admit(through_the_wire(compressor, payload), Q)

    def test_admits_nothing_else(self, tables: Tables) -> None:
        compressor = made(tables)
        own = compressor.compress(vector(), draws()).describe()

        for payload in FOREIGN:
            if payload.describe() == own:
                compressor.admit(payload, Q)
                continue
            with pytest.raises(MessageError) as caught:
                compressor.admit(payload, Q)
            assert str(caught.value).startswith(f"{payload.describe()}: must be ")

    def test_is_read_as_it_was_written(self, tables: Tables) -> None:
        compressor = made(tables)

        written = [COMPRESSORS.write(link) for link in links_of(compressor)]

        assert made(written) == compressor

    @pytest.mark.parametrize("dimension", [1, 2, Q, 1000])
    def test_has_numbers_that_make_sense(self, tables: Tables, dimension: int) -> None:
        compressor = made(tables)
        assert isinstance(compressor, Bounded)

        delta, alpha = compressor.delta(dimension), compressor.alpha(dimension)

        assert delta is None or 0 <= delta < np.inf
        assert alpha is None or 0 < alpha <= 1
        assert 0 < compressor.bits(dimension) <= 8 * compressor.payload_bound(dimension)

    @settings(repeatable, max_examples=40)
    @given(
        hnp.arrays(
            np.float64,
            st.integers(1, 12),
            elements=st.floats() | st.sampled_from([0.0, -0.0, 5e-324, 1e-310, 2.0**127, 1.7e308]),
        )
    )
    def test_is_refused_by_the_server_only_if_it_is_not_finite(
        self, tables: Tables, anything: NDArray[np.float64]
    ) -> None:
        compressor = made([table | {"keep": 0.3} if "keep" in table else table for table in tables])
        with np.errstate(over="ignore", invalid="ignore"):
            payload = compressor.compress(anything, draws())
            finite = np.isfinite(payload.floats()).all()

        if finite:
            arrived = through_the_wire(compressor, payload)
            compressor.admit(arrived, len(anything))
            assert dense(arrived).tobytes() == dense(payload).tobytes()
        else:
            with pytest.raises(MessageError, match=r"must be finite$"):
                through_the_wire(compressor, payload)

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_passes_on_that_a_vector_is_not_finite(self, tables: Tables, bad: float) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            payload = made(tables).compress(np.full(Q, bad), draws())

            assert not np.isfinite(payload.floats()).all()


@pytest.mark.parametrize("kind", ["random-sparsification", "top-k"])
@pytest.mark.parametrize("keep", [Q + 1, 10**30])
def test_refuses_to_keep_more_than_there_is(kind: str, keep: int) -> None:
    compressor = COMPRESSORS.read({"kind": kind, "keep": keep})

    with pytest.raises(ConfigError) as caught:
        compressor.check(Q)

    assert str(caught.value) == f"keep = {keep}: must be at most 12, the length of the vector"
