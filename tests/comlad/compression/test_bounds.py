"""Unbiasedness, δ and α as the papers state them, measured and at the vectors that attain them.

Means of random errors are held against 4.5 standard errors: a right compressor fails
such a test once in 150 000 times, and with these seeds never.
"""

from math import floor, sqrt
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from samples import dense, draws, fresh_rng, name_of

from comlad.compression import COMPRESSORS, Bounded, Compressor, chained

Vector = NDArray[np.float64]
Q, DRAWS = 9, 3000

RAND = {"kind": "random-sparsification", "keep": 3, "values": "float64"}
UNBIASED: list[list[dict[str, Any]]] = [
    [{"kind": "identity"}],
    [{"kind": "identity", "values": "float16"}],
    [{"kind": "identity", "values": "bfloat16"}],
    [{"kind": "natural"}],
    [{"kind": "natural", "values": "float64"}],
    [{"kind": "qsgd", "levels": 1}],
    [{"kind": "qsgd", "levels": 2}],
    [{"kind": "qsgd", "levels": 5}],
    [RAND],
    [RAND | {"values": "bfloat16"}],
    [{"kind": "stochastic-quantization"}],
    [{"kind": "terngrad"}],
    [RAND, {"kind": "qsgd", "levels": 1}],
    [RAND, {"kind": "stochastic-quantization"}],
    [RAND, {"kind": "terngrad"}],
    [RAND, {"kind": "identity", "values": "float16"}],
]
VECTORS: dict[str, Vector] = {
    "normal": fresh_rng(1).normal(0, 100, Q),
    "heavy tails": fresh_rng(2).standard_cauchy(Q),
    "few": np.array([0, 0, 3.0, 0, 0, -1.0, 0, 0, 0]),
    "all alike": np.array([1.0, -1, 1, 1, 1, -1, 1, 1, -1]),
}


def compressor_of(tables: list[dict[str, Any]]) -> Any:
    return chained([COMPRESSORS.read(table) for table in tables])


def ids(tables: list[dict[str, Any]]) -> str:
    return "+".join(map(name_of, tables))


def sent(compressor: Compressor, vector: Vector) -> NDArray[np.float64]:
    source = draws()
    return np.array([dense(compressor.compress(vector, source)) for _ in range(DRAWS)])


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS)
@pytest.mark.parametrize("tables", UNBIASED, ids=ids)
def test_are_right_in_the_mean_and_err_no_more_than_delta(
    tables: list[dict[str, Any]], vector: Vector
) -> None:
    """LAD, Definition 2: E C(g) = g and E‖C(g) − g‖² ≤ δ‖g‖²."""
    compressor = compressor_of(tables)

    found = sent(compressor, vector)

    allowed = 4.5 * found.std(axis=0) / sqrt(DRAWS)
    rounding = 1e-6 * np.abs(vector).max()  # where every draw gives the same
    assert (np.abs(found.mean(axis=0) - vector) <= allowed + rounding).all()
    errors = ((found - vector) ** 2).sum(axis=1)
    bound = compressor.delta(Q) * (vector**2).sum()
    assert errors.mean() <= bound + 4.5 * errors.std() / sqrt(DRAWS) + 1e-9 * bound


ATTAINED: dict[str, tuple[dict[str, Any], Vector]] = {
    "natural": ({"kind": "natural"}, np.full(6, 4 / 3)),
    "qsgd, s = 1": ({"kind": "qsgd", "levels": 1}, np.array([1.0, -1, 1, 1, -1, 1])),
    "qsgd, s = √Q/2": ({"kind": "qsgd", "levels": 2}, np.array([1.0, -1] * 8)),
    "qsgd, s < √Q/2": ({"kind": "qsgd", "levels": 2}, np.ones(50)),
    "qsgd, s > √Q/2": ({"kind": "qsgd", "levels": 2}, np.array([3.0] + [1.0] * 7)),  # 16 = 9 + 7
    "stochastic-quantization": (
        {"kind": "stochastic-quantization"},
        np.array([-1.0, 0, 0, 0, 1, 0, 0]),
    ),
    "terngrad": ({"kind": "terngrad"}, np.array([1.0] + [1 / (sqrt(10) + 1)] * 9)),
    "random-sparsification": (RAND, np.array([1.0, 5.0, 0.0, -3.0])),
}


@pytest.mark.parametrize(("table", "vector"), ATTAINED.values(), ids=ATTAINED)
def test_attains_its_delta(table: dict[str, Any], vector: Vector) -> None:
    compressor = compressor_of([table])

    errors = ((sent(compressor, vector) - vector) ** 2).sum(axis=1)

    expected = compressor.delta(len(vector)) * (vector**2).sum()
    assert abs(errors.mean() - expected) <= 4.5 * errors.std() / sqrt(DRAWS) + 1e-9 * expected


