"""What rules make of vectors that are mostly zero, beside what they make of the matrix."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from samples import context, fresh_rng, name_of, repeatable

from comlad.aggregation import AGGREGATORS, TakesSparse

RULES: list[dict[str, Any]] = [
    {"kind": "mean"},
    {"kind": "median"},
    {"kind": "trimmed-mean"},
    {"kind": "trimmed-mean", "trim": 0},
    {"kind": "trimmed-mean", "trim": 0.1},
    {"kind": "trimmed-mean", "trim": 0.4},
]

# Few values, so that many are equal; exact in float32, as they travel, or not.
SINGLES = st.sampled_from([0.0, 0.0, -0.0, 1, -1, 2, -2, 0.5, -7, 2.0**-149, -(2.0**120)])
DOUBLES = st.floats(-1e100, 1e100, allow_subnormal=True)
MATRICES = st.one_of(
    [
        arrays.arrays(np.float64, st.tuples(st.integers(1, 12), st.integers(1, 9)), elements=values)
        for values in (SINGLES, SINGLES | st.sampled_from([0.1, -0.1, 1e39]), SINGLES | DOUBLES)
    ]
)


def without_zeros(vectors: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """What devices send: the coordinates of one vector after the other, ascending in each."""
    rows, columns = np.nonzero(vectors)
    return columns, vectors[rows, columns]


def of_sparse(
    table: dict[str, Any],
    indices: NDArray[np.int64],
    values: NDArray[np.float64],
    shape: tuple[int, int],
    f: int = 0,
) -> NDArray[np.float64]:
    rule = AGGREGATORS.read(table)
    assert isinstance(rule, TakesSparse)
    return rule.of_sparse(indices, values, *shape, context(f))


def test_has_a_sample_of_every_rule_that_takes_them() -> None:
    takers = {kind for kind, rule in AGGREGATORS.own.items() if hasattr(rule, "of_sparse")}

    assert {rule["kind"] for rule in RULES} == takers


@pytest.mark.parametrize("table", RULES, ids=name_of)
class TestEveryRuleThatTakesSparse:
    @repeatable
    @given(vectors=MATRICES)
    def test_agrees_with_the_matrix(self, table: dict[str, Any], vectors: Any) -> None:
        f = (len(vectors) - 1) // 3

        sparse = of_sparse(table, *without_zeros(vectors), vectors.shape, f)

        dense = AGGREGATORS.read(table)(vectors, context(f))
        # Of the greatest in the column: values that cancel lose digits in either order.
        scale = np.abs(vectors).max(axis=0)
        assert (np.abs(sparse - dense) <= 1e-12 * scale).all()

    @pytest.mark.parametrize("n", [30, 301])
    @pytest.mark.parametrize("density", [0.01, 0.3, 0.9, 1.0])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_agrees_with_a_larger_matrix(
        self, table: dict[str, Any], n: int, density: float, dtype: type[np.floating[Any]]
    ) -> None:
        rng = fresh_rng()
        vectors = rng.standard_t(2, (n, 400)).astype(dtype).astype(np.float64)
        vectors[rng.random(vectors.shape) > density] = 0

        sparse = of_sparse(table, *without_zeros(vectors), vectors.shape, n // 5)

        dense = AGGREGATORS.read(table)(vectors, context(n // 5))
        assert sparse == pytest.approx(dense, rel=1e-12, abs=1e-13)

    def test_takes_zeros_that_were_sent(self, table: dict[str, Any]) -> None:
        vectors = fresh_rng().integers(-1, 2, (12, 7)).astype(float)
        indices = np.tile(np.arange(7), 12)

        sparse = of_sparse(table, indices, vectors.ravel(), vectors.shape, 3)

        dense = AGGREGATORS.read(table)(vectors, context(3))
        assert sparse == pytest.approx(dense, rel=1e-15)

    def test_takes_vectors_of_nothing_but_zeros(self, table: dict[str, Any]) -> None:
        nothing = np.array([], np.int64)

        aggregate = of_sparse(table, nothing, np.array([]), (5, 4))

        assert aggregate.tolist() == [0, 0, 0, 0]
        assert aggregate.dtype == np.float64

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_does_not_depend_on_who_sent_what(
        self, table: dict[str, Any], dtype: type[np.floating[Any]]
    ) -> None:
        vectors = fresh_rng().normal(0, 1, (20, 50)).astype(dtype).astype(np.float64)
        vectors[:, ::2] = 0

        results = {
            of_sparse(
                table, *without_zeros(fresh_rng(seed).permutation(vectors)), vectors.shape, 4
            ).tobytes()
            for seed in range(5)
        }

        assert len(results) == 1 or table["kind"] == "mean"  # which adds in their order

    def test_leaves_its_input_alone(self, table: dict[str, Any]) -> None:
        indices, values = without_zeros(fresh_rng().normal(0, 1, (9, 5)))
        copies = indices.copy(), values.copy()
        indices.flags.writeable = values.flags.writeable = False

        of_sparse(table, indices, values, (9, 5), 2)

        assert (indices.tobytes(), values.tobytes()) == tuple(copy.tobytes() for copy in copies)


def test_sorts_values_of_both_signs_inwards() -> None:
    # Ranked: −3 −2 0 0 0 4 5.
    indices, values = np.zeros(4, np.int64), np.array([5.0, -2, 4, -3])

    def trimmed(trim: int) -> float:
        return float(of_sparse({"kind": "trimmed-mean", "trim": trim}, indices, values, (7, 1))[0])

    assert [trimmed(b) * (7 - 2 * b) for b in range(4)] == pytest.approx([4, 2, 0, 0])
