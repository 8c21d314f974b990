"""The cyclic code of DRACO, seen as what it is: samples of a signal of limited band."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["BandCode", "Complex", "Fit", "Rows", "band_code"]

Complex = NDArray[np.complexfloating[Any, Any]]
Rows = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class BandCode:
    """The weights of the code and the checks that its words pass.

    Row i of a word is r_i = Σ_t c_t g_{i+t}, t = 0, …, load − 1, indices modulo n. The
    weights c are silent at load − 1 neighbouring frequencies, those farthest from zero.
    So are the n rows, taken as samples of a signal over i: these frequencies are the
    parity checks, the other m = n − load + 1 carry the gradients, and frequency zero
    is the mean of all gradients, because Σ_t c_t = 1. A row that lies is an impulse.

    This is W of DRACO, Section 4, for the centre frequency p = ⌊(m−1)/2⌋, but for
    factors that everyone knows: W[i, i+t] = √n · exp(2πi·ip/n) · c_t.

    Args:
        n: The number of rows.
        weights: c, shape (load,); real where m is odd.
        checks: Shape (load − 1, n), with orthonormal rows; zero times any word.
    """

    n: int
    weights: Complex
    checks: Complex

    @property
    def parities(self) -> int:
        return len(self.checks)

    def signatures(self, length: int) -> Complex:
        """Each row's impulse at so many neighbouring frequencies, up to a factor; (length, n)."""
        return _roots(self.n, -np.outer(np.arange(length), np.arange(self.n)))

    def fit(self, rows: Complex, out: Rows) -> "Fit":
        """The word nearest to all rows but some.

        Args:
            rows: Shape (n, Q).
            out: The rows that have no say, fewer than there are parity checks.
        """
        heard = rows
        if len(out):
            heard = rows.copy()
            heard[out] = 0
        # What stands in the rows left out is free: only that need be solved for, which
        # is less than the word and as well conditioned.
        syndrome = self.checks @ heard
        basis, triangle = np.linalg.qr(self.checks[:, out])
        seen = basis.conj().T @ syndrome
        return Fit(self, out, heard, syndrome - basis @ seen, -np.linalg.solve(triangle, seen))

    def gains(self, out: Rows) -> NDArray[np.float64]:
        """How much noise in the other rows is magnified in those of a fit, shape (|out|,)."""
        gains: NDArray[np.float64] = np.linalg.norm(self._dependence(out), axis=1)
        return gains

    def mean_gain(self, out: Rows) -> float:
        """How much noise in the other rows is magnified in the mean of a fit; 1/√n without any."""
        weights = 1 + self._dependence(out).sum(axis=0)
        weights[out] = 0
        return float(np.linalg.norm(weights)) / self.n

    def _dependence(self, out: Rows) -> Complex:
        """What a fit fills in is this times the rows, shape (|out|, n)."""
        basis, triangle = np.linalg.qr(self.checks[:, out])
        dependence: Complex = -np.linalg.solve(triangle, basis.conj().T @ self.checks)
        dependence[:, out] = 0
        return dependence


@dataclass(frozen=True, eq=False)
class Fit:
    """A word fitted to some of the rows.

    Args:
        code: Whose word it is.
        out: The rows that had no say.
        heard: The rows, zero where they had none; shape (n, Q).
        residual: What the others lack to be those of a word, at the parity checks;
            shape (parities, Q).
        filled: What the word has in the rows left out, shape (|out|, Q).
    """

    code: BandCode
    out: Rows
    heard: Complex
    residual: Complex
    filled: Complex

    @property
    def miss(self) -> float:
        """How far the rows heard are from the word."""
        return float(np.linalg.norm(self.residual))

    @property
    def mean(self) -> Complex:
        """What the word has at frequency zero, shape (Q,)."""
        mean: Complex = (self.heard.sum(axis=0) + self.filled.sum(axis=0)) / self.code.n
        return mean

    def deviations(self, rows: Complex) -> NDArray[np.float64]:
        """How far each row is from the word, shape (n,)."""
        apart = self.code.checks.conj().T @ self.residual
        apart[self.out] = rows[self.out] - self.filled
        distances: NDArray[np.float64] = np.linalg.norm(apart, axis=1)
        return distances


@cache
def band_code(n: int, load: int) -> BandCode:
    """The code for n devices with `load` subsets each, 1 <= load <= n."""
    # The band goes from −⌊(m−1)/2⌋ to ⌊m/2⌋, and the checks from there on.
    frequencies = (n - load + 1) // 2 + 1 + np.arange(load - 1)
    checks = _roots(n, -np.outer(frequencies, np.arange(n))) / np.sqrt(n)
    return BandCode(n, _read_only(_weights(n, load)), _read_only(checks))


def _weights(n: int, load: int) -> Complex:
    # The polynomial with the roots exp(2πi·u/n) at load − 1 neighbouring u. By the
    # q-binomial theorem the moduli of its coefficients are products of sines, each
    # right to the last digits, where solving for them fails (at n = 100, load = 41 the
    # equations have a condition of 10^17). From the middle outwards nothing overflows.
    middle = (load - 1) // 2
    t = np.arange(middle, load - 1)
    falling = np.cumprod(np.sin(np.pi * (load - 1 - t) / n) / np.sin(np.pi * (t + 1) / n))
    moduli = np.ones(load)
    moduli[middle + 1 :] = falling
    moduli[: len(falling)] = falling[::-1]
    weights: Complex = moduli.astype(np.complex128)
    if (n - load) % 2:  # of an even number of frequencies zero is not the one in the middle
        weights *= np.exp(-1j * np.pi / n * (np.arange(load) - (load - 1) / 2))
    weights /= weights.real.sum()
    return weights


def _roots(n: int, powers: NDArray[np.intp]) -> Complex:
    """exp(2πi/n) to those powers, right to the last digit."""
    quarters = np.arange(n) * 4
    turns = (quarters + n // 2) // n
    angles = np.pi / 2 / n * (quarters - turns * n)
    roots = (np.cos(angles) + 1j * np.sin(angles)) * np.array([1, 1j, -1, -1j])[turns % 4]
    chosen: Complex = roots[powers % n]
    return chosen


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array
