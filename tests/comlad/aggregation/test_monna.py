import numpy as np
import pytest
from samples import InOrder, context, fresh_rng

from comlad.aggregation import (
    PREAGGREGATORS,
    Aggregation,
    Context,
    MoNNA,
    NearestNeighborMixing,
)
from comlad.errors import ConfigError


def of(f: int, *devices: int, seed: int = 0) -> Context:
    return Context(f, fresh_rng(seed), devices=devices)


@pytest.mark.parametrize(("n", "f"), [(1, 0), (5, 2), (30, 7)])
@pytest.mark.parametrize("offset", [0, 1e8])
def test_agrees_with_sorting_by_distance(n: int, f: int, offset: float) -> None:
    vectors = offset + fresh_rng(n).normal(0, 1, (n, 6))
    trusted = vectors[n // 2]
    nearest = sorted(vectors, key=lambda vector: float(((vector - trusted) ** 2).sum()))[: n - f]

    aggregate = MoNNA(n // 2)(vectors, of(f, *range(n)))

    assert aggregate == pytest.approx(np.mean(nearest, axis=0), rel=1e-13)


def test_trusts_a_device_not_a_row() -> None:
    vectors = np.array([[0.0], [1], [10], [12], [13]])

    assert MoNNA(7)(vectors, of(2, 2, 3, 5, 7, 11)) == pytest.approx([35 / 3])
    assert MoNNA(2)(vectors, of(2, 2, 3, 5, 7, 11)) == pytest.approx([11 / 3])


def test_draws_one_of_those_equally_far() -> None:
    vectors = np.array([[0.0], [1], [-1]])

    means = {float(MoNNA(0)(vectors, of(1, 0, 1, 2, seed=seed))[0]) for seed in range(20)}

    assert means == {-0.5, 0.5}
    assert MoNNA(0)(vectors, Context(1, InOrder(), devices=(0, 1, 2))) == [0.5]


def test_is_not_moved_by_huge_liars() -> None:
    vectors = np.array([[1e200], [-1e308], [1.0], [2.0], [3.0]])

    assert MoNNA(3)(vectors, of(2, *range(5))) == pytest.approx([2])


def test_refuses_a_round_without_the_trusted_device() -> None:
    with pytest.raises(ConfigError, match=r"^trusted = 4: that device sent no vector"):
        MoNNA(4)(np.zeros((3, 2)), of(1, 0, 1, 2))


def test_refuses_a_round_where_the_trusted_device_sent_no_numbers() -> None:
    with pytest.raises(ConfigError, match=r"^trusted = 1: that device sent no vector"):
        Aggregation(MoNNA(1))(np.array([[0.0], [np.nan], [1]]), of(1, 0, 1, 2))


def test_refuses_vectors_that_are_no_device_s_own() -> None:
    buckets = Aggregation(MoNNA(1), (PREAGGREGATORS.read({"kind": "bucketing", "size": 2}),))

    with pytest.raises(ConfigError, match=r"^trusted = 1: MoNNA needs each device's own vector"):
        buckets(np.zeros((10, 2)), of(1, *range(10)))


def test_takes_mixed_vectors_that_are_still_a_device_s() -> None:
    vectors = fresh_rng().normal(0, 1, (5, 2))

    aggregate = Aggregation(MoNNA(1), (NearestNeighborMixing(),))(vectors, of(0, *range(5)))

    assert aggregate == pytest.approx(vectors.mean(axis=0))


def test_refuses_a_device_that_cannot_be() -> None:
    with pytest.raises(ConfigError, match=r"^trusted = -1: must be the id of a device"):
        MoNNA(-1)


@pytest.mark.parametrize(("n", "f"), [(3, 1), (10, 3), (9, 4)])
def test_is_robust_with_4f_if_the_trusted_device_is_honest(n: int, f: int) -> None:
    for seed in range(50):
        honest = fresh_rng(seed).standard_t(2, (n - f, 3))
        center = honest.mean(axis=0)
        for lie in (honest[0] * 2 - center, center + 3, -honest[0], honest[0]):
            vectors = np.vstack([honest, np.tile(lie, (f, 1))])

            error = ((MoNNA(0)(vectors, of(f, *range(n))) - center) ** 2).sum()

            assert error <= 4 * f * ((honest - center) ** 2).sum(axis=1).mean()


def test_says_no_kappa() -> None:
    assert Aggregation(MoNNA(0)).kappa(10, 2) == np.inf
    assert context(0).devices is None
