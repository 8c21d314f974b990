from itertools import combinations
from typing import Any

import numpy as np
import pytest
from samples import dense, draws, fresh_rng

from comlad.compression import Draws, Masked, RandomSparsification, Sparse, mask_scope
from comlad.errors import ConfigError, MessageError

VECTOR = np.array([3.0, -1.0, 0.5, 10.0, 0.0, -7.0, 2.0, 2.0])
DRAWS = 6000
SETS = list(combinations(range(5), 2))
KEY = bytes(range(16))


@pytest.mark.parametrize(
    ("keep", "dimension", "kept"),
    [(30, 100, 30), (0.3, 100, 30), (0.3, 12, 4), (1, 12, 1), (1.0, 12, 12), (0.001, 12, 1)],
)
def test_keeps_a_number_or_a_fraction(keep: float, dimension: int, kept: int) -> None:
    payload = RandomSparsification(keep).compress(np.ones(dimension), draws())

    assert len(payload.values) == kept


@pytest.mark.parametrize("keep", [0, -1, 0.0, -0.5, 1.5, float("nan"), float("inf")])
def test_refuses_a_number_that_cannot_be(keep: float) -> None:
    with pytest.raises(ConfigError, match=r"^keep = .*: must be (at least 1|a fraction between)"):
        RandomSparsification(keep)


def test_lists_indices_in_ascending_order() -> None:
    payload = RandomSparsification(400).compress(np.ones(1000), draws())

    assert (payload.indices[1:] > payload.indices[:-1]).all()
    assert payload.indices[0] >= 0
    assert payload.indices[-1] < 1000


def test_scales_what_it_keeps() -> None:
    payload = RandomSparsification(2, values="float64").compress(VECTOR, draws())

    assert payload.floats().tolist() == [4 * VECTOR[index] for index in payload.indices]


def test_is_the_vector_itself_where_everything_is_kept() -> None:
    sent = dense(RandomSparsification(8, values="float64").compress(VECTOR, draws()))

    assert sent.tobytes() == VECTOR.tobytes()


def test_draws_every_set_of_coordinates_alike() -> None:
    compressor, source, counts = RandomSparsification(2), draws(), dict.fromkeys(SETS, 0)

    for _ in range(DRAWS):
        first, second = compressor.compress(np.ones(5), source).indices.tolist()
        counts[first, second] += 1

    assert chi_squared(counts) < 21.7  # with 9 degrees of freedom, once in a hundred above


def chi_squared(counts: dict[tuple[int, int], int]) -> float:
    expected = DRAWS / len(SETS)
    return sum((count - expected) ** 2 / expected for count in counts.values())


class TestTheory:
    """LAD, Definition 2, with equality: E‖C(g) − g‖² = (Q/Q̂ − 1) ‖g‖² for every g."""

    @pytest.mark.parametrize("keep", [1, 3, 7, 8])
    def test_has_the_variance_of_the_paper(self, keep: int) -> None:
        compressor, source = RandomSparsification(keep, values="float64"), draws()

        sent = np.array([dense(compressor.compress(VECTOR, source)) for _ in range(DRAWS)])

        errors = ((sent - VECTOR) ** 2).sum(axis=1)
        formula = (8 / keep - 1) * (VECTOR**2).sum()
        assert abs(errors.mean() - formula) <= 4.5 * errors.std() / np.sqrt(DRAWS)
        assert formula == compressor.delta(8) * (VECTOR**2).sum()

    @pytest.mark.parametrize("keep", [1, 3, 7, 8])
    def test_has_exactly_that_error_where_all_coordinates_are_as_large(self, keep: int) -> None:
        signs = np.array([1.0, -1, 1, -1, 1, 1, -1, -1])

        sent = dense(RandomSparsification(keep, values="float64").compress(signs, draws()))

        assert ((sent - signs) ** 2).sum() == pytest.approx((8 / keep - 1) * 8)

    def test_has_the_delta_of_figure_6(self) -> None:
        assert RandomSparsification(30).delta(100) == pytest.approx(2.333, abs=5e-4)
        assert RandomSparsification(30, values="float64").bits(100) == pytest.approx(
            2004.6, abs=0.1
        )
        common = RandomSparsification(30, "common", "float64")
        assert common.bits(100) == 1920


