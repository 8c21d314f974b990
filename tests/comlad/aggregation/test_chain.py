import math
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray
from samples import context, fresh_rng

from comlad.aggregation import (
    Aggregation,
    Bucketing,
    Clipping,
    Context,
    Mean,
    Median,
    NearestNeighborMixing,
    TrimmedMean,
)
from comlad.errors import ConfigError

NNM = NearestNeighborMixing()


def test_is_the_rule_itself_where_nothing_goes_before() -> None:
    vectors = fresh_rng().normal(0, 1, (6, 4))

    chained = Aggregation(TrimmedMean(2))(vectors, context(1))

    assert chained.tobytes() == TrimmedMean(2)(vectors, context(1)).tobytes()


def test_hands_each_link_what_the_one_before_it_made() -> None:
    vectors, told = fresh_rng().normal(0, 1, (6, 4)), context(2)

    chained = Aggregation(TrimmedMean(1), (NNM, NNM))(vectors, context(2))

    twice = NNM(NNM(vectors, told), told)
    assert chained.tobytes() == TrimmedMean(1)(twice, told).tobytes()


@pytest.mark.parametrize(
    ("chain", "n", "f", "key"),
    [
        (Aggregation(TrimmedMean(2), (NNM,)), 4, 1, "trim = 2"),
        (Aggregation(TrimmedMean(1), (NNM,)), 4, 4, "tolerate = 4"),
        (Aggregation(Mean()), 0, 0, "devices = 0"),
    ],
)
def test_refuses_what_any_link_refuses(chain: Aggregation, n: int, f: int, key: str) -> None:
    with pytest.raises(ConfigError, match=f"^{key}: "):
        chain.check(n, f)


def test_takes_what_every_link_takes() -> None:
    Aggregation(TrimmedMean(1), (NNM,)).check(4, 1)

    vectors = np.array([[1.0], [1.0], [1.0], [100.0]])
    assert Aggregation(TrimmedMean(1), (NNM,))(vectors, context(1)).tolist() == [1.0]


@dataclass(frozen=True, slots=True)
class Witness:
    """A rule that remembers what it was told, and gives the first vector."""

    told: list[Context] = field(default_factory=list)

    def check(self, n: int, f: int) -> None:
        pass

    def __call__(self, vectors: NDArray[np.float64], context: Context) -> NDArray[np.float64]:
        assert np.isfinite(vectors).all()
        self.told.append(context)
        first: NDArray[np.float64] = vectors[0]
        return first


def test_takes_each_row_that_is_not_finite_for_one_of_the_liars() -> None:
    vectors = np.array([[np.nan, 1.0], [2, 3], [4, np.inf], [5, 6], [7, -np.inf]])
    witness = Witness()
    told = Context(2, fresh_rng(), devices=(3, 5, 7, 8, 9))

    aggregate = Aggregation(witness)(vectors, told)

    assert aggregate.tolist() == [2, 3]
    assert [(seen.f, seen.devices) for seen in witness.told] == [(0, (5, 8))]


def test_takes_a_row_of_finite_numbers_whose_sum_is_not() -> None:
    vectors = np.array([[1e308, 1e308], [1, 2], [3, 4]])
    witness = Witness()

    Aggregation(witness)(vectors, context(1))

    assert witness.told[0].f == 1


def test_says_whose_vectors_they_are_as_long_as_they_are_somebodys() -> None:
    witness, vectors = Witness(), fresh_rng().normal(0, 1, (6, 3))
    told = Context(1, fresh_rng(), devices=(0, 1, 2, 3, 4, 5))

    Aggregation(witness, (NNM, Clipping(1.0)))(vectors, told)
    Aggregation(witness, (Bucketing(2),))(vectors, told)

    assert [seen.devices for seen in witness.told] == [told.devices, None]


def test_has_the_kappa_of_its_rule_for_what_the_links_make() -> None:
    kappa = Median().kappa(10, 2)

    assert Aggregation(Median(), (NNM,)).kappa(10, 2) == pytest.approx(2 * (1 + kappa))
    assert Aggregation(Median(), (NNM, NNM)).kappa(10, 2) == pytest.approx(2 * (3 + 2 * kappa))


@pytest.mark.parametrize(
    "chain",
    [
        Aggregation(Mean()),
        Aggregation(Mean(), (NNM,)),
        Aggregation(Median(), (Clipping(1.0), NNM)),
        Aggregation(Median(), (Bucketing(2),)),
    ],
)
def test_has_no_kappa_if_one_of_its_links_has_none(chain: Aggregation) -> None:
    assert math.isinf(chain.kappa(10, 2))
    assert math.isinf(chain.kappa(10, 0))
