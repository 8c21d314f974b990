"""The decoder of DRACO's cyclic code: which rows lie, and the mean without them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from comlad.coding._band_code import BandCode, Complex, Fit, Rows
from comlad.coding._framed import neighbourhoods, resembles_a_word
from comlad.coding._liars import Search

__all__ = ["Word", "decode", "received_word"]

# A row so much larger than as many others as may lie is a lie.
_HUGE = 1e4
# The search looks at projections, in which a miss may seem larger than it is.
_SEARCHED = 10.0
# A miss of so small a part of what is allowed need not be bettered.
_SURE = 0.3
# In parts of the tolerance: how far off the mean may be, and what would make it worthless.
_ACCURACY = 1e5
_WORTHLESS = 1e9
_ROUNDING = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class Word:
    """What was received, rows that say nothing taken out.

    Args:
        code: The code.
        rows: In parts of `unit`; zero in `known`. Shape (n, Q).
        unit: About the size of the numbers that arrived.
        known: Rows that are missing, not finite or huge.
        most: How many of the others may lie for the code to be able to tell which.
        length: The norm of a row.
        tolerance: The root mean square of the parity checks up to which rows are a word,
            in parts of `length`.
    """

    code: BandCode
    rows: Complex
    unit: float
    known: Rows
    most: int
    length: float
    tolerance: float

    @property
    def allowed(self) -> float:
        """How far from a word of the code the rows may be that are heard."""
        return self.tolerance * self.length * float(np.sqrt(self.code.parities))

    def explained(self, out: Rows) -> Fit | None:
        """The fit to all rows but those, if it explains them."""
        if len(out) > len(self.known) + self.most:
            return None
        fit = self.code.fit(self.rows, out)
        return fit if fit.miss <= self.allowed else None

    def doubtful(self, fit: Fit, accused: Rows) -> bool:
        """Whether the mean may be another.

        Args:
            fit: One that explains the rows.
            accused: Rows left out of it that nothing else speaks against.
        """
        if (error := self._error(fit, fit.out)) > _ACCURACY or not len(accused):
            return error > _ACCURACY
        between, along = neighbourhoods(self.code.n, fit.out, accused)
        if not len(between):
            return False
        # Those between may lie instead. Does the mean hang on them?
        instead = np.union1d(fit.out, between)
        error = self._error(fit, instead)
        if not _ACCURACY < error <= _WORTHLESS:
            return error > _WORTHLESS
        errors = np.zeros_like(self.rows)
        errors[along] = self.rows[along] - fit.filled[np.searchsorted(fit.out, along)]
        most = len(self.known) + self.most
        return resembles_a_word(self.code, errors, np.setdiff1d(instead, along), most)

    def _error(self, fit: Fit, out: Rows) -> float:
        """The mean's without those rows, for noise as large as the fit's, in tolerances."""
        seen = (self.code.parities - len(fit.out)) / (self.code.n - len(fit.out))
        noise = max(fit.miss / np.sqrt(seen) / (self.length or 1), _ROUNDING * np.sqrt(self.code.n))
        return self.code.mean_gain(out) * float(noise) / self.tolerance


def received_word(code: BandCode, rows: Complex, absent: Rows, tolerance: float) -> Word | None:
    """The rows as far as they say anything; None if there is too little to check them by.

    The code tells e rows that lie, k others being known to say nothing, if
    2e + k <= n − m. With k = n − m nothing is left that would show e to be 0.

    Args:
        code: The code.
        rows: Shape (n, Q); anything at all in those that are absent.
        absent: The rows that are missing.
        tolerance: As in `Word`.
    """
    sizes = np.maximum(np.abs(rows.real).max(axis=1), np.abs(rows.imag).max(axis=1))
    known = np.union1d(absent, np.flatnonzero(~np.isfinite(sizes)))
    if len(known) >= code.parities:
        return None
    sizes[known] = 0
    # As many as may lie can be larger; one more cannot, unless an honest one is as well.
    unit = float(np.sort(sizes)[::-1][(code.parities - len(known)) // 2])
    known = np.union1d(known, np.flatnonzero(sizes / _HUGE > unit))
    if len(known) >= code.parities:
        return None
    most = (code.parities - len(known)) // 2
    unit = unit or 1.0
    rows = rows / unit
    rows[known] = 0
    length = float(np.sort(np.linalg.norm(rows, axis=1))[::-1][most])
    return Word(code, rows, unit, known, most, length, tolerance)


def decode(word: Word, suspects: Rows, rng: Generator) -> Fit | None:
    """The fit without the rows that lie; None if there is no telling which do.

    Args:
        word: What was received.
        suspects: Rows of the devices that lied in the round before.
        rng: For projections.
    """
    best = None
    for out, accused in _trials(word, suspects, rng):
        fit = word.explained(out)
        if fit is not None and (best is None or fit.miss < best[0].miss):
            best = fit, accused
            if fit.miss <= _SURE * word.allowed:
                break
    if best is None:
        return None
    fit = _readmitted(word, best[0])
    return None if word.doubtful(fit, np.intersect1d(best[1], fit.out)) else fit


def _trials(word: Word, suspects: Rows, rng: Generator) -> Iterator[tuple[Rows, Rows]]:
    """Sets of rows that may be those that lie, and the accused among them."""
    nobody = suspects[:0]
    yield word.known, nobody
    if len(suspects):
        yield np.union1d(word.known, suspects), nobody
    if not word.most:
        return
    rows, width = word.rows, 2 * word.most + 8
    if rows.shape[1] > width:  # as many random projections see all that the columns do
        rows = rows @ (rng.normal(size=(rows.shape[1], width)) / np.sqrt(width))
    search = Search(word.code, rows, _SEARCHED * word.allowed, rng)
    for out in search.sets(word.known, word.most):
        yield out, np.setdiff1d(out, word.known)


def _readmitted(word: Word, fit: Fit) -> Fit:
    """The fit with as few rows left out as explain the others: a row that fits does not lie."""
    apart = fit.deviations(word.rows)[fit.out] / np.maximum(word.code.gains(fit.out), 1)
    fitting = (apart <= _SEARCHED * word.allowed) & ~np.isin(fit.out, word.known)
    order = np.argsort(apart, kind="stable")
    for row in fit.out[order][fitting[order]]:
        fit = word.explained(np.setdiff1d(fit.out, [row])) or fit
    return fit
