from typing import Any

import numpy as np
import pytest
from samples import dense, draws, fresh_rng

from comlad.compression import (
    COMPRESSORS,
    Chain,
    Dense,
    Identity,
    Masked,
    Qsgd,
    RandomSparsification,
    ScaledSign,
    Sparse,
    StochasticQuantization,
    TernGrad,
    TopK,
    chained,
    links_of,
    mask_scope,
)
from comlad.errors import ConfigError, MessageError

COMMON = RandomSparsification(3, index="common", values="float64")


def refusal(*tables: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        chained([COMPRESSORS.read(table) for table in tables])
    return str(caught.value)


def test_compresses_the_values_that_were_kept() -> None:
    vector = np.array([1.0, -6.0, 0.5, 3.0, -3.0])

    payload = Chain(TopK(3), ScaledSign()).compress(vector, draws())

    assert payload.indices.tolist() == [1, 3, 4]
    assert dense(payload).tolist() == [0, -4, 0, 4, -4]
    assert payload.describe() == "sparse sign, 3 values"


@pytest.mark.parametrize("values", ["float32", "float64"])
def test_rounds_what_is_kept_to_the_values_of_the_first_link(values: Any) -> None:
    vector = np.array([0.1, -0.1, 0.01])

    payload = Chain(TopK(2, values=values), ScaledSign()).compress(vector, draws())

    rounded = float(np.dtype(values).type(0.1))  # as a float: a float32 is equal to 0.1 itself
    assert payload.floats().tolist() == [rounded, -rounded]


def test_draws_for_one_link_after_the_other() -> None:
    vector, source = fresh_rng().normal(size=20), draws(4)

    payload = Chain(RandomSparsification(5), Qsgd(3)).compress(vector, draws(4))

    kept = RandomSparsification(5).compress(vector, source)
    expected = Qsgd(3).compress(kept.floats(), source)
    assert payload.indices.tolist() == kept.indices.tolist()
    assert payload.floats().tobytes() == expected.floats().tobytes()


def test_takes_the_mask_of_its_first_link() -> None:
    chain, key = Chain(COMMON, TernGrad()), bytes(16)

    payload = chain.compress(np.arange(8.0), draws(mask_key=key))

    assert mask_scope(chain) == "round"
    assert isinstance(payload, Masked)
    assert payload.indices.tolist() == chain.mask(8, key).tolist() == COMMON.mask(8, key).tolist()
    assert mask_scope(Chain(RandomSparsification(3, "seeded"), TernGrad())) == "device"
    assert mask_scope(Chain(RandomSparsification(3), TernGrad())) == "none"
    assert mask_scope(Chain(TopK(3), TernGrad())) == "none"


@pytest.mark.parametrize(
    ("chain", "agreement"),
    [
        (Chain(COMMON, COMPRESSORS.read({"kind": "identity"})), "linear"),
        (Chain(COMMON, ScaledSign()), "repeats"),
        (Chain(COMMON, Identity("bfloat16")), "none"),
        (Chain(TopK(3), ScaledSign()), "repeats"),
        (Chain(COMMON, Qsgd(3)), "none"),
        (Chain(RandomSparsification(3), ScaledSign()), "none"),
    ],
)
def test_agrees_as_far_as_both_links(chain: Chain, agreement: str) -> None:
    assert chain.agreement == agreement


class TestTheory:
    def test_multiplies_one_plus_delta(self) -> None:
        chain = Chain(RandomSparsification(25), Qsgd(1))

        assert chain.delta(100) == pytest.approx(4 * 5 - 1)  # δ = 3, and √25 − 1
        assert chain.alpha(100) is None

    def test_attains_that_where_both_links_do(self) -> None:
        chain, source = Chain(RandomSparsification(4, values="float64"), Qsgd(1)), draws()
        vector = np.array([1.0, -1, 1, -1, 1, 1, -1, -1, 1, -1, 1, -1])

        errors = [
            ((dense(chain.compress(vector, source)) - vector) ** 2).sum() for _ in range(4000)
        ]

        expected = (3 * 2 - 1) * 12
        assert chain.delta(12) == pytest.approx(5)
        assert abs(np.mean(errors) - expected) <= 4.5 * np.std(errors) / np.sqrt(4000)

    @pytest.mark.parametrize(
        ("second", "alpha"),
        [
            (ScaledSign(), 0.5 / 6),
            (COMPRESSORS.read({"kind": "natural"}), 7 / 16),
            (Identity("bfloat16"), 0.5 * (1 - 2**-16)),
        ],
    )
    @pytest.mark.parametrize(
        "first",
        [TopK(6, values="float64"), RandomSparsification(6, values="float64", scaled=False)],
        ids=["top-k", "unscaled"],
    )
    def test_multiplies_alpha_after_values_as_they_are(
        self, first: TopK | RandomSparsification, second: Any, alpha: float
    ) -> None:
        chain, rng, source = Chain(first, second), fresh_rng(), draws()

        assert chain.alpha(12) == pytest.approx(alpha)
        for _ in range(20):
            vector = rng.standard_cauchy(12)
            errors = [
                ((dense(chain.compress(vector, source)) - vector) ** 2).sum() for _ in range(200)
            ]
            allowed = (1 - alpha) * (vector**2).sum()
            assert np.mean(errors) <= allowed + 4.5 * np.std(errors) / np.sqrt(200)

    def test_claims_nothing_where_nothing_is_known(self) -> None:
        chain = Chain(RandomSparsification(6), ScaledSign())

        assert chain.delta(12) is None
        assert chain.alpha(12) is None

    def test_needs_the_bits_of_both(self) -> None:
        indices = RandomSparsification(30).index_bits(100)

        assert Chain(RandomSparsification(30), Qsgd(3)).bits(100) == pytest.approx(
            indices + 64 + 30 * 3
        )
        assert Chain(COMMON, Qsgd(3)).bits(100) == 64 + 3 * 3


class TestRefuses:
    def test_a_quantiser_before_anything(self) -> None:
        message = refusal({"kind": "qsgd", "levels": 4}, {"kind": "top-k", "keep": 3})

        assert message == (
            "[[compressor]] link 1 kind = 'qsgd': must keep some of the coordinates, as "
            "random-sparsification and top-k do"
        )

    def test_nothing_at_all_before_something(self) -> None:
        message = refusal({"kind": "identity"}, {"kind": "terngrad"})

        assert message.startswith("[[compressor]] link 1 kind = 'identity': must keep")

    @pytest.mark.parametrize("index", ["gaps", "common"])
    def test_keeping_twice(self, index: str) -> None:
        message = refusal(
            {"kind": "top-k", "keep": 5},
            {"kind": "random-sparsification", "keep": 3, "index": index},
        )

        assert message.startswith("[[compressor]] link 2 kind = 'random-sparsification': ")
        assert "must be what values are compressed with, such as qsgd" in message

    @pytest.mark.parametrize("values", ["float16", "bfloat16"])
    @pytest.mark.parametrize("kind", ["top-k", "random-sparsification"])
    def test_rounding_at_random_before_a_quantiser(self, kind: str, values: str) -> None:
        message = refusal({"kind": kind, "keep": 5, "values": values}, {"kind": "terngrad"})

        assert message == (
            f"[[compressor]] link 1 values = {values!r}: must be float64 or float32, "
            "since link 2 decides how values travel"
        )

    @pytest.mark.parametrize("count", [0, 3])
    def test_another_number_of_links(self, count: int) -> None:
        message = refusal(*[{"kind": "terngrad"}] * count)

        assert message.startswith(f"[[compressor]] = {['terngrad'] * count}: ")
        assert "must be one compressor, or two" in message

    def test_more_than_there_is(self) -> None:
        with pytest.raises(ConfigError, match=r"^link 1 keep = 7: must be at most 6, the length"):
            Chain(TopK(7), Qsgd(1)).check(6)

    def test_payloads_of_another_range(self) -> None:
        chain = Chain(TopK(2), StochasticQuantization((-1.0, 1.0)))
        honest = chain.compress(np.arange(6.0), draws())
        other = Chain(TopK(2), StochasticQuantization()).compress(np.arange(6.0), draws())

        chain.admit(honest, 6)
        with pytest.raises(MessageError) as caught:
            chain.admit(other, 6)

        assert str(caught.value) == (
            "sparse two-level, 2 values: must be sparse, "
            "2 values as StochasticQuantization(range=(-1.0, 1.0)) makes them"
        )

    def test_payloads_whose_mask_travels(self) -> None:
        chain, values = Chain(COMMON, TernGrad()), TernGrad().compress(np.ones(3), draws()).values

        chain.admit(Masked(8, np.arange(3), values), 8)
        for payload in (Sparse(8, np.arange(3), values), Dense(values)):
            with pytest.raises(MessageError, match=r": must be masked, 3 values as TernGrad\(\)"):
                chain.admit(payload, 8)


def test_is_the_one_compressor_if_there_is_one() -> None:
    assert chained([Qsgd(4)]) == Qsgd(4)
    assert links_of(Qsgd(4)) == (Qsgd(4),)
    assert links_of(chained([TopK(3), Qsgd(4)])) == (TopK(3), Qsgd(4))
