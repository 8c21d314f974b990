"""Numbers made of traces: what a run ends at, when it is there, and the slopes of lines.

A run that diverges has infinite norms; what is made of them is infinite or 0, never no number.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from comlad_deploy.reproduce._trace import Trace, marks

__all__ = [
    "Line",
    "at_rounds",
    "average",
    "error",
    "fit",
    "floor",
    "geometric",
    "over",
    "spread",
    "start",
]


def start(trace: Trace) -> float:
    """‖∇F‖² at x_0."""
    return float(_squares(trace)[0])


def floor(trace: Trace) -> float:
    """The mean of ‖∇F‖² over the last fifth of the rounds."""
    return _end(_squares(trace))


def error(trace: Trace) -> float:
    """The mean of ‖g_i − ∇f_i‖² over the honest devices and the last fifth of the rounds."""
    return _end(np.array(trace.errors))


def average(trace: Trace) -> float:
    """The mean of ‖∇F‖² over all rounds, which theory bounds: that of a random iterate."""
    assert trace.mean_square is not None  # whoever asks has asked for it
    return trace.mean_square


def at_rounds(values: Sequence[float], rounds: int, low: float, high: float) -> float:
    """The mean of what was recorded from one part of all rounds to another."""
    at = np.array(marks(rounds))
    return float(np.array(values)[(at >= low * rounds) & (at <= high * rounds)].mean())


def over(one: float, other: float) -> float:
    """One / other; of two runs that both diverged it is infinite, as if the first were worse."""
    if math.isinf(one):
        return math.inf
    return one / other if other > 0 else math.inf


def geometric(values: Sequence[float]) -> float:
    """The geometric mean."""
    with np.errstate(divide="ignore"):
        return float(np.exp(np.mean(np.log(values))))


def spread(values: Sequence[float]) -> str:
    """Mean and standard error, as a table has them."""
    mean = float(np.mean(values))
    if len(values) == 1 or not math.isfinite(mean):
        return f"{mean:.2g}"
    return f"{mean:.2g} ± {float(np.std(values, ddof=1)) / math.sqrt(len(values)):.1g}"


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
        residuals = ys - ys.mean() - self.slope * centred
        squares, total = float(residuals @ residuals), float(((ys - ys.mean()) ** 2).sum())
        self.r2 = 1 - squares / total if total else math.nan
        # Of the slope, if the points are off the line by chance.
        self.error = math.sqrt(squares / (len(xs) - 2) / spread) if len(xs) > 2 else math.nan


def fit(x: Sequence[float], y: Sequence[float]) -> Line:
    """The line of the logarithms: y is about a power of x, `slope`."""
    return Line(np.log(x).tolist(), np.log(y).tolist())


def _squares(trace: Trace) -> NDArray[np.float64]:
    return np.array(trace.gradient_norms) ** 2


def _end(values: NDArray[np.float64]) -> float:
    return float(values[-max(1, len(values) // 5) :].mean())
