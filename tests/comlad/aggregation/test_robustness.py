"""What rules that claim to be robust withstand: liars far away, and liars near by."""

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from rule_samples import LINKS, RULES, apply, cloud
from samples import fresh_rng, name_of

from comlad.aggregation import (
    AGGREGATORS,
    PREAGGREGATORS,
    Aggregation,
    MultiKrum,
    NormThresholding,
    Phocas,
    TrimmedMean,
)
from comlad.errors import ConfigError

# Rules that one vector can carry off.
UNDEFENDED = {"mean"}
# What f liars may move a robust rule among honest vectors that are about 5 from their mean.
FAR_ENOUGH = 50.0


def legal(rule: Aggregation, n: int, f: int) -> bool:
    try:
        rule.check(n, f)
    except ConfigError:
        return False
    return True


def claims_robustness(table: dict[str, Any], n: int, f: int) -> bool:
    """Whether f of n vectors, however far, should not move the rule far."""
    rule = AGGREGATORS.read(table)
    if isinstance(rule, TrimmedMean | Phocas):
        return TrimmedMean(rule.trim).count(n, f) >= f
    if isinstance(rule, NormThresholding):
        return rule.count(n, f) <= n - f
    if isinstance(rule, MultiKrum) and (rule.select or 0) > n - f:
        return False
    return table["kind"] not in UNDEFENDED and legal(Aggregation(rule), n, f)


def chains(links: list[dict[str, Any]], *sizes: tuple[int, int]) -> list[Any]:
    """Every rule after each of the links, or by itself, with each (n, f) for which it has a κ."""
    before: list[tuple[dict[str, Any], ...]] = [(link,) for link in links] or [()]
    cases = []
    for table, parts, (n, f) in itertools.product(RULES, before, sizes):
        chain = Aggregation(AGGREGATORS.read(table), tuple(map(PREAGGREGATORS.read, parts)))
        if legal(chain, n, f) and math.isfinite(chain.kappa(n, f)):
            name = "-".join([*map(name_of, parts), name_of(table), f"{n}-{f}"])
            cases.append(pytest.param(chain, n, f, id=name))
    return cases


class TestBreakdown:
    """No rule that claims to be robust is carried off by f vectors, wherever they are."""

    CASES = pytest.mark.parametrize(
        ("table", "n", "f"),
        [
            pytest.param(table, n, f, id=f"{name_of(table)}-{n}-{f}")
            for table, (n, f) in itertools.product(RULES, [(7, 1), (11, 2), (9, 4)])
            if claims_robustness(table, n, f)
        ],
    )

    @CASES
    def test_by_liars_who_agree(self, table: dict[str, Any], n: int, f: int) -> None:
        for far in (1e2, 1e6, 1e12, 1e100):
            lies = np.full((f, 5), far)
            assert self.moved(table, cloud(n - f), lies) <= FAR_ENOUGH

    @CASES
    def test_by_liars_who_differ(self, table: dict[str, Any], n: int, f: int) -> None:
        for far in (1e2, 1e6, 1e12, 1e100):
            lies = far * fresh_rng(1).normal(0, 1, (f, 5))
            assert self.moved(table, cloud(n - f), lies) <= FAR_ENOUGH

    def moved(
        self, table: dict[str, Any], honest: NDArray[np.float64], lies: NDArray[np.float64]
    ) -> float:
        rule = Aggregation(AGGREGATORS.read(table))
        aggregate = apply(rule, np.vstack([honest, lies]), len(lies))
        return float(np.linalg.norm(aggregate - honest.mean(axis=0)))


class TestKappa:
    """(f, κ)-robustness (Allouah et al., AISTATS 2023, Definition 2) of all that has a κ."""

    @pytest.mark.parametrize(
        ("rule", "n", "f"), chains([], (5, 1), (7, 1), (7, 2), (8, 3), (9, 4), (11, 2))
    )
    def test_holds_for_every_choice_of_the_honest(self, rule: Aggregation, n: int, f: int) -> None:
        choices = [list(honest) for honest in itertools.combinations(range(n), n - f)]
        kappa = rule.kappa(n, f)

        for vectors in adversarial(n, f):
            assert_robust(apply(rule, vectors, f), vectors[np.array(choices)], kappa)

    @pytest.mark.parametrize(("chain", "n", "f"), chains(LINKS, (8, 1), (9, 3)))
    def test_holds_after_mixing(self, chain: Aggregation, n: int, f: int) -> None:
        kappa = chain.kappa(n, f)

        for vectors in adversarial(n, f):
            assert_robust(apply(chain, vectors, f), vectors[None, : n - f], kappa)


def adversarial(n: int, f: int) -> Iterator[NDArray[np.float64]]:
    """Honest vectors of several kinds, n − f, and then f lies of several kinds."""
    for seed in range(3):
        rng = fresh_rng(seed)
        two_groups = np.repeat([[0.0], [1.0]], n, axis=0)[rng.permutation(2 * n)[: n - f]]
        for honest in (
            rng.normal(0, 1, (n - f, 4)),
            5 + rng.standard_t(2, (n - f, 4)),
            two_groups + rng.normal(0, 1e-3, (n - f, 4)),
            np.eye(n - f, 4),
        ):
            center, spread = honest.mean(axis=0), honest.std(axis=0)
            for lie in (0.5, 1.5, -3, 1e5):
                yield np.vstack([honest, np.tile(center + lie * spread, (f, 1))])
            yield np.vstack([honest, np.tile(honest[0], (f, 1))])  # mimic


def assert_robust(
    aggregate: NDArray[np.float64], choices: NDArray[np.float64], kappa: float
) -> None:
    """Whatever choice of vectors, shape (choices, n − f, Q), is the honest one."""
    centers = choices.mean(axis=1)
    variances = ((choices - centers[:, None]) ** 2).sum(axis=2).mean(axis=1)
    errors = ((aggregate - centers) ** 2).sum(axis=1)
    assert (errors <= kappa * variances * (1 + 1e-9) + 1e-18).all()
