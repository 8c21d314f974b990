"""What is minimised: F(x) = f_1(x) + … + f_N(x), one f_k for each subset D_k of the data."""

from comlad.parts import Table
from comlad.problems._linear_regression import LinearRegression
from comlad.problems._protocol import Arrays, Data, FlipsLabels, Objective, Problem
from comlad.problems._quadratic import Quadratic
from comlad.problems._softmax_regression import SoftmaxRegression

__all__ = [
    "PROBLEMS",
    "Arrays",
    "Data",
    "FlipsLabels",
    "LinearRegression",
    "Objective",
    "Problem",
    "Quadratic",
    "SoftmaxRegression",
]

PROBLEMS: Table[Problem] = Table(
    "problems",
    {
        "linear-regression": LinearRegression,
        "quadratic": Quadratic,
        "softmax-regression": SoftmaxRegression,
    },
)