class TestUnscaled:
    """As error feedback needs it: never farther off than one that sends nothing."""

    SPARSE = RandomSparsification(3, values="float64", scaled=False)

    @pytest.mark.parametrize("index", ["auto", "seeded", "common"])
    def test_keeps_values_as_they_are(self, index: Any) -> None:
        compressor = RandomSparsification(3, index, "float64", scaled=False)

        sent = dense(compressor.compress(VECTOR, draws(mask_key=KEY)))

        kept = np.flatnonzero(sent)
        assert sent[kept].tolist() == VECTOR[kept].tolist()

    def test_keeps_the_coordinates_that_it_would_scale(self) -> None:
        scaled = RandomSparsification(3, values="float64").compress(VECTOR, draws())

        payload = self.SPARSE.compress(VECTOR, draws())

        assert payload.indices.tolist() == scaled.indices.tolist()
        assert (8 / 3 * payload.floats()).tolist() == pytest.approx(scaled.floats().tolist())

    @pytest.mark.parametrize("keep", [1, 3, 7, 8])
    def test_has_an_error_of_what_it_leaves_out(self, keep: int) -> None:
        compressor = RandomSparsification(keep, values="float64", scaled=False)
        signs = np.array([1.0, -1, 1, 1, -1, 1, -1, 1])  # of which any are worth as much

        error = ((dense(compressor.compress(signs, draws())) - signs) ** 2).sum()

        assert error == 8 - keep
        assert compressor.alpha(8) == keep / 8

    @pytest.mark.parametrize("keep", [1, 3, 7])
    def test_has_that_error_in_the_mean_of_any_vector(self, keep: int) -> None:
        compressor = RandomSparsification(keep, values="float64", scaled=False)
        source = draws()

        sent = np.array([dense(compressor.compress(VECTOR, source)) for _ in range(DRAWS)])

        errors = ((sent - VECTOR) ** 2).sum(axis=1)
        formula = (1 - keep / 8) * (VECTOR**2).sum()
        assert abs(errors.mean() - formula) <= 4.5 * errors.std() / np.sqrt(DRAWS)

    def test_is_biased(self) -> None:
        assert self.SPARSE.delta(8) is None
        assert RandomSparsification(3).delta(8) is not None

    def test_rounds_less_than_it_keeps(self) -> None:
        alpha = RandomSparsification(3, values="bfloat16", scaled=False).alpha(8)

        assert alpha == 3 / 8 * (1 - 2.0**-16)

    def test_is_as_good_as_all_of_it_where_everything_is_kept(self) -> None:
        assert RandomSparsification(1.0, values="float64", scaled=False).alpha(8) == 1

    def test_admits_what_it_would_scaled(self) -> None:
        payload = RandomSparsification(3, values="float64").compress(VECTOR, draws())

        self.SPARSE.admit(payload, 8)

        with pytest.raises(MessageError):
            self.SPARSE.admit(RandomSparsification(3).compress(VECTOR, draws()), 8)


