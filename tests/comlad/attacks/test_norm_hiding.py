import math

import numpy as np
import pytest
from attack_samples import view_of
from samples import fresh_rng

from comlad.attacks import NormHiding
from comlad.errors import ConfigError

# Norms 1, 2, …, 10.
LADDER = np.outer(np.arange(1, 11), [0.6, 0.8])


def test_points_against_the_mean() -> None:
    vector = NormHiding()(view_of(LADDER))

    assert vector / np.linalg.norm(vector) == pytest.approx([-0.6, -0.8])


@pytest.mark.parametrize(("beta", "length"), [(0.2, 8), (0.0, 10), (0.25, 8), (0.5, 5)])
def test_is_just_below_the_quantile(beta: float, length: float) -> None:
    norm = np.linalg.norm(NormHiding(beta)(view_of(LADDER)))

    assert norm < length
    assert norm == pytest.approx(length, rel=2e-6)
    assert np.float32(norm) < length


@pytest.mark.parametrize(("f", "length"), [(0, 8), (1, 7), (2, 7), (3, 7), (4, 6)])
def test_leaves_room_for_all_liars(f: int, length: float) -> None:
    """Of 10 with f liars, ⌊(8 − f) · 10/(10 − f)⌋."""
    norm = np.linalg.norm(NormHiding(0.2, f)(view_of(LADDER)))

    assert norm == pytest.approx(length, rel=2e-6)


def test_stays_among_the_kept_of_a_rule_that_drops_the_longest() -> None:
    """Rule: the mean of the ⌈(1 − β) N⌉ shortest. Its 30 liars of 100 are all kept, in the mean."""
    n, f, beta = 100, 30, 0.3
    survivors = []
    for seed in range(60):
        rng = fresh_rng(seed)
        rows = rng.normal(1, 1, (n, 3)) * rng.exponential(1, (n, 1))
        lie = NormHiding(beta, f)(view_of(rows))
        honest = rng.permutation(rows)[f:]
        norms = np.concatenate([np.linalg.norm(honest, axis=1), [np.linalg.norm(lie)] * f])
        kept = np.argsort(norms, kind="stable")[: math.ceil((1 - beta) * n)]
        survivors.append(int((kept >= n - f).sum()))

    assert np.mean(survivors) > 0.9 * f


def test_is_the_shortest_where_there_is_no_room() -> None:
    norm = np.linalg.norm(NormHiding(0.7, 4)(view_of(LADDER)))

    assert norm == pytest.approx(1, rel=2e-6)


@pytest.mark.parametrize("beta", [-0.1, 1.0, np.nan])
def test_refuses_a_fraction_that_is_none(beta: float) -> None:
    with pytest.raises(ConfigError, match=r"^beta = .*: must be a fraction from 0 to below 1$"):
        NormHiding(beta)


def test_refuses_half_of_them_liars() -> None:
    with pytest.raises(ConfigError, match=r"^f = 5: must be less than half of 10 devices$"):
        NormHiding(0.2, 5).check(10)
