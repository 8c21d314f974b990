"""Numbers made of traces: what a run ends at, when it is there, and the slopes of lines."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from comlad_deploy.reproduce._trace import Trace, marks

__all__ = ["Line", "at_rounds", "average", "fit", "floor", "start"]

_LAST = 5  # the last fifth


def squares(trace: Trace) -> NDArray[np.float64]:
    """‖∇F(x_t)/N‖² at every mark."""
    return np.array(trace.gradient_norms) ** 2


def start(trace: Trace) -> float:
    """‖∇F(x_0)/N‖²."""
    return float(squares(trace)[0])


def floor(trace: Trace) -> float:
    """The mean of ‖∇F(x_t)/N‖² over the last fifth of the rounds."""
    values = squares(trace)
    return float(values[-max(1, len(values) // _LAST) :].mean())


def average(trace: Trace) -> float:
    """The mean of ‖∇F(x_t)/N‖² over all rounds, which theory bounds: that of a random iterate."""
    return float(squares(trace)[1:].mean())


def at_rounds(trace: Trace, rounds: int, low: float, high: float) -> float:
    """The mean of ‖∇F(x_t)/N‖² from one part of all rounds to another."""
    values, at = squares(trace), np.array(marks(rounds))
    return float(values[(at >= low * rounds) & (at <= high * rounds)].mean())


class Line:
    """A straight line through points, by least squares.

    Args:
        x: Where.
        y: What is there.
    """

    def __init__(self, x: Sequence[float], y: Sequence[float]) -> None:
        xs, ys = np.array(x, float), np.array(y, float)
        centred = xs - xs.mean()
        spread = float(centred @ centred)
        self.slope = float(centred @ ys) / spread
        self.intercept = float(ys.mean()) - self.slope * float(xs.mean())
        residuals = ys - self.intercept - self.slope * xs
        total = float(((ys - ys.mean()) ** 2).sum())
        self.r2 = 1 - float(residuals @ residuals) / total if total else math.nan


def fit(x: Sequence[float], y: Sequence[float]) -> Line:
    """The line of the logarithms: y is about a power of x, `slope`."""
    return Line(np.log(x).tolist(), np.log(y).tolist())
