import numpy as np
import pytest
from numpy.typing import NDArray
from samples import fresh_rng

from comlad.problems._rows import SubsetRows

SIZES = np.array([3, 1, 5, 2])
OFFSETS = np.array([0, 3, 4, 9])


def with_columns(columns: int) -> tuple[SubsetRows, NDArray[np.float64]]:
    rng = fresh_rng(columns)
    return SubsetRows(rng.normal(0, 1, (11, columns)), SIZES), rng.normal(0, 1, columns)


def slopes(
    products: NDArray[np.float64], members: "slice | NDArray[np.intp]"
) -> NDArray[np.float64]:
    """Of the losses (<x, z> − j)² / 2, j being the sample's number."""
    return products - np.arange(11)[members]


def plain_gradient(
    rows: SubsetRows, model: NDArray[np.float64], subset: int, chosen: list[int]
) -> NDArray[np.float64]:
    """One sample after the other."""
    total = np.zeros(len(model))
    for sample in chosen:
        place = OFFSETS[subset] + sample
        total += (rows.features[place] @ model - place) * rows.features[place]
    return 4 / 11 * int(SIZES[subset]) / len(chosen) * total


CASES: list[tuple[list[int], list[list[int]]]] = [
    ([2], [[4]]),
    ([0, 1, 3, 0], [[2], [0], [1], [0]]),
    ([0, 1, 3], [[2, 0], [0, 0], [1, 0]]),
    ([3, 2, 1, 2], [[1, 1, 0], [4], [0, 0], [0, 1, 2, 3, 4]]),
    ([2, 2], [list(range(5)) * 9, [3]]),
]


@pytest.mark.parametrize(("subsets", "chosen"), CASES)
@pytest.mark.parametrize("columns", [1, 2, 3, 8, 101, 9001])
class TestSampledGradients:
    def test_are_sums_over_the_samples(
        self, columns: int, subsets: list[int], chosen: list[list[int]]
    ) -> None:
        rows, model = with_columns(columns)

        estimates = rows.sampled_gradients(
            model, np.array(subsets), [np.array(few) for few in chosen], slopes
        )

        for estimate, subset, few in zip(estimates, subsets, chosen, strict=True):
            assert estimate == pytest.approx(plain_gradient(rows, model, subset, few), abs=1e-9)

    def test_have_the_same_bits_alone(
        self, columns: int, subsets: list[int], chosen: list[list[int]]
    ) -> None:
        rows, model = with_columns(columns)
        samples = [np.array(few) for few in chosen]

        together = rows.sampled_gradients(model, np.array(subsets), samples, slopes)

        for row, subset, few in zip(together, subsets, samples, strict=True):
            (alone,) = rows.sampled_gradients(model, np.array([subset]), [few], slopes)
            assert row.tobytes() == alone.tobytes()


def test_give_a_subset_without_samples_no_gradient() -> None:
    rows = SubsetRows(np.ones((2, 3)), np.array([2, 0]))

    gradients = rows.gradients(np.ones(3), np.array([1, 0]), slopes)

    assert gradients.tolist() == [[0, 0, 0], [5, 5, 5]]
