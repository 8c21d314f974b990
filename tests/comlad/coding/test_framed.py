import numpy as np
import pytest
from samples import fresh_rng

from comlad.coding._band_code import band_code
from comlad.coding._framed import neighbourhoods, resembles_a_word


@pytest.mark.parametrize(
    ("accused", "known", "between", "along"),
    [
        ([], [], [], []),
        ([3, 11], [], [], []),  # one of them for each row in between is too few
        ([3, 5], [], [4], [3, 5]),
        ([3, 5, 12], [], [4], [3, 5]),
        ([1, 2, 4, 5], [], [0, 3], [1, 2, 4, 5]),
        ([0, 19], [], [1], [0, 19]),  # the last row is next to the first
        ([3, 6], [5], [4], [3, 6]),
        ([3], [4, 5], [], []),
    ],
)
def test_finds_rows_between_the_accused(
    accused: list[int], known: list[int], between: list[int], along: list[int]
) -> None:
    out = np.array(sorted(accused + known), np.intp)

    found = neighbourhoods(20, out, np.array(accused, np.intp))

    assert [rows.tolist() for rows in found] == [between, along]


class TestResemblesAWord:
    CODE = band_code(30, 13)

    def test_but_for_a_row_that_it_finds(self) -> None:
        # The one word that is zero but in 13 rows, of which five are hidden.
        support = np.arange(0, 26, 2)
        word = np.zeros((30, 1), np.complex128)
        word[support, 0] = np.linalg.svd(self.CODE.checks[:, support])[2][-1].conj()
        errors, all_but_one = word.copy(), np.array([8, 10, 14, 16])
        errors[[8, 10, 12, 14, 16]] = 0

        assert np.abs(self.CODE.checks @ word).max() < 1e-12
        assert resembles_a_word(self.CODE, errors, all_but_one, 5)
        assert not resembles_a_word(self.CODE, errors, all_but_one, 4)

    def test_hardly_ever_by_chance(self) -> None:
        errors = np.zeros((30, 1), np.complex128)
        errors[[2, 9, 11, 20], 0] = fresh_rng().normal(size=4)

        assert not resembles_a_word(self.CODE, errors, np.array([10]), 6)
