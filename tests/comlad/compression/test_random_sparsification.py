from itertools import combinations

import numpy as np
import pytest
from samples import dense, fresh_rng

from comlad.compression import RandomSparsification
from comlad.errors import ConfigError

VECTOR = np.array([3.0, -1.0, 0.5, 10.0, 0.0, -7.0, 2.0, 2.0])
DRAWS = 10_000
SETS = list(combinations(range(5), 2))


@pytest.mark.parametrize(
    ("keep", "dimension", "kept"),
    [(30, 100, 30), (0.3, 100, 30), (0.3, 12, 4), (1, 12, 1), (1.0, 12, 12), (0.001, 12, 1)],
)
def test_keeps_a_number_or_a_fraction(keep: float, dimension: int, kept: int) -> None:
    payload = RandomSparsification(keep).compress(np.ones(dimension), fresh_rng())

    assert len(payload.values) == kept


@pytest.mark.parametrize("keep", [0, -1, 0.0, -0.5, 1.5, float("nan"), float("inf")])
def test_refuses_a_number_that_cannot_be(keep: float) -> None:
    with pytest.raises(ConfigError, match=r"^keep = .*: must be (at least 1|a fraction between)"):
        RandomSparsification(keep)


def test_lists_indices_in_ascending_order() -> None:
    payload = RandomSparsification(400).compress(np.ones(1000), fresh_rng())

    assert (payload.indices[1:] > payload.indices[:-1]).all()
    assert payload.indices[0] >= 0
    assert payload.indices[-1] < 1000


def test_scales_what_it_keeps() -> None:
    payload = RandomSparsification(2, values="float64").compress(VECTOR, fresh_rng())

    assert payload.values.tolist() == [4 * VECTOR[index] for index in payload.indices]


def test_is_the_vector_itself_where_everything_is_kept() -> None:
    sent = dense(RandomSparsification(8, values="float64").compress(VECTOR, fresh_rng()))

    assert sent.tobytes() == VECTOR.tobytes()


def test_draws_every_set_of_coordinates_alike() -> None:
    compressor, rng, counts = RandomSparsification(2), fresh_rng(), dict.fromkeys(SETS, 0)

    for _ in range(DRAWS):
        first, second = compressor.compress(np.ones(5), rng).indices.tolist()
        counts[first, second] += 1

    expected = DRAWS / len(SETS)
    statistic = sum((count - expected) ** 2 / expected for count in counts.values())
    assert statistic < 21.7  # chi-squared with 9 degrees of freedom exceeds it once in a hundred


class TestTheory:
    """LAD, Definition 2: unbiased, with E‖C(g) − g‖² = (Q/Q̂ − 1) ‖g‖²."""

    @pytest.mark.parametrize("keep", [1, 3, 7])
    def test_is_unbiased(self, keep: int) -> None:
        compressor, rng = RandomSparsification(keep, values="float64"), fresh_rng()

        sent = np.array([dense(compressor.compress(VECTOR, rng)) for _ in range(DRAWS)])

        allowed = 4.5 * sent.std(axis=0) / np.sqrt(DRAWS)
        assert (np.abs(sent.mean(axis=0) - VECTOR) <= allowed).all()

    @pytest.mark.parametrize("keep", [1, 3, 7, 8])
    def test_has_the_variance_of_the_paper(self, keep: int) -> None:
        compressor, rng = RandomSparsification(keep, values="float64"), fresh_rng()

        sent = np.array([dense(compressor.compress(VECTOR, rng)) for _ in range(DRAWS)])

        errors = ((sent - VECTOR) ** 2).sum(axis=1)
        formula = (8 / keep - 1) * (VECTOR**2).sum()
        assert abs(errors.mean() - formula) <= 4.5 * errors.std() / np.sqrt(DRAWS)

    @pytest.mark.parametrize("keep", [1, 3, 7, 8])
    def test_has_exactly_that_error_where_all_coordinates_are_as_large(self, keep: int) -> None:
        signs = np.array([1.0, -1, 1, -1, 1, 1, -1, -1])

        sent = dense(RandomSparsification(keep, values="float64").compress(signs, fresh_rng()))

        assert ((sent - signs) ** 2).sum() == pytest.approx((8 / keep - 1) * 8)
