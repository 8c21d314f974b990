"""The search for the rows that lie, in a received word of DRACO's cyclic code.

The syndrome of the rows (`BandCode.checks` times them) is a sum of impulses, one for
each row that lies. Along neighbouring frequencies the impulse of row i is a geometric
sequence with ratio exp(−2πi·i/n), so that the search is for frequencies in a sum of
sinusoids, as in direction finding.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from comlad.coding._band_code import BandCode, Complex, Rows

__all__ = ["Search"]

# Singular values below such a part of the largest may be noise. There is no telling
# which part it is, with errors of all sizes.
_NOISE = (1e-13, 1e-10, 1e-6)
# How many random combinations of columns are tried on their own.
_COMBINATIONS = 4
_REFINEMENTS = 4
_PEELINGS = 3


@dataclass(frozen=True, eq=False)
class Search:
    """A search for sets of rows without which the others are a codeword.

    Args:
        code: The code.
        rows: Shape (n, Q), zero where `known`; random projections of the columns do.
        allowed: How large the miss of such a fit may be.
        rng: For projections.
    """

    code: BandCode
    rows: Complex
    allowed: float
    rng: Generator

    def sets(self, known: Rows, most: int, peelings: int = _PEELINGS) -> Iterator[Rows]:
        """Those found, each with `known` and at most `most` others, likeliest first.

        Of two sets that explain the rows the smaller is the likelier: few before many.

        Args:
            known: Rows that have no say anyway.
            most: At least 1.
            peelings: How often half of the best guess may be taken for known.
        """
        tried = set[bytes]()
        order = known[:0]
        for size, order in self._guesses(known, most):
            guess = order[:size]
            for _ in range(_REFINEMENTS):
                out = np.union1d(known, guess)
                if out.tobytes() in tried:
                    break
                tried.add(out.tobytes())
                fit = self.code.fit(self.rows, out)
                if fit.miss <= self.allowed:
                    yield out
                # As in least trimmed squares, next the rows that are farthest off.
                deviations = fit.deviations(self.rows)
                deviations[known] = -1
                guess = _largest(deviations, size)
        if peelings and most > 1:
            # The first of Prony's are right long before the last, and make those easier.
            half = order[: (most + 1) // 2]
            yield from self.sets(np.union1d(known, half), most - len(half), peelings - 1)

    def _guesses(self, known: Rows, most: int) -> Iterator[tuple[int, Rows]]:
        """How many may lie, and the rows in order of how likely each does."""
        orders = []
        for rank, scores in self._rankings(known, most):
            orders.append(_largest(-scores, most))
            if rank <= most:
                yield rank, orders[-1]
        for order in orders:
            yield most, order

    def _rankings(self, known: Rows, most: int) -> Iterator[tuple[int, NDArray[np.float64]]]:
        """How many seem to lie, and how far each row's impulse is from what is in the syndrome."""
        heard = self.rows.copy()
        heard[known] = 0
        syndrome = self.code.checks @ heard
        for ratio in self.code.signatures(2)[1, known]:
            # Silences that row and leaves geometric sequences what they are.
            syndrome = syndrome[1:] - ratio * syndrome[:-1]
        length = len(syndrome)
        # With long windows (MUSIC) fewer independent columns than liars are not enough,
        # short ones (smoothed MUSIC) see less far apart but take any: down to Prony's.
        for window in sorted({length, (length + most + 1) // 2, most + 1}, reverse=True):
            yield from self._music(_hankel(syndrome, window, self.rng), known, most)
        for _ in range(_COMBINATIONS):
            combination = syndrome @ self.rng.normal(1, 1, (syndrome.shape[1], 1))
            yield from self._music(_hankel(combination, most + 1, self.rng), known, most)

    def _music(
        self, windows: Complex, known: Rows, most: int
    ) -> Iterator[tuple[int, NDArray[np.float64]]]:
        left, values = _left_singular(windows)
        signatures = self.code.signatures(len(windows))
        ranks = {most, *(int(np.count_nonzero(values > part * values[0])) for part in _NOISE)}
        for rank in sorted({min(rank, len(windows) - 1) for rank in ranks}):
            scores = np.linalg.norm(left[:, rank:].conj().T @ signatures, axis=0)
            scores[known] = np.inf
            yield rank, scores


def _hankel(sequences: Complex, window: int, rng: Generator) -> Complex:
    """All windows of the sequences in the columns; if those are many, random sums of them."""
    shifts = len(sequences) - window + 1
    windows = np.hstack([sequences[shift : shift + window] for shift in range(shifts)])
    if windows.shape[1] > 2 * window:
        windows = windows @ rng.normal(size=(windows.shape[1], 2 * window))
    return windows


def _left_singular(matrix: Complex) -> tuple[Complex, NDArray[np.float64]]:
    """All left singular vectors, and the singular values, descending."""
    try:
        left, values, _ = np.linalg.svd(matrix, full_matrices=True)
    except np.linalg.LinAlgError:  # the fast algorithm, rarely, does not converge
        squares, left = np.linalg.eigh(matrix @ matrix.conj().T)
        left, values = left[:, ::-1], np.sqrt(np.maximum(squares[::-1], 0))
    return left, values


def _largest(values: NDArray[np.float64], count: int) -> Rows:
    order: Rows = np.argsort(-values, kind="stable")[:count]
    return order