def two_level_error(vector: Vector) -> float:
    return float(((max(vector) - vector) * (vector - min(vector))).sum())


def ternary_error(vector: Vector) -> float:
    magnitudes = np.abs(vector)
    return float(magnitudes.max() * magnitudes.sum() - (vector**2).sum())


def natural_error(vector: Vector) -> float:
    error = 0.0
    for value in np.abs(vector[vector != 0]):
        power = 2.0 ** floor(np.log2(value))
        error += (2 * power - value) * (value - power)
    return error


def qsgd_error(vector: Vector, levels: int) -> float:
    square = (vector**2).sum()
    ratios = levels * np.abs(vector) / sqrt(square)
    parts = ratios - np.floor(ratios)
    return float(square / levels**2 * (parts * (1 - parts)).sum())


FORMULAS: dict[str, tuple[dict[str, Any], Any]] = {
    "stochastic-quantization": ({"kind": "stochastic-quantization"}, two_level_error),
    "terngrad": ({"kind": "terngrad"}, ternary_error),
    "natural": ({"kind": "natural"}, natural_error),
} | {
    f"qsgd, s = {s}": (
        {"kind": "qsgd", "levels": s},
        lambda vector, s=s: qsgd_error(vector, s),
    )
    for s in (1, 2, 3, 4, 7)
}


@pytest.mark.parametrize(("table", "formula"), FORMULAS.values(), ids=FORMULAS)
class TestTheErrorsFormula:
    def test_is_what_is_measured(self, table: dict[str, Any], formula: Any) -> None:
        vector = VECTORS["normal"]

        errors = ((sent(compressor_of([table]), vector) - vector) ** 2).sum(axis=1)

        assert abs(errors.mean() - formula(vector)) <= 4.5 * errors.std() / sqrt(DRAWS)

    @pytest.mark.parametrize("dimension", [1, 2, 3, 4, 9, 40])
    def test_stays_below_delta_whatever_the_vector(
        self, table: dict[str, Any], formula: Any, dimension: int
    ) -> None:
        rng, delta = fresh_rng(), compressor_of([table]).delta(dimension)
        worst = 0.0

        for _ in range(300):
            vector = np.abs(rng.normal(size=dimension)) ** rng.uniform(0, 4)
            vector *= rng.choice([-1, 1], dimension)
            worst = max(worst, formula(vector) / (vector**2).sum())

        assert worst <= delta + 1e-9


@pytest.mark.parametrize(
    ("table", "delta"),
    [
        ({"kind": "random-sparsification", "keep": 30}, 7 / 3),
        ({"kind": "stochastic-quantization"}, 49.0),
        ({"kind": "qsgd", "levels": 1}, 9.0),
        ({"kind": "qsgd", "levels": 4}, 1.5),
        ({"kind": "qsgd", "levels": 10}, 0.25),
        ({"kind": "terngrad"}, 4.5),
        ({"kind": "natural"}, 0.125),
        ({"kind": "identity"}, 0.0),
        ({"kind": "identity", "values": "float16"}, 2.0**-22),
        ({"kind": "identity", "values": "bfloat16"}, 2.0**-16),
        ({"kind": "random-sparsification", "keep": 50, "values": "bfloat16"}, 1 + 2.0**-15),
        ({"kind": "top-k", "keep": 30}, None),
        ({"kind": "scaled-sign"}, None),
        ({"kind": "stochastic-quantization", "range": [-1.0, 1.0]}, None),
    ],
)
def test_knows_its_delta_for_a_hundred_coordinates(
    table: dict[str, Any], delta: float | None
) -> None:
    assert compressor_of([table]).delta(100) == (
        None if delta is None else pytest.approx(delta, rel=1e-9)
    )


@pytest.mark.parametrize("dimension", [2, 3, 10, 100, 10_000])
@pytest.mark.parametrize("levels", [1, 2, 3, 7, 100])
def test_of_qsgd_is_below_what_its_paper_claims(dimension: int, levels: int) -> None:
    delta = compressor_of([{"kind": "qsgd", "levels": levels}]).delta(dimension)

    assert delta < min(dimension / levels**2, sqrt(dimension) / levels)


@pytest.mark.parametrize("tables", [*UNBIASED, [{"kind": "top-k", "keep": 3}]], ids=ids)
def test_contracts_by_what_delta_leaves(tables: list[dict[str, Any]]) -> None:
    compressor = compressor_of(tables)
    assert isinstance(compressor, Bounded)

    delta, alpha = compressor.delta(Q), compressor.alpha(Q)

    if delta is not None:
        assert alpha == (1 - delta if delta < 1 else None)
    else:
        assert alpha == pytest.approx(1 / 3)
