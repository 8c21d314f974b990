"""Some rows of the table for the first draw of its data, and one for another."""

import pytest
from paper_table import TABLE, measure

ROWS = [
    "trimmed mean, d=5",
    "nnm + trimmed mean, d=20",
    "mean, nobody lies",
    "compressed trimmed mean, d=3",
    "compressed nnm + trimmed mean, d=3",
]


@pytest.mark.parametrize("name", ROWS)
def test_comes_as_far_as_the_paper_says(name: str) -> None:
    expected = TABLE[name][-1]

    ratio = measure(name, seed=0)

    assert ratio == pytest.approx(expected[0], rel=0.01)


def test_comes_as_far_with_other_data() -> None:
    expected = TABLE["mean, d=1"][-1]

    assert measure("mean, d=1", seed=3) == pytest.approx(expected[3], rel=0.01)
