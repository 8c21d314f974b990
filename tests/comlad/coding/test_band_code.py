import numpy as np
import pytest
from numpy.typing import NDArray
from samples import fresh_rng

from comlad.coding._band_code import BandCode, Complex, band_code

SIZES = [(3, 3), (4, 4), (5, 3), (15, 7), (20, 9), (20, 10), (100, 41), (100, 42), (1000, 41)]


def code_matrix(code: BandCode) -> Complex:
    """W: in row i what stands before each gradient."""
    matrix = np.zeros((code.n, code.n), np.complex128)
    for i in range(code.n):
        for t, weight in enumerate(code.weights):
            matrix[i, (i + t) % code.n] = weight
    return matrix


def fourier_matrix(n: int) -> Complex:
    """The unitary F of DRACO: F[i, u] = exp(2πi·iu/n) / √n."""
    i = np.arange(n)
    transform: Complex = np.exp(2j * np.pi * (np.outer(i, i) % n) / n) / np.sqrt(n)
    return transform


def draco_by_equations(n: int, s: int, p: int) -> Complex:
    """W = C1·Q of DRACO, Section 4, where Q[p, :] = 1 and W has the cyclic support."""
    m = n - 2 * s
    basis = fourier_matrix(n)[:, :m]
    without = [i for i in range(n) if i not in {-t % n for t in range(2 * s + 1)}]
    others = [u for u in range(m) if u != p]
    q = np.ones(m, np.complex128)
    q[others] = np.linalg.solve(basis[np.ix_(without, others)], -basis[without, p])
    u, k = np.arange(m), np.arange(n)
    words = q[:, None] * np.exp(-2j * np.pi * np.outer(u - p, k) / n)
    matrix: Complex = basis @ words
    return matrix


@pytest.mark.parametrize(("n", "s"), [(15, 3), (20, 4), (11, 2)])
def test_is_draco_at_the_centre_frequency_but_for_known_factors(n: int, s: int) -> None:
    p = (n - 2 * s - 1) // 2

    code = code_matrix(band_code(n, 2 * s + 1))

    factors = np.sqrt(n) * np.exp(2j * np.pi * np.arange(n) * p / n)
    assert factors[:, None] * code == pytest.approx(draco_by_equations(n, s, p), abs=1e-12)


@pytest.mark.parametrize(("n", "load"), SIZES)
class TestEveryCode:
    def test_passes_its_checks(self, n: int, load: int) -> None:
        code = band_code(n, load)

        assert np.abs(code.checks @ code_matrix(code)).max() < 1e-15

    def test_has_orthonormal_checks_apart_from_the_band(self, n: int, load: int) -> None:
        code = band_code(n, load)
        band = np.arange(n - load + 1) - (n - load) // 2

        products = code.checks @ np.vstack([code.checks.conj(), fourier_matrix(n)[:, band].T]).T

        assert products == pytest.approx(np.eye(load - 1, n), abs=1e-12)

    def test_gives_rows_whose_mean_is_that_of_the_gradients(self, n: int, load: int) -> None:
        weights = band_code(n, load).weights

        assert weights.sum() == pytest.approx(1, abs=1e-15)

    def test_has_positive_weights_where_the_band_is_even_about_zero(
        self, n: int, load: int
    ) -> None:
        weights = band_code(n, load).weights

        assert (not weights.imag.any()) == ((n - load) % 2 == 0)
        assert (weights.real >= 0).all()

    def test_is_built_once_and_cannot_be_changed(self, n: int, load: int) -> None:
        code = band_code(n, load)

        assert band_code(n, load) is code
        assert not code.weights.flags.writeable
        assert not code.checks.flags.writeable


def test_has_small_weights_at_the_papers_size() -> None:
    # At an edge frequency max|W| is 2.5e7.
    assert np.sqrt(100) * np.abs(band_code(100, 41).weights).max() < 1.2


class TestFit:
    def word(self, code: BandCode) -> tuple[Complex, NDArray[np.float64]]:
        gradients = fresh_rng().normal(1, 1, (code.n, 7))
        return code_matrix(code) @ gradients, gradients.mean(axis=0)

    @pytest.mark.parametrize("out", [[], [3], [0, 1, 14], [2, 5, 7, 11, 13]])
    def test_takes_the_mean_from_the_other_rows(self, out: list[int]) -> None:
        code = band_code(15, 7)
        rows, mean = self.word(code)
        left_out = np.array(out, np.intp)
        rows[left_out] = 1e3

        fit = code.fit(rows, left_out)

        assert fit.miss < 1e-13
        assert fit.mean == pytest.approx(mean, abs=1e-13)
        assert fit.filled == pytest.approx(self.word(code)[0][left_out], abs=1e-13)

    def test_says_how_far_the_rows_are_from_it(self) -> None:
        code, out = band_code(15, 7), np.array([2, 3])
        rows, _ = self.word(code)
        rows[3, 0] += 5
        rows[9, 1] += 1e-3

        fit = code.fit(rows, out)

        band = np.asarray(fourier_matrix(15)[:, (np.arange(9) - 4) % 15], np.complex128)
        heard = np.asarray(np.delete(rows, out, axis=0), np.complex128)
        word = band @ np.linalg.lstsq(np.delete(band, out, axis=0), heard, rcond=None)[0]
        assert fit.miss == pytest.approx(np.linalg.norm(np.delete(rows - word, out, axis=0)))
        assert fit.deviations(rows) == pytest.approx(np.linalg.norm(rows - word, axis=1))

    @pytest.mark.parametrize("out", [[], [4], [0, 1, 2], [0, 3, 9]])
    def test_knows_how_noise_is_magnified(self, out: list[int]) -> None:
        code, left_out = band_code(15, 7), np.array(out, np.intp)
        noise = np.eye(15, dtype=np.complex128)

        fit = code.fit(noise, left_out)

        # Column j is what noise of 1 in row j does.
        assert code.mean_gain(left_out) == pytest.approx(np.linalg.norm(fit.mean))
        assert code.gains(left_out) == pytest.approx(np.linalg.norm(fit.filled, axis=1))