class TestACommonMask:
    COMMON = RandomSparsification(3, index="common", values="float64")

    def test_keeps_the_same_coordinates_whoever_draws(self) -> None:
        payloads = [self.COMMON.compress(VECTOR, draws(s, KEY)) for s in range(5)]

        mask = self.COMMON.mask(8, KEY)
        for payload in payloads:
            assert isinstance(payload, Masked)
            assert payload.indices.tolist() == mask.tolist()
            assert payload.floats().tolist() == (VECTOR[mask] * (8 / 3)).tolist()

    def test_is_drawn_once_for_all_devices_of_a_process(self) -> None:
        masks = [self.COMMON.compress(VECTOR, draws(mask_key=KEY)).indices for _ in range(3)]

        assert masks[0] is masks[1] is masks[2]
        assert not masks[0].flags.writeable

    def test_leaves_the_draws_of_the_device_alone(self) -> None:
        rng = fresh_rng()

        self.COMMON.compress(VECTOR, Draws(lambda: rng, KEY))

        assert rng.random() == fresh_rng().random()

    @pytest.mark.parametrize(
        ("index", "values", "agreement"),
        [
            ("common", "float64", "linear"),
            ("common", "float32", "repeats"),
            ("seeded", "float64", "none"),
            ("gaps", "float64", "none"),
            ("auto", "float32", "none"),
        ],
    )
    def test_makes_all_devices_agree(self, index: Any, values: Any, agreement: str) -> None:
        compressor = RandomSparsification(3, index=index, values=values)

        assert compressor.agreement == agreement

    @pytest.mark.parametrize("keep", [6, 0.5])
    def test_keeps_the_same_of_every_part(self, keep: float) -> None:
        whole = RandomSparsification(keep, index="common", parts=3)
        part = RandomSparsification(2, index="common")

        mask = whole.mask(12, KEY)

        of_one = part.mask(4, KEY)
        assert whole.kept(12) == 6
        assert mask.tolist() == [*of_one, *(of_one + 4), *(of_one + 8)]

    @pytest.mark.parametrize(("keep", "parts"), [(3, 2), (6, 5), (4, 24)])
    def test_needs_parts_that_come_out_even(self, keep: int, parts: int) -> None:
        compressor = RandomSparsification(keep, index="common", parts=parts)

        with pytest.raises(ConfigError, match=rf"^parts = {parts}: must divide 12, the length of"):
            compressor.check(12)

    @pytest.mark.parametrize(
        ("index", "parts"), [("common", 0), ("common", -1), ("gaps", 2), ("seeded", 2)]
    )
    def test_refuses_parts_that_cannot_be(self, index: Any, parts: int) -> None:
        with pytest.raises(ConfigError, match=rf"^parts = {parts}: must be 1, or more if index"):
            RandomSparsification(3, index=index, parts=parts)

    def test_is_one_linear_map(self) -> None:
        first, second = VECTOR, fresh_rng().normal(size=8)

        maps = [dense(self.COMMON.compress(x, draws_of_key())) for x in (first, second)]
        together = dense(self.COMMON.compress(2 * first - 4 * second, draws_of_key()))

        assert together == pytest.approx(2 * maps[0] - 4 * maps[1])

    def test_is_told_from_one_that_travels(self) -> None:
        travelling = RandomSparsification(3, values="float64").compress(VECTOR, draws())

        assert type(travelling) is Sparse
        assert self.COMMON.payload_bound(8) == 3 * 8
        assert RandomSparsification(3, "gaps", "float64").payload_bound(8) == 3 * 9


class TestASeededMask:
    SEEDED = RandomSparsification(3, index="seeded", values="float64")

    def test_follows_from_the_key_of_the_device(self) -> None:
        keys = [KEY, bytes(16), bytes(range(1, 17))]

        payloads = [self.SEEDED.compress(np.arange(1000.0), draws(0, key)) for key in keys]

        for payload, key in zip(payloads, keys, strict=True):
            assert isinstance(payload, Masked)
            assert payload.indices.tolist() == self.SEEDED.mask(1000, key).tolist()
            assert payload.floats().tolist() == (payload.indices * (1000 / 3)).tolist()
        assert len({payload.indices.tobytes() for payload in payloads}) == len(keys)

    def test_leaves_the_draws_of_the_device_alone(self) -> None:
        rng = fresh_rng()

        self.SEEDED.compress(VECTOR, Draws(lambda: rng, KEY))

        assert rng.random() == fresh_rng().random()

    def test_costs_nothing(self) -> None:
        assert self.SEEDED.index_bits(8) == 0
        assert self.SEEDED.index_bound(8) == 0
        assert self.SEEDED.payload_bound(8) == 3 * 8
        assert self.SEEDED.bits(8) == 3 * 64


@pytest.mark.parametrize(
    ("index", "scope"),
    [
        ("auto", "none"),
        ("gaps", "none"),
        ("bitmap", "none"),
        ("rice", "none"),
        ("seeded", "device"),
        ("common", "round"),
    ],
)
def test_says_whose_mask_the_server_chooses(index: Any, scope: str) -> None:
    compressor = RandomSparsification(3, index=index)

    payload = compressor.compress(VECTOR, draws_of_key())

    assert mask_scope(compressor) == scope
    assert isinstance(payload, Masked) == (scope != "none")
    assert scope != "none" or payload.index == index


def draws_of_key() -> Draws:
    return draws(mask_key=KEY)
