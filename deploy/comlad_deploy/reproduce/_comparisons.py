"""Losses of a figure's curves, and numbers made of them that tell whether a paper is right."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Comparison",
    "Losses",
    "Moment",
    "below",
    "gain_grows",
    "gap_grows",
    "less_decrease",
    "missing_decrease",
    "same",
    "within",
]

# A method and its baseline, by the names of their curves.
Pair = tuple[str, str]

Reasons = tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """What the curves of a figure have reached at a round t.

    Args:
        losses: F(x_t) by curve, shape (K,), a number for each seed.
        initial: F(x_0), likewise.
    """

    losses: Mapping[str, NDArray[np.float64]]
    initial: Mapping[str, NDArray[np.float64]]

    def ratio(self, above: str, below: str) -> NDArray[np.float64]:
        """One curve's loss over another's, seed by seed."""
        with np.errstate(all="ignore"):  # a run that diverged has an infinite loss
            return self.losses[above] / self.losses[below]

    def decrease_ratio(self, above: str, below: str) -> NDArray[np.float64]:
        """One curve's F(x_0) − F(x_t) over another's; NaN where that has not come down."""
        first, second = (self.initial[curve] - self.losses[curve] for curve in (above, below))
        with np.errstate(all="ignore"):
            return np.where(second > 0, first / second, np.nan)


@dataclass(frozen=True, slots=True, eq=False)
class Losses:
    """A figure's curves.

    Args:
        marks: The t at which losses are known; the first is 0.
        by_curve: F(x_t), shape (K, len(marks)).
    """

    marks: tuple[int, ...]
    by_curve: Mapping[str, NDArray[np.float64]]

    def at(self, round: int) -> Moment:
        column = self.marks.index(round)
        return Moment(
            {name: losses[:, column] for name, losses in self.by_curve.items()},
            {name: losses[:, 0] for name, losses in self.by_curve.items()},
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """A number of each seed that is below a limit if the paper is right.

    Args:
        what: The number.
        value: How it is computed, shape (K,).
        limit: What it must be below.
        reasons: Why it is not, as far as that is known; shown if it is not.
    """

    what: str
    value: Callable[[Moment], NDArray[np.float64]]
    limit: float = 1.0
    reasons: Reasons = ()


def below(better: str, worse: str, reasons: Reasons = (), what: str = "") -> Comparison:
    """One curve has less loss than another."""
    what = what or f"{better} / {worse}"
    return Comparison(what, lambda moment: moment.ratio(better, worse), 1.0, reasons)


def within(near: str, target: str, excess: float) -> Comparison:
    """One curve's loss exceeds another's by less than so much of it."""
    what = f"{near} / {target}"
    return Comparison(what, lambda moment: moment.ratio(near, target), 1 + excess)


def same(curve: str, target: str, tolerance: float) -> Comparison:
    """One curve's loss is another's but for a part of it."""
    what = f"relative difference of {curve} and {target}"
    return Comparison(what, lambda moment: np.abs(moment.ratio(curve, target) - 1), tolerance)


def missing_decrease(near: str, target: str, part: float, reasons: Reasons = ()) -> Comparison:
    """Of what another curve has come down from F(x_0), less than this part is missing."""

    def value(moment: Moment) -> NDArray[np.float64]:
        return 1 - moment.decrease_ratio(near, target)

    return Comparison(f"share of {target}'s decrease that {near} lacks", value, part, reasons)


def less_decrease(slow: str, fast: str, part: float) -> Comparison:
    """One curve has come down from F(x_0) by less than this part of what another has."""
    what = f"decrease of {slow} / that of {fast}"
    return Comparison(what, lambda moment: moment.decrease_ratio(slow, fast), part)


def gain_grows(more: Pair, less: Pair, reasons: Reasons = (), what: str = "") -> Comparison:
    """The first pair's ratio of losses, method / baseline, is below the second's."""

    def value(moment: Moment) -> NDArray[np.float64]:
        with np.errstate(all="ignore"):
            return moment.ratio(*more) / moment.ratio(*less)

    what = what or f"({' / '.join(more)}) / ({' / '.join(less)})"
    return Comparison(what, value, 1.0, reasons)


def gap_grows(more: Pair, less: Pair, what: str) -> Comparison:
    """The first pair's difference of losses, baseline − method, is more than the second's."""

    def value(moment: Moment) -> NDArray[np.float64]:
        with np.errstate(all="ignore"):
            first, second = (
                moment.losses[worse] - moment.losses[better] for better, worse in (more, less)
            )
            return (second - first) / moment.initial[more[1]]

    return Comparison(what, value, 0.0)
